"""A repository on a volume that is mounted wrongly: one sentence with the mend, and no harm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import backups
from .installation import Run
from .programs import kubectl

READ_ONLY = {
    "containers": [
        {
            "name": "janitor",
            "volumeMounts": [
                {"name": "repositories", "mountPath": "/repos/backups", "readOnly": True}
            ],
        }
    ]
}
WRITABLE = json.loads(json.dumps(READ_ONLY).replace("true", "false"))


def run_as(uid: int) -> dict[str, Any]:
    """A pod of this user."""
    return {"securityContext": {"runAsUser": uid, "runAsGroup": uid}}


def change(namespace: str, pod: dict[str, Any]) -> None:
    """As somebody who edits the CronJob."""
    patch = {"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}
    words = ("--type=strategic", f"--patch={json.dumps(patch)}")
    kubectl("patch", "cronjob/restic-janitor", *words, namespace=namespace)


def state_of(run: Run) -> str:
    """What the repository's line says."""
    return str(run.repositories()["backups"]["state"])


@pytest.mark.parametrize("store", ["volume"], indirect=True)
def test_a_volume_that_cannot_be_read_or_written_says_what_would_mend_it(
    store, namespace, repository, install
):
    """Otherwise a person would only learn "Permission denied", and give the janitor every right."""
    janitor = install(holders=["backup-*"])
    lock = backups.leave_lock(namespace, repository)

    change(namespace, READ_ONLY)
    run = janitor.run_until_judged(lock)
    assert run.exit_code == 1, run.log
    assert "mounted read-only; mount it writable (readOnly: false)" in run.log
    assert repository.locks() == {lock}

    change(namespace, WRITABLE | run_as(12_345))
    run = janitor.run()
    assert (run.exit_code, state_of(run)) == (1, "unauthorized"), run.log
    assert "as uid 12345 and gid 12345, may not" in run.log
    assert "run it with the uid that owns the repository (runAsUser)" in run.log

    change(namespace, run_as(65_532))
    run = janitor.run_until_judged(lock)
    assert (run.exit_code, run.removed(), repository.locks()) == (0, {lock}, set()), run.log
    repository.assert_works()
