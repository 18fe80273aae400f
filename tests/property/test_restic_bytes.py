"""Laws about restic's bytes, whatever they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from janitor.model import Lock, LockID, Secret, Unreadable
from janitor.restic.compression import MAX_PLAIN
from janitor.restic.config import read_config
from janitor.restic.crypto import SealKeys, open_box
from janitor.restic.errors import ContentError, Malformed, Unauthenticated
from janitor.restic.key import MAX_MEMORY, MAX_WORK, open_key, parse_key
from janitor.restic.lock import read_lock
from tests.forge import compress, forge_key, forge_keys, forge_lock, name_of, seal

PATIENT = settings(deadline=None)
"""A busy machine is no failure."""
KEYS = forge_keys()
VERSIONS = st.sampled_from([1, 2])
STORED = {version: forge_lock(KEYS, version=version) for version in (1, 2)}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["time", "exclusive", "hostname", "username", "pid", "uid", "gid", "Time", "x"]
NEARLY_LOCKS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9).map(json.dumps)


def check_printable(content: Lock | Unreadable) -> None:
    """Whatever was read can be written to a log."""
    repr(content).encode()
    if isinstance(content, Lock):
        (content.hostname + content.username).encode()
        assert content.time.utcoffset() == timedelta(0)
    else:
        assert content.reason.isprintable()


@PATIENT
@given(raw=st.binary(max_size=300), version=VERSIONS)
def test_bytes_that_the_key_did_not_seal_are_never_a_lock(raw: bytes, version: int) -> None:
    """Read nothing that is not authentic; raise for nothing."""
    assert isinstance(read_lock(name_of(raw), raw, KEYS, version), Unreadable)


@PATIENT
@given(raw=st.binary(max_size=300))
def test_bytes_that_the_key_did_not_seal_never_open(raw: bytes) -> None:
    """Boxes, configs and key files of any bytes raise one of two errors and nothing else."""
    with pytest.raises((Malformed, Unauthenticated)):
        open_box(KEYS, raw)
    with pytest.raises(ContentError):
        read_config(raw, KEYS)
    with pytest.raises(Malformed):
        parse_key(name_of(raw), raw)


@PATIENT
@given(plain=st.binary(max_size=400), version=VERSIONS)
@example(plain=b"\x02", version=2)
@example(plain=b"\x02" + compress(b"\xff"), version=2)
def test_authentic_bytes_of_any_content_never_raise(plain: bytes, version: int) -> None:
    """Whoever holds the key may write anything: it stays one unreadable lock."""
    stored = seal(KEYS, plain)
    check_printable(read_lock(name_of(stored), stored, KEYS, version))


@PATIENT
@given(text=NEARLY_LOCKS, version=VERSIONS)
def test_authentic_json_of_any_shape_never_raises(text: str, version: int) -> None:
    """Surrogates, huge numbers, NaN and wrong types included."""
    stored = forge_lock(KEYS, version=version, raw_json=text)
    check_printable(read_lock(name_of(stored), stored, KEYS, version))


@PATIENT
@given(plain=st.binary(min_size=1, max_size=400), data=st.data())
def test_what_was_sealed_opens_with_its_keys_only(plain: bytes, data: Any) -> None:
    """open(seal(x)) is x; any other key refuses. (r counts for nothing in an empty box.)"""
    box = seal(KEYS, plain)
    assert open_box(KEYS, box) == plain
    which = data.draw(st.sampled_from(["k", "r"]))
    fields = {"encrypt": KEYS.encrypt, "k": KEYS.k, "r": KEYS.r} | {which: b"\x01" * 16}
    with pytest.raises(Unauthenticated):
        open_box(SealKeys(**fields), box)


@pytest.mark.parametrize("version", [1, 2])
def test_every_flipped_bit_makes_a_lock_unreadable(version: int) -> None:
    """Under its old name by the SHA-256, under its new name by the code."""
    stored = STORED[version]
    lock = name_of(stored)
    assert isinstance(read_lock(lock, stored, KEYS, version), Lock)
    for bit in range(len(stored) * 8):
        flipped = bytearray(stored)
        flipped[bit // 8] ^= 1 << bit % 8
        raw = bytes(flipped)
        for name in (lock, name_of(raw)):
            assert isinstance(read_lock(name, raw, KEYS, version), Unreadable), bit


@PATIENT
@given(length=st.integers(0, len(STORED[2]) - 1))
def test_every_truncated_lock_is_unreadable(length: int) -> None:
    """Under either name."""
    raw = STORED[2][:length]
    for name in (name_of(STORED[2]), name_of(raw)):
        assert isinstance(read_lock(name, raw, KEYS, 2), Unreadable)


@PATIENT
@given(raw=st.binary(max_size=64), name=st.text(max_size=80))
def test_a_name_that_is_not_the_hash_is_never_a_lock(raw: bytes, name: str) -> None:
    """A lock under a wrong name could be deleted in another's place."""
    assert isinstance(read_lock(LockID(name), raw, KEYS, 2), Unreadable)


