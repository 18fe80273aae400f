"""Repositories behind restic's REST protocol: rest-server, and `rclone serve restic`.

The protocol is the chapter "REST Backend" of restic's documentation. It sends no times.
"""

from __future__ import annotations

import base64
import os
import weakref
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import msgspec
import urllib3

from janitor.model import ListedLock, LockID, Secret, SecretFile, StoreClock
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
from janitor.store.names import (
    CONFIG_LIMIT,
    KEY_LIMIT,
    KEYS_AT_MOST,
    LOCK_LIMIT,
    checked,
    is_id,
)
from janitor.store.port import Layout, Listing, Root
from janitor.store.rest_errors import broken_off, no_answer, redirected
from janitor.store.unix_http import LONGEST_PATH, UnixPool
from janitor.store.variables import certificates_of, secrets_of

LISTING_LIMIT = 10 * 1024 * 1024
"""Bytes of a listing that are read; 100,000 locks have less. What is made of it can take ten times
as much, and the pod has 192 MiB."""
TIMEOUT = urllib3.Timeout(connect=5, read=15)
RETRIES = urllib3.Retry(
    total=2,
    redirect=False,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("GET",),  # a delete that may have worked is looked at, not sent again
    backoff_factor=0.3,
    raise_on_status=False,
    respect_retry_after_header=False,  # a server may ask for an hour
)
HEADERS = {"Accept": "application/vnd.x.restic.rest.v2", "User-Agent": "restic-janitor"}
_PIECE = 64 * 1024
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
    client_certificate = environment.get("RESTIC_TLS_CLIENT_CERT") or None
    if client_certificate is not None:
        _check_client_certificate(client_certificate)

    def make() -> urllib3.PoolManager:
        if insecure_tls:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        path, descriptor = _file_of(client_certificate)
        pool = urllib3.PoolManager(
            timeout=TIMEOUT,
            retries=RETRIES,
            cert_reqs="CERT_NONE" if insecure_tls else "CERT_REQUIRED",
            ca_cert_data=certificates.decode("utf-8", "replace") if certificates else None,
            cert_file=path,
        )
        if descriptor is not None:
            weakref.finalize(pool, os.close, descriptor)
        return pool

    pool: Pool
    if location.url.startswith("http+unix:"):
        location, pool = _unix(location, connections)
    else:
        pool = connections.get(("rest", certificates, client_certificate, insecure_tls), make)
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


def _check_client_certificate(certificate: Secret) -> None:
    if not isinstance(certificate, SecretFile) and not Path(certificate.reveal()).is_file():
        raise Unsupported(
            f"RESTIC_TLS_CLIENT_CERT names {certificate.reveal()!r}, which is not there; mount it"
        )


def _file_of(certificate: Secret | None) -> tuple[str | None, int | None]:
    """The path of a client certificate; one in memory only gets a descriptor, and no disk."""
    if not isinstance(certificate, SecretFile):
        return (None if certificate is None else certificate.reveal()), None
    descriptor = os.memfd_create("client-certificate")
    os.write(descriptor, certificate.encode())
    return f"/proc/self/fd/{descriptor}", descriptor


def _headers(username: Secret | None, password: Secret | None) -> dict[str, str]:
    headers = dict(HEADERS)
    if username or password:
        pair = (username or Secret("")).encode() + b":" + (password or Secret("")).encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
    return headers


class Pool(Protocol):
    """Where requests go: urllib3's pools, or a server that has to be started first."""

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """As urllib3's `RequestMethods.request`."""


