"""What REST servers and the way to them do on a bad day: a sentence with the mend."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from janitor.model import LockID, Secret
from janitor.store import http_client, rest
from janitor.store.bounded import BoundedStore
from janitor.store.connections import THREADS, Connections
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
from tests.servers.rest import PASSWORD, USER, RestServer
from tests.servers.scripted import Reply, Request, scripted
from tests.store.places import opened

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
Answer = Callable[[Request], Reply]
V2 = {"Content-Type": "application/vnd.x.restic.rest.v2"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    monkeypatch.setattr(http_client, "TIMEOUT", urllib3.Timeout(connect=1, read=0.5))
    monkeypatch.setattr(http_client, "RETRIES", http_client.RETRIES.new(backoff_factor=0.01))


def locks(body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> Answer:
    """A server with a config and this answer to a listing of locks."""

    def answer(request: Request) -> Reply:
        if request.path.endswith("/config"):
            return Reply(body=b"c")
        return Reply(status, body, headers or V2)

    return answer


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(401), Unauthorized, "RESTIC_REST_USERNAME"),
        (Reply(403, b"Forbidden\n"), Unauthorized, "403 Forbidden"),
        (Reply(404), NoRepository, "has no `config`"),
        (Reply(302, headers={"Location": "https://u:p@login.example.com/x"}), Unreachable, "login"),
        (Reply(308, headers={"Location": "http://[bad"}), Unreachable, "redirects"),
        (Reply(418, b"<html>tea</html>"), Unreachable, "not as a REST server"),
        (Reply(500, b"disk full"), Unreachable, "500 disk full"),
        (Reply(503), Unreachable, "503"),
        (Reply(body=b"x" * 100_000), TooLarge, "config"),
        (Reply(body=b"x" * 65_000, endless=True), TooLarge, "config"),
        (Reply(hang=True), Unreachable, "did not answer in time"),
    ],
)
def test_a_look_at_a_server_that_fails_says_what_and_why(
    reply: Reply, kind: type[StoreError], words: str
) -> None:
    """Else people would read a library's text, or a fault would read as "no locks"."""
    with scripted(reply) as server, opened(f"rest:{server.url}/repo", {}) as store:
        with pytest.raises(kind) as raised:
            store.look()
        assert words in str(raised.value)
        assert "u:p" not in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Refused),
        (403, Refused),
        (405, Refused),
        (404, Gone),
        (500, Unreachable),
        (429, Unreachable),
        (307, Unreachable),
    ],
)
def test_a_delete_that_is_refused_says_so_and_is_sent_once(
    status: int, kind: type[StoreError]
) -> None:
    """Else a lock that is still there would be reported as removed."""
    with scripted(Reply(status, b"why")) as server:
        with opened(f"rest:{server.url}/repo", {}) as store, pytest.raises(kind):
            store.delete_lock(LOCK)
        assert [(each.method, each.path) for each in server.requests] == [
            ("DELETE", f"/repo/locks/{LOCK}")
        ]


