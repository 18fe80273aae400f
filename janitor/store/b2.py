"""Repositories in Backblaze B2, by its native API and the b2sdk library.

B2 keeps versions of a file. What has a name is the newest, unless that is a marker that hides it
(`hide`); restic deletes the newest, up to three times, until none shows (`internal/backend/b2`).
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import requests
import urllib3
from b2sdk.v2 import B2Session, InMemoryAccountInfo
from b2sdk.v2.exception import B2Error, FileNotPresent

from janitor.model import ListedLock, LockID, Secret, StoreClock
from janitor.store.b2_errors import Doing, translated
from janitor.store.b2_http import impatient
from janitor.store.by_name import FlatStore
from janitor.store.connections import Connections
from janitor.store.errors import (
    Gone,
    NoRepository,
    Refused,
    TooLarge,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from janitor.store.first_failure import FirstFailure
from janitor.store.http_client import bounded
from janitor.store.http_errors import no_answer
from janitor.store.location import Location
from janitor.store.names import (
    is_id,
)
from janitor.store.port import Root
from janitor.store.variables import certificates_of, fit_for_a_header, secrets_of, text_of

REALM = "production"
"""Backblaze's own; b2sdk knows its URL."""
_PAGE = 1000
_DELETIONS = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=300_000)
"""Later times than that are none."""

Result = TypeVar("Result")


def open_b2(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    insecure_tls: bool = False,
) -> B2Store:
    """The store of a `b2:` location; nothing is asked yet. Raises Unsupported, Unauthorized."""
    if text_of(environment, "RESTIC_TLS_CLIENT_CERT"):
        raise Unsupported("RESTIC_TLS_CLIENT_CERT is not supported for B2")
    key_id = text_of(environment, "B2_ACCOUNT_ID")
    key = text_of(environment, "B2_ACCOUNT_KEY")
    for name, value in (("B2_ACCOUNT_ID", key_id), ("B2_ACCOUNT_KEY", key)):
        if not value:
            raise Unauthorized(f"no B2 credentials: {name} is not set")
        fit_for_a_header(name, value)
    account = _Account(key_id, Secret(key), certificates_of(environment), insecure_tls)
    client = connections.get(account, lambda: B2Client(account))
    return B2Store(location, client, secrets_of(environment))


@dataclass(frozen=True, slots=True)
class _Account:
    """Everything by which one login differs from another."""

    key_id: str
    key: Secret = field(repr=False)
    certificates: bytes | None = field(default=None, repr=False)
    insecure_tls: bool = False


class B2Client:
    """One login, made when it is first needed, and the buckets that were looked up by it."""

    def __init__(self, account: _Account) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._session: B2Session | None = None
        self._buckets: dict[str, str] = {}
        self._failure = FirstFailure()

    def call(
        self,
        ask: Callable[[B2Session], Result],
        *,
        doing: Doing,
        shown: str,
        secrets: tuple[Secret, ...],
    ) -> Result:
        """The answer. Raises a StoreError in one sentence that holds none of the secrets."""
        session = self._opened(shown, secrets)
        known = (*secrets, Secret(str(session.account_info.get_account_auth_token())))
        with _in_words(doing, shown, known):
            return ask(session)

    def bucket(self, name: str, *, shown: str, secrets: tuple[Secret, ...]) -> str:
        """The ID of a bucket. Raises NoRepository where there is none of that name."""
        if name not in self._buckets:

            def ask(session: B2Session) -> str | None:
                return _bucket_id(session, name)

            found = self.call(ask, doing=Doing.BUCKET, shown=shown, secrets=secrets)
            if found is None:
                raise NoRepository(
                    f"no repository here: {shown} names the bucket {name}, which is not there"
                )
            self._buckets[name] = found
        return self._buckets[name]

    def _opened(self, shown: str, secrets: tuple[Secret, ...]) -> B2Session:
        with self._lock, self._failure.kept(shown):
            if self._session is None:
                self._session = self._login(shown, secrets)
            return self._session

    def _login(self, shown: str, secrets: tuple[Secret, ...]) -> B2Session:
        account = self._account
        config = impatient(account.certificates, insecure_tls=account.insecure_tls)
        session = B2Session(account_info=InMemoryAccountInfo(), api_config=config)
        with _in_words(Doing.LOGIN, shown, secrets):
            session.authorize_account(REALM, account.key_id, account.key.reveal())
        return session


@contextmanager
def _in_words(doing: Doing, shown: str, secrets: tuple[Secret, ...]) -> Iterator[None]:
    """Raises a StoreError, which holds none of the secrets, for whatever the library raises."""
    try:
        yield
    except B2Error as error:
        raise translated(error, doing=doing, shown=shown, secrets=secrets) from None
    except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
        # of a body that is read piece by piece the library translates nothing
        raise no_answer(error, shown, secrets) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        kind = type(error).__name__
        raise Unreachable(f"{shown} answered what is not B2's ({kind})") from None


