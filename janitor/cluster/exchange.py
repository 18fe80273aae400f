"""One request to the API server and its answer: bounded in time and size, told in one sentence.

The answers are taken as raw bytes: the official client's typed models need fifty times the CPU.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from janitor import __version__
from janitor.cluster.access import Access, pool_of
from janitor.cluster.errors import (
    Busy,
    ClusterError,
    Conflict,
    Denied,
    Expired,
    Garbled,
    NotFound,
    Rejected,
    Right,
    Unauthenticated,
    Unreachable,
    Untrusted,
)

_CHUNK = 1 << 18
_SUCCESS = 2
"""2xx."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how large anything may get. Times in seconds, sizes in bytes."""

    connect: float = 5.0
    read: float = 30.0
    """Between two pieces of an answer."""
    total: float = 60.0
    """For one attempt, also against a server that sends a byte now and then."""
    attempts: int = 4
    retrying: float = 60.0
    """No attempt begins later than this after the first."""
    longest_wait: float = 30.0
    """However long a Retry-After asks for."""
    body: int = 48 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, in the API's words and in RBAC's."""

    right: Right
    method: str
    path: str
    """Begins with `/`; braces name the parts given in `parts`."""
    parts: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    attempts: int | None = None
    """None: as the limits say. Optional evidence is asked for once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A success (2xx)."""

    body: bytes
    date: str | None
    """The server's `Date` header, as it came."""
    sent: datetime
    """When the attempt that succeeded began, by the janitor's clock."""
    received: datetime
    """When its last byte was there, by the janitor's clock."""


def _identity(access: Access) -> str:
    """The same for every way to one cluster, as a pod or by a kubeconfig: a digest of its CA.

    Where the server's certificate is a public CA's, the server's name tells clusters apart.
    """
    try:
        ca = b"".join(Path(access.ssl_ca_cert or "").read_bytes().split())
    except OSError:
        ca = access.host.encode()
    return hashlib.sha256(ca).hexdigest()[:16]


