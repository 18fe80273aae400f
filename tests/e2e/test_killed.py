"""A backup was killed mid-run: its lock goes once it is old enough, and not before."""

from __future__ import annotations

import pytest

from . import backups


@pytest.mark.parametrize("store", ["s3", "rest", "append", "volume"], indirect=True)
def test_killed_backup(store, namespace, repository, install):
    """Otherwise a killed backup would block forget and prune for ever, or its lock would go too soon."""
    janitor = install(holders=["backup-*"], min_age="45s")
    lock = backups.leave_lock(namespace, repository)

    early = janitor.run()
    assert early.verdicts() == {lock: "too-young"}, early.log
    assert (early.exit_code, repository.locks()) == (0, {lock})

    late = janitor.run_until_judged(lock)
    assert late.verdicts() == {lock: "holder-absent"}, late.log
    assert (late.exit_code, late.removed(), repository.locks()) == (0, {lock}, set())
    assert late.summary()["removed"] == 1
    assert '"removed":1' in late.message.replace(" ", "")
    if store == "append":
        repository.restic("check")
    else:
        repository.assert_works()
