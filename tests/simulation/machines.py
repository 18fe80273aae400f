"""Hosts, kubelets, pods and containers: what is true, and what the API is told of it, and when.

A kubelet reports a change a little later, and not at all while it is cut off. Times in a status
are whole seconds of the host's clock; `creationTimestamp` is the API server's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.apiserver import ApiServer
from tests.simulation.clockwork import MINUTE, Clockwork, moment
from tests.simulation.restic import Process

NOT_READY_AFTER = 45.0
"""The node lifecycle controller's grace is 40 seconds; the kubelet writes every 10."""
GRACE = 30.0


def stamp(seconds: float) -> str:
    """As Kubernetes writes times."""
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(eq=False)
class Container:
    """One container and its present or last incarnation."""

    name: str
    init: bool = False
    starts: int = 0
    started: float | None = None
    """By the host's clock; None: not running."""
    ended: dict[str, Any] | None = None
    """`terminated` of the last incarnation."""
    processes: list[Process] = field(default_factory=list)
    on_start: Callable[[], None] | None = None
    """Whatever its main process does first."""

    def status(self, policy: str, *, final: bool) -> dict[str, Any]:
        restarts = max(0, self.starts - 1)
        last = {"terminated": self.ended} if self.ended else {}
        if self.started is not None:
            state, before = {"running": {"startedAt": stamp(self.started)}}, last
        elif self.ended is None:
            state, before = {"waiting": {"reason": "ContainerCreating"}}, {}
        elif policy == "Never" or self.init or final:
            state, before = last, {}
        else:
            state, before = {"waiting": {"reason": "CrashLoopBackOff"}}, last
        return {"name": self.name, "restartCount": restarts, "state": state, "lastState": before}


@dataclass(eq=False)
class Host:
    """A machine with a kubelet. Its processes live as long as it is up."""

    name: str
    clockwork: Clockwork
    ahead: float = 0.0
    """How far its clock is ahead of true time, in seconds."""
    drift: float = 0.0
    """Seconds by which its clock gains in a second."""
    up: bool = True
    connected: bool = True
    """Whether its kubelet reaches the API server."""
    reaches_bucket: bool = True
    ready_since: float = 0.0
    """By its own clock."""
    registered: bool = True
    """Whether its Node is in the API."""
    pods: list[Pod] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    """Those that run on the host itself."""

    def read_clock(self) -> float:
        now = self.clockwork.now
        return now + self.ahead + self.drift * now

    def everything(self) -> list[Process]:
        return [*self.processes, *(p for pod in self.pods for p in pod.processes())]


@dataclass(eq=False)
class Pod:
    """A pod: its specification, and what is true of it."""

    namespace: str
    name: str
    uid: str
    host: Host
    created: float
    containers: list[Container]
    policy: str = "Always"
    spec: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    phase: str = "Pending"
    reason: str | None = None
    deleting: bool = False
    evicting: bool = False
    gone: bool = False
    """The API has it no more, or nothing of it runs and its kubelet is done with it."""
    on_gone: Callable[[], None] | None = None

    @property
    def hostname(self) -> str:
        if self.spec.get("hostNetwork"):
            return self.host.name
        name: str = self.spec.get("hostname") or self.name
        return name[:63].rstrip("-.")

    def processes(self) -> list[Process]:
        return [process for container in self.containers for process in container.processes]

    def document(self) -> dict[str, Any]:
        kinds = {"initContainers": True, "containers": False}
        spec = {
            kind: [{"name": each.name} for each in self.containers if each.init is init]
            for kind, init in kinds.items()
        }
        final = self.phase in ("Succeeded", "Failed")
        statuses = {
            kind: [
                each.status(self.policy, final=final)
                for each in self.containers
                if each.init is init
            ]
            for kind, init in (("initContainerStatuses", True), ("containerStatuses", False))
        }
        meta = {"name": self.name, "namespace": self.namespace, "uid": self.uid}
        meta |= {"creationTimestamp": stamp(self.created)} | self.metadata
        if self.deleting:
            meta["deletionTimestamp"] = stamp(self.created)
        return {
            "metadata": meta,
            "spec": {"nodeName": self.host.name} | self.spec | spec,
            "status": {"phase": self.phase, "reason": self.reason} | statuses,
        }


