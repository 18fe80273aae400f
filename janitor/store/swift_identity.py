"""Who one is to OpenStack Swift: from restic's variables to a storage URL and a token.

restic's library takes the first of these that is set, and the version of the identity service from
its URL (`internal/backend/swift/config.go`, github.com/ncw/swift): version 1 is a request with two
headers, versions 2 and 3 are Keystone's, which keystoneauth1 speaks.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from janitor.model import Secret
from janitor.store.errors import Unauthorized, Unreachable, Unsupported, one_line
from janitor.store.extras import missing_extra
from janitor.store.first_failure import FirstFailure
from janitor.store.http_client import HttpClient, Pool
from janitor.store.variables import fit_for_a_header, header_bytes, text_of
from janitor.store.web_address import host_of

_CATALOG_LIMIT = 4 * 1024 * 1024
"""Bytes of Keystone's answer; a catalog of a large cloud has about 50 kB."""
_OK = range(200, 300)
_DENIED = (401, 403)
_NOTHING = (
    "no Swift credentials: set ST_AUTH, ST_USER and ST_KEY, or OS_AUTH_URL with OS_USERNAME and "
    "OS_PASSWORD or with an application credential, or OS_STORAGE_URL and OS_AUTH_TOKEN"
)


@dataclass(frozen=True, slots=True)
class Access:
    """What requests need."""

    storage_url: str
    token: Secret


@dataclass(frozen=True, slots=True)
class Who:
    """Everything by which one login differs from another."""

    auth_url: str = ""
    user: str = ""
    password: Secret = field(default=Secret(""), repr=False)
    region: str = ""
    keystone: tuple[tuple[str, str | Secret], ...] = ()
    """Arguments of keystoneauth1's plugin; empty values are left out."""
    given: Access | None = None
    """OS_STORAGE_URL and OS_AUTH_TOKEN."""
    certificates: bytes | None = field(default=None, repr=False)
    insecure_tls: bool = False

    @property
    def version(self) -> int:
        """Of the identity service. Raises Unsupported where its URL does not say."""
        for version in (3, 2, 1):
            if f"v{version}" in self.auth_url:
                return version
        raise Unsupported(
            "the URL of the identity service (OS_AUTH_URL or ST_AUTH) must contain v1, v2 or v3: "
            "restic tells its version by that"
        )


def who_is(
    environment: Mapping[str, Secret], *, certificates: bytes | None, insecure_tls: bool
) -> Who:
    """The identity in these variables. Raises Unauthorized where there is none."""

    def text(*names: str) -> str:
        return text_of(environment, *names)

    def secret(*names: str) -> Secret:
        return Secret(text(*names))

    for name in ("OS_AUTH_URL", "ST_AUTH", "OS_STORAGE_URL"):
        if (url := text(name)) and not host_of(url):
            raise Unsupported(f"{name} is no URL of a server; write https://host:port/path")
    storage_url, token = text("OS_STORAGE_URL"), text("OS_AUTH_TOKEN")
    given = None
    if storage_url and token:
        given = Access(storage_url, Secret(fit_for_a_header("OS_AUTH_TOKEN", token)))
    who = Who(
        auth_url=text("OS_AUTH_URL", "ST_AUTH"),
        user=text("OS_USERNAME", "ST_USER"),
        password=secret("OS_PASSWORD", "ST_KEY"),
        region=text("OS_REGION_NAME"),
        keystone=(
            ("user_id", text("OS_USER_ID")),
            ("user_domain_name", text("OS_USER_DOMAIN_NAME")),
            ("user_domain_id", text("OS_USER_DOMAIN_ID")),
            ("project_name", text("OS_PROJECT_NAME", "OS_TENANT_NAME")),
            ("project_id", text("OS_TENANT_ID")),
            ("project_domain_name", text("OS_PROJECT_DOMAIN_NAME")),
            ("project_domain_id", text("OS_PROJECT_DOMAIN_ID")),
            ("trust_id", text("OS_TRUST_ID")),
            ("application_credential_id", text("OS_APPLICATION_CREDENTIAL_ID")),
            ("application_credential_name", text("OS_APPLICATION_CREDENTIAL_NAME")),
            ("application_credential_secret", secret("OS_APPLICATION_CREDENTIAL_SECRET")),
        ),
        given=given,
        certificates=certificates,
        insecure_tls=insecure_tls,
    )
    if given is None and not who.auth_url:
        raise Unauthorized(_NOTHING)
    return who


