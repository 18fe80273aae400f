"""What lives is never touched, whatever else lies about."""

from __future__ import annotations

import pytest

from . import backups

UNTIL_TOLD = "(until [ -e /tmp/finish ]; do echo line; sleep 0.5; done) | restic backup --stdin"
"""A backup that ends well once it is told to."""


@pytest.mark.parametrize("store", ["s3", "rest"], indirect=True)
def test_live_backup_beside_an_old_lock(store, namespace, repository, install):
    """Otherwise a live backup loses its lock, and a prune beside it damages the repository."""
    janitor = install(holders=["backup-*"])
    dead = backups.leave_lock(namespace, repository)
    pod = backups.start(namespace, repository, script=UNTIL_TOLD)
    alive = repository.wait_for_lock(beside={dead})

    run = janitor.run_until_judged(dead, alive)
    assert run.verdicts()[alive] == "holder-alive", run.log
    assert alive in repository.locks()
    assert dead not in repository.locks()
    backups.shell(namespace, pod, "touch /tmp/finish")
    backups.wait_until_ended(namespace, pod)
    assert backups.phase(namespace, pod) == "Succeeded"
    assert repository.locks() == set()
    repository.restic("check", "--read-data")
    repository.assert_works()


@pytest.mark.parametrize("store", ["rest"], indirect=True)
def test_strange_locks(store, namespace, repository, install):
    """Otherwise it would judge what it cannot know: another's host, a time to come, noise."""
    janitor = install(holders=["backup-*"])
    words = {
        repository.forge("lock", "laptop-of-anna", "7200"): "foreign-host",
        repository.forge("lock", "backup-x2x9k", "-7200"): "in-the-future",
        repository.forge("noise"): "unreadable",
    }
    run = janitor.run_until_judged(*words)
    assert run.verdicts() == words, run.log
    assert (run.exit_code, run.removed(), repository.locks()) == (0, set(), set(words))


def test_rights_taken_away(namespace, repository, install):
    """Otherwise a janitor that may not see pods would take them all for dead."""
    janitor = install(holders=["backup-*"])
    lock = backups.leave_lock(namespace, repository)
    backups.wait_until_old(repository, {lock}, seconds=20)
    janitor.take_away("clusterrolebinding", f"restic-janitor-{namespace}")

    run = janitor.run()
    assert run.verdicts() == {lock: "cluster-unknown"}, run.log
    assert (run.exit_code, run.removed(), repository.locks()) == (1, set(), {lock})
    assert "list pods" in run.locks()[lock]["detail"]


def test_nodes_may_not_be_seen(namespace, repository, install):
    """Otherwise the lock of a process on a host would go unnoticed by whoever may not see Nodes."""
    janitor = install(holders=["backup-*"])
    lock = backups.leave_lock(namespace, repository)
    backups.wait_until_old(repository, {lock}, seconds=20)
    janitor.take_away("clusterrolebinding", f"restic-janitor-nodes-{namespace}")

    run = janitor.run()
    assert run.verdicts() == {lock: "not-observed"}, run.log
    assert (run.exit_code, run.removed(), repository.locks()) == (1, set(), {lock})


@pytest.mark.slow
def test_api_server_that_says_nothing(namespace, repository, install):
    """Otherwise a paused API server would hang the janitor, or be taken for an empty cluster."""
    address = backups.start_silent_server(namespace, repository.image)
    janitor = install(
        holders=["backup-*"],
        patch=f"""
- op: add
  path: /spec/jobTemplate/spec/template/spec/containers/0/env/-
  value: {{name: KUBERNETES_SERVICE_HOST, value: {address}}}
- op: add
  path: /spec/jobTemplate/spec/template/spec/containers/0/env/-
  value: {{name: KUBERNETES_SERVICE_PORT, value: "8443"}}
""",
    )
    lock = backups.leave_lock(namespace, repository)
    backups.wait_until_old(repository, {lock}, seconds=20)

    run = janitor.run(seconds=400)
    assert run.verdicts() == {lock: "cluster-unknown"}, run.log
    assert (run.exit_code, run.removed(), repository.locks()) == (1, set(), {lock})
