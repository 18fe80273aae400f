"""The tests' own tool: a killed backup leaves the lock that a lost pod would leave."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.servers.real_restic import RealRestic


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another hostname")
def test_a_lock_is_left_under_the_hostname_that_was_asked_for(
    restic: RealRestic, tmp_path: Path
) -> None:
    """Else tests of whose lock it is would test this machine's own name."""
    location = str(tmp_path / "repository")
    restic.run(location, "init")
    restic.leave_lock(location, hostname="db-backup-x2x9k")
    (lock,) = (tmp_path / "repository" / "locks").iterdir()
    told = json.loads(restic.run(location, "--no-lock", "-q", "cat", "lock", lock.name))
    assert told["hostname"] == "db-backup-x2x9k"
