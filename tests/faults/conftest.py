"""The program that forks, once for each worker of pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.commands import Forks, forking
from tests.servers.rest import RestServer
from tests.servers.seaweedfs import SeaweedFS
from tests.sweep.installation import Installation


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Runs commands at a tenth of their usual cost."""
    with forking(tmp_path_factory.mktemp("forks")) as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """No repository yet."""
    return Installation(tmp_path / "installation")


@pytest.fixture
def ports(rest_server: RestServer, seaweedfs: SeaweedFS) -> dict[str, int]:
    """Where the stores listen, by kind."""
    return {"rest": rest_server.port, "s3": seaweedfs.port}
