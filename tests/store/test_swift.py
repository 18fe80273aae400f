"""`swift:` locations: every way to log in, and what Swift and its identity service may answer."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from janitor.model import LockID, Secret
from janitor.store import http_client
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
)
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.servers.certificates import Certificates
from tests.servers.openstack import CONTAINER, KEY, USER, Keystone, Swift
from tests.servers.real_restic import RealRestic
from tests.servers.scripted import Reply, Request, scripted
from tests.store.places import opened, refusal

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
CANARY = "can4ry-of-a-secret"
REPOSITORY = "swift's own"
V2 = {"OS_USERNAME": "tester", "OS_PASSWORD": KEY, "OS_TENANT_NAME": "test"}
V3 = {
    "OS_USERNAME": "tester",
    "OS_PASSWORD": KEY,
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_NAME": "test",
    "OS_REGION_NAME": "east",
}
APPLICATION = {
    "OS_APPLICATION_CREDENTIAL_ID": "an-id",
    "OS_APPLICATION_CREDENTIAL_SECRET": KEY,
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    monkeypatch.setattr(http_client, "TIMEOUT", urllib3.Timeout(connect=1, read=0.5))
    monkeypatch.setattr(http_client, "RETRIES", http_client.RETRIES.new(total=0))


@pytest.fixture
def stored(swift: Swift) -> Swift:
    """With a repository that has a lock."""
    swift.write(REPOSITORY, {"config": b"c", f"locks/{LOCK}": b"lock"})
    return swift


# --- logging in -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "environment", "said"),
    [
        ("/v2.0", V2, "tenantName"),
        ("/v2.0", {**V2, "OS_TENANT_NAME": "", "OS_TENANT_ID": "t"}, "tenantId"),
        ("/v3", V3, '"project": {"name": "test", "domain": {"name": "Default"}}'),
        ("/v3", {**V3, "OS_PROJECT_DOMAIN_ID": "d"}, '"domain": {"id": "d"}}}'),
        ("/v3", {**V3, "OS_TRUST_ID": "a-trust"}, '"OS-TRUST:trust": {"id": "a-trust"}'),
        ("/v3", {**V3, "OS_USERNAME": "", "OS_USER_ID": "u"}, '"id": "u"'),
        ("/v3", APPLICATION, '"application_credential": {"secret": "testing", "id": "an-id"}'),
        (
            "/v3",
            {
                "OS_APPLICATION_CREDENTIAL_NAME": "backup",
                "OS_APPLICATION_CREDENTIAL_SECRET": KEY,
                "OS_USERNAME": "tester",
                "OS_USER_DOMAIN_NAME": "Default",
            },
            '"name": "backup"',
        ),
    ],
)
def test_keystone_lets_in_who_has_the_credentials(
    stored: Swift, path: str, environment: dict[str, str], said: str
) -> None:
    """Else a cloud that restic works with would be closed to the janitor."""
    keystone = Keystone(stored)
    with scripted(keystone) as server:
        variables = {"OS_AUTH_URL": server.url + path} | environment
        with opened(stored.location(REPOSITORY), variables) as store:
            store.look()
            assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
    (login,) = keystone.logins
    assert said in json.dumps(login)


@pytest.mark.parametrize("path", ["/v2.0", "/v3"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"OS_PASSWORD": CANARY}, "refuses the credentials (401"),
        ({"OS_REGION_NAME": "west"}, "knows no object store in the region west"),
    ],
)
def test_what_keystone_refuses_is_a_sentence(
    stored: Swift, path: str, change: dict[str, str], words: str
) -> None:
    """Else a wrong password and a wrong region would look the same."""
    with scripted(Keystone(stored)) as server:
        variables = {"OS_AUTH_URL": server.url + path} | (V2 if "2" in path else V3) | change
        error = refusal(stored.location(REPOSITORY), variables)
    assert words in str(error)
    assert CANARY not in str(error)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"nonsense"), "answered nonsense"),
        (Reply(201, b"[]", {"X-Subject-Token": "t"}), "answered nonsense"),
        (Reply(500, b"oops"), "answered 500"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), "redirects to http://127.0.0.1"),
        (Reply(hang=True), "did not answer in time"),
    ],
)
@pytest.mark.parametrize("path", ["/v2.0", "/v3"])
def test_an_identity_service_that_fails_is_told(path: str, reply: Reply, words: str) -> None:
    """Else an outage of the identity service would be one of the store, or a traceback."""
    with scripted(reply) as server:
        error = refusal("swift:c:/x", {"OS_AUTH_URL": server.url + path} | V2 | V3)
    assert isinstance(error, Unreachable), error
    assert words in str(error)


@pytest.mark.parametrize("path", ["/v1.0", "/v2.0", "/v3"])
def test_a_login_without_end_is_cut(path: str) -> None:
    """Else an identity service of somebody's could fill the pod's memory."""
    with scripted(Reply(201, b"x" * 65_536, endless=True)) as server:
        error = refusal("swift:c:/x", {"OS_AUTH_URL": server.url + path} | V2 | V3)
    assert isinstance(error, TooLarge), error
    assert "the login" in str(error)


@pytest.mark.parametrize("token", [None, 5, "", "a\nb", "\u20ac", [CANARY]])
def test_a_token_that_is_none_is_a_sentence(stored: Swift, token: object) -> None:
    """Else an odd answer would be a traceback, with the token in it."""
    endpoint = {"region": "east", "publicURL": stored.storage_url}
    access = {
        "token": {"id": token, "expires": "2100-01-01T00:00:00Z"},
        "user": {"id": "u", "name": "tester", "roles": []},
        "serviceCatalog": [{"type": "object-store", "name": "s", "endpoints": [endpoint]}],
    }
    with scripted(Reply(200, json.dumps({"access": access}).encode())) as server:
        error = refusal("swift:c:/x", {"OS_AUTH_URL": f"{server.url}/v2.0"} | V2)
    assert isinstance(error, Unreachable), error
    assert CANARY not in str(error)


@pytest.mark.parametrize("path", ["/v1.0", "/v2.0", "/v3"])
def test_what_the_pod_has_for_a_host_is_not_sent(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a discovered repository could have the passwords of the janitor's own home."""
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login pod password {CANARY}\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with scripted(Reply(401, b"{}")) as server:
        refusal("swift:c:/x", {"OS_AUTH_URL": server.url + path} | V2 | V3)
    (login,) = server.requests
    assert "authorization" not in login.headers


