"""`sftp:` locations: who is believed, what is never asked, and what servers do on a bad day."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from janitor.model import LockID
from janitor.store import ssh
from janitor.store.bounded import BoundedStore
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
from janitor.store.port import Layout
from tests.servers.openssh import OpenSsh
from tests.servers.process import free_ports
from tests.servers.scripted import Reply, scripted
from tests.servers.scripted_sftp import scripted_sftp
from tests.store.places import SSH, opened, refusal

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())


@pytest.fixture
def repository(openssh: OpenSsh) -> Iterator[Path]:
    """A folder that looks like one, with a lock, which the server's user may change."""
    folder = openssh.data / f"repo {time.time_ns()}"
    for name, stored in {"config": b"c", f"locks/{LOCK}": b"lock"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored)
    for path in (folder, folder / "locks"):
        path.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def failure(location: str, folder: Path, environment: dict[str, str] | None = None) -> StoreError:
    """What a first look raises."""
    return refusal(location, {SSH: str(folder)} | (environment or {}))


@pytest.fixture
def own(openssh: OpenSsh, tmp_path: Path) -> Path:
    """A copy of the folder with the keys, to be spoilt."""
    return Path(shutil.copytree(openssh.ssh, tmp_path / "ssh"))


# --- whom to believe, and as whom -------------------------------------------------------------


def test_a_key_that_the_server_does_not_know_is_unauthorized(openssh: OpenSsh, own: Path) -> None:
    """Else a person would look for a network fault."""
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(own / "id_ed25519")
    error = failure(openssh.location(openssh.data), own)
    assert isinstance(error, Unauthorized)
    assert f"refuses the keys of {own}" in str(error)


def test_a_server_that_is_not_known_is_never_spoken_to(openssh: OpenSsh, own: Path) -> None:
    """Else somebody in between could say which locks there are."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (own / "known_hosts").write_text(f"[127.0.0.1]:{openssh.port} {other}")
    error = failure(openssh.location(openssh.data), own)
    assert isinstance(error, Unreachable)
    assert "ssh-keyscan 127.0.0.1" in str(error)


def test_hashed_names_of_hosts_are_read(openssh: OpenSsh, own: Path, repository: Path) -> None:
    """Else a known_hosts of Debian's ssh would not do."""
    subprocess.run(["ssh-keygen", "-H", "-f", own / "known_hosts"], check=True, capture_output=True)
    assert "127.0.0.1" not in (own / "known_hosts").read_text()
    with opened(openssh.location(repository), {SSH: str(own)}) as store:
        store.look()


