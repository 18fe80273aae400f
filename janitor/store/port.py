"""The interface that every backend serves, and nothing more.

A store is one repository's folder. Names are relative to it; the layout (`locks/` or S3's legacy
`lock/`) is the store's business. Nothing outside the locks folder can be written through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from janitor.model import ListedLock, LockID, StoreClock


class Layout(StrEnum):
    """How the folders of a repository are called."""

    DEFAULT = "default"
    """`keys/`, `locks/`"""
    S3LEGACY = "s3legacy"
    """`key/`, `lock/`: very old S3 repositories, read by restic up to 0.17"""

    @property
    def folders(self) -> tuple[str, str]:
        """How the folders of keys and locks are called."""
        return ("key", "lock") if self is Layout.S3LEGACY else ("keys", "locks")


@dataclass(frozen=True, slots=True)
class Root:
    """What one look at a repository's folder shows. There is a `config`, or the look fails."""

    layout: Layout
    locks_folder: bool | None
    """False: no lock can be there. None: this backend cannot tell without listing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository's locks; entries that are not locks (`<id>-tmp-*`, folders) are left out."""

    locks: tuple[ListedLock, ...]
    beyond: int = 0
    """How many more there are than were taken."""


class Store(Protocol):
    """One repository. Every method may raise `janitor.store.errors.StoreError`; every call ends
    within 60 seconds. Instances are used by one thread at a time.
    """

    @property
    def clock(self) -> StoreClock:
        """Whose clock the times of `list_locks` are."""

    def look(self) -> Root:
        """Looks at the root. Raises NoRepository where there is no `config`."""

    def list_locks(self, *, at_most: int) -> Listing:
        """Lists the locks folder; a missing folder is an empty listing."""

    def list_keys(self) -> tuple[str, ...]:
        """The names in the keys folder that are 64 hex digits, sorted."""

    def read_config(self) -> bytes:
        """The stored bytes of `config`. Raises Gone, TooLarge (over 64 KiB)."""

    def read_key(self, name: str) -> bytes:
        """The stored bytes of one key file. Raises Gone, TooLarge (over 64 KiB)."""

    def read_lock(self, lock: LockID) -> bytes:
        """The stored bytes of one lock. Raises Gone, TooLarge (over 1 MiB)."""

    def delete_lock(self, lock: LockID) -> None:
        """Deletes exactly this lock. Raises Gone where the server says that it was not there,
        Refused with the server's reason where it may not be deleted. Called by `remove` alone.
        """

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """Writes a lock back, without replacing one that is there. Called by `put_back` alone."""

    def close(self) -> None:
        """Lets connections go. May be called twice."""