@pytest.mark.parametrize("path", ["/v1.0", "/v3"])
def test_a_private_authority_is_trusted_where_it_is_named(
    stored: Swift, certificates: Certificates, path: str
) -> None:
    """Else a cloud with its own CA could not be logged in to, or any certificate would do."""

    def answer(request: Request) -> Reply:
        if request.path != "/v1.0":
            return Keystone(stored)(request)
        storage_url, token = stored.login()
        return Reply(200, headers={"X-Storage-Url": storage_url, "X-Auth-Token": token})

    location = stored.location(REPOSITORY)
    with scripted(answer, tls=certificates) as server:
        given = {"OS_AUTH_URL": server.url + path} | V3
        assert "RESTIC_CACERT" in str(refusal(location, given))
        with opened(location, given | {"RESTIC_CACERT": str(certificates.authority)}) as store:
            store.look()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/v3", "connection refused"),
        ("http://no-such-host.invalid/v3", "host name is not known"),
        ("http://127.0.0.1:1/v1.0", "connection refused"),
    ],
)
def test_an_identity_service_that_cannot_be_reached_is_told(url: str, words: str) -> None:
    """Else a slip in the URL would be a library's text."""
    assert words in str(refusal("swift:c:/x", {"OS_AUTH_URL": url} | V3))


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({}, Unauthorized, "set ST_AUTH, ST_USER and ST_KEY"),
        ({"OS_AUTH_URL": "http://h/identity"}, Unsupported, "must contain v1, v2 or v3"),
        ({"OS_STORAGE_URL": "http://h/"}, Unauthorized, "no Swift credentials"),
        ({"OS_AUTH_URL": "h:5000/v3"}, Unsupported, "OS_AUTH_URL is no URL of a server"),
        ({"ST_AUTH": "http://[/v1"}, Unsupported, "ST_AUTH is no URL of a server"),
        (
            {"OS_STORAGE_URL": "http://a\\@b/", "OS_AUTH_TOKEN": "t"},
            Unsupported,
            "OS_STORAGE_URL is no URL of a server",
        ),
        (
            {"OS_STORAGE_URL": "http://h/", "OS_AUTH_TOKEN": "a\nb"},
            Unsupported,
            "OS_AUTH_TOKEN contains a control character",
        ),
    ],
)
def test_what_is_missing_is_named(
    environment: dict[str, str], state: type[StoreError], words: str
) -> None:
    """Else a person would have to read restic's source."""
    error = refusal("swift:c:/x", environment)
    assert isinstance(error, state)
    assert words in str(error)


