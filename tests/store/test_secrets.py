"""No credential reaches an error's text, whatever it is made of and whatever fails."""

from __future__ import annotations

import base64
import hashlib
import traceback
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote, quote_plus

import pytest
import urllib3

from janitor.model import LockID
from janitor.store import http_client, s3
from janitor.store.errors import BadLocation, StoreError
from janitor.store.port import Store
from tests.servers.scripted import Reply, Request, scripted
from tests.store.places import opened

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
CANARIES = (
    "can4ry%41/:@'\"",
    "can4ry<é>&ü",
    "can4ry with a newline\n",
    "can4ry\\n\t{x}",
    "can4ry-plain",
)


SWIFT = ("swift-v1", "swift-v2", "swift-v3", "swift-application", "swift-token")


def in_swift(scheme: str, url: str, canary: str) -> dict[str, str]:
    """Each way to log in to Swift, with the secret where one is."""
    user = {"OS_USERNAME": "user", "OS_PASSWORD": canary, "OS_PROJECT_NAME": "project"}
    return {
        "swift-v1": {"ST_AUTH": f"{url}/auth/v1.0", "ST_USER": "user", "ST_KEY": canary},
        "swift-v2": {"OS_AUTH_URL": f"{url}/v2.0", **user},
        "swift-v3": {"OS_AUTH_URL": f"{url}/v3", "OS_USER_DOMAIN_NAME": "Default", **user},
        "swift-application": {
            "OS_AUTH_URL": f"{url}/v3",
            "OS_APPLICATION_CREDENTIAL_ID": "id",
            "OS_APPLICATION_CREDENTIAL_SECRET": canary,
        },
        "swift-token": {"OS_STORAGE_URL": f"{url}/v1/a", "OS_AUTH_TOKEN": canary},
    }[scheme]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_REQUEST", timedelta(seconds=0.5))
    monkeypatch.setitem(s3._RETRIES, "max_retries", 0)
    monkeypatch.setattr(http_client, "TIMEOUT", urllib3.Timeout(connect=1, read=0.5))
    monkeypatch.setattr(http_client, "RETRIES", http_client.RETRIES.new(total=0))


def spellings(canary: str) -> set[str]:
    """Every form in which it might be printed."""
    raw = canary.strip()
    return {
        raw,
        raw.encode("unicode_escape").decode(),
        raw.encode("utf-8").hex(),
        repr(raw)[1:-1],
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        base64.b64encode(raw.encode()).decode().rstrip("="),
    }


def assert_hidden(error: BaseException, canary: str) -> None:
    """Neither the text, nor the repr, nor a printed traceback with all its causes."""
    printed = "".join(traceback.format_exception(error))
    causes, chain = [], error
    while chain is not None and len(causes) < 10:
        causes.append(f"{chain} {chain!r}")
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    # the lines of this test's own source are in a traceback, its values are not
    for text in (str(error), repr(error), printed, *causes):
        for spelling in spellings(canary):
            assert spelling not in text, f"{spelling!r} is in {text!r}"


def calls(store: Store) -> list[Callable[[], object]]:
    return [
        store.look,
        lambda: store.list_locks(at_most=5),
        store.list_keys,
        store.read_config,
        lambda: store.read_lock(LOCK),
        lambda: store.delete_lock(LOCK),
        lambda: store.put_lock(LOCK, b"lock"),
    ]


def echo(canary: str) -> Callable[[Request], Reply]:
    """A server that sends everything back that it was sent, and knows the secret besides."""

    def answer(request: Request) -> Reply:
        told = [canary, quote(canary), quote_plus(canary), quote(canary, safe=""), repr(canary)]
        told += [f"{name}: {value}" for name, value in request.headers.items()]
        message = " ".join(told).replace("&", "&amp;").replace("<", "&lt;")
        body = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
        return Reply(403, body.encode())

    return answer


