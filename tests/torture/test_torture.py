"""The short form, for every change: `make torture` is the long one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.servers.real_restic import RealRestic, nodename_problem
from tests.servers.rest import RestServer
from tests.servers.seaweedfs import SeaweedFS
from tests.torture.places import make_targets
from tests.torture.plan import plan
from tests.torture.summary import summary
from tests.torture.torture import Pace, torture

BACKUPS = 12
SEED = 1
SHORT = Pace(at_once=3, janitors=2, janitor_pause=0.5, janitor_killed=0.05, prune_pause=(1, 4))


@pytest.mark.timeout(600)
def test_backups_survive_janitors_that_may_remove_after_seconds(
    restic_0_14: RealRestic,
    restic_0_19: RealRestic,
    seaweedfs: SeaweedFS,
    rest_server: RestServer,
    tmp_path: Path,
) -> None:
    """Else a living backup loses its lock, a prune takes its data, and it still ends with 0; or a
    dead one's lock stays and nobody can prune any more.
    """
    _need_nodenames()
    targets = make_targets(
        tmp_path, f"torture-{time.time_ns()}", seaweedfs=seaweedfs, rest_server=rest_server
    )
    diary = torture(
        plan(BACKUPS, SEED, seconds=(4, 8), longest=2),
        targets,
        {"0.14": restic_0_14, "0.19": restic_0_19},
        folder=tmp_path,
        seed=SEED,
        pace=SHORT,
    )
    if diary.failures:
        pytest.fail(summary(diary, seed=SEED), pytrace=False)
    print(summary(diary, seed=SEED))
    assert diary.counts["backups"] == BACKUPS


def _need_nodenames() -> None:
    problem = nodename_problem()
    if problem is None:
        return
    sentence = f"no process can have a nodename of its own here: {problem}"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
