"""Key files, configs, locks, zstd frames and times, as somebody might plant them."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from janitor.model import Lock, Secret, Unreadable
from janitor.restic.compression import MAX_PLAIN, unpack
from janitor.restic.config import VERSIONS, read_config
from janitor.restic.errors import ContentError, Doubtful, Malformed, Unauthenticated
from janitor.restic.key import MAX_MEMORY, MAX_WORK, open_key, order_keys, parse_key
from janitor.restic.lock import read_lock
from janitor.restic.timestamp import parse_time
from tests.forge import PASSWORD, compress, name_of, zstd
from tests.fuzz import seeds
from tests.fuzz.mutations import TIMES, damaged, documents, texts
from tests.fuzz.sentences import check_sentence
from tests.fuzz.target import Target

_CHEAP = 1 << 16
"""N * r * p of a derivation that fuzzing can afford."""


def told(error: Exception) -> None:
    """What a person reads is one printable line, without the secret parts of the file."""
    check_sentence(error)
    assert str(seeds.MASTER["encrypt"]) not in str(error)


# --- key files -------------------------------------------------------------------------------


def check_key(raw: bytes) -> None:
    """A key file is refused in a sentence, or costs no more than the bounds."""
    try:
        key = parse_key(hashlib.sha256(raw).hexdigest(), raw)
    except Malformed as error:
        told(error)
        return
    assert key.memory <= MAX_MEMORY * 1.01
    assert key.n * key.r * key.p <= MAX_WORK
    if key.n * key.r * key.p > _CHEAP:
        return
    try:
        assert len(open_key(key, Secret(PASSWORD)).encrypt) == 32
    except (Malformed, Unauthenticated) as error:
        told(error)


def _with_master(master: bytes) -> bytes:
    return json.dumps(seeds.key_document(master)).encode()


KEYS = st.one_of(
    documents([seeds.KEY], ["scrypt", seeds.KEY["salt"], seeds.KEY["data"], "A" * 88]),
    documents([seeds.MASTER], [seeds.MASTER["encrypt"], "A" * 24]).map(_with_master),
)


def check_hint(value: tuple[list[str], str | None]) -> None:
    """Whatever the names and the hint are, at most twenty keys are tried, each once a listing."""
    names, hint = value
    ordered = order_keys(names, hint)
    assert len(ordered) == min(len(names), 20)
    assert set(ordered) <= set(names)


# --- config and locks ------------------------------------------------------------------------


def check_config(stored: bytes) -> None:
    """A config is known beyond doubt, or nothing in the repository is touched."""
    try:
        config = read_config(stored, seeds.KEYS)
    except ContentError as error:
        told(error)
        return
    assert config.version in VERSIONS
    assert re.fullmatch("[0-9a-f]{64}", config.id)


@st.composite
def _boxes(draw: st.DrawFn, plain: st.SearchStrategy[bytes]) -> bytes:
    box = seeds.sealed(draw(plain))
    return draw(damaged(box)) if draw(st.integers(0, 9)) == 0 else box


def check_lock(value: tuple[bytes, int]) -> None:
    """A lock is read beyond doubt, as any other JSON reader would, or it is unreadable."""
    stored, version = value
    content = read_lock(name_of(stored), stored, seeds.KEYS, version)
    if isinstance(content, Unreadable):
        assert content.reason.isprintable(), content.reason
        assert len(content.reason) < 400
        return
    (content.hostname + content.username).encode()
    assert content.time.utcoffset() == timedelta(0)
    _agree(content, _document_in(stored, version))


def _document_in(stored: bytes, version: int) -> Any:
    """What Python's own JSON reader finds in the lock, with the frames joined another way."""
    plain = bytes(_keystream(stored))
    if version == 2 and plain[:1] == b"\x02":
        plain = b"".join(_frames(plain[1:]))
    return json.loads(plain.decode("utf-8"))


def _keystream(stored: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES(seeds.KEYS.encrypt), modes.CTR(stored[:16])).encryptor()
    return cipher.update(stored[16:-16])


