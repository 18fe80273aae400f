"""`rclone:` locations by real rclone: what it serves, and what it cannot, in sentences."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import urllib3

from janitor.model import LockID, Secret, SecretFile
from janitor.store import http_client, rclone
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
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.servers.rest import RestServer
from tests.servers.scripted import Reply, Request, scripted
from tests.store.places import opened

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
CANARY = "can4ry-of-a-secret"
LOCAL = {"RCLONE_CONFIG": os.devnull, "RCLONE_CONFIG_NAS_TYPE": "local"}
Answer = Callable[[Request], Reply]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder that looks like one, with a lock."""
    for name, stored in {"config": b"c", f"locks/{LOCK}": b"lock"}.items():
        path = tmp_path / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored)
    return tmp_path / "repo"


def s3(url: str) -> dict[str, str]:
    """A remote whose server is the test's."""
    return {
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_AWAY_TYPE": "s3",
        "RCLONE_CONFIG_AWAY_PROVIDER": "Other",
        "RCLONE_CONFIG_AWAY_ENDPOINT": url,
        "RCLONE_CONFIG_AWAY_ACCESS_KEY_ID": "id",
        "RCLONE_CONFIG_AWAY_SECRET_ACCESS_KEY": CANARY,
    }


def error_xml(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


DENIED = Reply(403, error_xml("AccessDenied", f"Access Denied for {CANARY}"))


@pytest.mark.parametrize(
    ("text", "served", "path"),
    [
        ("nas:", "nas:", ""),
        ("nas:backups/shop", "nas:", "backups/shop"),
        ("nas:/srv//shop/./", "nas:/", "srv/shop"),
        ("nas:a/../b", "nas:a/../b", ""),
        (":s3,provider=AWS:bucket/x", ":s3,provider=AWS:", "bucket/x"),
        (":s3,endpoint='http://h:1/':bucket", ":s3,endpoint='http://h:1/':", "bucket"),
        ('r,a="it, said: ""x""":p', 'r,a="it, said: ""x""":', "p"),
        ("/srv/a:b", "/", "srv/a:b"),
        ("folder/a:b", ".", "folder/a:b"),
        ("nas: a b ", "nas:", " a b "),
    ],
)
def test_the_remote_ends_where_rclone_says(text: str, served: str, path: str) -> None:
    """Else another folder than restic's would be served."""
    assert rclone.split_remote(text) == (served, path)


@pytest.mark.parametrize("where", ["nas:{}", "{}", ":local:{}", "nas:{}/../repo", "nas,links:{}"])
def test_every_spelling_of_a_remote_finds_the_repository(where: str, repository: Path) -> None:
    """Else a spelling that restic takes would be "no repository" here."""
    with opened(f"rclone:{where.format(repository)}", LOCAL) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
        store.delete_lock(LOCK)
    assert not list((repository / "locks").iterdir())


def test_one_program_serves_all_repositories_of_a_remote_and_ends(repository: Path) -> None:
    """Else a sweep of 1,000 repositories would start 1,000 programs, or leave one behind."""
    shutil.copytree(repository, repository.parent / "other")
    variables = {name: Secret(value) for name, value in LOCAL.items()}
    with Connections() as connections:
        for folder in (repository, repository.parent / "other"):
            location = parse_location(f"rclone:nas:{folder}")
            open_store(location, variables, connections=connections).look()
        (server,) = connections._made.values()
        running = server._running
        assert running.process.poll() is None
        folder = Path(running.folder.name)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert running.process.poll() is not None
    assert not folder.exists()


def test_a_program_that_died_is_started_again(repository: Path) -> None:
    """Else one crash would cost all repositories of the remote their sweep."""
    variables = {name: Secret(value) for name, value in LOCAL.items()}
    with Connections() as connections:
        location = parse_location(f"rclone:nas:{repository}")
        store = open_store(location, variables, connections=connections)
        store.look()
        (server,) = connections._made.values()
        os.kill(server._running.process.pid, signal.SIGKILL)
        server._running.process.wait()
        assert store.read_lock(LOCK) == b"lock"


def test_the_configuration_of_a_secret_is_never_on_disk(repository: Path) -> None:
    """Else the credentials of every remote would lie in a file of the pod."""
    content = SecretFile(f"[nas]\ntype = local\n# {CANARY}\n")
    with Connections() as connections:
        location = parse_location(f"rclone:nas:{repository}")
        variables = {"RCLONE_CONFIG": content}
        store = open_store(location, variables, connections=connections)
        assert store.look()
        (server,) = connections._made.values()
        files = [path for path in Path(server._running.folder.name).iterdir() if path.is_file()]
    assert not files


def test_variables_of_the_server_itself_change_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a deletion would only be pretended, or the janitor would be locked out of its own
    server; and the process's own variables are nobody's."""
    monkeypatch.setenv("RCLONE_CONFIG_NAS_TYPE", "nonsense")
    others = {
        "RCLONE_DRY_RUN": "true",
        "RCLONE_APPEND_ONLY": "true",
        "RCLONE_USER": "somebody",
        "RCLONE_PASS": "secret",
        "RCLONE_LOG_FILE": str(repository / "log"),
        "RCLONE_BASEURL": "/elsewhere",
    }
    with opened(f"rclone:nas:{repository}", LOCAL | others) as store:
        store.look()
        store.delete_lock(LOCK)
    assert not list((repository / "locks").iterdir())
    assert not (repository / "log").exists()


@pytest.mark.parametrize(
    ("location", "environment", "words"),
    [
        ("rclone:nowhere:x", {"RCLONE_CONFIG": os.devnull}, "nowhere.*by RCLONE_CONFIG"),
        ("rclone:x:y", {"RCLONE_CONFIG_X_TYPE": "nonsense"}, "nonsense"),
        ("rclone:nas:x", LOCAL | {"RCLONE_PASSWORD_COMMAND": "touch /x"}, "no command is ever run"),
        ("rclone:nas:x", LOCAL | {"RCLONE_CONFIG_NAS_X": "a\0b"}, "cannot be started"),
    ],
)
def test_what_cannot_work_is_incomplete(
    location: str, environment: Mapping[str, str], words: str
) -> None:
    """Else a missing piece of configuration would read as an outage, day after day."""
    with pytest.raises(Unsupported, match=words), opened(location, environment) as store:
        store.look()


def test_without_rclone_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else a person would see that a file is missing, and not which package brings it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match=r"restic-janitor\[rclone\]"), opened("rclone:x:y", {}):
        pass


def test_a_path_that_is_too_long_for_a_socket_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else only the kernel's "Invalid argument" would be told."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(Unsupported, match="TMPDIR"), opened("rclone:nas:x", LOCAL) as store:
        store.look()
    assert not list(deep.iterdir())


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (DENIED, Unauthorized, "denies access; rclone says"),
        (Reply(404, error_xml("NoSuchKey", "none")), NoRepository, "has no `config`"),
        (None, Unreachable, "refused"),
    ],
)
def test_what_a_remote_says_is_a_sentence(
    reply: Reply | None, state: type[StoreError], words: str
) -> None:
    """Else everything would be "500 Internal Server Error", which is all that rclone answers."""
    with scripted(reply or Reply()) as server:
        environment = s3(server.url if reply else "http://127.0.0.1:1")
        with opened("rclone:away:bucket/repo", environment) as store:
            with pytest.raises(state, match=words) as raised:
                store.look()
            assert CANARY not in str(raised.value)


def a_bucket(*, head: Reply | None = None, delete: Reply | None = None) -> Answer:
    """A bucket with one lock in it, whose answers about it a test may choose."""
    stored = Reply(200, b"lock", {"ETag": '"x"', "Last-Modified": "Wed, 25 Nov 2026 12:00:00 GMT"})

    def answer(request: Request) -> Reply:
        if not request.path.split("?")[0].endswith(LOCK):
            return stored
        if request.method == "DELETE":
            return delete or Reply(204)
        return head or stored

    return answer


@pytest.mark.parametrize(
    ("bucket", "state", "words"),
    [
        (a_bucket(), None, ""),
        (a_bucket(delete=DENIED), Refused, "will not delete the lock; rclone says.*Access Denied"),
        (a_bucket(delete=Reply(501, error_xml("NotImplemented", "x"))), Unreachable, "NotImpl"),
        (a_bucket(head=Reply(404)), Gone, "not in"),
        (a_bucket(head=DENIED), Unreachable, "500"),
    ],
)
def test_a_deletion_that_failed_is_never_taken_for_one_that_was_needless(
    bucket: Answer, state: type[StoreError] | None, words: str
) -> None:
    """Else a lock that is still there would be told as released: rclone answers 404 to whatever
    failed before it deletes."""
    with (
        scripted(bucket) as server,
        opened("rclone:away:bucket/repo", s3(server.url)) as store,
    ):
        if state is None:
            store.delete_lock(LOCK)
            return
        with pytest.raises(StoreError, match=words) as raised:
            store.delete_lock(LOCK)
        assert isinstance(raised.value, state)
        assert isinstance(raised.value, Gone) == (state is Gone)
        assert CANARY not in str(raised.value)


def test_a_remote_that_never_answers_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would hold up the sweep of all repositories."""
    monkeypatch.setattr(http_client, "TIMEOUT", urllib3.Timeout(connect=1, read=0.5))
    monkeypatch.setattr(http_client, "RETRIES", http_client.RETRIES.new(total=0))
    with (
        scripted(Reply(hang=True)) as server,
        opened("rclone:away:bucket/repo", s3(server.url)) as store,
        pytest.raises(Unreachable, match="did not answer in time"),
    ):
        store.look()


# --- REST over a unix socket, which rclone's is -------------------------------------------------


@pytest.fixture
def relay(rest_server: RestServer, tmp_path: Path) -> Iterator[Path]:
    """A unix socket behind which rest-server is."""
    path = tmp_path / "rest.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def pipe(source: socket.socket, target: socket.socket) -> None:
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", rest_server.port))
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pipe, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield path
    listener.close()


def test_a_rest_server_on_a_unix_socket_is_served(relay: Path, rest_server: RestServer) -> None:
    """Else restic's own spelling of it would not work here."""
    name = f"unix {time.time_ns()}"
    folder = rest_server.data / name / "locks"
    folder.mkdir(parents=True)
    (folder / LOCK).write_bytes(b"lock")
    (folder.parent / "config").write_bytes(b"c")
    with opened(f"rest:http+unix://{relay}:/{name}/", {}) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
        store.delete_lock(LOCK)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("location", "state", "words"),
    [
        ("rest:http+unix:///run/not/there.sock:/repo/", Unreachable, "no such file"),
        ("rest:http+unix:///run/rest.sock", Unsupported, "is rest:http\\+unix:///path"),
        (f"rest:http+unix:///{'x' * 200}:/repo", Unsupported, "at most 107 bytes"),
    ],
)
def test_a_socket_that_cannot_be_reached_is_a_sentence(
    location: str, state: type[StoreError], words: str
) -> None:
    """Else a wrong path would be a traceback."""
    with pytest.raises(state, match=words), opened(location, {}) as store:
        store.look()
