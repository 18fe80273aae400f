"""Fixtures of real servers and of real restic. Each server runs once for a test session.

A program that is not there fails the test in CI and skips it, loudly, elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import programs
from tests.servers.backblaze import Backblaze
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.emulators import Azurite, FakeGcs
from tests.servers.moto_s3 import Moto
from tests.servers.openssh import OpenSsh
from tests.servers.openstack import Swift
from tests.servers.pushgateway import Pushgateway
from tests.servers.real_restic import RealRestic
from tests.servers.rest import Rclone, RestServer
from tests.servers.seaweedfs import SeaweedFS


def needed(program: Path | None, name: str) -> Path:
    """The program, or a failure in CI, or a skip that says what would fetch it."""
    if program is not None and program.is_file():
        return program
    sentence = f"{name} is not here; tests/servers/fetch fetches it"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def restic_0_14(tmp_path_factory: pytest.TempPathFactory) -> RealRestic:
    """The restic that never gives up its lock."""
    program = needed(programs.restic("0.14"), "restic 0.14")
    return RealRestic(program, "0.14", tmp_path_factory.mktemp("restic-0.14"))


@pytest.fixture(scope="session")
def restic_0_19(tmp_path_factory: pytest.TempPathFactory) -> RealRestic:
    """A new restic, which writes repositories of version 2."""
    program = needed(programs.restic("0.19"), "restic 0.19")
    return RealRestic(program, "0.19", tmp_path_factory.mktemp("restic-0.19"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA that nobody trusts until RESTIC_CACERT names it."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """An S3 server."""
    program = needed(programs.from_wheel("weed"), "weed")
    server = SeaweedFS(program, tmp_path_factory.mktemp("seaweedfs"))
    yield server
    server.stop()


SERVERS: dict[str, str] = {}
"""Which constants of the janitor's stand for an emulator now, for a process of its own."""


def _stands_for(patched: pytest.MonkeyPatch, place: str, url: str) -> None:
    patched.setattr(place, url)
    patched.setitem(SERVERS, place, url)


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGcs]:
    """A stand-in of Google Cloud Storage, which the janitor takes for the real one."""
    program = needed(programs.fake_gcs(), "fake-gcs-server")
    server = FakeGcs(program, tmp_path_factory.mktemp("gcs"))
    with pytest.MonkeyPatch.context() as patched:
        _stands_for(patched, "janitor.store.gcs.BASE_URL", server.url)
        yield server
    server.stop()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Microsoft's emulator of Azure Blob, which the janitor takes for the real one."""
    script = needed(programs.azurite(), "Azurite")
    node = needed(Path(shutil.which("node") or "/not/there"), "Node.js")
    server = Azurite(node, script, tmp_path_factory.mktemp("azurite"))
    with pytest.MonkeyPatch.context() as patched:
        _stands_for(patched, "janitor.store.azure.ENDPOINT", server.url)
        yield server
    server.stop()


@pytest.fixture(scope="session")
def backblaze() -> Iterator[Backblaze]:
    """A stand-in of Backblaze B2, which the janitor takes for the real one."""
    server = Backblaze()
    with pytest.MonkeyPatch.context() as patched:
        _stands_for(patched, "janitor.store.b2.REALM", server.url)
        yield server
    server.stop()


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """OpenStack Swift."""
    server = Swift(needed(programs.swift(), "Swift"), tmp_path_factory.mktemp("swift"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Another S3 server."""
    server = Moto(needed(programs.moto(), "moto"), tmp_path_factory.mktemp("moto"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def openssh() -> Iterator[OpenSsh]:
    """OpenSSH's server, with SFTP."""
    needed(Path(shutil.which("ssh") or "/not/there"), "ssh")
    server = OpenSsh(needed(programs.sshd(), "sshd"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus' checker of rules and metrics."""
    return needed(programs.promtool(), "promtool")


@pytest.fixture
def pushgateway(tmp_path: Path) -> Iterator[Pushgateway]:
    """An empty one."""
    server = Pushgateway(needed(programs.pushgateway(), "the Pushgateway"), tmp_path / "gateway")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def private_pushgateway(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Pushgateway]:
    """One with TLS and a password."""
    program = needed(programs.pushgateway(), "the Pushgateway")
    server = Pushgateway(program, tmp_path_factory.mktemp("gateway"), certificates=certificates)
    yield server
    server.stop()


def _rest(factory: pytest.TempPathFactory, *options: str, **how: object) -> Iterator[RestServer]:
    program = needed(programs.rest_server(), "rest-server")
    server = RestServer(program, factory.mktemp("rest-server"), *options, **how)  # type: ignore[arg-type]
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rest_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    """rest-server that anybody may use."""
    yield from _rest(tmp_path_factory)


@pytest.fixture(scope="session")
def rest_server_auth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    """rest-server with one user."""
    yield from _rest(tmp_path_factory, users=True)


@pytest.fixture(scope="session")
def rest_server_private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    """rest-server where each user has the repositories below the own name."""
    yield from _rest(tmp_path_factory, "--private-repos", users=True)


@pytest.fixture(scope="session")
def rest_server_append_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestServer]:
    """rest-server that lets nothing but locks be deleted."""
    yield from _rest(tmp_path_factory, "--append-only")


@pytest.fixture(scope="session")
def rest_server_tls(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[RestServer]:
    """rest-server behind TLS, with a private CA."""
    yield from _rest(tmp_path_factory, tls=certificates)


@pytest.fixture(scope="session")
def rest_server_rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rclone]:
    """`rclone serve restic`."""
    program = needed(programs.from_wheel("rclone"), "rclone")
    server = Rclone(program, tmp_path_factory.mktemp("rclone"))
    yield server
    server.stop()
