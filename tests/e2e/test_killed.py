"""A backup was killed mid-run: its lock goes once it is old enough, and not before."""

from __future__ import annotations

import json

import pytest

from . import backups

PRUNE = """
mkdir /tmp/data
head -c 300000 /dev/urandom >/tmp/data/kept
head -c 300000 /dev/urandom >/tmp/data/dropped
restic backup /tmp/data
rm /tmp/data/dropped
restic backup /tmp/data
restic forget --keep-last 1
restic prune --max-unused 0 --limit-download 1
"""
"""A prune that has to repack, and reads its pack at 1 KiB/s: it holds its lock for minutes."""


@pytest.mark.slow
@pytest.mark.parametrize("store", ["s3", "rest", "append", "volume"], indirect=True)
def test_killed_backup(store, namespace, repository, install):
    """Otherwise a killed backup blocks forget and prune for ever, or its lock goes too soon."""
    janitor = install(holders=["backup-*"], min_age="60s")
    lock = backups.leave_lock(namespace, repository)

    early = janitor.run()
    assert early.verdicts() == {lock: "too-young"}, early.log
    assert (early.exit_code, repository.locks()) == (0, {lock})

    late = janitor.run_until_judged(lock)
    assert late.verdicts() == {lock: "holder-absent"}, late.log
    assert (late.exit_code, late.removed(), repository.locks()) == (0, {lock}, set())
    if store == "append":
        repository.restic("check")  # its server refuses what forget deletes
    else:
        repository.assert_works()


def test_removal_is_told(namespace, repository, install):
    """Otherwise nobody would learn that backups die: no Event, no message, no record."""
    janitor = install(holders=["backup-*"])
    lock = backups.leave_lock(namespace, repository)
    run = janitor.run_until_judged(lock)

    assert run.removed() == {lock}, run.log
    assert run.locks()[lock]["record"]
    assert run.summary()["removed"] == 1
    message = json.loads(run.message)
    assert (message["removed"], message["exit_code"]) == (1, 0)
    assert "\n" not in run.message.strip()
    (event,) = janitor.events()
    assert (event["reason"], event["type"]) == ("StaleLockRemoved", "Normal")
    assert event["regarding"]["namespace"] == namespace
    assert lock[:8] in event["note"]


def test_killed_prune(namespace, repository, install):
    """Otherwise the exclusive lock of a killed prune stops every backup until someone notices."""
    janitor = install(holders=["backup-*"])
    pod = backups.start(namespace, repository, script=PRUNE)
    lock = backups.wait_for_exclusive_lock(repository)
    backups.kill(namespace, pod)
    backups.delete(namespace, pod)
    assert repository.exec("restic", "backup", "/e2e").returncode != 0

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-absent"}, run.log
    assert run.locks()[lock]["exclusive"] is True
    repository.restic("backup", "/e2e")
    repository.assert_works()


def test_dry_run(namespace, repository, install):
    """Otherwise what a newcomer applies first would delete, or would not say what it would do."""
    janitor = install(holders=["backup-*"], overlay="dry-run")
    lock = backups.leave_lock(namespace, repository)

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-absent"}, run.log
    line = run.locks()[lock]
    assert (line["stale"], line["removed"], line["dry_run"]) == (True, False, True)
    assert (run.exit_code, repository.locks()) == (0, {lock})
    assert [event["reason"] for event in janitor.events()] == ["StaleLockFound"]


def test_namespaced_installation(namespace, repository, install):
    """Otherwise people who own a namespace, but no cluster, could not use it."""
    janitor = install(
        holders=["backup-*"],
        overlay="namespaced",
        observe={"namespaces": [namespace], "nodes": False},
    )
    lock = backups.leave_lock(namespace, repository)

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-absent"}, run.log
    assert (run.exit_code, run.removed()) == (0, {lock})


def test_production_overlay(namespace, repository, install):
    """Otherwise what people run differs from what is tested."""
    janitor = install(holders=["backup-*"], overlay="production")
    lock = backups.leave_lock(namespace, repository)
    assert janitor.run_until_judged(lock).removed() == {lock}
    assert repository.locks() == set()


@pytest.mark.slow
def test_two_janitors_at_once(namespace, repository, install):
    """Otherwise a run by hand beside the scheduled one would fail, or report a false loss."""
    janitor = install(holders=["backup-*"], min_age="90s")
    locks = {backups.leave_lock(namespace, repository) for _ in range(3)}
    janitor.run()  # remembers them: all are younger than min_age, even on a slow machine
    backups.wait_until_old(repository, locks, seconds=90)

    runs = janitor.run_together(3)
    assert [run.exit_code for run in runs] == [0, 0, 0], "\n\n".join(run.log for run in runs)
    assert repository.locks() == set()
    assert {lock for run in runs for lock in run.removed()} == locks
    repository.assert_works()


def test_killed_janitor(namespace, repository, install):
    """Otherwise a janitor that dies half-way would leave something that stops the next."""
    janitor = install(holders=["backup-*"])
    lock = backups.leave_lock(namespace, repository)
    backups.wait_until_old(repository, {lock}, seconds=20)

    job = janitor.start()
    janitor.kill(job)
    # It may have been quicker than the kill: then the next run has nothing left to do.
    run = janitor.run_until_judged(lock) if repository.locks() else janitor.run()
    assert run.exit_code == 0, run.log
    assert repository.locks() == set()
    repository.assert_works()


def test_the_installation_examines_itself(namespace, repository, install):
    """Otherwise whoever installs it has to wait for a lock to learn what is wrong."""
    janitor = install(holders=["backup-*"])
    run = janitor.doctor()
    checks = [line for line in run.lines if line["event"] == "check"]
    assert {line["status"] for line in checks} <= {"ok", "warning"}, run.log
    assert run.exit_code == 0
    assert {"right", "observation", "state", "repository"} <= {line["check"] for line in checks}
    assert any("the janitor's own pod" in line["detail"] for line in checks)
    janitor.take_away("clusterrolebinding", f"restic-janitor-{namespace}")
    run = janitor.doctor()
    problems = [line for line in run.lines if line.get("status") == "problem"]
    assert run.exit_code == 1
    assert "list pods in all namespaces" in [line["subject"] for line in problems], run.log
