"""The workloads whose pods run restic: how they name their pods, and when restic runs in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.bucket import Bucket
from tests.simulation.clockwork import HOUR, MINUTE, Clockwork, moment
from tests.simulation.machines import Cluster, Container, Host, Pod
from tests.simulation.plan import WITHIN, Plan
from tests.simulation.restic import VERSIONS, Process

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class Stage:
    """Where the workloads play."""

    clockwork: Clockwork
    random: Random
    bucket: Bucket
    plan: Plan
    tell: Callable[[str], None]
    processes: list[Process]
    number: int = 0

    def uid(self) -> str:
        self.number += 1
        return f"uid-{self.number:04d}"

    def suffix(self) -> str:
        return "".join(self.random.choices(_SUFFIX, k=5))

    def run(self, host: Host, hostname: str, *, sandbox: bool = False) -> Process:
        """A restic process begins now, and ends by itself some time."""
        random = self.random
        process = Process(
            self.clockwork,
            random,
            self.bucket,
            host=host,
            hostname=hostname,
            version=random.choice(VERSIONS),
            clock_ahead=random.uniform(-WITHIN, WITHIN) if sandbox else 0.0,
            tell=self.tell,
        )
        self.processes.append(process)
        self.tell(f"{process} begins on {host.name}")
        process.begin()
        minutes = random.choice((random.uniform(1, 20), random.uniform(60, 400)))
        if self.plan.breaks == "remove_unrefreshed_after":
            minutes *= 10
        self.clockwork.after(minutes * MINUTE, process.finish)
        return process


def populate(stage: Stage, cluster: Cluster, kind: str, *, namespace: str = "shop") -> None:
    """Sets a workload going in a cluster."""
    match kind:
        case "cronjob":
            delay = stage.random.uniform(0, 60) * MINUTE
            stage.clockwork.after(delay, lambda: _fire_for_ever(stage, cluster, namespace))
        case "host":
            _host_processes(stage, cluster)
        case _:
            _lasting(stage, cluster, kind, namespace)


def _somewhere(stage: Stage, cluster: Cluster) -> Host:
    """A host that takes new pods."""
    fit = [each for each in cluster.hosts if each.connected and each.up and each.registered]
    return stage.random.choice(fit or cluster.hosts[-1:])


def _fire_for_ever(stage: Stage, cluster: Cluster, namespace: str) -> None:
    fire(stage, cluster, _somewhere(stage, cluster), namespace)
    delay = stage.random.uniform(40, 120) * MINUTE
    stage.clockwork.after(delay, lambda: _fire_for_ever(stage, cluster, namespace))


def fire(stage: Stage, cluster: Cluster, host: Host, namespace: str = "shop") -> Pod:
    """The pod of one run of a CronJob."""
    minute = int(moment(stage.clockwork.now).timestamp() // 60)
    job = f"shop-backup-{minute}"
    container = Container("backup")
    pod = Pod(
        namespace,
        f"{job}-{stage.suffix()}",
        stage.uid(),
        host,
        stage.clockwork.now,
        [container],
        policy=stage.random.choice(("Never", "OnFailure")),
        metadata=_owned("Job", job),
    )
    container.on_start = lambda: _main(stage, cluster, pod, container)
    cluster.add_pod(pod)
    return pod


def _main(stage: Stage, cluster: Cluster, pod: Pod, container: Container) -> None:
    """restic is the container's main process: one ends with the other."""
    starts = container.starts

    def begin() -> None:
        if container.started is None or container.starts != starts:
            return
        process = stage.run(pod.host, pod.hostname)
        container.processes = [process]
        watch(process)

    def watch(process: Process) -> None:
        if container.starts != starts or container.started is None:
            return
        if process.alive:
            stage.clockwork.after(20.0, lambda: watch(process))
        else:
            code = stage.random.choice((0, 137))
            cluster.end(pod, container, code=code, reason="Completed" if code == 0 else "OOMKilled")

    stage.clockwork.after(stage.random.uniform(0.1, 10.0), begin)


def _lasting(stage: Stage, cluster: Cluster, kind: str, namespace: str) -> None:
    """A pod that lasts, with restic in its sidecar from time to time; it is born again."""
    sidecar = Container("stash")
    containers = [Container("db"), sidecar]
    if stage.random.random() < 0.2:
        containers.insert(0, Container("stash-init", init=True))
    pod = Pod(
        namespace,
        _name(stage, kind),
        stage.uid(),
        _somewhere(stage, cluster),
        stage.clockwork.now,
        containers,
        spec=_SPECS.get(kind, {}),
        metadata=_OWNERS[kind],
    )

    def again() -> None:
        delay = stage.random.choice((0.1, 2.0, 60.0))
        stage.clockwork.after(delay, lambda: _lasting(stage, cluster, kind, namespace))

    def begin() -> None:
        if pod.gone or pod.deleting or pod.phase in ("Succeeded", "Failed"):
            return
        if sidecar.started is not None:
            sandbox = kind == "sandbox"
            sidecar.processes = [each for each in sidecar.processes if each.alive]
            sidecar.processes.append(stage.run(pod.host, pod.hostname, sandbox=sandbox))
        stage.clockwork.after(stage.random.uniform(20, 150) * MINUTE, begin)

    pod.on_gone = again
    cluster.add_pod(pod)
    stage.clockwork.after(stage.random.choice((9.0, 20.0, 15 * MINUTE)), begin)


def _host_processes(stage: Stage, cluster: Cluster) -> None:
    """A timer on a host runs restic there."""
    host = stage.random.choice(cluster.hosts)

    def begin() -> None:
        if host.up:
            host.processes.append(stage.run(host, host.name))
        stage.clockwork.after(stage.random.uniform(0.5, 2) * HOUR, begin)

    stage.clockwork.after(stage.random.uniform(0, 60) * MINUTE, begin)


def _name(stage: Stage, kind: str) -> str:
    return {
        "statefulset": "db-0",
        "sandbox": "vm-0",
        "deployment": f"app-6d4b75cb6d-{stage.suffix()}",
        "nightly": f"nightly-7c5ddbdf54-{stage.suffix()}",
        "agent": f"agent-{stage.suffix()}",
    }[kind]


def _owned(kind: str, name: str, **labels: str) -> dict[str, Any]:
    owner = {"kind": kind, "name": name, "controller": True}
    return {"ownerReferences": [owner], "labels": labels}


_OWNERS = {
    "statefulset": _owned("StatefulSet", "db"),
    "sandbox": _owned("StatefulSet", "vm"),
    "deployment": _owned("ReplicaSet", "app-6d4b75cb6d", **{"pod-template-hash": "6d4b75cb6d"}),
    "nightly": _owned("ReplicaSet", "nightly-7c5ddbdf54", **{"pod-template-hash": "7c5ddbdf54"}),
    "agent": _owned("DaemonSet", "agent"),
}
_SPECS: dict[str, dict[str, Any]] = {
    "sandbox": {"runtimeClassName": "kata"},
    "nightly": {"hostname": "nightly"},
    "agent": {"hostNetwork": True},
}
