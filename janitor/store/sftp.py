"""Repositories on an SFTP server. Its times are often the writer's own, so they are no clock.

Files are asked for as OpenSSH's server has them: version 3 of the protocol.
"""

from __future__ import annotations

import heapq
import os
import pwd
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

import asyncssh

from janitor.model import ListedLock, LockID, Secret, StoreClock
from janitor.store.by_name import ReadsByName, layout_of
from janitor.store.connections import Connections
from janitor.store.errors import (
    Gone,
    NoRepository,
    Refused,
    StoreError,
    TooLarge,
    Unauthorized,
    Unreachable,
    Unsupported,
    one_line,
)
from janitor.store.location import Location
from janitor.store.mtimes import date_of
from janitor.store.names import (
    KEYS_AT_MOST,
    is_id,
)
from janitor.store.port import Listing, Root
from janitor.store.ssh import Account, Ask, Result, SshServer
from janitor.store.variables import text_of

_LONG = 50
"""Seconds for a listing."""
_PORT = 22
_PORTS = 65_535


def open_sftp(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    ssh: Path | None = None,
) -> SftpStore:
    """The store of an `sftp:` location; nothing is asked yet. Raises Unsupported.

    `ssh` is the folder with the keys and `known_hosts`; None: that of the janitor's own user.
    """
    port = int(location.port or _PORT)
    if not 0 < port <= _PORTS:
        raise Unsupported(f"the port in {location.shown} is none")
    account = Account(
        host=location.host,
        port=port,
        user=location.user or _own_name(location),
        folder=ssh or Path(os.environ.get("HOME") or "/", ".ssh"),
        agent=text_of(environment, "SSH_AUTH_SOCK") or None,
    )
    return SftpStore(location, connections.get(account, lambda: SshServer(account)))


