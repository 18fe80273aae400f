"""Repositories in an object store, through obstore. The server stamps every object itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, NotSupportedError

from janitor.model import ListedLock, LockID, Secret, StoreClock
from janitor.store.by_name import ReadsByName, layout_of
from janitor.store.errors import Gone, NoRepository, Refused, TooLarge, Unreachable
from janitor.store.location import Location
from janitor.store.names import (
    CONFIG_LIMIT,
    KEYS_AT_MOST,
    is_id,
)
from janitor.store.object_errors import Doing
from janitor.store.port import Listing, Root

_PAGE = 1000
_COUNTED_AT_MOST = 100_000
"""Objects that one listing looks at; beyond this the count of a listing is a lower bound."""


class ObjectStore(ReadsByName):
    """One repository, by its prefix in a bucket whose client it shares with others."""

    clock = StoreClock.SERVER

    def __init__(
        self, client: Callable[[], Any], location: Location, secrets: tuple[Secret, ...]
    ) -> None:
        """`client` gives the bucket's client, and may give another one the next time."""
        self._client = client
        self._shown = location.shown
        self._prefix = location.prefix
        self._secrets = secrets

    def look(self) -> Root:
        """See `Store.look`: one listing with a delimiter shows the whole root."""
        try:
            root = self._ask(
                lambda store: obstore.list_with_delimiter(store, self._prefix or None), Doing.LIST
            )
        except Gone:  # nothing has this prefix; reading `config` says the same in better words
            root = {"objects": (), "common_prefixes": ()}
        config = self._path("config")
        seen = any(each["path"] == config for each in root["objects"])
        if not seen:
            self._read("config", CONFIG_LIMIT)  # says what is wrong: key, bucket, prefix
            raise Unreachable(
                f"{self._shown} has a `config` that its listing does not show, so that locks may "
                "be hidden as well"
            )
        folders = {each.rpartition("/")[2] for each in root["common_prefixes"]}
        self._layout = layout_of(
            has_legacy="key" in folders,
            filled=lambda name: (
                name in folders and any(True for _ in self._entries(name, KEYS_AT_MOST))
            ),
        )
        return Root(self._layout, locks_folder=self._folders()[1] in folders)

    def list_locks(self, *, at_most: int) -> Listing:
        """See `Store.list_locks`: the first by name are taken; the others are counted."""
        locks: list[ListedLock] = []
        beyond = 0
        for name, found in self._entries(self._folders()[1], _COUNTED_AT_MOST):
            if len(locks) < at_most:
                locks.append(
                    ListedLock(LockID(name), size=found["size"], modified=found["last_modified"])
                )
            else:
                beyond += 1
        return Listing(tuple(locks), beyond=beyond)

    def list_keys(self) -> tuple[str, ...]:
        """See `Store.list_keys`."""
        return tuple(sorted(name for name, _ in self._entries(self._folders()[0], KEYS_AT_MOST)))

    def read_config(self) -> bytes:
        """See `Store.read_config`."""
        try:
            return super().read_config()
        except NoRepository as error:
            raise Gone(str(error)) from None

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`. A server that does not know the object says that all is well.

        The library may send it again after a timeout: the name is the content's hash, so that a
        second delete can hit nothing else. No version is ever named: a versioned bucket keeps it.
        """
        path = self._path(self._name_of(lock))
        self._ask(lambda store: obstore.delete(store, path), Doing.DELETE)

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`: create only, where the server can do that."""
        path = self._path(self._name_of(lock))

        def write(store: Any) -> None:
            try:
                obstore.put(store, path, stored, mode="create", use_multipart=False)
            except AlreadyExistsError:
                raise Refused(f"the lock {lock[:8]} is already there") from None
            except NotSupportedError:
                # what is there has these very bytes, by its name
                obstore.put(store, path, stored, use_multipart=False)

        self._ask(write, Doing.WRITE)

    def close(self) -> None:
        """The client is shared, and closed with the connections."""

    # --- one request ------------------------------------------------------------------------

    def _ask(self, ask: Any, doing: Doing, *, once: bool = False) -> Any:
        return self._client().call(
            ask, doing=doing, shown=self._shown, secrets=self._secrets, once=once
        )

    def _path(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _entries(self, folder: str, at_most: int) -> Iterator[tuple[str, Any]]:
        """The objects directly in a folder whose names are ids, page by page."""
        path = self._path(folder) + "/"

        def first(store: Any) -> Any:
            pages = iter(obstore.list(store, path.rstrip("/"), chunk_size=_PAGE))
            return pages, next(pages, None)

        pages, page = self._listed(first)
        seen = 0
        while page is not None:
            seen += len(page)
            for found in page:
                name = found["path"].removeprefix(path)
                if is_id(name):
                    yield name, found
            if seen >= at_most:
                return
            # never asked twice: after an error the stream would say that it ended
            page = self._listed(lambda _: next(pages, None), once=True)

    def _listed(self, ask: Any, *, once: bool = False) -> Any:
        """Part of a listing. That "nothing is there" is no answer to it: it would hide locks."""
        try:
            return self._ask(ask, Doing.LIST, once=once)
        except Gone:
            raise Unreachable(f"{self._shown} answered 404 to a listing") from None

    def _read(self, name: str, limit: int) -> bytes:
        path = self._path(name)

        def read(store: Any) -> bytes:
            found = obstore.get(store, path)
            if found.meta["size"] > limit:
                raise TooLarge(f"{name[:14]} in {self._shown} has more than {limit} bytes")
            return bytes(found.bytes())

        try:
            return bytes(self._ask(read, Doing.READ))
        except Gone:
            if name == "config":
                raise NoRepository(
                    f"no repository here: {self._shown} has no object `config`; check the prefix"
                ) from None
            raise Gone(f"{name[:14]} is not in {self._shown} (any more)") from None
