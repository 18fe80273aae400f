"""Plain HTTP, for the backends that speak it without a library: bounded, and never redirected."""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from janitor.model import Secret, SecretFile
from janitor.store.connections import THREADS, Connections
from janitor.store.errors import (
    Gone,
    Refused,
    StoreError,
    TooLarge,
    Unreachable,
    Unsupported,
    one_line,
)
from janitor.store.http_errors import broken_off, no_answer, redirected
from janitor.store.memory_file import memory_file

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
_PIECE = 64 * 1024
_SERVERS = 64
"""Servers whose connections are kept; past that, those of the one asked longest ago are closed."""
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS,)


class Pool(Protocol):
    """Where requests go: urllib3's pools, or a server that has to be started first."""

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """As urllib3's `RequestMethods.request`."""


def make_pool(
    url: str,
    *,
    certificates: bytes | None,
    client_certificate: Secret | None = None,
    insecure_tls: bool,
) -> urllib3.PoolManager:
    """Connections to a server, by the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY say."""
    if insecure_tls:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    path, descriptor = _file_of(client_certificate)
    options: dict[str, Any] = {
        "timeout": TIMEOUT,
        "retries": RETRIES,
        "maxsize": THREADS,
        "num_pools": _SERVERS,
        "cert_reqs": "CERT_NONE" if insecure_tls else "CERT_REQUIRED",
        "ca_cert_data": certificates.decode("utf-8", "replace") if certificates else None,
        "cert_file": path,
    }
    proxy = _proxy_of(url)
    pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    if descriptor is not None:
        weakref.finalize(pool, os.close, descriptor)
    return pool


def shared_pool(
    connections: Connections,
    url: str,
    *,
    certificates: bytes | None,
    client_certificate: Secret | None,
    insecure_tls: bool,
) -> Pool:
    """The connections of this run for all URLs that are reached in the same way."""
    pool: Pool = connections.get(
        ("http", _proxy_of(url), certificates, client_certificate, insecure_tls),
        lambda: make_pool(
            url,
            certificates=certificates,
            client_certificate=client_certificate,
            insecure_tls=insecure_tls,
        ),
    )
    return pool


def _proxy_of(url: str) -> str | None:
    """The proxy to this server, as the environment of this process says it."""
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def client_certificate_of(environment: Mapping[str, Secret]) -> Secret | None:
    """RESTIC_TLS_CLIENT_CERT. Raises Unsupported where its file is not there."""
    certificate = environment.get("RESTIC_TLS_CLIENT_CERT") or None
    if certificate is None or isinstance(certificate, SecretFile):
        return certificate
    if not Path(certificate.reveal()).is_file():
        raise Unsupported(
            f"RESTIC_TLS_CLIENT_CERT names {certificate.reveal()!r}, which is not there; mount it"
        )
    return certificate


def _file_of(certificate: Secret | None) -> tuple[str | None, int | None]:
    """The path of a client certificate; one in memory only gets a descriptor, and no disk."""
    if not isinstance(certificate, SecretFile):
        return (None if certificate is None else certificate.reveal()), None
    return memory_file("client-certificate", certificate.encode())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    """What its words must not show."""

    @property
    def said(self) -> str:
        """The status, and the server's words where they are words."""
        words = one_line(self.body[:1000].decode("utf-8", "replace"), self.secrets)
        return str(self.status) if words.startswith("<") else f"{self.status} {words}".strip()

    def refused(
        self, shown: str, doing: str, *, busy: Collection[int] = _BUSY, mend: str = ""
    ) -> StoreError:
        """What this answer says of a lock that was to be deleted or written, and was not."""
        if self.status == HTTPStatus.NOT_FOUND:
            return Gone("the lock is not there any more")
        if self.status in busy or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(f"{shown} could not {doing} the lock: {self.said}")
        return Refused(f"{shown} will not {doing} the lock ({self.said}){mend}")


class HttpClient:
    """Requests about one repository, whose failures are sentences without secrets."""

    def __init__(
        self,
        pool: Pool,
        *,
        shown: str,
        secrets: tuple[Secret, ...],
        cacert: str = "RESTIC_CACERT",
    ) -> None:
        self._pool = pool
        self._shown = shown
        self._secrets = secrets
        self._cacert = cacert

    def ask(
        self,
        method: str,
        url: str,
        *,
        what: str,
        limit: int = _PIECE,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """The answer. Raises TooLarge beyond `limit` bytes, and Unreachable where none came."""
        sent = {"User-Agent": "restic-janitor", **headers}
        if body is not None:
            sent.setdefault("Content-Type", "application/octet-stream")
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=sent,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            received = bounded(answer, limit)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise no_answer(error, self._shown, self._secrets, cacert=self._cacert) from None
        if received is None:
            raise TooLarge(f"{what} in {self._shown} has more than {limit} bytes")
        empty = not received and answer.status != HTTPStatus.NO_CONTENT
        if empty and not _has_an_end(answer.headers):
            raise broken_off(self._shown)
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise redirected(self._shown, answer.headers.get("Location", ""), self._secrets)
        return Answer(answer.status, received, answer.headers, self._secrets)


def _has_an_end(headers: Mapping[str, str]) -> bool:
    """Whether the head says how long the body is: one that broke off in the head does not, and to
    Python it is an answer with fewer headers and no body.
    """
    return bool(headers.get("Content-Length") or headers.get("Transfer-Encoding"))


def bounded(answer: urllib3.BaseHTTPResponse, limit: int) -> bytes | None:
    """The body; None where it is longer than `limit`, of which no more is read. Raises urllib3's
    errors where it breaks off.
    """
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
