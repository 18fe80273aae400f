"""Repositories in the file system: volumes, NFS, host paths.

Everything below the repository's folder is opened relative to its parent's descriptor and never
through a symbolic link, so that no name in it can lead a read or a delete elsewhere. Nothing is
ever chmodded: some mounts refuse it, and a delete needs write on the folder only.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from janitor.model import ListedLock, LockID, StoreClock
from janitor.store.by_name import layout_of
from janitor.store.errors import (
    Gone,
    NoRepository,
    NotMounted,
    Refused,
    StoreError,
    TooLarge,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from janitor.store.location import Location
from janitor.store.mtimes import date_of
from janitor.store.names import (
    CONFIG_LIMIT,
    KEY_LIMIT,
    KEYS_AT_MOST,
    LOCK_LIMIT,
    checked,
    is_id,
)
from janitor.store.port import Layout, Listing, Root

_DENIED = (errno.EACCES, errno.EPERM)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# without O_NONBLOCK, opening a pipe under a lock's name would wait for ever
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FilesStore:
    """One repository in a folder. Times are mtimes, which may be the holder's own clock."""

    clock = StoreClock.WRITER

    def __init__(self, location: Location) -> None:
        self._path = location.path
        self._shown = location.shown
        self._layout: Layout | None = None

    def look(self) -> Root:
        """See `Store.look`."""
        with self._root() as root:
            if not stat.S_ISREG(self._mode(root, "config") or 0):
                raise NoRepository(
                    f"no repository here: {self._shown} is a folder without a file `config`"
                )
            self._layout = self._layout_of(root)
            _, locks = self._folders()
            return Root(self._layout, locks_folder=self._mode(root, locks) is not None)

    def list_locks(self, *, at_most: int) -> Listing:
        """See `Store.list_locks`. Beyond `at_most`, the smallest names are taken."""
        with self._root() as root, self._folder(root, self._folders()[1]) as folder:
            if folder is None:
                return Listing(())
            try:
                names, seen = _smallest(folder, at_most)
            except OSError as error:
                raise self._translated(error, "list locks in") from None
            locks = (self._listed(folder, name) for name in names)
            return Listing(tuple(lock for lock in locks if lock), beyond=seen - len(names))

    def list_keys(self) -> tuple[str, ...]:
        """See `Store.list_keys`."""
        with self._root() as root, self._folder(root, self._folders()[0]) as folder:
            if folder is None:
                return ()
            try:
                return tuple(_smallest(folder, KEYS_AT_MOST)[0])
            except OSError as error:
                raise self._translated(error, "list keys in") from None

    def read_config(self) -> bytes:
        """See `Store.read_config`."""
        with self._root() as root:
            return self._read(root, "config", CONFIG_LIMIT)

    def read_key(self, name: str) -> bytes:
        """See `Store.read_key`."""
        with self._root() as root, self._folder(root, self._folders()[0]) as folder:
            if folder is None or not is_id(name):
                raise Gone(f"the key {name[:8]} is not in {self._shown}")
            return self._read(folder, name, KEY_LIMIT)

    def read_lock(self, lock: LockID) -> bytes:
        """See `Store.read_lock`."""
        name = checked(lock)
        with self._locks_with(lock) as folder:
            return self._read(folder, name, LOCK_LIMIT)

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`."""
        name = checked(lock)
        with self._locks_with(lock) as folder:
            mode = self._mode(folder, name)
            if mode is None:
                raise Gone(f"the lock {lock[:8]} is not there any more")
            if not stat.S_ISREG(mode):
                raise Refused(f"what is called {lock[:8]} in {self._shown} is not a file")
            try:
                os.unlink(name, dir_fd=folder)
            except OSError as error:
                raise self._refused(error, folder, "delete the lock from") from None

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`. The file gets mode 0400, with group read where `config` has it."""
        name = checked(lock)
        with self._root() as root, self._folder(root, self._folders()[1]) as folder:
            if folder is None:
                raise Refused(f"{self._shown} has no folder for locks; restic makes it at init")
            mode = 0o400 | ((self._mode(root, "config") or 0) & 0o040)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                written = os.open(name, flags, mode, dir_fd=folder)
            except FileExistsError:
                raise Refused(f"the lock {lock[:8]} is already there") from None
            except OSError as error:
                raise self._refused(error, folder, "write the lock to") from None
            try:
                _write(written, stored)
                os.fsync(folder)
            except OSError as error:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)  # ours: half a lock would block restic
                raise self._refused(error, folder, "write the lock to") from None

    def close(self) -> None:
        """Nothing is kept open."""

    # --- folders and names ------------------------------------------------------------------

    def _folders(self) -> tuple[str, str]:
        """How the folders of keys and locks are called here."""
        if self._layout is None:
            with self._root() as root:
                self._layout = self._layout_of(root)
        return self._layout.folders

    def _layout_of(self, root: int) -> Layout:
        def filled(name: str) -> bool:
            with self._folder(root, name) as folder:
                return folder is not None and bool(_smallest(folder, 1)[0])

        return layout_of(has_legacy=self._mode(root, "key") is not None, filled=filled)

    @contextmanager
    def _root(self) -> Iterator[int]:
        try:
            root = os.open(self._path, _FOLDER)
        except FileNotFoundError:
            raise NotMounted(
                f"{self._shown} is not there in the janitor's file system; "
                "mount the volume at that path"
            ) from None
        except NotADirectoryError:
            raise NotMounted(f"{self._shown} is not a folder") from None
        except OSError as error:
            raise self._translated(error, "open") from None
        try:
            yield root
        finally:
            os.close(root)

    @contextmanager
    def _folder(self, root: int, name: str) -> Iterator[int | None]:
        """A folder of the repository; None where there is none."""
        try:
            folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=root)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise Unsupported(
                    f"`{name}` in {self._shown} is a file or a symbolic link, "
                    "which the janitor does not follow; make it a folder"
                ) from None
            raise self._translated(error, f"open the folder `{name}` of") from None
        try:
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _locks_with(self, lock: LockID) -> Iterator[int]:
        with self._root() as root, self._folder(root, self._folders()[1]) as folder:
            if folder is None:
                raise Gone(f"the lock {lock[:8]} is not there any more")
            yield folder

    def _mode(self, folder: int, name: str) -> int | None:
        """The mode of an entry itself, links not followed; None where it is not there."""
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._translated(error, f"look at `{name[:8]}` in") from None

    def _listed(self, folder: int, name: str) -> ListedLock | None:
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None  # let go since the listing
        except OSError as error:
            raise self._translated(error, "look at a lock in") from None
        if not stat.S_ISREG(found.st_mode):
            return None
        return ListedLock(LockID(name), size=found.st_size, modified=date_of(found.st_mtime))

    def _read(self, folder: int, name: str, limit: int) -> bytes:
        try:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                raise Gone(f"{name[:8]} is not in {self._shown} (any more)") from None
            raise self._translated(error, f"read `{name[:8]}` in") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Gone(f"{name[:8]} in {self._shown} is not a file")
            with open(descriptor, "rb", closefd=False) as file:
                stored = file.read(limit + 1)
        except OSError as error:
            raise self._translated(error, f"read `{name[:8]}` in") from None
        finally:
            os.close(descriptor)
        if len(stored) > limit:
            raise TooLarge(f"{name[:8]} in {self._shown} has more than {limit} bytes")
        return stored

    # --- errors -----------------------------------------------------------------------------

    def _translated(self, error: OSError, doing: str) -> StoreError:
        if error.errno in _DENIED:
            return Unauthorized(
                f"the janitor, as uid {os.geteuid()} and gid {os.getegid()}, may not {doing} "
                f"{self._shown}; run it with the uid that owns the repository (runAsUser)"
                f"{_squashed()}"
            )
        reason = os.strerror(error.errno or 0)
        return Unreachable(f"the janitor cannot {doing} {self._shown}: {reason}")

    def _refused(self, error: OSError, folder: int, doing: str) -> StoreError:
        if isinstance(error, FileNotFoundError):
            return Gone("the lock is not there any more")
        if error.errno == errno.EROFS:
            return Refused(
                f"the janitor cannot {doing} {self._shown}: it is mounted read-only; mount it "
                "writable (readOnly: false)"
            )
        if error.errno in _DENIED:
            owner = os.fstat(folder)
            return Refused(
                f"the janitor, as uid {os.geteuid()} and gid {os.getegid()}, may not {doing} "
                f"{self._shown}: the folder belongs to uid {owner.st_uid} and gid {owner.st_gid} "
                f"with mode {stat.S_IMODE(owner.st_mode):04o}; run it with that uid (runAsUser)"
                f"{_squashed()}"
            )
        return self._translated(error, doing)


def _squashed() -> str:
    """Why even root may not: people try it, and then wonder."""
    if os.geteuid() != 0:
        return ""
    return ": root may not, because an NFS export squashes it or the pod drops its capabilities"


def _smallest(folder: int, at_most: int) -> tuple[list[str], int]:
    """The first names by order that are ids, and how many there are in all."""
    seen = 0

    def ids() -> Iterator[str]:
        nonlocal seen
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_id(entry.name):
                    seen += 1
                    yield entry.name

    names = heapq.nsmallest(at_most, ids())
    return names, seen


def _write(descriptor: int, stored: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(stored)
        file.flush()
        os.fsync(descriptor)
