"""`b2:` locations: versions, capabilities, and what Backblaze may answer."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from janitor.model import LockID, Secret
from janitor.store import b2, b2_http
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
from tests.servers.backblaze import ALL, BUCKET, KEY, KEY_ID, Backblaze, Key
from tests.servers.certificates import Certificates
from tests.servers.scripted import Reply, scripted
from tests.store.places import opened, refusal

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
CANARY = "K000can4ry"
WHERE = f"b2:{BUCKET}:/repo"
NAME = f"repo/locks/{LOCK}"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    monkeypatch.setattr(b2_http, "TIMEOUT", (1, 0.5))
    monkeypatch.setattr(b2_http, "LONGEST_PAUSE", 0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backblaze]:
    """With a repository that has a lock."""
    made = Backblaze()
    monkeypatch.setattr(b2, "REALM", made.url)
    made.write("repo", {"config": b"c", f"locks/{LOCK}": b"lock"})
    yield made
    made.stop()


# --- versions ---------------------------------------------------------------------------------


def test_all_versions_of_a_lock_go_and_nothing_else(server: Backblaze) -> None:
    """Else an upload that was repeated would bring the lock back."""
    server.add(NAME, b"lock")
    server.add(f"{NAME}0", b"not a lock")
    with opened(WHERE, server.environment) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
        store.delete_lock(LOCK)
        with pytest.raises(Gone):
            store.delete_lock(LOCK)
    assert sorted(server.files) == ["repo/config", f"{NAME}0"]


def test_a_hidden_lock_is_none_and_stays_as_it_is(server: Backblaze) -> None:
    """Else what restic does not see would be judged, or its history would be cut."""
    server.add(NAME, b"", action="hide")
    with opened(WHERE, server.environment) as store:
        assert store.list_locks(at_most=9).locks == ()
        with pytest.raises(Gone):
            store.read_lock(LOCK)
        with pytest.raises(Gone):
            store.delete_lock(LOCK)
        store.put_lock(LOCK, b"lock")
        assert store.read_lock(LOCK) == b"lock"
    assert [version.action for version in server.files[NAME]] == ["upload", "hide", "upload"]


def test_older_versions_below_a_marker_are_left(server: Backblaze) -> None:
    """Else the history that a bucket keeps on purpose would be cut."""
    server.add(NAME, b"", action="hide")
    server.add(NAME, b"lock")
    with opened(WHERE, server.environment) as store:
        store.delete_lock(LOCK)
    assert [version.action for version in server.files[NAME]] == ["hide", "upload"]


def test_versions_without_end_are_told(server: Backblaze) -> None:
    """Else a lock that still shows would be told as removed."""
    for _ in range(4):
        server.add(NAME, b"lock")
    with (
        opened(WHERE, server.environment) as store,
        pytest.raises(Refused, match="still shows the lock after 3 deletions"),
    ):
        store.delete_lock(LOCK)


def test_a_file_that_is_held_is_told(server: Backblaze) -> None:
    """Else Object Lock would read as a missing right."""
    server.files[NAME][0].held = True
    with (
        opened(WHERE, server.environment) as store,
        pytest.raises(Refused, match="Object Lock or a legal hold"),
    ):
        store.delete_lock(LOCK)
    assert NAME in server.files


# --- keys -------------------------------------------------------------------------------------


def test_a_key_of_one_bucket_that_may_list_none_is_enough(server: Backblaze) -> None:
    """Else the least key that restic works with would not do."""
    server.keys[KEY_ID] = Key(capabilities=ALL[1:], bucket=BUCKET)
    with opened(WHERE, server.environment) as store:
        store.look()
        store.delete_lock(LOCK)


@pytest.mark.parametrize(
    ("lacking", "state"),
    [
        ("listBuckets", Unauthorized),
        ("listFiles", Unauthorized),
        ("readFiles", Unauthorized),
        ("deleteFiles", Refused),
        ("writeFiles", Refused),
    ],
)
def test_a_capability_that_is_missing_is_named(
    server: Backblaze, lacking: str, state: type[StoreError]
) -> None:
    """Else a person would have to guess which of B2's fifteen it is."""
    server.keys[KEY_ID] = Key(capabilities=tuple(each for each in ALL if each != lacking))
    raised: list[StoreError] = []
    with opened(WHERE, server.environment) as store:
        for call in (
            store.look,
            lambda: store.list_locks(at_most=9),
            lambda: store.delete_lock(LOCK),
            lambda: store.put_lock(LockID(hashlib.sha256(b"new").hexdigest()), b"new"),
        ):
            try:
                call()
            except StoreError as error:
                raised.append(error)
    assert raised
    assert type(raised[0]) is state
    assert f"needs the capability {lacking}" in str(raised[0])