def test_the_process_s_own_variables_are_nobodys(
    stored: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one repository would be opened with another's credentials."""
    for name, value in stored.environment.items():
        monkeypatch.setenv(name, value)
    assert "no Swift credentials" in str(refusal(stored.location(REPOSITORY), {}))


def test_without_the_library_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, stored: Swift
) -> None:
    """Else a person would see that a module is missing; version 1 and a token need none."""
    monkeypatch.setitem(sys.modules, "keystoneauth1", None)
    error = refusal("swift:c:/x", {"OS_AUTH_URL": "http://h/v3"} | V3)
    assert "restic-janitor[swift]" in str(error)
    with opened(stored.location(REPOSITORY), stored.environment) as store:
        store.look()


def test_a_key_beyond_ascii_is_sent_as_restic_sends_it(
    swift: Swift, restic_0_19: RealRestic
) -> None:
    """Else a password with an accent would work for restic, and be wrong for the janitor."""
    accents = swift.environment | {"ST_USER": "test:accents", "ST_KEY": "p\u00e4ssw\u00f6rd\u20ac"}
    location = swift.location("accents")
    restic_0_19.run(location, "init", environment=accents)
    with opened(location, accents) as store:
        store.look()


def test_a_failed_login_is_told_of_each_repository_by_its_own_name() -> None:
    """Else one namespace's log would name a repository of another's."""
    with scripted(Reply(401)) as server, Connections() as connections:
        given = {"ST_AUTH": f"{server.url}/v1", "ST_USER": USER, "ST_KEY": "wrong"}
        variables = {name: Secret(value) for name, value in given.items()}
        for name in ("a", "b"):
            location = parse_location(f"swift:c-{name}:/x")
            with pytest.raises(Unauthorized) as raised:
                open_store(location, variables, connections=connections).look()
            assert str(raised.value).startswith(f"swift:c-{name}:/x refuses")


# --- tokens -----------------------------------------------------------------------------------


def test_a_token_that_expires_in_the_middle_is_renewed_once(stored: Swift) -> None:
    """Else a sweep that is longer than a token's life would end half done."""
    with opened(stored.location(REPOSITORY), stored.environment) as store:
        store.look()
        stored.forget()
        assert store.list_locks(at_most=9).locks
        stored.forget()
        store.delete_lock(LOCK)
    assert list(stored.tree(REPOSITORY)) == ["config"]


