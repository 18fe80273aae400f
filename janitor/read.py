"""Lists the locks of one repository, and reads those that may be old.

Listing opens nothing: no key is derived where every lock is young. A lock that goes between
listing and reading was released by its holder, which is success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import (
    ListedLock,
    Lock,
    LockID,
    RepositoryState,
    Secret,
    StoreClock,
    Unreadable,
)
from janitor.restic.config import RepositoryConfig, read_config
from janitor.restic.crypto import SealKeys
from janitor.restic.errors import ContentError
from janitor.restic.key import order_keys, parse_key
from janitor.restic.lock import read_lock
from janitor.store.errors import Gone, NoRepository, StoreError, TooLarge
from janitor.store.port import Store

LONGEST_READING = timedelta(minutes=2)
"""That the store of one repository may take for its keys and locks, in one sweep."""
MAX_LOCKS = 10_000
"""So many locks of one repository are taken; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One repository after its folder was looked at."""

    found: Found
    state: RepositoryState
    detail: str | None = None
    locks: tuple[ListedLock, ...] = ()
    beyond: int = 0
    """Locks that were not taken, past MAX_LOCKS."""
    clock: StoreClock = StoreClock.NONE
    store: Store | None = None
    """Open where there are locks; whoever listed closes it."""

    @property
    def succeeded(self) -> bool:
        """What the listing lacks is not there, but for those beyond the bound."""
        return self.state in (RepositoryState.READ, RepositoryState.UNLOCKED)


@dataclass(frozen=True, slots=True)
class Opened:
    """The locks of one repository that were read: content and stored bytes by ID."""

    contents: dict[LockID, tuple[Lock | Unreadable, bytes | None]]
    """None for the bytes of a lock that is larger than any lock can be."""
    released: frozenset[LockID] = frozenset()
    """Gone between listing and reading."""
    state: RepositoryState = RepositoryState.READ
    detail: str | None = None
    repository_id: str | None = None
    """restic's own ID of the repository, the same in every copy of it; None: it was not opened."""
    unread: frozenset[LockID] = frozenset()
    """Nothing is said of these: patience ended before."""


class Patience:
    """How long one repository's store may take to be read: one that is slow, or means harm, must
    not keep the others waiting for ever.
    """

    def __init__(self, clock: Callable[[], datetime], stopping: Callable[[], int]) -> None:
        """`stopping` is the number of the signal that asked to end, 0 for none."""
        self._clock = clock
        self._stopping = stopping
        self._spent = timedelta()

    def why_stop(self) -> str | None:
        """Why no more is read; None: go on."""
        if self._stopping():
            return "the janitor was told to stop"
        if self._spent > LONGEST_READING:
            return f"reading took longer than {LONGEST_READING.seconds} seconds"
        return None

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What is done within counts."""
        began = self._clock()
        try:
            yield
        finally:
            self._spent += self._clock() - began


_UNHURRIED = Patience(lambda: datetime.min, lambda: 0)
"""Its clock stands still."""


# --- listing ---------------------------------------------------------------------------------


def list_repository(found: Found, open_store: Callable[[Found], Store]) -> Listed:
    """Looks at the repository's folder and lists its locks. Never raises a StoreError."""
    if found.state is not None:
        return Listed(found, found.state, found.problem)
    store: Store | None = None
    try:
        store = open_store(found)
        listed = _list(found, store)
    except StoreError as error:
        listed = Listed(found, error.state, str(error))
    if store is not None and listed.store is None:
        store.close()
    return listed


def _list(found: Found, store: Store) -> Listed:
    root = store.look()
    if root.locks_folder is False:
        return Listed(found, RepositoryState.UNLOCKED)
    listing = store.list_locks(at_most=MAX_LOCKS)
    if not listing.locks:
        return Listed(found, RepositoryState.UNLOCKED)
    detail = None
    if listing.beyond:
        detail = (
            f"only the first {len(listing.locks)} locks were judged; "
            f"at least {listing.beyond} more are there"
        )
    return Listed(
        found, RepositoryState.READ, detail, listing.locks, listing.beyond, store.clock, store
    )