def test_a_wrong_key_is_asked_about_once(server: Backblaze) -> None:
    """Else a sweep would knock at the account once for each repository."""
    wrong = server.environment | {"B2_ACCOUNT_KEY": CANARY}
    variables = {name: Secret(value) for name, value in wrong.items()}
    with Connections() as connections:
        for name in ("a", "b"):
            location = parse_location(f"b2:{BUCKET}:/{name}")
            store = open_store(location, variables, connections=connections)
            with pytest.raises(Unauthorized, match="check B2_ACCOUNT_ID") as raised:
                store.look()
            assert CANARY not in str(raised.value)
            assert str(raised.value).startswith(f"b2:{BUCKET}:/{name} ")
    assert len(server.server.requests) == 1


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({}, Unauthorized, "B2_ACCOUNT_ID is not set"),
        ({"B2_ACCOUNT_ID": "x"}, Unauthorized, "B2_ACCOUNT_KEY is not set"),
        ({"B2_ACCOUNT_ID": "x\n", "B2_ACCOUNT_KEY": "y"}, Unsupported, "ends with a newline"),
        (
            {"B2_ACCOUNT_ID": "x", "B2_ACCOUNT_KEY": "y", "RESTIC_TLS_CLIENT_CERT": "/x"},
            Unsupported,
            "RESTIC_TLS_CLIENT_CERT",
        ),
    ],
)
def test_what_is_missing_is_named(
    environment: dict[str, str], state: type[StoreError], words: str
) -> None:
    """Else a person would have to read restic's source."""
    error = refusal(WHERE, environment)
    assert isinstance(error, state)
    assert words in str(error)


def test_a_bucket_that_is_not_there_is_named(server: Backblaze) -> None:
    """Else a slip in its name would look like an empty repository."""
    error = refusal("b2:no-such-bucket:/x", server.environment)
    assert isinstance(error, NoRepository)
    assert "names the bucket no-such-bucket" in str(error)


def test_a_token_that_expires_in_the_middle_is_renewed(server: Backblaze) -> None:
    """Else a sweep that is longer than a day of B2's would end half done."""
    with opened(WHERE, server.environment) as store:
        store.look()
        server.tokens.clear()
        assert store.list_locks(at_most=9).locks
        server.tokens.clear()
        store.delete_lock(LOCK)
    assert NAME not in server.files


