"""Keys within a bound of memory: each once, and none that the container cannot hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from janitor import keyring
from janitor.keyring import Keyring, largest_key
from janitor.memory_limit import memory_limit
from janitor.model import Secret
from janitor.restic.errors import Malformed
from janitor.restic.key import KeyFile, open_key, parse_key
from tests.forge import forge_key, forge_keys, name_of

MIB = 1 << 20
THREADS = 8


class Counted:
    """Real derivations, and how many there were, and were at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        self.at_once = 0
        self.most = 0
        self._lock = Lock()
        monkeypatch.setattr(keyring, "open_key", self)

    def __call__(self, key: KeyFile, password: Secret) -> Any:
        with self._lock:
            self.made += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            return open_key(key, password)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def key_file(keys: Any = None, **parameters: Any) -> tuple[str, KeyFile]:
    stored = forge_key(keys or forge_keys(), **parameters)
    return name_of(stored), parse_key(name_of(stored), stored)


def together(ring: Keyring, *opened: tuple[str, KeyFile, str]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda each: ring.open(each[0], each[1], Secret(each[2])), opened))


def test_many_copies_of_a_repository_cost_one_derivation(counted: Counted) -> None:
    """Else sixteen threads derive the same key sixteen times, and a sweep takes as much longer."""
    keys = forge_keys()
    name, key = key_file(keys, n=1 << 14)
    assert together(Keyring(), *[(name, key, "test")] * 40) == [keys] * 40
    assert counted.made == 1


def test_each_key_file_and_each_password_is_tried_for_itself(counted: Counted) -> None:
    """Else a repository is opened with the keys of another, or by a wrong password."""
    one, two = forge_keys(), forge_keys()
    first, second = key_file(one), key_file(two)
    wanted = [(*first, "test"), (*second, "test"), (*first, "wrong"), (*first, "test")]
    assert together(Keyring(), *wanted) == [one, two, None, one]
    assert counted.made == 3


def test_a_damaged_key_is_told_each_time(counted: Counted) -> None:
    """Else only the first of two repositories with it says what is wrong."""
    name, key = key_file(n=2)
    broken = KeyFile(kdf=key.kdf, n=key.n, r=key.r, p=key.p, salt=key.salt, data=b"short")
    ring = Keyring()
    for _ in range(2):
        with pytest.raises(Malformed, match="The key file is damaged"):
            ring.open(name, broken, Secret("test"))
    assert counted.made == 1


def test_no_more_at_once_than_fit(counted: Counted) -> None:
    """Else the pod is killed for its memory, and no repository is swept."""
    made = [(*key_file(n=1 << 14), "test") for _ in range(12)]
    together(Keyring(35 * MIB), *made)
    assert counted.most == 2
    together(Keyring(MIB), *made[:3])
    assert (counted.made, counted.most) == (15, 2)


def test_a_key_that_does_not_fit_is_not_derived_and_the_mend_is_told(counted: Counted) -> None:
    """Else one who may write to one repository has the pod killed in every sweep of all of them."""
    name, key = key_file(n=1 << 17)
    with pytest.raises(Malformed) as raised:
        Keyring(largest=largest_key(192 * MIB)).open(name, key, Secret("test"))
    assert counted.made == 0
    assert str(raised.value) == (
        f"The key file {name[:8]} is not used: it takes 129 MiB of memory, of which the janitor "
        "may use 72; if it is yours, raise the container's memory limit to 249Mi."
    )
    assert Keyring(largest=largest_key(249 * MIB)).open(name, key, Secret("test")) is not None


@pytest.mark.parametrize(
    ("limit", "largest"), [(None, None), (64, 72), (192, 72), (256, 136), (1024, 904)]
)
def test_what_one_key_may_take(limit: int | None, largest: int | None) -> None:
    """restic's own keys (at most 60 MiB) are opened under whatever limit there is."""
    found = largest_key(limit and limit * MIB)
    assert found == (largest and largest * MIB)


@pytest.mark.parametrize(
    ("name", "text", "limit"),
    [
        ("memory.max", "201326592\n", 201326592),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "201326592\n", 201326592),
        ("nothing", "", None),
    ],
)
def test_the_containers_limit_is_read(
    tmp_path: Path, name: str, text: str, limit: int | None
) -> None:
    """Else a key that fits is refused, or one that does not is derived."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    assert memory_limit(tmp_path) == limit