class Cluster:
    """One cluster: its API server, its hosts and their pods."""

    def __init__(
        self,
        clockwork: Clockwork,
        random: Random,
        *,
        report_lag: float,
        tell: Callable[[str], None],
    ) -> None:
        self.clockwork = clockwork
        self.random = random
        self.api = ApiServer(clockwork)
        self.hosts: list[Host] = []
        self.pods: list[Pod] = []
        self._report_lag = report_lag
        self.tell = tell

    # --- hosts -------------------------------------------------------------------------------

    def add_host(self, host: Host, *, ready_since: float) -> None:
        self.hosts.append(host)
        host.ready_since = ready_since
        self._say_ready(host, "True")
        self._beat(host)

    def cut_off(self, host: Host) -> None:
        """Its kubelet reaches the API server no more."""
        if host.connected:
            host.connected = False
            self.tell(f"{host.name} is cut off from the API")
            self.clockwork.after(NOT_READY_AFTER, lambda: self._miss(host))

    def reconnect(self, host: Host) -> None:
        """Ready comes first, what became of the pods some seconds later."""
        if host.connected or not host.up or not host.registered:
            return
        host.connected = True
        self.tell(f"{host.name} is back")
        host.ready_since = host.read_clock()
        self._say_ready(host, "True")
        for pod in host.pods:
            lag = self.random.uniform(0.1, 20.0 if self._report_lag < MINUTE else 5 * MINUTE)
            self.clockwork.after(lag, lambda pod=pod: self._catch_up(pod))

    def lose_power(self, host: Host) -> None:
        """Every process dies, and nobody is told."""
        if not host.up:
            return
        self.tell(f"{host.name} loses power")
        host.up = False
        self.cut_off(host)
        for process in host.everything():
            process.die("dies with its host")
        for container in (each for pod in host.pods for each in pod.containers):
            if container.started is not None:
                self._end(container, host, code=255, reason="Unknown")

    def boot(self, host: Host) -> None:
        if host.up or not host.registered:
            return
        host.up = True
        for pod in host.pods:
            if not pod.gone and not pod.deleting:
                self._settle(pod)
        self.reconnect(host)

    def remove_node(self, host: Host) -> None:
        """The Node goes from the API, and the garbage collector takes its pods after it."""
        host.registered = False
        self.tell(f"the Node {host.name} is deleted")
        self.api.drop("nodes", host.name)
        for pod in list(host.pods):
            self.clockwork.after(self.random.uniform(1.0, 60.0), lambda pod=pod: self._forget(pod))

    def _miss(self, host: Host) -> None:
        if not host.connected and host.registered:
            self._say_ready(host, "Unknown")

    def _beat(self, host: Host) -> None:
        """A kubelet renews its Node's status every five minutes, and its lease in between."""
        if host.connected and host.up and host.registered:
            self._say_ready(host, "True")
        self.clockwork.after(5 * MINUTE, lambda: self._beat(host))

    def _say_ready(self, host: Host, status: str) -> None:
        condition = {
            "type": "Ready",
            "status": status,
            "lastTransitionTime": stamp(host.ready_since),
            "lastHeartbeatTime": stamp(host.read_clock()),
        }
        document = {
            "metadata": {"name": host.name, "labels": {"kubernetes.io/hostname": host.name}},
            "status": {"conditions": [condition]},
        }
        self.api.put("nodes", host.name, "", document)

    # --- pods --------------------------------------------------------------------------------

    def add_pod(self, pod: Pod) -> None:
        """It is created; its kubelet starts it within seconds."""
        self.pods.append(pod)
        pod.host.pods.append(pod)
        self.api.put("pods", pod.uid, pod.namespace, pod.document())
        self._event(pod, "Scheduled")
        self.clockwork.after(self.random.uniform(0.5, 8.0), lambda: self._start_all(pod))

    def start(self, pod: Pod, container: Container) -> None:
        """A new incarnation begins."""
        if pod.gone or pod.deleting or not pod.host.up or container.started is not None:
            return
        if pod.evicting or pod.phase in ("Succeeded", "Failed"):
            return  # a kubelet never starts anything again in a pod that it is done with
        container.starts += 1
        container.started = pod.host.read_clock()
        pod.phase = "Running"
        self.report(pod)
        if container.on_start is not None:
            container.on_start()

    def end(self, pod: Pod, container: Container, *, code: int = 137, reason: str) -> None:
        """Its main process ends, and whatever else runs in it."""
        if container.started is None:
            return
        self.tell(f"container {container.name} of {pod.name} ends: {reason}")
        self._end(container, pod.host, code=code, reason=reason)
        self._settle(pod)

    def evict(self, pod: Pod) -> None:
        """The kubelet evicts it: SIGTERM, SIGKILL, and only then it says Failed."""
        if pod.gone or pod.phase in ("Succeeded", "Failed") or not pod.host.up:
            return
        self.tell(f"{pod.name} is evicted")
        pod.evicting = True
        self._stop(pod, then=lambda: self._evicted(pod))

    def delete(self, pod: Pod, *, finalizer: bool = False) -> None:
        """`kubectl delete pod`: it goes when its kubelet says that nothing runs any more."""
        if pod.deleting or pod.gone:
            return
        self.tell(f"{pod.name} is deleted")
        pod.deleting = True
        if self.api.has("pods", pod.uid):
            self._write(pod)
        if pod.host.connected:
            self._stop(pod, then=lambda: self._stopped(pod, finalizer=finalizer))

    def force_delete(self, pod: Pod) -> None:
        """`kubectl delete --force`: the API forgets it at once."""
        self.tell(f"{pod.name} is deleted by force")
        pod.deleting = True
        self.api.drop("pods", pod.uid)
        if pod.host.connected:
            self._stop(pod, then=lambda: self._stopped(pod, finalizer=False))
        elif pod.on_gone is not None:
            pod.on_gone, again = None, pod.on_gone
            again()

    def report(self, pod: Pod) -> None:
        """Its kubelet tells the API, a little later."""
        self.clockwork.after(self.random.uniform(0.05, self._report_lag), lambda: self._report(pod))

    def _report(self, pod: Pod) -> None:
        if pod.host.connected and pod.host.up and self.api.has("pods", pod.uid):
            self._write(pod)

    def _write(self, pod: Pod) -> None:
        """A deletion is the API's own; the status stays the kubelet's last one if it is cut off."""
        document = pod.document()
        if not pod.host.connected:
            document["status"] = self.api.document("pods", pod.uid)["status"]
        self.api.put("pods", pod.uid, pod.namespace, document)

    def _catch_up(self, pod: Pod) -> None:
        if not pod.host.connected:
            return
        if pod.deleting:
            self._stop(pod, then=lambda: self._stopped(pod, finalizer=False))
        self._report(pod)

    def _start_all(self, pod: Pod) -> None:
        inits = [each for each in pod.containers if each.init]
        for container in inits:
            self.start(pod, container)
            if container.started is not None:
                self._end(container, pod.host, code=0, reason="Completed")
        for container in pod.containers:
            if not container.init:
                self.start(pod, container)

    def _end(self, container: Container, host: Host, *, code: int, reason: str) -> None:
        assert container.started is not None
        for process in container.processes:
            process.die()
        container.ended = {
            "startedAt": stamp(container.started),
            "finishedAt": stamp(host.read_clock()),
            "exitCode": code,
            "reason": reason,
        }
        container.started = None

    def _settle(self, pod: Pod) -> None:
        """After a container ended: restart it, or the pod is done."""
        if pod.evicting or pod.phase in ("Succeeded", "Failed"):
            self.report(pod)
            return
        ordinary = [each for each in pod.containers if not each.init]
        for container in ordinary:
            if container.started is not None or container.ended is None or pod.deleting:
                continue
            failed = container.ended["exitCode"] != 0
            if pod.policy == "Always" or (pod.policy == "OnFailure" and failed):
                delay = self.random.choice((0.2, 0.8, 2.0, 10.0, 40.0, 300.0))
                self.clockwork.after(delay, lambda container=container: self.start(pod, container))
                self.report(pod)
                return
        if all(each.started is None and each.ended for each in ordinary):
            codes = [each.ended["exitCode"] for each in ordinary if each.ended]
            pod.phase = "Failed" if any(codes) else "Succeeded"
        self.report(pod)

    def _stop(self, pod: Pod, *, then: Callable[[], None]) -> None:
        """SIGTERM now, SIGKILL after the grace period."""
        for process in pod.processes():
            process.terminate()

        def kill() -> None:
            for container in pod.containers:
                if container.started is not None:
                    self._end(container, pod.host, code=137, reason="Error")
            then()

        left = any(process.alive for process in pod.processes())
        self.clockwork.after(GRACE if left else 1.0, kill)

    def _evicted(self, pod: Pod) -> None:
        pod.phase, pod.reason = "Failed", "Evicted"
        self._event(pod, "Evicted")
        self.report(pod)
        self.clockwork.after(self.random.uniform(5.0, 90.0), lambda: self._replace(pod))

    def _replace(self, pod: Pod) -> None:
        """What its controller does once it sees a Failed pod. An ordinal's name must be free."""
        if not pod.host.connected and not pod.gone:
            self.clockwork.after(MINUTE, lambda: self._replace(pod))
        elif pod.name.endswith("-0"):
            self._forget(pod)
        elif not pod.gone and pod.on_gone is not None:
            pod.on_gone, again = None, pod.on_gone
            again()

    def _stopped(self, pod: Pod, *, finalizer: bool) -> None:
        self._report(pod)
        if not finalizer:
            self.clockwork.after(self.random.uniform(0.1, 3.0), lambda: self._forget(pod))

    def _forget(self, pod: Pod) -> None:
        self.api.drop("pods", pod.uid)
        if pod in pod.host.pods:
            pod.host.pods.remove(pod)
        if not pod.gone:
            pod.gone = True
            if pod.on_gone is not None:
                pod.on_gone()

    def _event(self, pod: Pod, reason: str) -> None:
        """Events live for an hour."""
        uid = f"{pod.uid}.{reason}"
        about = {"kind": "Pod", "namespace": pod.namespace, "name": pod.name}
        document = {"metadata": {"name": uid, "namespace": pod.namespace}, "reason": reason}
        self.api.put("events", uid, pod.namespace, document | {"involvedObject": about})
        self.clockwork.after(60 * MINUTE, lambda: self.api.drop("events", uid))