def test_nothing_is_written_to_disk_or_read_from_the_process(
    server: Backblaze, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else the library's own database would keep tokens, or lend one repository another's key."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("B2_ACCOUNT_INFO", str(tmp_path / "account_info"))
    monkeypatch.setenv("B2_APPLICATION_KEY_ID", KEY_ID)
    monkeypatch.setenv("B2_APPLICATION_KEY", KEY)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert "is not set" in str(refusal(WHERE, {}))
    with opened(WHERE, server.environment) as store:
        store.look()
        store.delete_lock(LOCK)
    assert [path.name for path in tmp_path.iterdir()] == [".netrc"]


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a person would see that a module is missing, and not which package brings it."""
    monkeypatch.delitem(sys.modules, "janitor.store.b2")
    monkeypatch.setitem(sys.modules, "b2sdk", None)
    monkeypatch.setitem(sys.modules, "b2sdk.v2", None)
    with pytest.raises(Unsupported, match=r"restic-janitor\[b2\]"), opened(WHERE, {}):
        pass


# --- answers ----------------------------------------------------------------------------------


def error(status: int, code: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"status": status, "code": code, "message": f"some words {CANARY}"}
    return Reply(status, json.dumps(body).encode(), headers or {})


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (error(403, "transaction_cap_exceeded"), "a cap of the account is exceeded"),
        (error(503, "service_unavailable"), "busy or out of order"),
        (error(429, "too_many_requests", {"Retry-After": "3600"}), "busy or out of order"),
        (Reply(200, b"nonsense"), "nonsense|not B2's"),
        (Reply(200, b'{"files": 5}'), "not B2's"),
        (Reply(302, headers={"Location": "http://elsewhere.example/"}), "nonsense"),
        (Reply(hang=True), "did not answer in time"),
    ],
)
def test_what_b2_answers_is_a_sentence(server: Backblaze, reply: Reply, words: str) -> None:
    """Else an outage, a cap and nonsense would all look the same, or a pause be an hour long."""
    with opened(WHERE, server.environment | {"B2_ACCOUNT_KEY": KEY}) as store:
        store.look()
        server.faults += [reply] * b2_http.TRIES
        before = time.monotonic()
        with pytest.raises(Unreachable, match=words):
            store.list_locks(at_most=9)
        assert time.monotonic() - before < 10
        server.faults.clear()
        assert store.list_locks(at_most=9).locks


def test_a_file_that_breaks_off_is_no_file(server: Backblaze) -> None:
    """Else half a lock would be taken for a damaged one, or a library's error for a bug."""
    with opened(WHERE, server.environment) as store:
        store.look()
        for reply in (Reply(body=b"x", cut=True), Reply(body=b"x", drip=2, endless=True)):
            server.faults += [reply]
            with pytest.raises(Unreachable):
                store.read_lock(LOCK)


def test_a_listing_without_end_ends(server: Backblaze) -> None:
    """Else a server that names the same page for ever would hold up the sweep."""
    page = Reply(200, json.dumps({"files": [], "nextFileName": "a"}).encode())
    with opened(WHERE, server.environment) as store:
        store.look()
        server.faults += [page] * 3
        with pytest.raises(Unreachable, match="would have no end"):
            store.list_locks(at_most=9)


def test_a_busy_server_is_asked_again(server: Backblaze) -> None:
    """Else one 503 would cost a repository its sweep."""
    with opened(WHERE, server.environment) as store:
        store.look()
        server.faults.append(error(503, "busy", {"Retry-After": "0"}))
        assert store.list_locks(at_most=9).locks


def test_the_way_to_b2_fails_in_words(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    """Else an outage and a proxy's certificate would look the same."""
    environment = {"B2_ACCOUNT_ID": "x", "B2_ACCOUNT_KEY": CANARY}
    monkeypatch.setattr(b2, "REALM", "http://127.0.0.1:1")
    assert "connection refused" in str(refusal(WHERE, environment))
    monkeypatch.setattr(b2, "REALM", "http://no-such-host.invalid")
    assert "its host name is not known here" in str(refusal(WHERE, environment))
    with scripted(Reply(200, b"{}"), tls=certificates) as server:
        monkeypatch.setattr(b2, "REALM", server.url)
        assert "RESTIC_CACERT" in str(refusal(WHERE, environment))
    with scripted(Reply(200, b"<html>portal</html>")) as server:
        monkeypatch.setattr(b2, "REALM", server.url)
        assert isinstance(refusal(WHERE, environment), Unreachable)


def test_a_private_authority_is_trusted_where_it_is_named(
    monkeypatch: pytest.MonkeyPatch, certificates: Certificates
) -> None:
    """Else a proxy that looks into TLS would shut out every b2: repository."""
    server = Backblaze(tls=certificates)
    monkeypatch.setattr(b2, "REALM", server.url)
    server.write("repo", {"config": b"c"})
    trusted = server.environment | {"RESTIC_CACERT": str(certificates.authority)}
    with opened(WHERE, trusted) as store:
        store.look()
    server.stop()


def test_no_thread_stays_behind(server: Backblaze) -> None:
    """Else each login would cost memory until the sweep's end."""
    before = threading.active_count()
    with opened(WHERE, server.environment) as store:
        store.look()
        store.put_lock(LockID(hashlib.sha256(b"new").hexdigest()), b"new")
        assert threading.active_count() <= before + 3