def test_an_agent_has_the_key(openssh: OpenSsh, own: Path, repository: Path) -> None:
    """Else whoever keeps keys in an agent would have to write them to disk."""
    socket_path = own / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket_path], stdout=subprocess.DEVNULL)
    try:
        while not socket_path.exists():
            time.sleep(0.01)
        environment = {"SSH_AUTH_SOCK": str(socket_path)}
        command = ["ssh-add", own / "id_ed25519"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        (own / "id_ed25519").unlink()
        with opened(openssh.location(repository), environment | {SSH: str(own)}) as store:
            store.look()
    finally:
        agent.kill()
        agent.wait()


def test_the_key_of_a_kubernetes_secret_is_found(
    openssh: OpenSsh, own: Path, repository: Path
) -> None:
    """Else a Secret of the type kubernetes.io/ssh-auth would have to be renamed."""
    (own / "id_ed25519").rename(own / "ssh-privatekey")
    with opened(openssh.location(repository), {SSH: str(own)}) as store:
        store.look()


def test_a_config_that_names_a_program_is_not_read(
    openssh: OpenSsh, own: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a file in a mounted folder could run something in the janitor's pod."""
    home = own.parent
    own.rename(home / ".ssh")
    monkeypatch.setenv("HOME", str(home))
    (home / ".ssh/config").write_text(f"Host *\n  ProxyCommand touch {home}/ran\n  Port 1\n")
    with opened(openssh.location(repository), {}) as store:  # and this user's own folder serves
        store.look()
    assert not (home / "ran").exists()


def test_what_is_missing_or_useless_is_named(openssh: OpenSsh, own: Path) -> None:
    """Else a person would see "Permission denied" for a key that was never mounted."""
    location = openssh.location(openssh.data)
    key = own / "id_ed25519"
    protect = ["ssh-keygen", "-p", "-q", "-f", key, "-N", "a passphrase"]
    for spoil, words in (
        (lambda: subprocess.run(protect, check=True), "protected by a passphrase"),
        (lambda: key.write_text("nonsense"), "not a private key"),
        (key.unlink, "there is no SSH key in"),
        ((own / "known_hosts").unlink, "known_hosts cannot be read"),
    ):
        spoil()
        error = failure(location, own)
        assert isinstance(error, Unsupported), error
        assert words in str(error)


@pytest.mark.parametrize(
    ("location", "words"),
    [("sftp://me@127.0.0.1:99999//x", "port"), ("sftp://me@127.0.0.1:0//x", "port")],
)
def test_a_port_that_is_none_is_said(location: str, words: str, tmp_path: Path) -> None:
    """Else it would be a traceback."""
    assert words in str(failure(location, tmp_path))


def test_a_user_without_a_name_must_write_one(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a pod that runs with any uid would fail with the library's words."""
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert "write sftp:user@host:path" in str(failure("sftp:127.0.0.1:/x", own))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a person would see that a module is missing, and not which package brings it."""
    for name in [name for name in sys.modules if name.startswith("janitor.store.s")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with pytest.raises(Unsupported, match=r"restic-janitor\[sftp\]"), opened("sftp:h:/x", {}):
        pass


# --- the way there ----------------------------------------------------------------------------


def test_the_way_to_a_server_fails_in_words(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an outage, a slip and a wrong port would all look the same."""
    monkeypatch.setattr(ssh, "CONNECT", 0.5)
    (port,) = free_ports(1)
    error = failure(f"sftp://me@127.0.0.1:{port}//x", own)
    assert "nothing listens there (connection refused)" in str(error)
    error = failure("sftp:me@no-such-host.invalid:/x", own)
    assert "its host name is not known here" in str(error)
    with scripted(Reply()) as server:
        error = failure(f"sftp://me@{server.host}//x", own)
    assert "does not speak SSH" in str(error)


def test_a_server_that_accepts_and_never_answers_costs_one_wait(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of its repositories would wait again."""
    import socket

    monkeypatch.setattr(ssh, "CONNECT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, Connections() as connections:
        location = parse_location(f"sftp://me@127.0.0.1:{silent.getsockname()[1]}//x")
        taken = []
        for _ in range(2):
            store = open_store(location, {}, connections=connections, ssh=own)
            before = time.monotonic()
            with pytest.raises(Unreachable, match="did not answer in time"):
                store.look()
            taken.append(time.monotonic() - before)
    assert taken[1] < 0.2


def test_a_server_without_sftp_is_said(tmp_path: Path) -> None:
    """Else "channel request failed" would be all that a person learns."""
    with scripted_sftp(tmp_path / "ssh", None) as server:
        error = failure(server.location("/x"), server.ssh)
    assert "no SFTP session" in str(error)


def test_one_connection_serves_all_repositories_and_is_made_again(
    openssh: OpenSsh, tmp_path: Path
) -> None:
    """Else sshd would drop the eleventh login at once, and a dropped one would cost them all."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config").write_bytes(b"c")
    with (
        scripted_sftp(tmp_path / "ssh", asyncssh.SFTPServer) as server,
        Connections() as connections,
    ):
        stores = [
            open_store(
                parse_location(server.location(tmp_path / name)),
                {},
                connections=connections,
                ssh=server.ssh,
            )
            for name in ("a", "b")
        ]
        for store in stores:
            store.look()
        assert len(server.connections) == 1
        (client,) = connections._made.values()
        client._loop.call_soon_threadsafe(client._connection.abort)
        while not client._connection.is_closed():
            time.sleep(0.01)
        stores[0].look()
        assert len(server.connections) == 2


# --- files ------------------------------------------------------------------------------------


def test_a_link_among_the_locks_is_none(openssh: OpenSsh, repository: Path) -> None:
    """Else a link could make the janitor read any file of the server."""
    (repository / "locks" / hashlib.sha256(b"other").hexdigest()).symlink_to("/etc/passwd")
    with opened(openssh.location(repository), {SSH: str(openssh.ssh)}) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]


def test_a_name_that_is_no_text_is_no_lock(openssh: OpenSsh, repository: Path) -> None:
    """Else one odd file among the locks would hide all others."""
    (repository / "locks" / os.fsdecode(b"\xff\xfe")).write_bytes(b"x")
    with opened(openssh.location(repository), {SSH: str(openssh.ssh)}) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]


def test_what_the_server_does_not_let_this_user_do_is_said(
    openssh: OpenSsh, repository: Path
) -> None:
    """Else a wrong user would read as an outage, or as "no locks"."""
    if os.getuid() != 0:
        pytest.skip("needs files of another user than the server's")
    (repository / "locks").chmod(0o755)
    with opened(openssh.location(repository), {SSH: str(openssh.ssh)}) as store:
        store.look()
        with pytest.raises(Refused, match=r"delete the lock from .*permission denied"):
            store.delete_lock(LOCK)
        with pytest.raises(Refused, match=r"write the lock to .*permission denied"):
            store.put_lock(LockID(hashlib.sha256(b"new").hexdigest()), b"new")
        (repository / "locks").chmod(0o700)
        with pytest.raises(Unauthorized, match="log in as the one that owns"):
            store.list_locks(at_most=9)
        repository.chmod(0o700)
        with pytest.raises(Unauthorized, match="permission denied"):
            store.look()
    repository.chmod(0o777)


def test_the_legacy_layout_is_read_over_sftp(openssh: OpenSsh, repository: Path) -> None:
    """Else the locks of very old repositories would never be found."""
    (repository / "locks").rename(repository / "lock")
    for name in ("keys", "key", "locks"):
        (repository / name).mkdir()
    (repository / "key" / LOCK).write_bytes(b"{}")
    with opened(openssh.location(repository), {SSH: str(openssh.ssh)}) as store:
        assert store.look().layout is Layout.S3LEGACY
        assert store.list_keys() == (LOCK,)
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]


