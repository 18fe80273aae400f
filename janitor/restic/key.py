"""Key files: from a password to the repository's own keys.

`keys/<SHA-256 of the file>` is plain JSON: scrypt's parameters, and a box (`data`) that holds the
repository's keys. Whoever can write to the repository can write a key file, so its parameters are
bounded before they cost memory or time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from janitor.model import Secret
from janitor.restic.crypto import SealKeys, open_box
from janitor.restic.errors import Malformed, Unauthenticated

MAX_MEMORY: Final = 256 * 1024 * 1024
"""Bytes that scrypt's big table may take. restic's calibration stays below 60 MiB."""
MAX_R: Final = 64
MAX_P: Final = 64
MAX_WORK: Final = 32768 * 8 * 64
"""Bound of N * r * p: 64 times the cheapest key that restic makes (N=32768, r=8, p=1: 64 ms).
restic raises p until a key takes half a second on the machine that makes it: 1 to about 10."""
MAX_KEYS: Final = 20
"""How many keys restic tries with one password."""
_SALT_SIZE: Final = 64


class KeyFile(msgspec.Struct, frozen=True, rename={"n": "N"}):
    """The fields of a key file that are needed to open it; all else in it is ignored."""

    kdf: str
    n: int
    r: int
    p: int
    salt: bytes
    data: bytes

    @property
    def memory(self) -> int:
        """Bytes that one derivation needs."""
        return 128 * self.r * (self.n + self.p + 2)


class _Code(msgspec.Struct, frozen=True):
    k: bytes
    r: bytes


class _MasterKey(msgspec.Struct, frozen=True):
    mac: _Code
    encrypt: bytes


# Made at import: two threads that use a type of msgspec for the first time may crash Python.
_decode_key: Final = msgspec.json.Decoder(KeyFile).decode
_decode_master: Final = msgspec.json.Decoder(_MasterKey).decode


def parse_key(name: str, raw: bytes) -> KeyFile:
    """Reads and bounds one key file. `name` is its name in the repository.

    Raises Malformed with a sentence; the caller tries the next key.
    """
    if hashlib.sha256(raw).hexdigest() != name:
        raise Malformed(f"The key file {name[:8]} is damaged: its SHA-256 is not its name.")
    try:
        key = _decode_key(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Malformed(f"The key file {name[:8]} is not the JSON that restic writes.") from None
    if fault := _fault(key):
        raise Malformed(f"The key file {name[:8]} is not used: {fault}.")
    return key


def _fault(key: KeyFile) -> str | None:
    if key.kdf != "scrypt":
        return "its kdf is not scrypt"
    if len(key.salt) != _SALT_SIZE:
        return "its salt has not 64 bytes"
    if key.n < 2 or key.n & (key.n - 1):  # noqa: PLR2004 - scrypt's own lower bound
        return "its N is not a power of two"
    if not (1 <= key.r <= MAX_R and 1 <= key.p <= MAX_P):
        return f"its r or p is not between 1 and {MAX_R}"
    if 128 * key.n * key.r > MAX_MEMORY:
        return "one derivation would take more than 256 MiB"
    if key.n >= 1 << (16 * key.r):
        return "its N is too large for its r"  # RFC 7914; OpenSSL refuses it too
    if key.n * key.r * key.p > MAX_WORK:
        return "one derivation would take 64 times the work of a usual key, or more"
    return None


def open_key(key: KeyFile, password: Secret) -> SealKeys:
    """The repository's own keys. Takes `key.memory` bytes and tens to hundreds of milliseconds,
    without the GIL.

    Raises Unauthenticated where the password does not fit this key, Malformed where it fits and
    holds nothing usable.
    """
    scrypt = Scrypt(salt=key.salt, length=64, n=key.n, r=key.r, p=key.p)
    derived = scrypt.derive(password.encode())
    try:
        plain = open_box(SealKeys(derived[:32], derived[32:48], derived[48:]), key.data)
    except Unauthenticated:
        raise Unauthenticated("The password does not fit this key.") from None
    except Malformed as error:
        raise Malformed(f"The key file is damaged: {error}.") from None
    try:
        master = _decode_master(plain)
        return SealKeys(encrypt=master.encrypt, k=master.mac.k, r=master.mac.r)
    except (msgspec.DecodeError, UnicodeError, RecursionError, Malformed):
        raise Malformed("The key file opens, but holds no keys of a repository.") from None


def order_keys(names: Iterable[str], hint: str | None) -> tuple[str, ...]:
    """The key files to try, in order: the hinted one, then by name, at most 20.

    `hint` is RESTIC_KEY_HINT: the beginning of one key's name. As with restic, a hint that fits
    no key, or several, counts for nothing, and a hinted key that does not open is no failure.
    """
    ordered = sorted(names)
    hinted = [name for name in ordered if hint and name.startswith(hint)]
    if len(hinted) == 1:
        ordered.sort(key=lambda name: name != hinted[0])
    return tuple(ordered[:MAX_KEYS])
