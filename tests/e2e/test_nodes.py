"""What befalls a Node takes its backups along, and is told: the words are a real cluster's.

All of this happens to the worker, on which no other test runs, one after the other.
"""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import backups, cluster, manifests
from .programs import apply, get, kubectl, poll
from .stores import Repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ON_WORKER: dict[str, Any] = {
    "nodeSelector": {"kubernetes.io/hostname": cluster.WORKER},
    "tolerations": [{"key": "e2e", "operator": "Exists"}],
}


@pytest.fixture(autouse=True)
def worker() -> Iterator[str]:
    """The worker, for this test alone."""
    with (Path(tempfile.gettempdir()) / f"{cluster.WORKER}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield cluster.WORKER


def gone(namespace: str, pod: str) -> None:
    poll(f"{pod} is gone", lambda: not get("pod", pod, namespace=namespace), seconds=120)


def test_a_drain_is_told(namespace, repository, install, worker):
    """Otherwise whoever drains Nodes at night would never learn what it does to backups."""
    janitor = install(holders=["backup-*"])
    pod = backups.start(namespace, repository, **ON_WORKER)
    lock = repository.wait_for_lock()
    try:
        kubectl("drain", worker, "--force", "--ignore-daemonsets", "--delete-emptydir-data")
        gone(namespace, pod)
        run = janitor.run_until_judged(lock)
        line = run.locks()[lock]
        assert f"was deleted while the Node {worker} was cordoned" in line["cause"], run.log
        assert line["advice"].startswith("Drain Nodes when no backup runs")
    finally:
        kubectl("uncordon", worker)


def test_a_preemption_is_told(namespace, repository, install, worker):
    """Otherwise an application that scales up would kill backups, and nobody see why."""
    janitor = install(holders=["backup-*"])
    urgent = f"urgent-{namespace}"
    apply(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": urgent},
            "value": 1000,
        }
    )
    try:
        cores = int(get("node", worker)["status"]["allocatable"]["cpu"])
        most = {"resources": {"requests": {"cpu": f"{cores * 600}m"}}}
        pod = start(namespace, repository, "backup-small", manifests.HOLD, **most)
        lock = repository.wait_for_lock()
        start(namespace, repository, "urgent", "sleep infinity", priority=urgent, **most)
        gone(namespace, pod)
        run = janitor.run_until_judged(lock)
        line = run.locks()[lock]
        assert f"Pod {namespace}/{pod} was preempted by" in line["cause"], run.log
        assert "priorityClassName" in line["advice"]
    finally:
        kubectl("delete", "priorityclass", urgent)


def start(
    namespace: str,
    repository: Repository,
    name: str,
    script: str,
    *,
    priority: str = "",
    **more: Any,
) -> str:
    """A pod on the worker that asks for much of it."""
    command = ["sh", "-c", script]
    made = manifests.container("backup", repository.image, command, secret="repository", **more)
    spec = manifests.pod_spec([made], restartPolicy="Never", **ON_WORKER)
    if priority:
        spec["priorityClassName"] = priority
    metadata = {"name": name, "namespace": namespace}
    apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    return name


def test_a_node_that_runs_out_of_memory_is_told(namespace, repository, install, worker):
    """Otherwise one would look for the fault in the backup, where its neighbours took it all."""
    janitor = install(holders=["backup-*"])
    pod = backups.start(namespace, repository, **ON_WORKER)
    lock = repository.wait_for_lock()
    try:
        cluster.kubelet_wants_memory(worker, "900Gi")
        poll("it is evicted", lambda: backups.reason(namespace, pod) == "Evicted", seconds=120)
    finally:
        cluster.kubelet_wants_memory(worker, None)
    run = janitor.run_until_judged(lock)
    line = run.locks()[lock]
    assert f"was evicted, since the Node {worker} ran low on memory" in line["cause"], run.log
    assert "Request as much memory as it uses" in line["advice"]


def test_lost_node(namespace, repository, install, worker):
    """Otherwise a pod on a machine that cannot be reached would lose the lock that it may still
    hold, or its lock would stay when the machine is gone for good."""
    tolerations = [
        {"key": "e2e", "operator": "Exists"},
        *(
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}
            for key in ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
        ),
    ]
    pod = backups.start(
        namespace,
        repository,
        nodeSelector={"kubernetes.io/hostname": worker},
        tolerations=tolerations,
    )
    janitor = install(holders=["backup-*"])
    lock = repository.wait_for_lock()
    cluster.kill_node(worker)
    try:
        poll(
            "the pod is marked for deletion",
            lambda: "deletionTimestamp" in get("pod", pod, namespace=namespace)["metadata"],
            seconds=240,
        )
        run = janitor.run_until_judged(lock)
        assert run.verdicts() == {lock: "holder-alive"}, run.log
        assert repository.locks() == {lock}

        kubectl("delete", "node", worker)
        poll("the pod object goes", lambda: not get("pod", pod, namespace=namespace), seconds=240)
        run = janitor.run_until_judged(lock)
        assert run.verdicts() == {lock: "holder-absent"}, run.log
        assert "not ready or unreachable has one" in run.locks()[lock]["cause"], run.log
        assert (run.exit_code, repository.locks()) == (0, set())
        repository.assert_works()
    finally:
        cluster.revive_node(worker)