class Stubborn(asyncssh.SFTPServer):
    """Deletes nothing that is read-only, as servers on some systems do."""

    may_chmod = True

    def remove(self, path: bytes) -> None:
        if not Path(os.fsdecode(path)).stat().st_mode & 0o200:
            raise asyncssh.SFTPFailure("the file is read-only")
        super().remove(path)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs, **options: object) -> None:
        if not self.may_chmod:
            raise asyncssh.SFTPOpUnsupported("no modes here")
        super().setstat(path, attrs, **options)


class Mulish(Stubborn):
    """Nor does it let the mode be changed."""

    may_chmod = False


@pytest.mark.parametrize("kind", [Stubborn, Mulish])
def test_a_read_only_lock_is_deleted_by_the_second_try(
    kind: type[Stubborn], tmp_path: Path
) -> None:
    """Else restic's locks, which are all read-only, could never be removed there."""
    lock = tmp_path / "repo/locks" / LOCK
    lock.parent.mkdir(parents=True)
    (tmp_path / "repo/config").write_bytes(b"c")
    lock.write_bytes(b"lock")
    lock.chmod(0o400)
    with (
        scripted_sftp(tmp_path / "ssh", kind) as server,
        opened(server.location(tmp_path / "repo"), {SSH: str(server.ssh)}) as store,
    ):
        store.look()
        if kind is Mulish:
            with pytest.raises(Refused, match="the file is read-only"):
                store.delete_lock(LOCK)
            assert lock.exists()
            lock.chmod(0o600)
        store.delete_lock(LOCK)
        assert not lock.exists()
        with pytest.raises(Gone):
            store.delete_lock(LOCK)


class Silent(asyncssh.SFTPServer):
    """Never answers a reading."""

    async def open(self, *_: object) -> object:  # type: ignore[override]
        import asyncio

        await asyncio.sleep(60)
        raise asyncssh.SFTPFailure("late")


def test_a_request_that_is_never_answered_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one server could hold up the sweep of all repositories."""
    monkeypatch.setattr(ssh, "PATIENCE", 0.3)
    (tmp_path / "config").write_bytes(b"c")
    with (
        scripted_sftp(tmp_path / "ssh", Silent) as server,
        opened(server.location(tmp_path), {SSH: str(server.ssh)}) as store,
    ):
        assert isinstance(store, BoundedStore)
        with pytest.raises(Unreachable, match="did not answer in time"):
            store.read_config()


def test_a_folder_that_is_not_there_is_no_repository(openssh: OpenSsh) -> None:
    """Else a slip in the path would read as "no locks"."""
    error = failure(openssh.location(openssh.data / "nowhere"), openssh.ssh)
    assert isinstance(error, NoRepository)
    assert "nowhere" in str(error)
