"""What is the same in all stores that read a file by its name in the repository."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from itertools import islice

from janitor.model import ListedLock, LockID
from janitor.store.errors import Gone, NoRepository
from janitor.store.names import (
    CONFIG_LIMIT,
    KEY_LIMIT,
    KEYS_AT_MOST,
    LOCK_LIMIT,
    checked,
    is_id,
)
from janitor.store.port import Layout, Listing, Root


def layout_of(*, has_legacy: bool, filled: Callable[[str], bool]) -> Layout:
    """Legacy where `key/` has keys and `keys/` has none; `filled` says so of a folder."""
    if has_legacy:
        for layout in (Layout.DEFAULT, Layout.S3LEGACY):
            if filled(layout.folders[0]):
                return layout
    return Layout.DEFAULT


class ReadsByName(ABC):
    """A store that reads any file by its name. What a method does: see `Store`."""

    _shown: str
    """The location, for sentences."""
    _layout: Layout | None = None
    """None until somebody looked."""

    @abstractmethod
    def look(self) -> Root:
        """See `Store.look`. Sets the layout."""

    @abstractmethod
    def _read(self, name: str, limit: int) -> bytes:
        """The bytes of `config` or `keys/<id>`. Raises Gone, TooLarge."""

    def read_config(self) -> bytes:
        """See `Store.read_config`."""
        return self._read("config", CONFIG_LIMIT)

    def read_key(self, name: str) -> bytes:
        """See `Store.read_key`."""
        if not is_id(name):
            raise Gone(f"the key {name[:8]} is not in {self._shown}")
        return self._read(f"{self._folders()[0]}/{name}", KEY_LIMIT)

    def read_lock(self, lock: LockID) -> bytes:
        """See `Store.read_lock`."""
        return self._read(self._name_of(lock), LOCK_LIMIT)

    def _name_of(self, lock: LockID) -> str:
        """Raises ValueError for what is no lock's name."""
        return f"{self._folders()[1]}/{checked(lock)}"

    def _folders(self) -> tuple[str, str]:
        """How the folders of keys and locks are called here."""
        if self._layout is None:
            self.look()
        assert self._layout is not None  # noqa: S101 - `look` sets it, or raises
        return self._layout.folders


class FlatStore(ReadsByName):
    """One of the default layout, whose server tells by reading `config` whether there is one."""

    _layout = Layout.DEFAULT
    _config: bytes | None = None

    @abstractmethod
    def _list(self, folder: str) -> Iterable[ListedLock]:
        """The files directly in `locks/` or `keys/` whose names are ids, by name."""

    @abstractmethod
    def _no_repository(self) -> NoRepository:
        """Why there is no `config`."""

    def look(self) -> Root:
        """See `Store.look`."""
        try:
            self._config = self._read("config", CONFIG_LIMIT)
        except Gone:
            raise self._no_repository() from None
        return Root(Layout.DEFAULT, locks_folder=None)

    def list_locks(self, *, at_most: int) -> Listing:
        """See `Store.list_locks`. Beyond `at_most`, the smallest names are taken."""
        if self._config is None:
            self.look()
        kept: list[ListedLock] = []
        beyond = 0
        for lock in self._list("locks/"):
            if len(kept) < at_most:
                kept.append(lock)
            else:
                beyond += 1
        return Listing(tuple(kept), beyond=beyond)

    def list_keys(self) -> tuple[str, ...]:
        """See `Store.list_keys`."""
        return tuple(found.id for found in islice(self._list("keys/"), KEYS_AT_MOST))

    def read_config(self) -> bytes:
        """See `Store.read_config`. It never changes, so the one that `look` read will do."""
        return self._config if self._config is not None else super().read_config()