@pytest.mark.parametrize("path", ["", "/v2.0", "/v3"])
def test_the_libraries_log_no_credential(
    stored: Swift, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a token would stand in the log of a janitor that is run with more words."""
    caplog.set_level(logging.DEBUG)
    with scripted(Keystone(stored)) as server:
        keystone = {"OS_AUTH_URL": server.url + path, "OS_REGION_NAME": "east"} | V2 | V3
        given = keystone if path else stored.environment
        with opened(stored.location(REPOSITORY), given) as store:
            store.look()
    assert caplog.text
    token = stored.login()[1]
    for secret in (KEY, token, stored.token):
        assert secret not in caplog.text


def test_a_new_token_that_is_refused_as_well_is_no_missing_role() -> None:
    """Else a person would look for a role where the identity service and the store disagree."""

    def answer(request: Request) -> Reply:
        if request.path == "/v1":
            headers = {"X-Storage-Url": f"{server.url}/s", "X-Auth-Token": CANARY}
            return Reply(200, headers=headers)
        return Reply(200, b"c") if request.method == "GET" else Reply(401, CANARY.encode())

    with scripted(answer) as server:
        given = {"ST_AUTH": f"{server.url}/v1", "ST_USER": USER, "ST_KEY": KEY}
        with opened("swift:c:/x", given) as store:
            store.look()
            with pytest.raises(Unauthorized, match="also a token that is new") as raised:
                store.delete_lock(LOCK)
    assert CANARY not in str(raised.value)
    assert [each.method for each in server.requests] == ["GET", "GET", "DELETE", "GET", "DELETE"]


def test_a_given_token_serves_until_it_expires(stored: Swift) -> None:
    """Else a token's end would be told as a missing right."""
    storage_url, token = stored.login()
    given = {"OS_STORAGE_URL": storage_url, "OS_AUTH_TOKEN": token}
    with opened(stored.location(REPOSITORY), given) as store:
        store.look()
        stored.forget()
        with pytest.raises(Unauthorized, match="OS_AUTH_TOKEN is not valid, or has expired"):
            store.list_locks(at_most=9)
        with pytest.raises(Unauthorized, match="OS_AUTH_TOKEN"):
            store.delete_lock(LOCK)


def test_one_login_serves_all_repositories_and_a_refused_one_is_not_repeated() -> None:
    """Else a sweep of 1,000 repositories would log in 1,000 times, and lock the account."""

    def answer(request: Request) -> Reply:
        if request.path == "/auth/v1.0":
            good = request.headers["x-auth-key"] == KEY
            headers = {"X-Storage-Url": f"{server.url}/s", "X-Auth-Token": "token"}
            return Reply(200, headers=headers) if good else Reply(401)
        return Reply(200, b"c")

    with scripted(answer) as server, Connections() as connections:
        for key, expected in ((KEY, 1), ("wrong", 1)):
            server.requests.clear()
            given = {"ST_AUTH": f"{server.url}/auth/v1.0", "ST_USER": USER, "ST_KEY": key}
            variables = {name: Secret(value) for name, value in given.items()}
            for name in ("a", "b"):
                location = parse_location(f"swift:c:/{name}")
                store = open_store(location, variables, connections=connections)
                if key == KEY:
                    store.look()
                else:
                    with pytest.raises(Unauthorized, match="check ST_USER and ST_KEY"):
                        store.look()
            logins = [each for each in server.requests if each.path == "/auth/v1.0"]
            assert len(logins) == expected


def test_a_token_goes_to_no_host_that_is_not_allowed(stored: Swift) -> None:
    """Else an identity service of somebody's could send the janitor anywhere in the cluster."""
    asked: list[str] = []

    def allowed(host: str) -> bool:
        asked.append(host)
        return False

    with Connections() as connections:
        variables = {name: Secret(value) for name, value in stored.environment.items()}
        location = parse_location(stored.location(REPOSITORY))
        store = open_store(location, variables, connections=connections, allowed=allowed)
        with pytest.raises(Unsupported, match="none of the `endpoints`"):
            store.look()
    assert asked == [stored.url.removeprefix("http://")]


@pytest.mark.parametrize("shape", ["http://{}\\@good.example/v1/a", "http://[", "5", "//{}/a"])
def test_a_storage_url_that_can_be_read_in_two_ways_is_not_used(shape: str) -> None:
    """Else the host that is checked and the one that gets the token would not be the same."""

    def answer(request: Request) -> Reply:
        headers = {"X-Storage-Url": shape.format(server.host), "X-Auth-Token": CANARY}
        return Reply(200, headers=headers)

    with scripted(answer) as server, Connections() as connections:
        given = {"ST_AUTH": f"{server.url}/auth/v1.0", "ST_USER": USER, "ST_KEY": KEY}
        variables = {name: Secret(value) for name, value in given.items()}
        for allowed in (None, lambda host: host == "good.example"):
            location = parse_location("swift:c:/x")
            store = open_store(location, variables, connections=connections, allowed=allowed)
            with pytest.raises(Unreachable, match="no URL of an object store"):
                store.look()
        assert [each.path for each in server.requests] == ["/auth/v1.0"]


# --- answers ----------------------------------------------------------------------------------


def test_a_container_that_is_not_there_is_named(stored: Swift) -> None:
    """Else a slip in its name would look like an empty repository."""
    error = refusal("swift:nowhere:/x", stored.environment)
    assert isinstance(error, NoRepository)
    assert "names the container nowhere" in str(error)


def test_who_may_not_read_or_write_is_told(stored: Swift) -> None:
    """Else a missing role would read as "no locks"."""
    reader = stored.environment | {"ST_USER": "test:reader", "ST_KEY": "reading"}
    location = stored.location(REPOSITORY)
    error = refusal(location, reader)
    assert isinstance(error, Unauthorized)
    assert "a role that may read" in str(error)
    stored.ask("POST", f"/{CONTAINER}", headers={"X-Container-Read": "test:reader"})
    with opened(location, reader) as store:
        store.look()
        with pytest.raises(Refused, match="a role that may write"):
            store.delete_lock(LOCK)
    assert f"locks/{LOCK}" in stored.tree(REPOSITORY)


def a_swift(about_locks: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """One that lets everybody in, has a config, and answers so about everything else."""

    def answer(request: Request) -> Reply:
        if request.path.endswith("/config"):
            return Reply(body=b"c")
        return about_locks(request)

    return answer


ENTRY = {"name": f"x/locks/{LOCK}", "bytes": 4, "last_modified": "2026-11-25T12:00:00.000000"}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"nonsense"), "not Swift's"),
        (Reply(200, json.dumps({"a": 1}).encode()), "not Swift's"),
        (Reply(200, json.dumps([ENTRY]).encode()), "not Swift's"),  # the same page for ever
        (Reply(404, b"<html>no</html>"), "404 to a listing"),
        (Reply(498, b"slow down"), "498 slow down"),
        (Reply(503), "503"),
        (Reply(301, headers={"Location": "http://elsewhere.example/"}), "redirects to"),
        (Reply(body=b"x" * 65_536, endless=True), "more than"),
        (Reply(hang=True), "did not answer in time"),
    ],
)
def test_a_listing_that_is_none_is_a_sentence(reply: Reply, words: str) -> None:
    """Else nonsense would read as "no locks", or a listing would have no end."""
    with scripted(a_swift(lambda _: reply)) as server:
        given = {"OS_STORAGE_URL": f"{server.url}/v1/a", "OS_AUTH_TOKEN": CANARY}
        with opened("swift:c:/x", given) as store, pytest.raises(StoreError, match=words) as raised:
            store.list_locks(at_most=9)
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (Reply(204), None, ""),
        (Reply(404, b"<html>"), Gone, "not there any more"),
        (Reply(403, CANARY.encode()), Refused, "a role that may write"),
        (Reply(409, b"conflict"), Refused, "409 conflict"),
        (Reply(503, b"busy"), Unreachable, "503 busy"),
        (Reply(429), Unreachable, "429"),
        (Reply(498), Unreachable, "498"),
    ],
)
def test_what_became_of_a_deletion_is_told(
    reply: Reply, state: type[StoreError] | None, words: str
) -> None:
    """Else a lock that is still there would be told as removed."""
    with scripted(a_swift(lambda _: reply)) as server:
        given = {"OS_STORAGE_URL": f"{server.url}/v1/a", "OS_AUTH_TOKEN": CANARY}
        with opened("swift:c:/x", given) as store:
            if state is None:
                store.delete_lock(LOCK)
            else:
                with pytest.raises(state, match=words) as raised:
                    store.delete_lock(LOCK)
                assert CANARY not in str(raised.value)
        deletions = [each for each in server.requests if each.method == "DELETE"]
    assert len(deletions) == 1


