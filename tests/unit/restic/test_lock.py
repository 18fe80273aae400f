"""Locks: what is read, and the sentence for everything that is not.

What restic does with each of these was tried with restic 0.14 and 0.19 (`restic cat lock`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from janitor.model import Lock, LockID, Unreadable
from janitor.restic.crypto import SealKeys
from janitor.restic.lock import read_lock
from tests.forge import TIME, compress, forge_keys, forge_lock, name_of, seal

KEYS = forge_keys()
STAMP = '"time":"2026-11-24T01:02:03Z"'


def read(stored: bytes, version: int = 2, keys: SealKeys = KEYS) -> Lock | Unreadable:
    return read_lock(name_of(stored), stored, keys, version)


def read_json(text: str | bytes, version: int = 2) -> Lock | Unreadable:
    return read(forge_lock(KEYS, version=version, raw_json=text), version)


def reason(content: Lock | Unreadable) -> str:
    assert isinstance(content, Unreadable)
    assert content.reason.endswith(".")
    assert content.reason.count(". ") == 0, "one sentence"
    return content.reason


@pytest.mark.parametrize(("version", "compressed"), [(1, False), (2, True), (2, False)])
def test_all_fields_are_read_however_it_is_packed(version: int, compressed: bool) -> None:
    """Else locks of one format, or raw JSON in version 2, would be unreadable."""
    stored = forge_lock(
        KEYS,
        version=version,
        compressed=compressed,
        hostname="db-0",
        username="app",
        pid=7,
        uid=1000,
        gid=2**32 - 1,
        exclusive=True,
    )
    assert read(stored, version) == Lock(TIME, True, "db-0", "app", 7, 1000, 2**32 - 1)


def test_absent_fields_are_what_restic_makes_of_them() -> None:
    """restic leaves out uid and gid 0; older ones may lack more."""
    assert read_json(f"{{{STAMP}}}") == Lock(TIME, False, "", "", 0, 0, 0)


@pytest.mark.parametrize(
    "hostname", ["", "ábc", "\U0001f600", "a\x00b", "x\n\x1b[31m", "../..", "h" * 1024, "\ufffd"]
)
def test_a_hostname_is_kept_as_it_is(hostname: str) -> None:
    """Else two hosts could become one, or a holder be looked for under another name."""
    content = read(forge_lock(KEYS, hostname=hostname))
    assert isinstance(content, Lock)
    assert content.hostname == hostname


def test_of_two_equal_fields_the_last_counts_as_with_restic() -> None:
    """Else the janitor and restic would see different holders."""
    content = read_json(f'{{{STAMP},"hostname":"a","hostname":"b"}}')
    assert isinstance(content, Lock)
    assert content.hostname == "b"


def test_unknown_fields_are_ignored() -> None:
    """Else a field that a later restic adds would make every lock unreadable."""
    assert isinstance(read(forge_lock(KEYS, later={"a": [1, None]})), Lock)


def test_an_empty_file_says_that_restic_ignores_it() -> None:
    """Whatever its name: it blocks nobody since restic 0.15.1."""
    expected = Unreadable(
        "It is empty, an upload that was cut off; restic 0.15.1 and later ignore it."
    )
    assert read(b"") == expected
    assert read_lock(LockID("0" * 64), b"", KEYS, 2) == expected


BLOCKS = "; restic 0.15 and later cannot lock the repository while it is there."
REFUSED_BY_RESTIC = [
    (b"x" * 16, "It has 16 bytes, where 32 are the least"),
    (b"x" * 31, "It has 31 bytes, where 32 are the least"),
    (b"x" * 99, "Its authentication code does not fit the repository's key"),
    (forge_lock(forge_keys()), "Its authentication code does not fit the repository's key"),
    (seal(KEYS, b"{}", iv=bytes(16)), "Its IV is all zero, which restic refuses"),
    (seal(KEYS, b"\x03{}"), "It begins with byte 3, a packing that restic does not know"),
    (seal(KEYS, b" {}"), "It begins with byte 32, a packing that restic does not know"),
    (seal(KEYS, b""), "Its content is not valid JSON"),
    (seal(KEYS, b"\x02"), "Its content is not valid JSON"),
    (forge_lock(KEYS, raw_json='{"time":"2026-11'), "Its content is not valid JSON"),
    (forge_lock(KEYS, raw_json='{"time":NaN}'), "Its content is not valid JSON"),
    (forge_lock(KEYS, raw_json=f"{{{STAMP}}}x"), "Its content is not valid JSON"),
    (seal(KEYS, b"\x02" + compress(b"{}")[:-1]), "Its compressed content is cut off"),
    (seal(KEYS, b"\x02not zstd"), "Its compressed content is damaged"),
    (seal(KEYS, b"\x02" + compress(b"{}") + b"xx"), "Its compressed content is "),
]


@pytest.mark.parametrize(
    ("stored", "clause"),
    REFUSED_BY_RESTIC,
    ids=[f"{number}: {clause}" for number, (_, clause) in enumerate(REFUSED_BY_RESTIC)],
)
def test_what_restic_refuses_says_that_it_blocks(stored: bytes, clause: str) -> None:
    """Else a person would not learn that this lock stops every backup."""
    told = reason(read(stored))
    assert told.startswith(clause)
    assert told.endswith(BLOCKS)


def test_altered_bytes_are_told_before_anything_is_opened() -> None:
    """The name is the SHA-256: a truncated upload is not a wrong key."""
    stored = forge_lock(KEYS)
    told = reason(read_lock(name_of(stored), stored[:-1], KEYS, 2))
    assert told == f"Its SHA-256 is not its name, so it is truncated or altered{BLOCKS}"


def test_less_than_an_iv_says_that_restic_crashes() -> None:
    """Else a person who meets restic's panic would not find this file."""
    assert reason(read(b"12345")) == "It has 5 bytes; restic up to 0.19.1 crashes when it reads it."


