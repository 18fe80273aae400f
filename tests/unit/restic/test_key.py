"""Key files: what is opened, what is refused before it costs anything, and in which order."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from janitor.model import Secret
from janitor.restic.crypto import SealKeys
from janitor.restic.errors import Malformed, Unauthenticated
from janitor.restic.key import MAX_MEMORY, open_key, order_keys, parse_key
from tests.forge import forge_key, forge_keys, name_of, seal


def parsed(stored: bytes) -> Any:
    return parse_key(name_of(stored), stored)


def test_a_key_opens_with_its_password_only() -> None:
    """Else a wrong password would not be told, or the right one would not serve."""
    keys = forge_keys()
    key = parsed(forge_key(keys, "correct horse"))
    assert open_key(key, Secret("correct horse")) == keys
    with pytest.raises(Unauthenticated, match="The password does not fit this key") as raised:
        open_key(key, Secret("correct horse\n"))
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("password", [b"test\n", b"\xff\x00\xfe", "pässwörd".encode(), b""])
def test_passwords_count_byte_for_byte(password: bytes) -> None:
    """restic uses RESTIC_PASSWORD as it is: a Secret's trailing newline belongs to it."""
    keys = forge_keys()
    assert open_key(parsed(forge_key(keys, password)), Secret.of_bytes(password)) == keys


def test_a_key_file_under_another_name_is_damaged() -> None:
    """Else a damaged key file would be read as a wrong password."""
    with pytest.raises(Malformed, match="SHA-256 is not its name"):
        parse_key("0" * 64, forge_key(forge_keys()))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kdf": "argon2"}, "kdf is not scrypt"),
        ({"N": 0}, "N is not a power of two"),
        ({"N": 1}, "N is not a power of two"),
        ({"N": -2}, "N is not a power of two"),
        ({"N": 32767}, "N is not a power of two"),
        ({"N": 2**40}, "more than 256 MiB"),
        ({"N": 2**200}, "more than 256 MiB"),
        ({"N": 2**18, "r": 16}, "more than 256 MiB"),
        ({"r": 0}, "r or p"),
        ({"r": 2**30}, "r or p"),
        ({"p": 0}, "r or p"),
        ({"p": 65}, "r or p"),
        ({"N": 2**17, "r": 1}, "N is too large for its r"),
        ({"N": 2**18, "p": 64}, "64 times the work"),
        ({"salt": "AAAA"}, "salt has not 64 bytes"),
        ({"salt": "not base64!"}, "not the JSON"),
        ({"N": "32768"}, "not the JSON"),
        ({"N": 32768.0}, "not the JSON"),
        ({"p": True}, "not the JSON"),
        ({"data": None}, "not the JSON"),
    ],
)
def test_a_hostile_key_file_is_refused_before_it_costs_anything(
    fields: dict[str, Any], sentence: str
) -> None:
    """Else one file in a repository could eat the janitor's memory or its time."""
    document = json.loads(forge_key(forge_keys())) | fields
    with pytest.raises(Malformed, match=sentence):
        parsed(json.dumps(document).encode())


@pytest.mark.parametrize(
    "stored", [b"", b"{", b"[]", b"\xff", b'{"x":' + b"[" * 100000, b'{"kdf":"\xff"}']
)
def test_what_is_no_key_file_says_so(stored: bytes) -> None:
    """Else a traceback would end the sweep of that repository."""
    with pytest.raises(Malformed, match="not the JSON"):
        parsed(stored)


def test_unknown_fields_are_no_hindrance() -> None:
    """Else a field that a later restic adds would lock the janitor out."""
    keys = forge_keys()
    assert open_key(parsed(forge_key(keys, algorithm={"x": [1]})), Secret("test")) == keys


@pytest.mark.parametrize(
    "inner", [b"{}", b"no", b'{"mac":{"k":"AA==","r":"AA=="},"encrypt":"AA=="}']
)
def test_a_key_that_opens_on_nonsense_is_malformed(inner: bytes) -> None:
    """Else it would be told as a wrong password, or raise a traceback."""
    document = json.loads(forge_key(forge_keys()))
    user = user_keys(document)
    stored = forge_key(forge_keys(), salt=document["salt"], data=encoded(seal(user, inner)))
    with pytest.raises(Malformed, match="holds no keys"):
        open_key(parsed(stored), Secret("test"))


def test_a_key_with_cut_off_data_is_malformed() -> None:
    """Else it would be told as a wrong password."""
    with pytest.raises(Malformed, match="damaged: it has 3 bytes"):
        open_key(parsed(forge_key(forge_keys(), data="AAAA")), Secret("test"))


def user_keys(document: dict[str, Any]) -> Any:
    salt = base64.b64decode(document["salt"])
    derived = Scrypt(salt=salt, length=64, n=2, r=8, p=1).derive(b"test")
    return SealKeys(derived[:32], derived[32:48], derived[48:])


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def test_memory_is_what_scrypt_takes() -> None:
    """The pool of derivations is bounded by it: 32 MiB for restic's usual key."""
    key = parsed(forge_key(forge_keys(), n=2, N=32768))
    assert 32 * 2**20 <= key.memory < 33 * 2**20
    assert parsed(forge_key(forge_keys(), N=2**18)).memory < MAX_MEMORY * 1.01


NAMES = ["aa" + "0" * 62, "ab" + "0" * 62, "b" + "0" * 63]


@pytest.mark.parametrize(
    ("hint", "first"),
    [
        (None, NAMES[0]),
        ("", NAMES[0]),
        ("b", NAMES[2]),
        (NAMES[1], NAMES[1]),
        ("a", NAMES[0]),  # two begin so: restic takes neither
        ("B", NAMES[0]),  # restic compares exactly
        ("cc", NAMES[0]),
        (NAMES[2] + "0", NAMES[0]),
    ],
)
def test_a_hint_puts_its_one_key_first(hint: str | None, first: str) -> None:
    """Else RESTIC_KEY_HINT would cost one derivation for every other key, or lose a key."""
    ordered = order_keys(reversed(NAMES), hint)
    assert ordered[0] == first
    assert sorted(ordered) == NAMES


def test_at_most_twenty_keys_are_tried() -> None:
    """As restic does; else a thousand planted key files would take hours."""
    names = [f"{number:064x}" for number in range(1000)]
    assert order_keys(names, None) == tuple(names[:20])
    assert order_keys(names, names[999]) == (names[999], *names[:19])