class Login:
    """One login, shared by all repositories of one identity; a token that expired is renewed."""

    def __init__(self, who: Who, make_pool: Callable[[str], Pool]) -> None:
        self._who = who
        self._make_pool = make_pool
        self._lock = threading.Lock()
        self._access = who.given
        self._failure = FirstFailure()

    def access(self, shown: str, secrets: tuple[Secret, ...]) -> Access:
        """The storage URL and a token. Raises a StoreError, the same one again in this run."""
        with self._lock, self._failure.kept(shown):
            if self._access is None:
                self._access = self._made(shown, secrets)
            return self._access

    def renew(self, stale: Access, shown: str, secrets: tuple[Secret, ...]) -> Access:
        """Another token than this one. Raises Unauthorized where none can be had."""
        with self._lock, self._failure.kept(shown):
            if self._access is stale:
                self._access = None
                if not self._who.auth_url:
                    raise Unauthorized(
                        f"{shown} refuses the token: OS_AUTH_TOKEN is not valid, or has expired"
                    )
        return self.access(shown, secrets)

    def _made(self, shown: str, secrets: tuple[Secret, ...]) -> Access:
        who = self._who
        pool = self._make_pool(who.auth_url)
        http = HttpClient(pool, shown=f"the identity service of {shown}", secrets=secrets)
        if who.version == 1:
            return self._by_headers(http, shown)
        return _by_keystone(who, http, shown, secrets)

    def _by_headers(self, http: HttpClient, shown: str) -> Access:
        who = self._who
        headers = {
            "X-Auth-User": header_bytes("ST_USER", who.user),
            "X-Auth-Key": header_bytes("ST_KEY", who.password.reveal()),
        }
        answer = http.ask("GET", who.auth_url, what="the login", headers=headers)
        url, token = answer.headers.get("X-Storage-Url"), answer.headers.get("X-Auth-Token")
        if answer.status in _DENIED:
            raise Unauthorized(
                f"{shown} refuses the credentials ({answer.said}): check ST_USER and ST_KEY"
            )
        if answer.status not in _OK or not url or not token:
            raise Unreachable(
                f"the identity service of {shown} answered {answer.said}, not as one of "
                "version 1 does; check ST_AUTH"
            )
        return _access(url, token, shown)


def _access(url: object, token: object, shown: str) -> Access:
    """What an identity service names, if it can be used."""
    if not isinstance(url, str) or not host_of(url):
        raise Unreachable(f"the identity service of {shown} names no URL of an object store")
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise Unreachable(f"the identity service of {shown} gave no token that a header can carry")
    return Access(url, Secret(token))


class _Transport:
    """What keystoneauth1 takes for a session of requests, whose own would read an answer without
    bound, and send along what a `.netrc` of this pod says.
    """

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str | bytes],
        data: str | None = None,
        **_: object,
    ) -> Any:
        """As `requests.Session.request`; timeouts, proxy and certificates are the pool's."""
        import requests  # noqa: PLC0415 - comes with keystoneauth1

        sent = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in headers.items()
        }
        body = None if data is None else data.encode()
        answer = self._http.ask(
            method, url, what="the login", limit=_CATALOG_LIMIT, headers=sent, body=body
        )
        made = requests.Response()
        made.status_code, made.url, made.raw = answer.status, url, io.BytesIO(answer.body)
        made.headers.update(answer.headers)
        return made


def _by_keystone(who: Who, http: HttpClient, shown: str, secrets: tuple[Secret, ...]) -> Access:
    try:
        from keystoneauth1 import exceptions, session  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise missing_extra("swift", error) from None
    try:
        transport: Any = _Transport(http)
        asking = session.Session(session=transport, redirect=False, user_agent="restic-janitor")
        found = _plugin(who).get_access(asking)
        url = found.service_catalog.url_for(
            service_type="object-store", interface="public", region_name=who.region or None
        )
        return _access(url, found.auth_token, shown)
    except exceptions.HttpError as error:
        words = one_line(f"{error.http_status} {error.message}", secrets)
        if error.http_status in _DENIED:
            raise Unauthorized(
                f"{shown} refuses the credentials ({words}): check OS_USERNAME and OS_PASSWORD, or "
                "the application credential, and the names of domain and project"
            ) from None
        raise Unreachable(f"the identity service of {shown} answered {words}") from None
    except exceptions.CatalogException:
        where = f" in the region {who.region}" if who.region else ""
        raise Unreachable(
            f"the identity service of {shown} knows no object store{where} for this project; check "
            "OS_REGION_NAME and the project"
        ) from None
    except exceptions.ClientException as error:
        raise Unreachable(
            f"the identity service of {shown} answered nonsense: {one_line(str(error), secrets)}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # what comes of answers that are JSON but not Keystone's
        kind = type(error).__name__
        raise Unreachable(
            f"the identity service of {shown} answered nonsense ({kind}); check OS_AUTH_URL"
        ) from None


def _plugin(who: Who) -> Any:
    """The way of logging in that these variables mean."""
    from keystoneauth1.identity import v2, v3  # noqa: PLC0415 - as above

    named: dict[str, Any] = {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in who.keystone
        if value
    }
    if who.version == 2:  # noqa: PLR2004
        return v2.Password(
            who.auth_url,
            username=who.user,
            password=who.password.reveal(),
            tenant_name=named.get("project_name"),
            tenant_id=named.get("project_id"),
            trust_id=named.get("trust_id"),
        )
    if "application_credential_secret" in named:
        credential = {
            name: value
            for name, value in named.items()
            if name.startswith(("application", "user_"))
        }
        return v3.ApplicationCredential(who.auth_url, username=who.user or None, **credential)
    user = {name: value for name, value in named.items() if not name.startswith("application")}
    if "project_name" in user and not {"project_domain_name", "project_domain_id"} & user.keys():
        # as restic's library: the project is of the user's domain
        user |= {
            f"project_{kind}": user[f"user_{kind}"]
            for kind in ("domain_name", "domain_id")
            if f"user_{kind}" in user
        }
    if "trust_id" in user:
        user = {name: value for name, value in user.items() if not name.startswith("project")}
    return v3.Password(
        who.auth_url, username=who.user or None, password=who.password.reveal(), **user
    )