def test_a_listing_of_the_old_protocol_and_hostile_names_are_read() -> None:
    """Else old servers would have no locks; or a name like `../x` would become part of a URL."""
    hostile = ["../../config", f"{LOCK}/..", LOCK.upper(), "", "x" * 64, f"{LOCK}\n", f" {LOCK}"]
    old = json.dumps([LOCK, LOCK, *hostile]).encode()
    new = json.dumps([{"name": name, "size": 3, "more": 1} for name in [LOCK, *hostile]]).encode()
    for body, headers, size in ((old, {}, None), (new, V2, 3)):
        answer = locks(body, headers)
        with scripted(answer) as server:
            with opened(f"rest:{server.url}/repo", {}) as store:
                (found,) = store.list_locks(at_most=10).locks
            assert (found.id, found.size, found.modified) == (LOCK, size, None)
            assert server.requests[-1].path == "/repo/locks/"
            assert server.requests[-1].headers["accept"] == V2["Content-Type"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html></html>", b'[{"size": 1}]', b"[1]", b'["\xff"]', b"[" * 100_000]
)
def test_a_listing_that_is_nonsense_is_a_failure(body: bytes) -> None:
    """Else a proxy's error page would read as "no locks"."""
    with scripted(locks(body)) as server, opened(f"rest:{server.url}/repo", {}) as store:
        store.look()
        with pytest.raises(StoreError):
            store.list_locks(at_most=10)


def test_a_listing_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one server could eat the janitor's memory."""
    monkeypatch.setattr(rest, "LISTING_LIMIT", 1_000_000)

    def answer(request: Request) -> Reply:
        endless = not request.path.endswith("/config")
        return Reply(body=b"[" + b" " * 60_000, endless=endless)

    with scripted(answer) as server, opened(f"rest:{server.url}/repo", {}) as store:
        store.look()
        with pytest.raises(TooLarge):
            store.list_locks(at_most=10)


@pytest.mark.parametrize("cut", [b"", b"Da", b"Date: x\r\n", b"Content-Le", b"Content-Length:"])
@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found"])
def test_an_answer_that_ends_in_its_head_is_a_broken_connection(status: bytes, cut: bytes) -> None:
    """Else it would be an answer without a body: `not the REST protocol's`, or no repository."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 " + status + b"\r\n" + cut)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"rest:http://127.0.0.1:{server.getsockname()[1]}/"
        broken = pytest.raises(Unreachable, match="ended within the answer")
        with opened(url, {}) as store, broken:
            store.look()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_missing_listing_of_rclone_is_a_fault() -> None:
    """Else rclone's word for an inner fault, 404, would read as "no locks"."""
    answer = locks(b"", {"Server": "rclone/v1.70"}, 404)
    with scripted(answer) as server, opened(f"rest:{server.url}/repo", {}) as store:
        store.look()
        with pytest.raises(Unreachable):
            store.list_locks(at_most=10)


@pytest.mark.parametrize(
    ("credentials", "environment", "sent"),
    [
        ("", {"RESTIC_REST_USERNAME": "u", "RESTIC_REST_PASSWORD": "é:\n"}, "u:é:\n"),
        ("a:b%40c@", {"RESTIC_REST_USERNAME": "u", "RESTIC_REST_PASSWORD": "p"}, "a:b@c"),
        ("a@", {"RESTIC_REST_USERNAME": "u", "RESTIC_REST_PASSWORD": "p"}, "a:"),
        ("a+b:%C3%A9@", {}, "a+b:é"),
        ("", {"RESTIC_REST_PASSWORD": "p"}, ":p"),
        ("", {}, None),
    ],
)
def test_credentials_are_those_that_restic_would_send(
    credentials: str, environment: dict[str, str], sent: str | None
) -> None:
    """Else a repository that restic opens would be unauthorized for the janitor."""
    with scripted(Reply(body=b"c")) as server:
        location = f"rest:{server.url}/repo".replace("//", f"//{credentials}")
        with opened(location, environment) as store:
            store.look()
        (request,) = server.requests
        header = request.headers.get("authorization")
        found = base64.b64decode(header.removeprefix("Basic ")).decode() if header else None
        assert found == sent


def test_a_redirect_carries_no_credentials_to_another_host() -> None:
    """Else a server could collect the passwords that belong to another."""
    with scripted(Reply(body=b"c")) as other:
        moved = Reply(307, headers={"Location": f"{other.url}/repo/config"})
        with scripted(moved) as server, opened(f"rest:{server.url}/repo", {}) as store:
            for call in (store.look, lambda: store.delete_lock(LOCK)):
                with pytest.raises(Unreachable, match="redirects are not followed"):
                    call()
        assert other.requests == []


def test_a_private_repository_of_another_user_is_unauthorized(
    rest_server_private: RestServer,
) -> None:
    """Else a slip in the path would read as "no repository"."""
    environment = {"RESTIC_REST_USERNAME": USER, "RESTIC_REST_PASSWORD": PASSWORD}
    location = f"rest:{rest_server_private.url}/bob/repo"
    expected = pytest.raises(Unauthorized, match="may not use this path")
    with opened(location, environment) as store, expected:
        store.look()


def test_tls_by_an_unknown_ca_names_the_variable_and_works_with_it(
    certificates: Certificates,
) -> None:
    """Else people with a private CA would not know what to set."""
    with scripted(Reply(body=b"c"), certificates) as server:
        location = f"rest:{server.url}/repo"
        with opened(location, {}) as store, pytest.raises(Unreachable, match="RESTIC_CACERT"):
            store.look()
        with opened(location, {"RESTIC_CACERT": str(certificates.authority)}) as store:
            store.look()
        with Connections() as connections:
            parsed = parse_location(location)
            open_store(parsed, {}, connections=connections, insecure_tls=True).look()


def test_a_server_that_cannot_be_reached_says_why(certificates: Certificates) -> None:
    """Else a server that is down would end in a library's text."""
    with scripted(Reply(body=b"c")) as server:
        for url, words in (
            ("http://127.0.0.1:1", "nothing listens"),
            ("http://nowhere.invalid", "host name is not known"),
            (server.url.replace("http:", "https:"), "does not speak TLS"),
        ):
            with opened(f"rest:{url}/repo", {}) as store, pytest.raises(Unreachable, match=words):
                store.look()


def test_a_call_ends_whatever_the_server_does() -> None:
    """Else one server that drips bytes would hold up the sweep of all repositories."""
    reply = Reply(body=b"x", drip=0.2, endless=True)
    with scripted(reply) as server, opened(f"rest:{server.url}/repo", {}) as store:
        assert isinstance(store, BoundedStore)
        bounded = BoundedStore(store._store, shown="rest:there", longest=1)
        for words in ("within", "still hangs"):
            with pytest.raises(Unreachable, match=words):
                bounded.look()


def test_a_busy_server_is_asked_again() -> None:
    """Else one 503 of a server that restarts would cost a repository its sweep."""
    replies = [Reply(503), Reply(502), Reply(body=b"c")]
    with (
        scripted(lambda _: replies.pop(0)) as server,
        opened(f"rest:{server.url}/repo", {}) as store,
    ):
        assert store.look().locks_folder is None


@pytest.mark.parametrize(
    ("location", "environment", "words"),
    [
        ("rest:http://h/", {"RESTIC_TLS_CLIENT_CERT": "/not/there"}, "/not/there"),
        ("rest:http://h/", {"RESTIC_CACERT": "/not/there"}, "/not/there"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_asked(
    location: str, environment: dict[str, str], words: str
) -> None:
    """Else a missing mount would read as a network fault."""
    with pytest.raises(Unsupported, match=words), opened(location, environment):
        pass


def test_connections_are_used_again(tmp_path: Path) -> None:
    """Else every request of a sweep would cost a TLS handshake."""
    with scripted(Reply(body=b"c")) as server, Connections() as connections:
        for name in ("a", "b"):
            location = parse_location(f"rest:{server.url}/{name}")
            open_store(location, {"X": Secret("")}, connections=connections).look()
        assert len(connections._made) == 1


@pytest.mark.parametrize(("spared", "asked"), [("", True), ("backup.invalid", False)])
def test_a_proxy_of_the_environment_is_used(
    spared: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a cluster whose only way out is a proxy could not reach its REST server."""
    with scripted(Reply(body=b"c")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", spared)
        with opened("rest:http://backup.invalid/repo", {}) as store:
            if asked:
                store.look()
            else:
                with pytest.raises(Unreachable, match="host name is not known"):
                    store.look()
        assert [request.path for request in proxy.requests] == (
            ["http://backup.invalid/repo/config"] if asked else []
        )


def test_connections_are_kept_for_every_thread() -> None:
    """Else a quarter of the requests make a connection anew, and wait for TCP and TLS each time."""
    made = Counter[str]()

    def answer(request: Request) -> Reply:
        time.sleep(0.01)  # so that all threads are under way at once
        return Reply(200, b"x" * 155 if request.path.endswith("config") else b"[]")

    def look(number: int) -> None:
        place = parse_location(f"rest:{server.url}/r{number}/")
        open_store(place, {}, connections=connections).look()

    with (
        scripted(answer, connected=lambda: made.update(["connection"])) as server,
        Connections() as connections,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        list(pool.map(look, range(10 * THREADS)))
    assert made["connection"] <= THREADS