def _bucket_id(session: B2Session, name: str) -> str | None:
    """Of a key that is restricted to one bucket, the login tells which; it may list none."""
    allowed = session.account_info.get_allowed() or {}
    if allowed.get("bucketName") == name and allowed.get("bucketId"):
        return str(allowed["bucketId"])
    account = session.account_info.get_account_id()
    found = session.list_buckets(account, bucket_name=name)["buckets"]
    return str(found[0]["bucketId"]) if found else None


class B2Store(FlatStore):
    """One repository by its prefix in a bucket."""

    clock = StoreClock.SERVER

    def __init__(self, location: Location, client: B2Client, secrets: tuple[Secret, ...]) -> None:
        self._bucket = location.bucket
        self._prefix = location.prefix + "/" if location.prefix else ""
        self._shown = location.shown
        self._client = client
        self._secrets = secrets

    def look(self) -> Root:
        """See `Store.look`. A bucket that is not there is told before a file that is not."""
        self._bucket_id()
        return super().look()

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`. As restic: what shows, and again where an older one shows then,
        which an upload that was repeated leaves. By its name it is the same lock.
        """
        name = self._prefix + self._name_of(lock)
        version = self._version(name)
        if version is None:
            raise Gone("the lock is not there any more")
        for _ in range(_DELETIONS):
            self._ask(partial(_delete, version=version, name=name), Doing.DELETE)
            version = self._version(name)
            if version is None:
                return
        raise Refused(f"{self._shown} still shows the lock after {_DELETIONS} deletions")

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`. B2 cannot create only, so it is looked for first."""
        name = self._prefix + self._name_of(lock)
        if self._version(name) is not None:
            raise Refused(f"the lock {lock[:8]} is already there")
        bucket = self._bucket_id()

        def upload(session: B2Session) -> Any:
            return session.upload_file(
                bucket,
                name,
                len(stored),
                "application/octet-stream",
                hashlib.sha1(stored, usedforsecurity=False).hexdigest(),
                {},
                io.BytesIO(stored),
            )

        self._ask(upload, Doing.WRITE)

    def close(self) -> None:
        """The login is shared, and goes with the connections."""

    # --- one request ------------------------------------------------------------------------

    def _ask(self, ask: Callable[[B2Session], Result], doing: Doing) -> Result:
        return self._client.call(ask, doing=doing, shown=self._shown, secrets=self._secrets)

    def _bucket_id(self) -> str:
        return self._client.bucket(self._bucket, shown=self._shown, secrets=self._secrets)

    def _read(self, name: str, limit: int) -> bytes:
        path = self._prefix + name

        def read(session: B2Session) -> bytes | None:
            url = session.get_download_url_by_name(self._bucket, path)
            with session.download_file_from_url(url) as answer:
                return bounded(answer.raw, limit)

        try:
            stored = self._ask(read, Doing.READ)
        except Gone:
            raise Gone(f"{name[:14]} is not in {self._shown} (any more)") from None
        if stored is None:
            raise TooLarge(f"{name[:14]} in {self._shown} has more than {limit} bytes")
        return stored

    def _no_repository(self) -> NoRepository:
        return NoRepository(
            f"no repository here: {self._shown} has no file `config`; check the prefix"
        )

    def _list(self, folder: str) -> Iterator[ListedLock]:
        """The files directly in a folder whose names are ids, by name, page by page."""
        prefix = self._prefix + folder
        start: str | None = None
        before = ""
        while True:
            page = self._page(start, _PAGE, prefix)
            for found in page["files"]:
                name = str(found["fileName"]).removeprefix(prefix)
                if is_id(name):
                    if name <= before:
                        raise Unreachable(f"{self._shown} answered a listing without order")
                    before = name
                    size, time = found.get("contentLength"), found.get("uploadTimestamp")
                    yield ListedLock(LockID(name), size, _time(time))
            following = page.get("nextFileName")
            if following is None:
                return
            if start is not None and following <= start:
                raise Unreachable(f"{self._shown} answered a listing that would have no end")
            start = following

    def _page(self, start: str | None, count: int, prefix: str) -> Mapping[str, Any]:
        bucket = self._bucket_id()

        def ask(session: B2Session) -> Mapping[str, Any]:
            page: Mapping[str, Any] = session.list_file_names(bucket, start, count, prefix)
            if not isinstance(page["files"], list):
                raise TypeError("files")  # told as an answer that is not B2's
            return page

        return self._ask(ask, Doing.LIST)

    def _version(self, name: str) -> str | None:
        """The ID of the version that shows under this very name."""
        for found in self._page(name, 1, name)["files"]:
            if found["fileName"] == name:
                return str(found["fileId"])
        return None


def _delete(session: B2Session, *, version: str, name: str) -> None:
    try:
        session.delete_file_version(version, name)
    except FileNotPresent:
        return  # somebody was faster; what shows now is looked at next


def _time(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int):
        return None
    try:
        since = timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return _EPOCH + since if timedelta(0) < since < _LONGEST else None
