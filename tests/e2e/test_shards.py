"""An Indexed Job shares the repositories: a real one, by a real Job controller."""

from __future__ import annotations

from collections import Counter

import pytest

from . import backups
from .programs import poll

SHIPPED = 4
"""Of components/sharded."""
OTHER_NUMBER = """
apiVersion: batch/v1
kind: CronJob
metadata:
  name: restic-janitor
spec:
  jobTemplate:
    spec:
      completions: {number}
      parallelism: {number}
      template:
        spec:
          containers:
          - name: janitor
            env:
            - {{name: JANITOR_SHARDS, value: "{number}"}}
"""
"""What a user writes, as docs/scale.md says."""


@pytest.mark.parametrize("number", [1, 2, SHIPPED])
def test_together_the_pods_do_what_one_would(namespace, repository, install, number):
    """Otherwise a repository is swept by nobody, or one that cannot be read stops the others."""
    broken = [f"broken-{number}" for number in range(100)]
    janitor = install(
        holders=["backup-*"],
        components=("sharded",),
        patch="" if number == SHIPPED else OTHER_NUMBER.format(number=number),
        others=tuple({"name": name, "location": f"/not/there/{name}"} for name in broken),
    )
    lock = backups.leave_lock(namespace, repository)
    seen: Counter[str] = Counter()
    removed: set[str] = set()

    def done() -> bool:
        seen.clear()
        runs = janitor.run_shards(number)
        assert all(run.repositories() for run in runs)  # each has its part
        for run in runs:
            seen.update(line["repository"] for line in run.lines if line["event"] == "repository")
            removed.update(run.removed())
            assert run.summary()["exit_code"] == int(bool(set(run.repositories()) & set(broken)))
        return lock in removed

    poll("the lock is removed", done, seconds=180, every=2)
    assert seen == Counter(["backups", *broken])
    assert repository.locks() == set()