# --- reading ---------------------------------------------------------------------------------


class CannotOpen(Exception):
    """No lock of this repository can be read: in which state it is, and why, in one sentence."""

    def __init__(self, state: RepositoryState, detail: str) -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail


def open_locks(
    listed: Listed,
    locks: Sequence[LockID],
    keyring: Keyring,
    patience: Patience = _UNHURRIED,
) -> Opened:
    """Opens the repository's key and reads these locks. Never raises a StoreError.

    Without a readable `config` it is no repository, and nothing in it is touched.
    """
    assert listed.store is not None  # noqa: S101 - only repositories with locks come here
    try:
        keys, config = open_repository(listed.found, listed.store, keyring, patience)
        opened = _read_each(listed.store, locks, keys, config.version, patience)
        return replace(opened, repository_id=config.id)
    except CannotOpen as problem:
        return Opened({}, state=problem.state, detail=problem.detail)
    except StoreError as error:
        return Opened({}, state=error.state, detail=str(error))


def _read_each(
    store: Store, locks: Sequence[LockID], keys: SealKeys, version: int, patience: Patience
) -> Opened:
    contents: dict[LockID, tuple[Lock | Unreadable, bytes | None]] = {}
    released: set[LockID] = set()
    for index, lock in enumerate(locks):
        if (reason := patience.why_stop()) is not None:
            unread = frozenset(locks[index:])
            return Opened(contents, frozenset(released), detail=reason, unread=unread)
        try:
            with patience.counted():
                stored = store.read_lock(lock)
        except Gone:
            released.add(lock)
        except TooLarge as error:
            contents[lock] = (Unreadable(str(error)), None)
        else:
            contents[lock] = (read_lock(lock, stored, keys, version), stored)
    return Opened(contents, frozenset(released))


def open_repository(
    found: Found, store: Store, keyring: Keyring, patience: Patience = _UNHURRIED
) -> tuple[SealKeys, RepositoryConfig]:
    """The repository's keys and config. Raises CannotOpen, StoreError."""
    if found.password is None:
        raise CannotOpen(
            RepositoryState.INCOMPLETE,
            "no password: set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE in its environment",
        )
    try:
        raw = store.read_config()
    except Gone:
        raise NoRepository("there is no `config` any more where the location points") from None
    keys = _open_key(found, found.password, store, keyring, patience)
    try:
        return keys, read_config(raw, keys)
    except ContentError as error:
        raise CannotOpen(RepositoryState.NO_REPOSITORY, str(error)) from None


def _open_key(
    found: Found, password: Secret, store: Store, keyring: Keyring, patience: Patience
) -> SealKeys:
    """Tries the keys as restic does: the hinted one first, at most 20."""
    faults: list[str] = []
    tried = 0
    for name in order_keys(store.list_keys(), found.key_hint):
        if (reason := patience.why_stop()) is not None:
            raise CannotOpen(RepositoryState.UNREACHABLE, reason)
        try:
            with patience.counted():
                raw = store.read_key(name)
            key = parse_key(name, raw)
            tried += 1
            keys = keyring.open(name, key, password)
        except Gone:
            continue
        except (ContentError, TooLarge) as error:
            faults.append(str(error))
        else:
            if keys is not None:
                return keys
    raise CannotOpen(RepositoryState.WRONG_PASSWORD, _no_key(tried, faults))


def _no_key(tried: int, faults: list[str]) -> str:
    damaged = f" ({'; '.join(faults[:3])})" if faults else ""
    if tried == 0:
        return f"the repository has no key that could be tried{damaged}"
    keys = "its one key" if tried == 1 else f"any of its {tried} keys"
    return (
        f"the password does not open {keys}{damaged}; check RESTIC_PASSWORD byte for byte "
        "(a Secret made with `echo` ends in a newline, which counts), or RESTIC_PASSWORD_FILE"
    )