DEEP = "[" * 20000 + "]" * 20000


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("[]", "Its JSON is not a lock (Expected `object`, got `array`)."),
        ("{}", "It has no time, which restic takes for the year 1."),
        ('{"time":"0001-01-01T00:00:00Z"}', "It has no time, which restic takes for the year 1."),
        ('{"time":null}', "Its JSON is not a lock (Expected `str`, got `null`"),
        ('{"time":1764000000}', "Its JSON is not a lock (Expected `str`, got `int`"),
        (f'{{{STAMP},"pid":"1"}}', "Its JSON is not a lock (Expected `int`, got `str`"),
        (f'{{{STAMP},"pid":1.0}}', "Its JSON is not a lock (Expected `int`, got `float`"),
        (f'{{{STAMP},"pid":{2**63}}}', "Its JSON is not a lock ("),
        (f'{{{STAMP},"uid":-1}}', "Its JSON is not a lock (Expected `int` >= 0"),
        (f'{{{STAMP},"gid":{2**32}}}', "Its JSON is not a lock ("),
        (f'{{{STAMP},"exclusive":1}}', "Its JSON is not a lock (Expected `bool`, got `int`"),
        (f'{{{STAMP},"exclusive":"no"}}', "Its JSON is not a lock (Expected `bool`"),
        (f'{{{STAMP},"hostname":null}}', "Its JSON is not a lock (Expected `str`, got `null`"),
        (f'{{{STAMP},"hostname":["a"]}}', "Its JSON is not a lock (Expected `str`, got `array`"),
        (f'{{{STAMP},"hostname":"{"h" * 1025}"}}', "Its JSON is not a lock (Expected `str` of len"),
        (f'{{{STAMP},"x":{DEEP}}}', "Its JSON is nested too deeply."),
        (b'{"hostname":"a\xffb",' + STAMP.encode() + b"}", "Its content is not UTF-8."),
        (b'{"\xed\xa0\x80":1,' + STAMP.encode() + b"}", "Its content is not UTF-8."),
        (f'{{{STAMP},"hostname":"\\ud800"}}', "Its content is not valid JSON"),
        (f'{{{STAMP},"hostname":"\\udc00x"}}', "Its content is not valid JSON"),
    ],
)
def test_what_restic_never_writes_is_kept_as_unreadable(text: str | bytes, clause: str) -> None:
    """Else a doubtful lock would be judged by what was guessed into it."""
    assert reason(read_json(text)).startswith(clause)
    assert reason(read_json(text, version=1)).startswith(clause)