class Connection:
    """The connections to one API server, and what their failures and its statuses mean."""

    def __init__(self, access: Access, *, credentials: str, limits: Limits) -> None:
        if not access.verify_ssl:
            # The kubeconfig says insecure-skip-tls-verify: a warning per request helps nobody.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._pool = pool_of(access)
        self._access = access
        self._credentials = credentials
        self._limits = limits
        self.server = authority(access.host)
        self.identity = _identity(access)

    def open(self, request: Request) -> urllib3.HTTPResponse:
        """Sends the request and returns a success whose body is still to be read."""
        headers = self._headers(request)
        try:
            response = self._send(request, headers)
        except (HTTPError, OSError, ValueError) as error:
            raise self._explain(error, request.right) from None
        if response.status // 100 == _SUCCESS:
            return response
        retry_after = response.headers.get("Retry-After")
        response.close()
        raise self._error_of_status(response.status, retry_after, request.right)

    def read(self, response: urllib3.HTTPResponse, request: Request, deadline: float) -> bytes:
        """The whole body, if it comes before the deadline (of `time.monotonic`)."""
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in response.stream(_CHUNK, decode_content=True):
                size += len(piece)
                if size > self._limits.body:
                    raise Garbled(
                        f"The answer to {request.right} is larger than "
                        f"{self._limits.body >> 20} MiB."
                    )
                if time.monotonic() > deadline:
                    raise self.too_slow(request.right)
                pieces.append(piece)
        except (HTTPError, OSError, ValueError) as error:
            pieces.clear()
            raise self._explain(error, request.right) from None
        except ClusterError:
            pieces.clear()  # the error's trace would keep them until the collector comes
            raise
        finally:
            # A connection whose answer was not read to its end cannot be used again.
            response.release_conn() if response.isclosed() else response.close()
        return b"".join(pieces)

    def too_slow(self, right: Right) -> Unreachable:
        """The error for an answer that did not end in time."""
        return Unreachable(
            f"The API server at {self.server} did not finish its answer to {right} within "
            f"{self._limits.total:g} seconds."
        )

    def close(self) -> None:
        """Lets the connections go."""
        self._pool.clear()

    def _send(self, request: Request, headers: dict[str, str]) -> urllib3.HTTPResponse:
        path = request.path.format_map({n: quote(v, safe="") for n, v in request.parts.items()})
        query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
        response = self._pool.request(
            request.method,
            f"{self._access.host}{path}{query}",
            body=None if request.body is None else json.dumps(request.body).encode(),
            headers=headers,
            timeout=urllib3.Timeout(connect=self._limits.connect, read=self._limits.read),
            redirect=False,
            preload_content=False,
        )
        return cast("urllib3.HTTPResponse", response)

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"restic-janitor/{__version__}"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        authorization = self._authorization()
        if authorization:
            headers["authorization"] = authorization
        return headers

    def _authorization(self) -> str | None:
        """The header; a service account's token is read anew every minute.

        White space around a token is dropped, as kubectl does. What cannot be a header is refused
        here, since http.client would quote all of it.
        """
        try:
            key = self._access.get_api_key_with_prefix("BearerToken")
        except Exception:  # noqa: BLE001 - the official client's own, of an exec plugin for example
            raise Unauthenticated(f"{self._credentials} cannot be read any more.") from None
        scheme, _, token = (key or "").partition(" ")
        header = f"{scheme} {token.strip()}" if key else None
        if header and not (header.isascii() and header.isprintable()):
            raise Unauthenticated(
                f"{self._credentials} cannot be sent: it holds a character that is not plain text."
            )
        return header

    def _explain(self, error: Exception, right: Right) -> ClusterError:
        """The sentence for what a library raised. Its own text is searched, never quoted."""
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text or "Hostname mismatch" in text:
            return Untrusted(
                f"The janitor could not {right}: the certificate of the API server at "
                f"{self.server} is not trusted (is that the right server and the right "
                "certificate authority?)."
            )
        if re.search(r"\bSSL|\bTLS|certificate|\[X509", text):
            return Untrusted(
                f"The janitor could not {right}: no TLS connection to the API server at "
                f"{self.server} came about (is it https, and do the certificates belong to it?)."
            )
        return Unreachable(
            f"The janitor could not {right}: the API server at {self.server} {_network(error)}."
        )

    def _error_of_status(self, status: int, retry_after: str | None, right: Right) -> ClusterError:
        """The error for an answer that is no success. Bodies are not quoted: a server may echo."""
        if status == HTTPStatus.UNAUTHORIZED:
            return Unauthenticated(
                f"The API server at {self.server} does not accept {self._credentials} (401): "
                f"the janitor could not {right}."
            )
        if status == HTTPStatus.FORBIDDEN:
            return Denied(right)
        sentence = f"The API server at {self.server} answered {status} when asked to {right}"
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Busy(f"{sentence}.", retry_after=_seconds(retry_after))
        kind, meaning = _STATUS.get(status, (Rejected, "which the janitor does not expect"))
        return kind(f"{sentence}: {meaning}.")


_STATUS: dict[int, tuple[type[ClusterError], str]] = {
    HTTPStatus.NOT_FOUND: (NotFound, "there is no such thing"),
    HTTPStatus.CONFLICT: (Conflict, "it exists already, or was changed by somebody else"),
    HTTPStatus.GONE: (Expired, "the list has expired"),
}


def authority(url: str) -> str:
    """The host and port of a URL, without a user or a password that may stand before them."""
    return urlsplit(url).netloc.rpartition("@")[2] or "(no host)"


def _network(error: Exception) -> str:
    """What happened, after the words "the API server at ..."."""
    if isinstance(error, ProxyError):
        return "cannot be reached through the proxy"
    if isinstance(error, NameResolutionError):
        return "has a name that cannot be resolved"
    # A kind of ConnectTimeoutError, to urllib3.
    if isinstance(error, NewConnectionError):
        return "refuses connections" if "refused" in str(error) else "cannot be connected to"
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)):
        return "did not answer in time"
    return "broke the connection off before the answer was whole"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as the API server sends it, in seconds; its other form, a date, is left out."""
    return float(retry_after) if retry_after and re.fullmatch(r"\d{1,9}", retry_after) else None