@pytest.mark.parametrize("name", [LOCK, f"x/keys/{LOCK}", f"y/locks/{LOCK}", ""])
def test_a_listing_names_nothing_but_what_was_asked_for(name: str) -> None:
    """Else a name from elsewhere would be taken for a lock of this repository."""
    replies = [Reply(200, json.dumps([ENTRY | {"name": name}]).encode()), Reply(204)]
    with scripted(a_swift(lambda _: replies.pop(0))) as server:
        given = {"OS_STORAGE_URL": f"{server.url}/v1/a", "OS_AUTH_TOKEN": CANARY}
        with opened("swift:c:/x", given) as store, pytest.raises(Unreachable, match="not Swift's"):
            store.list_locks(at_most=9)


@pytest.mark.parametrize(
    "word", ["yesterday", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", ""]
)
def test_a_time_that_is_none_is_none(word: str) -> None:
    """Else an odd word in a listing would be a traceback, or age a lock."""
    page = json.dumps([ENTRY | {"last_modified": word}]).encode()
    replies = [Reply(200, page), Reply(204)]
    with scripted(a_swift(lambda _: replies.pop(0))) as server:
        given = {"OS_STORAGE_URL": f"{server.url}/v1/a", "OS_AUTH_TOKEN": CANARY}
        with opened("swift:c:/x", given) as store:
            (lock,) = store.list_locks(at_most=9).locks
    assert lock.modified is None