class RestStore:
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
        self._pool = pool
        self._headers = headers
        self._secrets = secrets
        self._config: bytes | None = None

    def look(self) -> Root:
        """See `Store.look`. `config` first: rclone lists nothing for a repository that is not."""
        try:
            self._config = self._read("config", CONFIG_LIMIT)
        except Gone:
            raise NoRepository(
                f"no repository here: {self._shown} has no `config`; check the path"
            ) from None
        return Root(Layout.DEFAULT, locks_folder=None)

    def list_locks(self, *, at_most: int) -> Listing:
        """See `Store.list_locks`. Beyond `at_most`, the smallest names are taken."""
        if self._config is None:
            self.look()
        found = self._list("locks/")
        locks = [ListedLock(LockID(name), size, None) for name, size in found[:at_most]]
        return Listing(tuple(locks), beyond=max(0, len(found) - at_most))

    def list_keys(self) -> tuple[str, ...]:
        """See `Store.list_keys`."""
        return tuple(name for name, _ in self._list("keys/")[:KEYS_AT_MOST])

    def read_config(self) -> bytes:
        """See `Store.read_config`. It never changes, so the one that `look` read will do."""
        return self._config if self._config is not None else self._read("config", CONFIG_LIMIT)

    def read_key(self, name: str) -> bytes:
        """See `Store.read_key`."""
        if not is_id(name):
            raise Gone(f"the key {name[:8]} is not in {self._shown}")
        return self._read(f"keys/{name}", KEY_LIMIT)

    def read_lock(self, lock: LockID) -> bytes:
        """See `Store.read_lock`."""
        return self._read(f"locks/{checked(lock)}", LOCK_LIMIT)

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`."""
        status, body, _ = self._ask("DELETE", f"locks/{checked(lock)}", _PIECE)
        if status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT):
            raise self._refused(status, body, "delete")

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`. rest-server creates only; rclone is asked first."""
        path = f"locks/{checked(lock)}"
        status, body, _ = self._ask("GET", path, LOCK_LIMIT)
        if status == HTTPStatus.OK:
            raise Refused(f"the lock {lock[:8]} is already there")
        if status == HTTPStatus.NOT_FOUND:
            status, body, _ = self._ask("POST", path, _PIECE, stored)
        if status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
            raise self._refused(status, body, "write")

    def close(self) -> None:
        """The pool is shared, and closed with the connections."""

    # --- one request ------------------------------------------------------------------------

    def _list(self, folder: str) -> list[tuple[str, int | None]]:
        """Names that are ids, sorted, with sizes. The slash matters: `/locks` answers 404."""
        status, body, headers = self._ask("GET", folder, LISTING_LIMIT)
        rclone = headers.get("Server", "").startswith("rclone/")
        if status == HTTPStatus.NOT_FOUND and not rclone:
            return []  # there is a config, so the folder is missing; of rclone it is a fault
        if status != HTTPStatus.OK:
            raise self._failure(status, body)
        try:
            entries = _entries.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable(
                f"{self._shown} answered a listing that is not the REST protocol's; check the URL"
            ) from None
        found = dict(
            (entry, None) if isinstance(entry, str) else (entry.name, entry.size)
            for entry in entries
        )
        return sorted(each for each in found.items() if is_id(each[0]))

    def _read(self, path: str, limit: int) -> bytes:
        status, body, _ = self._ask("GET", path, limit)
        if status == HTTPStatus.NOT_FOUND:
            raise Gone(f"{path[:14]} is not in {self._shown} (any more)")
        if status != HTTPStatus.OK:
            raise self._failure(status, body)
        return body

    def _ask(
        self, method: str, path: str, limit: int, stored: bytes | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers. Raises TooLarge, and Unreachable where nothing answers."""
        headers = dict(self._headers)
        if stored is not None:
            headers["Content-Type"] = "application/octet-stream"
        try:
            answer = self._pool.request(
                method,
                self._url + path,
                body=stored,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            body = _bounded(answer, limit)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise no_answer(error, self._shown, self._secrets) from None
        if body is None:
            raise TooLarge(f"{path[:14]} in {self._shown} has more than {limit} bytes")
        empty = not body and answer.status != HTTPStatus.NO_CONTENT
        if empty and not _has_an_end(answer.headers):
            raise broken_off(self._shown)
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise redirected(self._shown, answer.headers.get("Location", ""), self._secrets)
        return answer.status, body, answer.headers

    def _said(self, status: int, body: bytes) -> str:
        words = one_line(body[:1000].decode("utf-8", "replace"), self._secrets)
        return f"{status} {words}".strip() if not words.startswith("<") else str(status)

    def _failure(self, status: int, body: bytes) -> StoreError:
        said = self._said(status, body)
        if status in _DENIED:
            given = "Authorization" in self._headers
            mend = (
                "the user name or password is wrong, or may not use this path"
                if given
                else "it wants RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD"
            )
            return Unauthorized(f"{self._shown} denies access ({said}): {mend}")
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(
                f"{self._shown} answered {said}, not as a REST server of restic does"
            )
        return Unreachable(f"{self._shown} answered {said}")

    def _refused(self, status: int, body: bytes, doing: str) -> StoreError:
        if status == HTTPStatus.NOT_FOUND:
            return Gone("the lock is not there any more")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            return Unreachable(
                f"{self._shown} could not {doing} the lock: {self._said(status, body)}"
            )
        return Refused(f"{self._shown} will not {doing} the lock ({self._said(status, body)})")


def _has_an_end(headers: Mapping[str, str]) -> bool:
    """Whether the head says how long the body is: one that broke off in the head does not, and to
    Python it is an answer with fewer headers and no body.
    """
    return bool(headers.get("Content-Length") or headers.get("Transfer-Encoding"))


def _bounded(answer: urllib3.BaseHTTPResponse, limit: int) -> bytes | None:
    """The body; None where it is longer than `limit`, of which no more is read."""
    pieces: list[bytes] = []
    room = limit
    try:
        while room >= 0 and (piece := answer.read(_PIECE)):
            pieces.append(piece)
            room -= len(piece)
    except BaseException:
        answer.close()
        raise
    if room < 0:
        answer.close()
        return None
    answer.release_conn()
    return b"".join(pieces)
