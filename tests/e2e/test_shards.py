"""An Indexed Job shares the repositories: a real one, by a real Job controller."""

from __future__ import annotations

from collections import Counter

from . import backups
from .programs import poll

SHARDS = 4
"""Of components/sharded."""


def test_together_the_pods_do_what_one_would(namespace, repository, install):
    """Otherwise a repository is swept by nobody, or one that cannot be read stops the others."""
    broken = [f"broken-{number}" for number in range(12)]
    janitor = install(
        holders=["backup-*"],
        components=("sharded",),
        others=tuple({"name": name, "location": f"/not/there/{name}"} for name in broken),
    )
    lock = backups.leave_lock(namespace, repository)
    seen: Counter[str] = Counter()
    removed: set[str] = set()

    def done() -> bool:
        seen.clear()
        for run in janitor.run_shards(SHARDS):
            seen.update(list(run.repositories()))
            removed.update(run.removed())
            assert run.summary()["exit_code"] == int(bool(set(run.repositories()) & set(broken)))
        return lock in removed

    poll("the lock is removed", done, seconds=180, every=2)
    assert seen == Counter(["backups", *broken])
    assert repository.locks() == set()