def test_version_1_is_never_decompressed() -> None:
    """restic does not, so bytes that inflate to a lock are none there."""
    stored = forge_lock(KEYS, version=1, compressed=True)
    assert isinstance(read(stored, 2), Lock)
    assert reason(read(stored, 1)).startswith("Its content is not valid JSON")


def test_frames_are_joined_as_restics_decoder_does() -> None:
    """Else the janitor and restic would read different locks from the same bytes."""
    skippable = b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab"
    parts = compress(f"{{{STAMP},".encode()), skippable, compress(b'"hostname":"joined"}')
    content = read(seal(KEYS, b"\x02" + b"".join(parts)))
    assert isinstance(content, Lock)
    assert content.hostname == "joined"


def test_a_million_empty_frames_cost_nothing() -> None:
    """Else one lock could hold the sweep for minutes."""
    plain = b"\x02" + compress(b"") * 100_000
    assert reason(read(seal(KEYS, plain))) == (
        "It has more than 8 compressed frames: restic writes one."
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T01:02:03Z", TIME),
        ("2026-11-24T01:02:03.5Z", TIME.replace(microsecond=500000)),
        ("2026-11-24T01:02:03.000001999Z", TIME.replace(microsecond=1)),
        ("2026-11-24T06:32:03.123456789+05:30", TIME.replace(microsecond=123456)),
        ("2026-11-23T15:02:03-10:00", TIME),
        ("2026-11-24T01:02:03-00:00", TIME),
        ("2026-11-25T01:01:03+23:59", TIME),
        ("2024-02-29T00:00:00+14:00", datetime(2024, 2, 28, 10, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:01Z", datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
)
def test_times_are_converted_to_utc(text: str, expected: datetime) -> None:
    """Else a lock of another zone would be hours too old or too young."""
    content = read_json(f'{{"time":"{text}"}}')
    assert isinstance(content, Lock)
    assert content.time == expected
    assert content.time.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-24",
        "2026-11-24 01:02:03Z",
        "2026-11-24t01:02:03z",
        "2026-11-24T01:02:03",
        "2026-11-24T01:02:03+0530",
        "2026-11-24T01:02:03.Z",
        "2026-11-24T01:02:03,5Z",
        "2026-11-24T01:02:03.0123456789Z",
        "2026-11-24T01:02Z",
        "+2026-11-24T01:02:03Z",
        "٢٠٢٦-11-24T01:02:03Z",
        " 2026-11-24T01:02:03Z",
        "2026-11-24T01:02:03Z\\n",
    ],
)
def test_other_spellings_of_time_are_unreadable(text: str) -> None:
    """Else a guess would decide how old a lock is."""
    told = reason(read_json(f'{{"time":"{text}"}}'))
    assert told.endswith("is not of RFC 3339.")
    assert told.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T23:59:60Z",
        "2026-11-24T01:02:03+24:00",
        "2026-11-24T01:02:03+01:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_times_that_do_not_exist_are_unreadable(text: str) -> None:
    """Else an overflow would end the sweep with a traceback."""
    assert reason(read_json(f'{{"time":"{text}"}}')) == (
        f"Its time '{text}' does not exist in the years 1 to 9999."
    )


def test_a_reason_quotes_nothing_that_could_harm_a_terminal() -> None:
    """A lock's content may hold control characters; the reason is printed."""
    fields: dict[str, Any] = {"time": "\x1b[2J" * 50}
    told = reason(read(forge_lock(KEYS, **fields)))
    assert told.isprintable()
    assert len(told) < 250
