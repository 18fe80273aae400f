"""Holders that died inside what lives on: a pod, a Deployment, a StatefulSet, a cluster."""

from __future__ import annotations

import time

from . import backups, manifests, stores
from .programs import apply, get, poll

STASH = [{"name": "shop-*", "containers": ["stash", "stash-init"]}]
"""A backup sidecar's pods, as discovery describes them."""
SIDECAR = """
if [ ! -e /tmp/ran ]; then
    touch /tmp/ran
    (sleep infinity | restic backup --stdin) &
    until [ -e /tmp/die ]; do sleep 0.2; done
    exec tail /dev/zero
fi
sleep infinity
"""
"""Backs up once, and takes all memory when it is told to; after its restart it only waits."""
ON_DEMAND = """
until [ -e /tmp/start ]; do sleep 0.2; done
(sleep infinity | restic backup --stdin) &
until [ -e /tmp/fill ]; do sleep 0.2; done
head -c 30000000 /dev/zero >/tmp/fill
sleep infinity
"""
"""Backs up when it is told to, and passes the limit of its temp dir when it is told to."""


def with_sidecar(repository, script, *, memory="", limit=""):
    """An application and its backup sidecar `stash`."""
    resources = {"resources": {"limits": {"memory": memory}}} if memory else {}
    application = manifests.container("app", repository.image, ["sleep", "infinity"])
    stash = manifests.container(
        "stash", repository.image, ["sh", "-c", script], secret="repository", **resources
    )
    temporary = {"sizeLimit": limit} if limit else None
    return manifests.pod_spec([application, stash], temporary=temporary)


def pod_of(namespace, application):
    """The name of the one pod of a workload that runs and is not about to go."""

    def running():
        found = get("pods", "-l", f"app={application}", namespace=namespace)["items"]
        names = [
            pod["metadata"]["name"]
            for pod in found
            if pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        ]
        return names[0] if len(names) == 1 else None

    return poll(f"one pod of {application} runs", running, seconds=90)


def test_evicted_sidecar(namespace, repository, install):
    """The story this product was made for: a temp dir too small, an eviction that nobody notices,
    and a repository that stays locked; without the janitor it would be so for ever."""
    spec = with_sidecar(repository, ON_DEMAND, limit="8Mi")
    apply(manifests.workload("Deployment", namespace, "shop", spec))
    janitor = install(holders=STASH)
    pod = pod_of(namespace, "shop")
    backups.shell(namespace, pod, "touch /tmp/start", container="stash")
    lock = repository.wait_for_lock()
    backups.shell(namespace, pod, "touch /tmp/fill", container="stash")
    poll("evicted", lambda: backups.reason(namespace, pod) == "Evicted", seconds=120)
    assert pod_of(namespace, "shop") != pod
    assert repository.locks() == {lock}
    assert repository.exec("restic", "forget", "--keep-last", "1", "--prune").returncode == (
        stores.LOCKED
    )

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-terminated"}, run.log
    assert "passed the sizeLimit of 8Mi" in run.locks()[lock]["cause"], run.log
    assert "Raise the sizeLimit of the volume 'tmp' in ReplicaSet" in run.locks()[lock]["advice"]
    assert (run.exit_code, repository.locks()) == (0, set())
    repository.assert_works()


def test_sidecar_out_of_memory(namespace, repository, install):
    """Otherwise a sidecar that restarts beside a living application would look alive for ever."""
    spec = with_sidecar(repository, SIDECAR, memory="96Mi")
    apply(manifests.workload("Deployment", namespace, "shop", spec))
    janitor = install(holders=STASH)
    pod = pod_of(namespace, "shop")
    lock = repository.wait_for_lock()
    backups.shell(namespace, pod, "touch /tmp/die", container="stash")
    poll("restarted", lambda: backups.restarts(namespace, pod, "stash") == 1, seconds=120)
    assert backups.last_end(namespace, pod, "stash") == "OOMKilled"
    assert backups.restarts(namespace, pod, "app") == 0

    run = janitor.run_until_judged(lock)
    assert run.verdicts() == {lock: "holder-replaced"}, run.log
    line = run.locks()[lock]
    assert "'stash' of pod" in line["cause"], run.log
    assert "was OOM-killed at its memory limit of 96Mi" in line["cause"]
    assert "resources.limits.memory of container 'stash' in ReplicaSet" in line["advice"]
    assert (run.exit_code, repository.locks()) == (0, set())
    repository.assert_works()


def test_stateful_pod_reborn(namespace, repository, install):
    """Otherwise the pod that comes back under its old name would vouch for the dead one's lock,
    or lose its own."""
    container = manifests.container(
        "backup", repository.image, ["sh", "-c", manifests.HOLD], secret="repository"
    )
    spec = manifests.pod_spec([container])
    apply(manifests.workload("StatefulSet", namespace, "db", spec, serviceName="db"))
    janitor = install(holders=["db-?"])
    old = repository.wait_for_lock()
    # Times are in whole seconds: a pod reborn in the second of the lock might have written it.
    time.sleep(2)
    backups.delete(namespace, "db-0")
    new = repository.wait_for_lock(beside={old})

    run = janitor.run_until_judged(old, new)
    assert run.verdicts() == {old: "holder-replaced", new: "holder-alive"}, run.log
    assert (run.exit_code, repository.locks()) == (0, {new})
