"""Why the holder died, where only Events are left to tell: the words are a real cluster's."""

from __future__ import annotations

import json
from typing import Any

from . import backups, manifests
from .programs import apply, kubectl, poll
from .stores import Repository


def job(namespace: str, repository: Repository, **spec: Any) -> manifests.Object:
    """A Job `backup` that backs up until it is ended."""
    command = ["sh", "-c", manifests.HOLD]
    made = manifests.container("backup", repository.image, command, secret="repository")
    template = manifests.pod_spec([made], restartPolicy="Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "backup", "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": {"spec": template}} | spec,
    }


def test_a_jobs_deadline_is_told(namespace, repository, install):
    """Otherwise a backup that takes too long would fail each night, and nobody learn why."""
    janitor = install(holders=["backup-*"])
    apply(job(namespace, repository, activeDeadlineSeconds=25))
    lock = repository.wait_for_lock()

    def pods() -> str:
        return kubectl("get", "pods", "-l", "job-name=backup", "-o", "name", namespace=namespace)

    poll("the Job takes its pod along", lambda: not pods().strip(), seconds=120)
    run = janitor.run_until_judged(lock)
    line = run.locks()[lock]
    assert line["removed"], run.log
    assert "Job backup passed its activeDeadlineSeconds" in line["cause"], run.log
    assert "Raise activeDeadlineSeconds of the Job" in line["advice"]
    (event,) = janitor.events()
    assert "Why it died: Job backup passed its activeDeadlineSeconds" in event["note"]


def test_a_pod_that_somebody_deleted_is_told(namespace, repository, install):
    """Otherwise a person would look for a crash."""
    janitor = install(holders=["backup-*"])
    pod = backups.start(namespace, repository)
    lock = repository.wait_for_lock()
    kubectl("delete", "pod", pod, namespace=namespace)
    run = janitor.run_until_judged(lock)
    line = run.locks()[lock]
    assert line["cause"].startswith(f"Pod {namespace}/{pod} was deleted; by whom"), run.log
    assert "terminationGracePeriodSeconds" not in line["advice"]


def test_an_eviction_by_the_api_is_told_while_the_pod_is_there(namespace, repository, install):
    """Otherwise a drain would look like a deletion by hand."""
    janitor = install(holders=["backup-*"])
    pod = backups.start(
        namespace, repository, script=f"trap '' TERM; {manifests.HOLD}", name="backup-drain"
    )
    lock = repository.wait_for_lock()
    kubectl("patch", "pod", pod, "--type=merge", "-p", FINALIZER, namespace=namespace)
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    poll("it has ended", lambda: backups.phase(namespace, pod) == "Failed", seconds=60)
    run = janitor.run_until_judged(lock)
    assert "was evicted by the Eviction API, as a drain does" in run.locks()[lock]["cause"], run.log
    kubectl("patch", "pod", pod, "--type=merge", "-p", NO_FINALIZER, namespace=namespace)


FINALIZER = '{"metadata":{"finalizers":["example.com/kept"]}}'
NO_FINALIZER = '{"metadata":{"finalizers":null}}'