@PATIENT
@given(
    instant=st.datetimes(
        datetime(2, 1, 1),
        datetime(9998, 12, 31),
        timezones=st.just(UTC),
    ),
    minutes=st.integers(-(23 * 60 + 59), 23 * 60 + 59),
    nanoseconds=st.integers(0, 999),
    digits=st.integers(0, 9),
)
def test_any_offset_and_fraction_yields_the_same_instant(
    instant: datetime, minutes: int, nanoseconds: int, digits: int
) -> None:
    """A zone or a precision never makes a lock older than a microsecond more than it is."""
    local = instant + timedelta(minutes=minutes)
    fraction = f"{instant.microsecond:06d}{nanoseconds:03d}"[:digits]
    hours, rest = divmod(abs(minutes), 60)
    offset = f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
    text = f"{local.year:04d}-{local:%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}{offset}"
    stored = forge_lock(KEYS, time=text)
    expected = instant.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    content = read_lock(name_of(stored), stored, KEYS, 2)
    assert isinstance(content, Lock)
    assert content.time == expected


@PATIENT
@given(n=st.integers(), r=st.integers(), p=st.integers())
@example(n=2**18, r=8, p=1)
@example(n=2**15, r=8, p=64)
@example(n=2, r=64, p=64)
@example(n=2, r=2**31, p=1)
@example(n=2**15, r=8, p=2**40)
def test_no_key_that_is_accepted_costs_more_than_the_bounds(n: int, r: int, p: int) -> None:
    """A hostile key file must not eat the memory or the time of a sweep."""
    document = json.loads(forge_key(KEYS)) | {"N": n, "r": r, "p": p}
    raw = json.dumps(document).encode()
    try:
        key = parse_key(name_of(raw), raw)
    except Malformed:
        return
    assert key.memory < MAX_MEMORY * 1.01
    assert key.n * key.r * key.p <= MAX_WORK


@settings(deadline=None, max_examples=25)
@given(power=st.integers(1, 15), r=st.integers(1, 8), p=st.integers(1, 3))
def test_every_key_that_is_accepted_can_be_derived(power: int, r: int, p: int) -> None:
    """No bound is wider than what the library takes: else the sweep would meet its error."""
    stored = forge_key(KEYS, N=2**power, r=r, p=p)
    try:
        key = parse_key(name_of(stored), stored)
    except Malformed:
        assert 2**power >= 2 ** (16 * r)
        return
    with pytest.raises(Unauthenticated):  # it was sealed with other parameters
        open_key(key, Secret("another"))


@PATIENT
@given(size=st.integers(MAX_PLAIN - 3, MAX_PLAIN + 3))
def test_the_bound_of_inflating_is_exact(size: int) -> None:
    """Up to it a lock is read; beyond it, nothing is."""
    head = b'{"time":"2026-11-24T01:02:03Z","x":"'
    text = head + b"x" * (size - len(head) - 2) + b'"}'
    stored = forge_lock(KEYS, raw_json=text)
    content = read_lock(name_of(stored), stored, KEYS, 2)
    assert isinstance(content, Lock) == (size <= MAX_PLAIN)