def plain_echo(canary: str) -> Callable[[Request], Reply]:
    """The same as text, for servers that speak no XML."""

    def answer(request: Request) -> Reply:
        headers = " ".join(f"{name}: {value}" for name, value in request.headers.items())
        return Reply(500, f"{headers} {canary} {quote(canary)} {canary!r} &{canary}".encode())

    return answer


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "answer",
    [echo, plain_echo, Reply(hang=True), Reply(404), Reply(200, b"nonsense"), None],
    ids=["echo", "plain-echo", "hang", "missing", "nonsense", "refused"],
)
@pytest.mark.parametrize("scheme", ["s3", "s3-token", "rest-variables", "rest-url", *SWIFT])
def test_no_failure_shows_a_credential(
    scheme: str, answer: Callable[[str], Callable[[Request], Reply]] | Reply | None, canary: str
) -> None:
    """Else a password would stand in the log, the Event and the termination message."""
    environment = {"RESTIC_PASSWORD": canary}
    script = answer(canary) if callable(answer) else answer or Reply()
    with scripted(script) as server:
        url = server.url if answer else "http://127.0.0.1:1"
        match scheme:
            case "s3":
                location = f"s3:{url}/bucket/repo"
                environment |= {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": canary}
            case "s3-token":
                location = f"s3:{url}/bucket/repo"
                environment |= {"AWS_ACCESS_KEY_ID": canary, "AWS_SECRET_ACCESS_KEY": canary}
                environment |= {"AWS_SESSION_TOKEN": canary}
            case "rest-variables":
                location = f"rest:{url}/repo"
                environment |= {"RESTIC_REST_USERNAME": "u", "RESTIC_REST_PASSWORD": canary}
            case "swift-v1" | "swift-v2" | "swift-v3" | "swift-application" | "swift-token":
                location = "swift:container:/repo"
                environment |= in_swift(scheme, url, canary)
            case _:
                location = f"rest:{url}/repo".replace("//", f"//u:{quote(canary, safe='')}@")
                environment["RESTIC_REPOSITORY"] = location
        slow = isinstance(answer, Reply) and answer.hang
        failures = failures_of(location, environment, at_most=2 if slow else 7)
        for failure in failures:
            assert_hidden(failure, canary)
        assert failures


def failures_of(location: str, environment: dict[str, str], *, at_most: int) -> list[BaseException]:
    """What the first calls of a store raise; or what opening it raises."""
    failures: list[BaseException] = []
    try:
        with opened(location, environment) as store:
            for call in calls(store)[:at_most]:
                try:
                    call()
                except StoreError as error:
                    failures.append(error)
    except StoreError as error:
        failures.append(error)
    return failures


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize(
    "shape",
    [
        "rest:http://user:{}@host/repo",
        "rest:http://user:{}@host:port/repo",
        "rest:https://{}@host/repo?x",
        "s3:https://key:{}@host",
        "s3:key:{}@host/bucket",
        "sftp://user:{}@host",
        "unknown:{}",
        "rclone:",
    ],
)
def test_no_bad_location_quotes_a_password(shape: str, canary: str) -> None:
    """Else a slip in a URL would print its password; a good one is shown without."""
    from janitor.store.location import parse_location

    text = shape.format(canary)
    try:
        shown = parse_location(text).shown
    except BadLocation as error:
        assert_hidden(error, canary)
    else:
        for spelling in spellings(canary):
            assert spelling not in shown


def test_a_location_shows_no_password() -> None:
    """Else the `location` of every output line would hold it."""
    from janitor.store.location import parse_location

    for text in (
        "rest:https://user:can4ry@host/repo",
        "rest:https://user:can4ry%40@host/repo",
        "sftp://user:can4ry@host/repo",
        "s3:https://key:can4ry@host/bucket/repo",
        "rclone:remote,password=can4ry:path",
        "rclone::s3,secret_access_key=can4ry:bucket/path",
    ):
        location = parse_location(text)
        assert "can4ry" not in location.shown
        assert "can4ry" not in repr(location).replace(repr(location.path), "")
