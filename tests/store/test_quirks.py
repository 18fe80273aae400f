"""What people met with restic's backends in the wild: each with the answer that it gets here."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from janitor.model import LockID
from janitor.store import azure, gcs, object_client, s3
from janitor.store.errors import Refused, StoreError, Unauthorized, Unreachable
from tests.forge import PASSWORD, Forged, name_of
from tests.servers.certificates import Certificates
from tests.servers.emulators import ACCOUNT, KEY
from tests.servers.scripted import Reply, Request, scripted
from tests.store.places import opened
from tests.store.test_s3_faults import KEYS, error, root
from tests.sweep.installation import Installation, old

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
Answer = Callable[[Request], Reply]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    for retries in (s3._RETRIES, object_client.RETRIES):
        quick = dict.fromkeys(("init_backoff", "max_backoff"), timedelta(milliseconds=9))
        monkeypatch.setitem(retries, "backoff", {"base": 2} | quick)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


# --- objects that are listed, and are not there -------------------------------------------------


def test_a_lock_that_is_listed_for_ever_and_never_found_is_asked_for_once(
    installation: Installation,
) -> None:
    """restic loops on such a one. Else each sweep would, too, or fail."""
    forged = Forged()
    key = forged.key_bytes()
    stored = forged.lock_bytes(time=old(), hostname="shop-db-backup-29401-aaaaa")
    ghost = name_of(stored)
    files = {"config": forged.config_bytes(), f"keys/{name_of(key)}": key}

    def answer(request: Request) -> Reply:
        path, _, asked = request.path.partition("?")
        if "list-type" in asked:
            return listing(asked)
        name = path.removeprefix("/bucket/repo/")
        return Reply(body=files[name]) if name in files else error(404, "NoSuchKey")

    def listing(asked: str) -> Reply:
        names = [*files, f"locks/{ghost}"]
        if "delimiter" in asked:
            return root("keys", "locks")
        folder = "locks" if "locks" in asked else "keys"
        entries = "".join(
            f"<Contents><Key>repo/{name}</Key><Size>9</Size><ETag>x</ETag>"
            "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
            for name in names
            if name.startswith(folder)
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        return Reply(body=body.encode(), headers={"Content-Type": "application/xml"})

    with scripted(answer) as server:
        installation.configure(
            "shop-db", f"s3:{server.url}/bucket/repo", RESTIC_PASSWORD=PASSWORD, **KEYS
        )
        installation.remember(("shop-db", ghost))
        for _ in range(2):
            server.requests.clear()
            done = installation.run("sweep")
            assert (done.code, done.verdicts) == (0, ["released"]), done.out + done.err
            asked = [each for each in server.requests if each.path.endswith(ghost)]
            assert len(asked) == 1


# --- files ------------------------------------------------------------------------------------


def test_a_mount_that_lets_nobody_change_modes_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some CIFS mounts. Else a delete would fail for a step that it does not need."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("chmod is not for everybody")

    (tmp_path / "locks").mkdir()
    (tmp_path / "config").write_bytes(b"c")
    path = tmp_path / "locks" / LOCK
    path.write_bytes(b"lock")
    path.chmod(0o400)
    for name in ("chmod", "fchmod", "lchmod"):
        monkeypatch.setattr(os, name, refused, raising=False)
    with opened(str(tmp_path), {}) as store:
        store.look()
        store.delete_lock(LOCK)
    assert not path.exists()


# --- versions, retention, requester pays --------------------------------------------------------

GCS_ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


def gcs_error(status: int, code: str, message: str) -> Reply:
    return Reply(status, GCS_ERROR.format(code, message).encode())


def deleting(url: str, scheme: str, patched: pytest.MonkeyPatch) -> StoreError | None:
    """What becomes of a deletion there."""
    patched.setattr(gcs, "BASE_URL", url)
    patched.setattr(azure, "ENDPOINT", url)
    places: dict[str, tuple[str, dict[str, str]]] = {
        "s3": (f"s3:{url}/bucket/repo", KEYS),
        "gs": ("gs:bucket:/repo", {"GOOGLE_ACCESS_TOKEN": "a token"}),
        "azure": ("azure:c:/repo", {"AZURE_ACCOUNT_NAME": ACCOUNT, "AZURE_ACCOUNT_KEY": KEY}),
    }
    location, environment = places[scheme]
    with opened(location, environment) as store:
        store._store._layout = store._store._layout or _default()  # type: ignore[attr-defined]
        try:
            store.delete_lock(LOCK)
        except StoreError as problem:
            return problem
    return None


def _default() -> object:
    from janitor.store.port import Layout

    return Layout.DEFAULT


@pytest.mark.parametrize(
    ("scheme", "reply", "words"),
    [
        (
            "s3",
            error(403, "AccessDenied", "Access Denied because object protected by object lock."),
            "protected by object lock",
        ),
        (
            "gs",
            gcs_error(403, "RetentionPolicyNotMet", "Object is subject to bucket's policy"),
            "subject to bucket",
        ),
        ("gs", gcs_error(403, "ObjectHeld", "Object is under active Event-Based hold"), "hold"),
    ],
)
def test_a_lock_that_a_rule_protects_is_told_with_the_rule(
    scheme: str, reply: Reply, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else Object Lock would read as a missing right, or as an outage."""
    with scripted(reply) as server:
        problem = deleting(server.url, scheme, monkeypatch)
    assert isinstance(problem, Refused)
    assert words in str(problem)


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_no_version_is_ever_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the history that a versioned bucket keeps would be cut."""
    marker = {"x-amz-version-id": "v2", "x-amz-delete-marker": "true", "x-goog-generation": "2"}
    with scripted(Reply(204, headers=marker)) as server:
        assert deleting(server.url, scheme, monkeypatch) is None
        paths = [unquote(request.path) for request in server.requests if request.method == "DELETE"]
    assert paths == [f"/bucket/repo/locks/{LOCK}"]


@pytest.mark.parametrize(
    ("scheme", "reply"),
    [
        ("s3", error(403, "AccessDenied", "Bucket is a requester pays bucket")),
        ("gs", gcs_error(400, "UserProjectMissing", "Bucket is a requester pays bucket")),
    ],
)
def test_a_bucket_whose_requester_pays_is_said(
    scheme: str, reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """restic does not pay either. Else a person would look for a typing error."""
    with scripted(reply) as server:
        problem = deleting(server.url, scheme, monkeypatch)
    assert problem is not None
    assert "requester pays" in str(problem)


# --- clocks and sessions ------------------------------------------------------------------------


def test_a_clock_that_azure_refuses_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a person would renew a key that is right."""
    body = (
        "<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the "
        "request.</Message><AuthenticationErrorDetail>Request date header too old: 'Thu, 26 Nov "
        "2026 10:00:00 GMT'</AuthenticationErrorDetail></Error>"
    )
    with scripted(Reply(403, body.encode())) as server:
        monkeypatch.setattr(azure, "ENDPOINT", server.url)
        given = {"AZURE_ACCOUNT_NAME": ACCOUNT, "AZURE_ACCOUNT_KEY": KEY}
        with opened("azure:c:/repo", given) as store, pytest.raises(Unauthorized) as raised:
            store.look()
    assert "its clock and this one are apart" in str(raised.value)


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_session_that_ends_in_the_middle_is_told_as_such(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the locks after it would be told as refused one by one, as if a right were missing."""
    reply = error(400, "ExpiredToken") if scheme == "s3" else gcs_error(401, "ExpiredToken", "x")
    with scripted(reply) as server:
        problem = deleting(server.url, scheme, monkeypatch)
    assert isinstance(problem, Unauthorized)
    assert "expired" in str(problem)


@pytest.mark.parametrize(
    ("scheme", "busy"),
    [
        ("s3", error(503, "SlowDown")),
        ("gs", gcs_error(429, "SlowDown", "x")),
        ("gs", gcs_error(503, "ServiceUnavailable", "x")),
        ("rest", Reply(429)),
        ("rest", Reply(503)),
    ],
)
def test_a_server_that_throttles_is_asked_again_and_then_told(
    scheme: str, busy: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one busy moment would cost a repository its sweep, or a long one be retried for ever."""
    replies: list[Reply] = []

    def answer(_: Request) -> Reply:
        if replies:
            return replies.pop(0)
        return Reply(body=b"c") if scheme == "rest" else root("keys", "locks")

    with scripted(answer) as server:
        monkeypatch.setattr(gcs, "BASE_URL", server.url)
        location, environment = {
            "s3": (f"s3:{server.url}/bucket/repo", KEYS),
            "gs": ("gs:bucket:/repo", {"GOOGLE_ACCESS_TOKEN": "a token"}),
            "rest": (f"rest:{server.url}/repo", {}),
        }[scheme]
        with opened(location, environment) as store:
            replies += [busy]
            store.look()
            replies += [busy] * 9
            with pytest.raises(Unreachable, match=str(busy.status)):
                store.look()
    assert len(replies) >= 5


# --- names --------------------------------------------------------------------------------------


@pytest.fixture
def proxy() -> Iterator[str]:
    """One that knows no name, and takes every host for this one."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pipe(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            head = near.recv(4096).decode()
            far = socket.create_connection(("127.0.0.1", int(head.split()[1].rpartition(":")[2])))
            near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pipe, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@pytest.mark.parametrize("scheme", ["s3", "rest"])
def test_a_host_with_a_dot_at_its_end_is_reached(
    scheme: str, certificates: Certificates, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People write it to spare lookups in the cluster. Else its certificate would not fit."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    reply = Reply(body=b"c") if scheme == "rest" else root("keys", "locks")
    with scripted(reply, tls=certificates) as server:
        port = server.host.rpartition(":")[2]
        location = {
            "s3": f"s3:https://localhost.:{port}/bucket/repo",
            "rest": f"rest:https://localhost.:{port}/repo",
        }[scheme]
        trusted = {"RESTIC_CACERT": str(certificates.authority)}
        with opened(location, trusted | (KEYS if scheme == "s3" else {})) as store:
            store.look()
        assert server.requests


def test_json_of_another_server_is_no_listing() -> None:
    """Else a portal that answers JSON to everything would read as "no locks"."""
    with (
        scripted(Reply(body=json.dumps({"error": "login"}).encode())) as server,
        opened(f"rest:{server.url}/repo", {}) as store,
    ):
        store.look()  # whatever is there as `config` is tried with the password later
        with pytest.raises(Unreachable, match="not the REST protocol's"):
            store.list_locks(at_most=9)
