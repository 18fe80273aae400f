"""Repositories in OpenStack Swift, by its object API. The times of a listing are the server's.

The requests are few and plain, and sent as such: the usual client library reads answers without
bound, and follows redirects with the token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

import msgspec

from janitor.model import ListedLock, LockID, Secret, StoreClock
from janitor.store.by_name import FlatStore
from janitor.store.connections import Connections
from janitor.store.errors import (
    Gone,
    NoRepository,
    Refused,
    StoreError,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from janitor.store.http_client import (
    Answer,
    HttpClient,
    Pool,
    client_certificate_of,
    shared_pool,
)
from janitor.store.location import Location
from janitor.store.names import (
    LOCK_LIMIT,
    is_id,
)
from janitor.store.swift_identity import Access, Login, who_is
from janitor.store.variables import certificates_of, secrets_of
from janitor.store.web_address import host_of

_PAGE = 1000
_PAGE_LIMIT = 4 * 1024 * 1024
"""Bytes of a page; one of locks has about 200 for each."""
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_WRITTEN = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)
_DELETED = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, 498)
"""The second is Swift's own status for it."""


class _Entry(msgspec.Struct, gc=False):
    """One line of a listing: an object, or a folder (`subdir`)."""

    name: str = ""
    bytes: int | None = None
    last_modified: str | None = None
    subdir: str = ""


_entries = msgspec.json.Decoder(list[_Entry])


def open_swift(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    insecure_tls: bool = False,
    allowed: Callable[[str], bool] | None = None,
) -> SwiftStore:
    """The store of a `swift:` location; nothing is asked yet. Raises Unsupported, Unauthorized.

    `allowed` says of a host (or host:port) whether the token may be sent there.
    """
    certificates = certificates_of(environment)
    client_certificate = client_certificate_of(environment)

    def pool_of(url: str) -> Pool:
        return shared_pool(
            connections,
            url,
            certificates=certificates,
            client_certificate=client_certificate,
            insecure_tls=insecure_tls,
        )

    who = who_is(environment, certificates=certificates, insecure_tls=insecure_tls)
    login = connections.get(who, lambda: Login(who, pool_of))
    return SwiftStore(location, login, pool_of, secrets_of(environment), allowed)


