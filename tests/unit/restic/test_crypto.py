"""Boxes: known answers, and what is refused."""

from __future__ import annotations

import pytest

from janitor.restic.crypto import SealKeys, open_box
from janitor.restic.errors import Malformed, Unauthenticated
from tests.forge import forge_keys, seal

# The examples in D. J. Bernstein's "The Poly1305-AES message-authentication code", appendix B:
# message, k, r, nonce, code.
VECTORS = [
    (
        "f3f6",
        "ec074c835580741701425b623235add6",
        "851fc40c3467ac0be05cc20404f3f700",
        "fb447350c4e868c52ac3275cf9d4327e",
        "f4c633c3044fc145f84f335cb81953de",
    ),
    (
        "",
        "75deaa25c09f208e1dc4ce6b5cad3fbf",
        "a0f3080000f46400d0c7e9076c834403",
        "61ee09218d29b0aaed7e154a2c5509cc",
        "dd3fab2251f11ac759f0887129cc2ee7",
    ),
    (
        "663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136",
        "6acb5f61a7176dd320c5c1eb2edcdc74",
        "48443d0bb0d21109c89a100b5ce2c208",
        "ae212a55399729595dea458bc621ff0e",
        "0ee1c16bb73f0f4fd19881753c01cdbe",
    ),
]


@pytest.mark.parametrize(("message", "k", "r", "nonce", "code"), VECTORS)
def test_the_code_is_poly1305_aes(message: str, k: str, r: str, nonce: str, code: str) -> None:
    """Else no box of restic would open, or boxes would open that should not."""
    keys = SealKeys(b"\x01" * 32, bytes.fromhex(k), bytes.fromhex(r))
    box = bytes.fromhex(nonce + message + code)
    assert len(open_box(keys, box)) == len(message) // 2
    with pytest.raises(Unauthenticated):
        open_box(keys, box[:-1] + bytes([box[-1] ^ 1]))


def test_nothing_is_decrypted_before_the_code_fits() -> None:
    """Else altered bytes would be read as if restic had written them."""
    keys = forge_keys()
    box = seal(keys, b"plain")
    with pytest.raises(Unauthenticated):
        open_box(forge_keys(), box)
    with pytest.raises(Unauthenticated):
        open_box(SealKeys(keys.encrypt, forge_keys().k, keys.r), box)


@pytest.mark.parametrize("length", [0, 1, 16, 31])
def test_less_than_an_iv_and_a_code_is_refused(length: int) -> None:
    """Else slices of short files would overlap and mean nothing."""
    with pytest.raises(Malformed, match=f"it has {length} bytes"):
        open_box(forge_keys(), b"x" * length)


def test_an_all_zero_iv_is_refused() -> None:
    """restic refuses it, so it did not write it."""
    keys = forge_keys()
    with pytest.raises(Malformed, match="IV is all zero"):
        open_box(keys, seal(keys, b"plain", iv=bytes(16)))


@pytest.mark.parametrize("sizes", [(31, 16, 16), (32, 15, 16), (32, 16, 17)])
def test_keys_have_their_sizes(sizes: tuple[int, int, int]) -> None:
    """Else a short key would make a weak or failing cipher."""
    with pytest.raises(Malformed, match="wrong size"):
        SealKeys(*(b"\x01" * size for size in sizes))


def test_an_all_zero_key_is_refused() -> None:
    """restic refuses it too: with it anybody could seal a lock."""
    with pytest.raises(Malformed, match="all zero"):
        SealKeys(b"\x01" * 32, bytes(16), b"\x01" * 16)


def test_keys_do_not_print() -> None:
    """Else the repository's keys would end up in a log."""
    assert repr(SealKeys(b"e" * 32, b"k" * 16, b"r" * 16)) == "SealKeys()"