def _own_name(location: Location) -> str:
    """As ssh: who names no user is the one that runs it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise Unsupported(
            f"{location.shown} names no user, and this one has no name; write sftp:user@host:path"
        ) from None


class SftpStore(ReadsByName):
    """One repository by its folder on the server."""

    clock = StoreClock.WRITER

    def __init__(self, location: Location, server: SshServer) -> None:
        self._path = location.path
        self._shown = location.shown
        self._server = server

    def look(self) -> Root:
        """See `Store.look`."""
        try:
            names = self._ask(lambda sftp: _some(sftp, self._path), "open", _LONG)
        except Gone:
            raise NoRepository(
                f"no repository here: there is no folder {self._shown}; check the path"
            ) from None
        if "config" not in names:
            raise NoRepository(f"no repository here: {self._shown} has no file `config`")
        self._layout = layout_of(
            has_legacy="key" in names,
            filled=lambda name: name in names and self._is_filled(self._in(name)),
        )
        return Root(self._layout, locks_folder=self._folders()[1] in names)

    def list_locks(self, *, at_most: int) -> Listing:
        """See `Store.list_locks`. Beyond `at_most`, the smallest names are taken."""
        folder = self._in(self._folders()[1])
        try:
            found, seen = self._ask(lambda sftp: _smallest(sftp, folder, at_most), "list", _LONG)
        except Gone:
            return Listing(())
        return Listing(tuple(found), beyond=seen - len(found) if seen > at_most else 0)

    def list_keys(self) -> tuple[str, ...]:
        """See `Store.list_keys`."""
        folder = self._in(self._folders()[0])
        try:
            found, _ = self._ask(lambda sftp: _smallest(sftp, folder, KEYS_AT_MOST), "list", _LONG)
        except Gone:
            return ()
        return tuple(str(each.id) for each in found)

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`.

        Some servers do not delete what is read-only, as restic's files are: only then the mode is
        changed, since some file systems let nobody change it.
        """
        path = self._in(self._name_of(lock))
        try:
            self._ask(lambda sftp: sftp.remove(path), "delete the lock from")
        except (Refused, Unauthorized) as refusal:
            if not self._is_there(path):
                raise Gone("the lock is not there any more") from None
            with suppress(StoreError):
                self._ask(lambda sftp: sftp.chmod(path, 0o600), "change the mode of the lock in")
                self._ask(lambda sftp: sftp.remove(path), "delete the lock from")
                return
            raise Refused(str(refusal)) from None

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`: written beside, and then renamed, which replaces nothing."""
        path = self._in(self._name_of(lock))
        beside = f"{path}-tmp-janitor"
        if self._is_there(path):
            raise Refused(f"the lock {lock[:8]} is already there")
        try:
            self._ask(lambda sftp: _write(sftp, beside, stored), "write the lock to")
            self._ask(lambda sftp: sftp.rename(beside, path), "write the lock to")
        except StoreError as error:
            with suppress(StoreError):
                self._ask(lambda sftp: sftp.remove(beside), "delete a file from")
            if isinstance(error, Unreachable):
                raise
            raise Refused(str(error)) from None

    def close(self) -> None:
        """The connection is shared, and closed with the connections."""

    # --- one question -------------------------------------------------------------------------

    def _ask(self, ask: Ask[Result], doing: str, patience: float | None = None) -> Result:
        """The server's answer. Raises Gone, Unauthorized, Refused (a failure without a kind)."""
        try:
            return self._server.ask(ask, patience=patience)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            raise Gone(f"what was asked for is not in {self._shown} (any more)") from None
        except asyncssh.SFTPPermissionDenied:
            raise Unauthorized(
                f"the server does not let this user {doing} {self._shown} (permission denied); "
                "log in as the one that owns the repository"
            ) from None
        except asyncssh.SFTPError as error:
            said = one_line(error.reason, ())
            raise Refused(f"the server cannot {doing} {self._shown}: {said}") from None

    def _in(self, name: str) -> str:
        return f"{self._path}/{name}" if self._path != "/" else f"/{name}"

    def _is_there(self, path: str) -> bool:
        try:
            self._ask(lambda sftp: sftp.lstat(path), "look into")
        except Gone:
            return False
        return True

    def _is_filled(self, folder: str) -> bool:
        found, _ = self._ask(lambda sftp: _smallest(sftp, folder, 1), "list")
        return bool(found)

    def _read(self, name: str, limit: int) -> bytes:
        path = self._in(name)
        try:
            stored = self._ask(lambda sftp: _content(sftp, path, limit), f"read `{name[:14]}` in")
        except Gone:
            raise Gone(f"{name[:14]} is not in {self._shown} (any more)") from None
        except Refused as error:
            raise Unreachable(str(error)) from None
        if len(stored) > limit:
            raise TooLarge(f"{name[:14]} in {self._shown} has more than {limit} bytes")
        return stored


_NAMES_OF_A_ROOT = frozenset({"config", "keys", "locks", "key", "lock"})


async def _some(sftp: asyncssh.SFTPClient, folder: str) -> frozenset[str]:
    """Which of the names that a repository's root has are there."""
    found = set()
    async for entry in sftp.scandir(folder):
        if entry.filename in _NAMES_OF_A_ROOT:
            found.add(str(entry.filename))
    return frozenset(found)


async def _smallest(
    sftp: asyncssh.SFTPClient, folder: str, at_most: int
) -> tuple[list[ListedLock], int]:
    """The first by name of the files that are called as locks are, and how many there are."""
    kept: list[tuple[_Descending, ListedLock]] = []
    seen = 0
    async for entry in sftp.scandir(folder):
        name, attributes = str(entry.filename), entry.attrs
        mode = attributes.permissions
        if not is_id(name) or (mode is not None and not stat.S_ISREG(mode)):
            continue
        seen += 1
        time = None if attributes.mtime is None else date_of(attributes.mtime)
        item = (_Descending(name), ListedLock(LockID(name), attributes.size, time))
        if len(kept) < at_most:
            heapq.heappush(kept, item)
        else:
            heapq.heappushpop(kept, item)
    once = {lock.id: lock for _, lock in kept}  # a hostile server may tell one twice
    return [once[name] for name in sorted(once)], seen


class _Descending(str):
    """A name whose largest comes first, so that a heap gives up that one."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


async def _content(sftp: asyncssh.SFTPClient, path: str, limit: int) -> bytes:
    """At most one byte more than the limit."""
    async with sftp.open(path, "rb") as file:
        return cast("bytes", await file.read(limit + 1))


async def _write(sftp: asyncssh.SFTPClient, path: str, stored: bytes) -> None:
    attributes = asyncssh.SFTPAttrs(permissions=0o600)
    async with sftp.open(path, "xb", attributes) as file:
        await file.write(stored)
