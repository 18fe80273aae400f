"""restic's sealed boxes: `IV(16) || AES-256-CTR ciphertext || Poly1305-AES code(16)`.

Everything in a repository except `keys/*` is such a box. Upstream describes it in the chapter
"References / Design" of restic's documentation; the code is its `internal/crypto`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from janitor.restic.errors import Malformed, Unauthenticated

IV_SIZE: Final = 16
MAC_SIZE: Final = 16
SMALLEST_BOX: Final = IV_SIZE + MAC_SIZE


@dataclass(frozen=True, slots=True)
class SealKeys:
    """The three keys that open a box: the repository's own, or the ones made of a password.

    Raises Malformed where a key has a wrong size or is all zero, which restic refuses as well.
    """

    encrypt: bytes = field(repr=False)
    """32 bytes, for AES-256-CTR."""
    k: bytes = field(repr=False)
    """16 bytes, for the AES-128 that turns the IV into a one-time pad."""
    r: bytes = field(repr=False)
    """16 bytes, Poly1305's multiplier; the library clamps it."""

    def __post_init__(self) -> None:
        if (len(self.encrypt), len(self.k), len(self.r)) != (32, 16, 16):
            raise Malformed("its key has a wrong size")
        if not (any(self.encrypt) and any(self.k) and any(self.r)):
            raise Malformed("its key is all zero, which restic refuses")


def open_box(keys: SealKeys, box: bytes) -> bytes:
    """The plain bytes in a box. The code is verified before anything is decrypted.

    Raises Malformed for less than 32 bytes or an all-zero IV, Unauthenticated where the code
    does not fit the keys.
    """
    if len(box) < SMALLEST_BOX:
        raise Malformed(f"it has {len(box)} bytes, where 32 are the least")
    iv, ciphertext, code = box[:IV_SIZE], box[IV_SIZE:-MAC_SIZE], box[-MAC_SIZE:]
    if not any(iv):
        raise Malformed("its IV is all zero, which restic refuses")
    try:
        Poly1305.verify_tag(_one_time_key(keys, iv), ciphertext, code)
    except InvalidSignature:
        raise Unauthenticated("its authentication code does not fit the key") from None
    decryptor = Cipher(algorithms.AES(keys.encrypt), modes.CTR(iv)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


def _one_time_key(keys: SealKeys, iv: bytes) -> bytes:
    """Poly1305's key for this IV: `r || AES-128(k, IV)`, a single block, hence "ECB"."""
    encryptor = Cipher(algorithms.AES(keys.k), modes.ECB()).encryptor()  # noqa: S305
    return keys.r + encryptor.update(iv) + encryptor.finalize()