class SwiftStore(FlatStore):
    """One repository by its prefix in a container."""

    clock = StoreClock.SERVER

    def __init__(
        self,
        location: Location,
        login: Login,
        pool_of: Callable[[str], Pool],
        secrets: tuple[Secret, ...],
        allowed: Callable[[str], bool] | None,
    ) -> None:
        self._container = location.bucket
        self._prefix = location.prefix + "/" if location.prefix else ""
        self._shown = location.shown
        self._login = login
        self._pool_of = pool_of
        self._secrets = secrets
        self._allowed = allowed

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`. Of an expired token nothing was done, so it is sent again."""
        answer = self._ask("DELETE", self._object(self._name_of(lock)), what="the lock")
        if answer.status not in _DELETED:
            raise self._refused(answer, "delete")

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`: only where there is none."""
        answer = self._ask(
            "PUT",
            self._object(self._name_of(lock)),
            what="the lock",
            headers={"If-None-Match": "*"},
            body=stored,
        )
        if answer.status == HTTPStatus.PRECONDITION_FAILED:
            raise Refused(f"the lock {lock[:8]} is already there")
        if answer.status not in _WRITTEN:
            raise self._refused(answer, "write")

    def close(self) -> None:
        """Connections and login are shared, and closed with the connections."""

    # --- one request ------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        *,
        what: str,
        limit: int = LOCK_LIMIT,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        def sent(access: Access) -> Answer:
            return self._client(access).ask(
                method,
                access.storage_url.rstrip("/") + path,
                what=what,
                limit=limit,
                headers={**(headers or {}), "X-Auth-Token": access.token.reveal()},
                body=body,
            )

        access = self._login.access(self._shown, self._secrets)
        answer = sent(access)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = sent(self._login.renew(access, self._shown, self._secrets))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise Unauthorized(
                f"{self._shown} refuses also a token that is new ({answer.said}): check that "
                "its identity service is the one of this object store"
            )
        return answer

    def _client(self, access: Access) -> HttpClient:
        """For the server that the login named. Raises Unsupported where that is not allowed."""
        host = host_of(access.storage_url)
        if self._allowed is not None and not self._allowed(host):
            raise Unsupported(
                f"its identity service names the object store {host}, which is none of the "
                "`endpoints` that the configuration allows"
            )
        pool = self._pool_of(access.storage_url)
        return HttpClient(pool, shown=self._shown, secrets=(*self._secrets, access.token))

    def _object(self, name: str) -> str:
        return f"/{quote(self._container, safe='')}/{quote(self._prefix + name)}"

    def _read(self, name: str, limit: int) -> bytes:
        answer = self._ask("GET", self._object(name), what=name[:14], limit=limit)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Gone(f"{name[:14]} is not in {self._shown} (any more)")
        if answer.status != HTTPStatus.OK:
            raise self._failure(answer)
        return answer.body

    def _no_repository(self) -> NoRepository:
        """Of a container that is not there, every object is missing as well."""
        answer = self._page("", limit=1)
        if answer.status == HTTPStatus.NOT_FOUND:
            return NoRepository(
                f"no repository here: {self._shown} names the container {self._container}, which "
                "is not there"
            )
        return NoRepository(
            f"no repository here: {self._shown} has no object `config`; check the prefix"
        )

    def _list(self, folder: str) -> Iterator[ListedLock]:
        """The objects directly in a folder whose names are ids, by name, page by page."""
        marker = before = ""
        while True:
            answer = self._page(folder, marker=marker)
            if answer.status == HTTPStatus.NO_CONTENT:
                return
            if answer.status == HTTPStatus.NOT_FOUND:
                raise Unreachable(f"{self._shown} answered 404 to a listing")
            if answer.status != HTTPStatus.OK:
                raise self._failure(answer)
            page = self._decoded(answer)
            for entry in page:
                name = self._name_in(folder, entry)
                if is_id(name):
                    if name <= before:
                        raise self._nonsense()  # one that comes twice would be judged twice
                    before = name
                    yield ListedLock(LockID(name), entry.bytes, _time(entry.last_modified))
            if not page:
                return
            last = page[-1].name or page[-1].subdir
            if last <= marker:
                raise self._nonsense()  # it would never end
            marker = last

    def _page(self, folder: str, *, marker: str = "", limit: int = _PAGE) -> Answer:
        asked = {"format": "json", "limit": str(limit), "prefix": self._prefix + folder}
        asked |= {"delimiter": "/"} | ({"marker": marker} if marker else {})
        path = f"/{quote(self._container, safe='')}?{urlencode(asked)}"
        return self._ask("GET", path, what="a listing", limit=_PAGE_LIMIT)

    def _decoded(self, answer: Answer) -> list[_Entry]:
        try:
            return _entries.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._nonsense() from None

    def _nonsense(self) -> Unreachable:
        return Unreachable(f"{self._shown} answered a listing that is not Swift's")

    def _name_in(self, folder: str, entry: _Entry) -> str:
        before = self._prefix + folder
        if not (entry.name or entry.subdir).startswith(before):
            raise self._nonsense()
        return entry.name.removeprefix(before)

    def _failure(self, answer: Answer) -> StoreError:
        said = answer.said
        if answer.status in _DENIED:
            return Unauthorized(
                f"{self._shown} denies access ({said}): this user needs a role that may read the "
                "container"
            )
        return Unreachable(f"{self._shown} answered {said}")

    def _refused(self, answer: Answer, doing: str) -> StoreError:
        mend = "; this user needs a role that may write" if answer.status in _DENIED else ""
        return answer.refused(self._shown, doing, busy=_BUSY, mend=mend)


def _time(text: str | None) -> datetime | None:
    """`2026-11-25T12:00:00.123450`, which is UTC; what is no time is none."""
    try:
        found = datetime.fromisoformat(text or "")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