def _frames(packed: bytes) -> list[bytes]:
    parts = []
    while packed:
        frame = zstd.ZstdDecompressor()
        parts.append(frame.decompress(packed))
        packed = frame.unused_data
    return parts


def _agree(content: Lock, document: Any) -> None:
    """Of a name that comes twice the last counts, for every reader, restic's included."""
    assert content.hostname == document.get("hostname", "")
    assert content.exclusive is document.get("exclusive", False)
    assert content.pid == document.get("pid", 0)
    assert content.time == parse_time(document["time"])


_PLAIN_LOCKS = documents([seeds.LOCK], [seeds.HOST, seeds.LOCK_TIME])


def _packed(plain: bytes) -> bytes:
    return b"\x02" + compress(plain)


LOCKS = st.tuples(
    _boxes(
        st.one_of(
            _PLAIN_LOCKS,
            _PLAIN_LOCKS.map(_packed),
            _PLAIN_LOCKS.map(_packed).flatmap(damaged),
            st.lists(_PLAIN_LOCKS, max_size=3).map(
                lambda parts: b"\x02" + b"".join(map(compress, parts))
            ),
        )
    ),
    st.sampled_from([1, 2]),
)


# --- frames and times ------------------------------------------------------------------------


def _skippable(content: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


_DICTIONARY = zstd.ZstdDict(b"hostname" * 40, is_raw=True)
_FRAMES = (
    compress(b""),
    compress(json.dumps(seeds.LOCK).encode()),
    compress(b"{" + b" " * 70_000),
    compress(bytes(2**21)),
    zstd.compress(b"{}" * 40, options={zstd.CompressionParameter.checksum_flag: 1}),
    zstd.compress(b"hostname" * 9, zstd_dict=_DICTIONARY),
    zstd.compress(b"{}", options={zstd.CompressionParameter.window_log: 27}),
    _skippable(b""),
    _skippable(b"a" * 20),
    bytes.fromhex("28b52ffd00a81100007b7d"),  # a window of 2 GiB
    bytes.fromhex("28b52ffde000000000010000001100007b7d"),  # claims 4 GiB
)
_LEGACY = b"\x25\xb5\x2f\xfd" + bytes(20)
"""What zstd 0.5 wrote."""


def check_frames(packed: bytes) -> None:
    """Frames inflate to at most the bound, or are refused in a clause."""
    try:
        plain = unpack(b"\x02" + packed, 2)
    except Malformed as error:
        told(error)
        return
    assert len(plain) <= MAX_PLAIN


FRAMES = (
    st.lists(st.sampled_from([*_FRAMES, _LEGACY]), min_size=1, max_size=10)
    .map(b"".join)
    .flatmap(lambda raw: st.just(raw) | damaged(raw))
)


def check_time(text: str) -> None:
    """A time is that which Python's reader finds, or none."""
    try:
        time = parse_time(text)
    except Doubtful as error:
        told(error)
        return
    cut = re.sub(r"(\.\d{1,6})\d*", r"\1", text)
    fraction = re.search(r"\.(\d+)", cut)
    if fraction:
        cut = cut.replace(fraction[0], f".{fraction[1]:0<6}")
    assert time == datetime.fromisoformat(cut)
    assert time.utcoffset() == timedelta(0)


_TOKENS = (
    "0",
    "9",
    "60",
    "Z",
    "z",
    "+",
    "-",
    "\u2212",
    ":",
    ".",
    "T",
    "t",
    "٣",
    "٠٩",
    "+00:00",
    "e9",
)

TARGETS = (
    Target("key", KEYS, check_key),
    Target(
        "key-hint",
        st.tuples(
            st.lists(st.sampled_from(seeds.IDS) | st.text(max_size=5), max_size=30),
            st.none() | st.text(max_size=3) | st.sampled_from([seeds.IDS[0][:6], "6"]),
        ),
        check_hint,
        examples=50,
    ),
    Target("config", _boxes(documents([seeds.CONFIG], [seeds.IDS[0]])), check_config),
    Target("lock", LOCKS, check_lock, examples=400),
    Target("frames", FRAMES, check_frames),
    Target("time", texts([seeds.LOCK_TIME, *TIMES], _TOKENS), check_time, examples=400),
)
