"""The S3 client: how a location and restic's variables become one obstore client per bucket."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from obstore.store import S3Store

from janitor.model import Secret
from janitor.store.connections import Connections
from janitor.store.errors import StoreError, Unauthorized, Unreachable, Unsupported
from janitor.store.location import Location
from janitor.store.object_client import (
    CONNECT,
    REQUEST,
    RETRIES,
    client_options,
    hidden_variables,
)
from janitor.store.object_errors import Answer, Doing, translated
from janitor.store.object_store import ObjectStore
from janitor.store.s3_credentials import NO_CREDENTIALS, Credentials, credentials_of, region_of
from janitor.store.variables import certificates_of, secrets_of, text_of

_REQUEST = REQUEST
_RETRIES = RETRIES
# hosts that want the bucket in the name, as the minio client decides for `auto`
_BUCKET_IN_HOST = re.compile(
    r"(.*\.)?amazonaws\.com(\.cn)?|storage\.googleapis\.com|oss-[^.]+(\.[^.]+)?\.aliyuncs\.com"
)
_BUCKET_AS_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")

Result = TypeVar("Result")


def open_s3(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    insecure_tls: bool = False,
) -> ObjectStore:
    """The store of an `s3:` location; nothing is asked yet. Raises Unsupported, Unauthorized."""
    if location.prefix.startswith("/") or "//" in location.prefix:
        raise Unsupported(
            f"{location.shown} has an empty name in its path, so that its keys begin with a slash, "
            "which the janitor cannot address; move the repository to a path without //"
        )
    if text_of(environment, "RESTIC_TLS_CLIENT_CERT"):
        raise Unsupported("RESTIC_TLS_CLIENT_CERT is not supported for S3")
    settings = _Settings(
        endpoint=location.endpoint,
        tls=location.tls,
        bucket=location.bucket,
        region=region_of(location, environment),
        credentials=credentials_of(environment),
        certificates=certificates_of(environment),
        insecure_tls=insecure_tls,
    )
    made = partial(connections.recent, settings, lambda: S3Client(settings))
    return ObjectStore(made, location, secrets_of(environment))


@dataclass(frozen=True, slots=True)
class _Settings:
    """Everything that makes one client differ from another."""

    endpoint: str
    tls: bool
    bucket: str
    region: str
    credentials: Credentials = field(repr=False)
    certificates: bytes | None = field(repr=False)
    insecure_tls: bool


class S3Client:
    """One bucket's client, shared by the repositories in it and by threads."""

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings
        self._made: S3Store | None = None
        self._without_credentials: StoreError | None = None
        self._lock = threading.Lock()

    def call(
        self,
        ask: Callable[[S3Store], Result],
        *,
        doing: Doing,
        shown: str,
        secrets: tuple[Secret, ...],
        once: bool = False,
    ) -> Result:
        """Asks the server. Raises a StoreError in one sentence that holds none of the secrets.

        Where the server names another region, it is asked again there, as restic does.
        """
        for attempt in range(2):
            answer: Answer
            try:
                return ask(self._store())
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - obstore also raises OSError and ValueError
                answer = Answer.of(error)
            except BaseException as error:
                if type(error).__name__ != "PanicException":  # Rust's, which is no Exception
                    raise
                answer = Answer("the S3 client failed on these settings")
            if not (once or attempt) and answer.other_region and self._move_to(answer.region):
                continue
            raise self._failure(answer, doing, shown, secrets)
        raise AssertionError("not reached")

    def _failure(
        self, answer: Answer, doing: Doing, shown: str, secrets: tuple[Secret, ...]
    ) -> StoreError:
        credentials = self._settings.credentials
        if credentials.key is None and self._url() not in answer.text:
            why = translated(
                answer, shown="what gives credentials", bucket="", doing=Doing.READ, secrets=secrets
            )
            message = NO_CREDENTIALS if credentials.metadata else f"no S3 credentials: {why}"
            # kept: every repository of this client would wait for the same again
            self._without_credentials = Unauthorized(message)
            return self._without_credentials
        return translated(
            answer, shown=shown, bucket=self._settings.bucket, doing=doing, secrets=secrets
        )

    def _store(self) -> S3Store:
        with self._lock:
            if self._without_credentials is not None:
                raise Unauthorized(str(self._without_credentials))
            if self._made is None:
                try:
                    self._made = self._make(self._settings.region)
                except Unauthorized as error:
                    self._without_credentials = error
                    raise
            return self._made

    def _move_to(self, region: str) -> bool:
        """Whether there is another region to ask in; the client then asks there from now on."""
        region = region or self._region_by_header()
        if not region or region == self._settings.region:
            return False
        with self._lock:
            self._made = self._make(region)
        return True

    def _region_by_header(self) -> str:
        """What the server says of the bucket's region to anybody who asks; empty: nothing."""
        # seldom needed, and half of what it takes to load this module
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        from janitor.store.http_client import make_pool  # noqa: PLC0415

        path = "/" if self._bucket_in_host() else f"/{quote(self._settings.bucket)}"
        trusted = self._settings.certificates
        url, insecure_tls = self._url(), self._settings.insecure_tls
        with make_pool(url, certificates=trusted, insecure_tls=insecure_tls) as pool:
            try:
                wait = CONNECT.total_seconds()
                answer = pool.request("HEAD", url + path, timeout=wait, retries=False)
            except HTTPError:
                return ""
        region = answer.headers.get("x-amz-bucket-region", "")
        return region if re.fullmatch(r"[a-z0-9-]{1,40}", region) else ""

    def _make(self, region: str) -> S3Store:
        settings, credentials = self._settings, self._settings.credentials
        if credentials.metadata and not _listens(credentials.metadata):
            raise Unauthorized(NO_CREDENTIALS)
        try:
            with hidden_variables("AWS_"):
                return S3Store(
                    settings.bucket,
                    config=self._config(region),
                    client_options=self._options(),
                    retry_config=_RETRIES,
                )
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold a key
            kind = type(error).__name__
            raise Unreachable(
                f"the S3 client cannot be made for this location and these variables ({kind}); "
                "check the host, the bucket's name and the certificates in RESTIC_CACERT"
            ) from None

    def _config(self, region: str) -> Any:
        credentials = self._settings.credentials
        config: dict[str, Any] = {
            "aws_endpoint_url_s3": self._url(),
            "virtual_hosted_style_request": self._bucket_in_host(),
            "region": region,
            "disable_bulk_delete": True,
            "imdsv1_fallback": True,
            **dict(credentials.settings),
        }
        if credentials.metadata:
            config["metadata_endpoint"] = credentials.metadata
        for name, value in (
            ("access_key_id", credentials.key),
            ("secret_access_key", credentials.secret),
            ("session_token", credentials.token),
        ):
            if value is not None:
                config[name] = value.reveal()
        return config

    def _options(self) -> Any:
        settings = self._settings
        options = client_options(
            tls=settings.tls,
            insecure_tls=settings.insecure_tls,
            certificates=settings.certificates,
        )
        return options | {"timeout": _REQUEST}

    def _bucket_in_host(self) -> bool:
        host = self._settings.endpoint.partition(":")[0].rstrip(".")
        return bool(
            _BUCKET_IN_HOST.fullmatch(host) and _BUCKET_AS_HOST.fullmatch(self._settings.bucket)
        )

    def _url(self) -> str:
        settings = self._settings
        bucket = f"{settings.bucket}." if self._bucket_in_host() else ""
        return f"{'https' if settings.tls else 'http'}://{bucket}{settings.endpoint}"


def _listens(url: str) -> bool:
    """Whether the instance's metadata service is there; outside a cloud this costs a second."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1).close()
    except (OSError, ValueError):
        return False
    return True
