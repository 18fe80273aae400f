"""Repositories behind restic's REST protocol: rest-server, and `rclone serve restic`.

The protocol is the chapter "REST Backend" of restic's documentation. It sends no times.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

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
    RETRIES,
    TIMEOUT,
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
from janitor.store.unix_http import LONGEST_PATH, UnixPool
from janitor.store.variables import certificates_of, secrets_of

LISTING_LIMIT = 10 * 1024 * 1024
"""Bytes of a listing that are read; 100,000 locks have less. What is made of it can take ten times
as much, and the pod has 192 MiB."""
HEADERS = {"Accept": "application/vnd.x.restic.rest.v2"}
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class _Entry(msgspec.Struct, gc=False):
    """One entry of a listing, version 2."""

    name: str
    size: int | None = None


_entries = msgspec.json.Decoder(list[_Entry | str])  # version 1 lists bare names


def open_rest(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    insecure_tls: bool = False,
) -> RestStore:
    """The store of a `rest:` location; nothing is asked yet. Raises Unsupported."""
    certificates = certificates_of(environment)
    client_certificate = client_certificate_of(environment)
    pool: Pool
    if location.url.startswith("http+unix:"):
        location, pool = _unix(location, connections)
    else:
        pool = shared_pool(
            connections,
            location.url,
            certificates=certificates,
            client_certificate=client_certificate,
            insecure_tls=insecure_tls,
        )
    username, password = location.username, location.password
    if username is None:
        # as restic: only where the URL has neither
        username = environment.get("RESTIC_REST_USERNAME")
        password = environment.get("RESTIC_REST_PASSWORD")
    headers = _headers(username, password)
    secrets = [*secrets_of(environment), *(each for each in (username, password) if each)]
    if authorization := headers.get("Authorization"):
        secrets.append(Secret(authorization.removeprefix("Basic ")))
    return RestStore(location, pool, headers, tuple(secrets))


def _unix(location: Location, connections: Connections) -> tuple[Location, UnixPool]:
    """`http+unix:///path/of/socket:/path/of/repository/`, as restic reads it."""
    socket_path, colon, path = unquote(urlsplit(location.url).path).partition(":")
    if not colon or len(os.fsencode(socket_path)) > LONGEST_PATH:
        raise Unsupported(
            "a REST location over a unix socket is rest:http+unix:///path/of/socket:/repository/, "
            f"where the socket's path has at most {LONGEST_PATH} bytes"
        )
    pool: UnixPool = connections.get(
        ("unix", socket_path), lambda: UnixPool(socket_path, timeout=TIMEOUT, retries=RETRIES)
    )
    return replace(location, url=quote(path, safe="/")), pool


def _headers(username: Secret | None, password: Secret | None) -> dict[str, str]:
    headers = dict(HEADERS)
    if username or password:
        pair = (username or Secret("")).encode() + b":" + (password or Secret("")).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
    return headers


class RestStore(FlatStore):
    """One repository by its URL. Redirects are not followed: they would carry the credentials."""

    clock = StoreClock.NONE

    def __init__(
        self,
        location: Location,
        pool: Pool,
        headers: dict[str, str],
        secrets: tuple[Secret, ...],
    ) -> None:
        self._url = location.url
        self._shown = location.shown
        self._http = HttpClient(pool, shown=location.shown, secrets=secrets)
        self._headers = headers

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`."""
        answer = self._ask("DELETE", self._name_of(lock))
        if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
            raise self._refused(answer, "delete")

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`. rest-server creates only; rclone is asked first."""
        path = self._name_of(lock)
        answer = self._ask("GET", path)
        if answer.status == HTTPStatus.OK:
            raise Refused(f"the lock {lock[:8]} is already there")
        if answer.status == HTTPStatus.NOT_FOUND:
            answer = self._ask("POST", path, stored=stored)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
            raise self._refused(answer, "write")

    def close(self) -> None:
        """The pool is shared, and closed with the connections."""

    # --- one request ------------------------------------------------------------------------

    def _no_repository(self) -> NoRepository:
        return NoRepository(f"no repository here: {self._shown} has no `config`; check the path")

    def _list(self, folder: str) -> Iterator[ListedLock]:
        """Without times. The slash matters: `/locks` answers 404. Only a repository with a `config`
        is asked: rclone lists nothing for one that is not.
        """
        answer = self._ask("GET", folder, LISTING_LIMIT)
        rclone = answer.headers.get("Server", "").startswith("rclone/")
        if answer.status == HTTPStatus.NOT_FOUND and not rclone:
            return  # there is a config, so the folder is missing; of rclone it is a fault
        if answer.status != HTTPStatus.OK:
            raise self._failure(answer)
        try:
            entries = _entries.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable(
                f"{self._shown} answered a listing that is not the REST protocol's; check the URL"
            ) from None
        found = dict(
            (entry, None) if isinstance(entry, str) else (entry.name, entry.size)
            for entry in entries
        )
        for name, size in sorted(each for each in found.items() if is_id(each[0])):
            yield ListedLock(LockID(name), size, None)

    def _read(self, path: str, limit: int) -> bytes:
        answer = self._ask("GET", path, limit)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Gone(f"{path[:14]} is not in {self._shown} (any more)")
        if answer.status != HTTPStatus.OK:
            raise self._failure(answer)
        return answer.body

    def _ask(
        self, method: str, path: str, limit: int = LOCK_LIMIT, stored: bytes | None = None
    ) -> Answer:
        return self._http.ask(
            method,
            self._url + path,
            what=path[:14],
            limit=limit,
            headers=self._headers,
            body=stored,
        )

    def _failure(self, answer: Answer) -> StoreError:
        said = answer.said
        if answer.status in _DENIED:
            given = "Authorization" in self._headers
            mend = (
                "the user name or password is wrong, or may not use this path"
                if given
                else "it wants RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD"
            )
            return Unauthorized(f"{self._shown} denies access ({said}): {mend}")
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(
                f"{self._shown} answered {said}, not as a REST server of restic does"
            )
        return Unreachable(f"{self._shown} answered {said}")

    def _refused(self, answer: Answer, doing: str) -> StoreError:
        return answer.refused(self._shown, doing)
