"""What befalls a history: one draw each, at a random time, on whatever fits then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tests.simulation.clockwork import MINUTE
from tests.simulation.machines import Cluster, Host, Pod
from tests.simulation.plan import WITHIN
from tests.simulation.restic import Process
from tests.simulation.workloads import Stage, fire

Thing = TypeVar("Thing")


@dataclass
class Incidents:
    """The things that may happen. Each is a method without arguments; nothing fits: nothing."""

    stage: Stage
    cluster: Cluster

    def draw(self) -> Callable[[], None]:
        names = list(_WEIGHTS)
        drawn = self.stage.random.choices(names, [_WEIGHTS[name] for name in names])[0]
        action: Callable[[], None] = getattr(self, drawn)
        return action

    def kill_process(self) -> None:
        process = self._one(self._living())
        if process is not None:
            process.die("is killed (SIGKILL)")

    def finish_process(self) -> None:
        process = self._one(self._living())
        if process is not None:
            process.finish()

    def pause_process(self) -> None:
        process = self._one(self._living())
        if process is not None:
            process.pause()
            minutes = self.stage.random.choice((10, 40, 90, 200))
            if self.stage.plan.breaks == "remove_unrefreshed_after":
                minutes *= 12
            self._later(self.stage.random.uniform(0.5, 1.2) * minutes, process.resume)

    def end_container(self) -> None:
        pod = self._one(self._running())
        if pod is not None:
            container = self._one([each for each in pod.containers if each.started is not None])
            if container is not None:
                self.cluster.end(pod, container, reason="OOMKilled")

    def evict_pod(self) -> None:
        pod = self._one(self._running())
        if pod is not None:
            self.cluster.evict(pod)

    def delete_pod(self) -> None:
        pod = self._one(self._running())
        if pod is not None:
            self.cluster.delete(pod, finalizer=self.stage.random.random() < 0.2)

    def forget_ended_pod(self) -> None:
        """The Job's ttlSecondsAfterFinished, or a person who cleans up."""
        pod = self._one(
            [each for each in self.cluster.pods if each.phase in ("Succeeded", "Failed")]
        )
        if pod is not None and pod.host.connected:
            self.cluster.delete(pod)

    def bucket_goes_away(self) -> None:
        bucket = self.stage.bucket
        if bucket.up:
            self.stage.tell("the store is away")
            bucket.up = False
            self._later(self.stage.random.uniform(3, 60), self.bucket_comes_back)

    def bucket_comes_back(self) -> None:
        self.stage.bucket.up = True
        for process in self.stage.processes:
            process.bucket_is_back()

    def cut_off_host(self) -> None:
        host = self._one([each for each in self._hosts() if each.connected])
        if host is not None:
            minutes = self.stage.random.choice((0.5, 5, 45, 100))
            self._cut_off(host, minutes=minutes * self.stage.random.uniform(0.8, 1.5))

    def lose_power(self) -> None:
        """The host comes back, or its Node is deleted, or its pods by force: it is dead."""
        host = self._one([each for each in self._hosts() if each.up])
        if host is None:
            return
        self.cluster.lose_power(host)
        then = self.stage.random.randrange(4)
        minutes = self.stage.random.choice((1, 10, 60))
        if then == 0:
            self._later(minutes, lambda: self.cluster.remove_node(host))
        elif then == 1:
            for pod in list(host.pods):
                self._later(minutes, lambda pod=pod: self.cluster.force_delete(pod))
        elif then == 2:
            self._later(minutes, lambda: self.cluster.boot(host))

    def set_clock_forward(self) -> None:
        host = self._one(self._hosts())
        if host is not None and host.ahead < 0:
            self.stage.tell(f"the clock of {host.name} is set right")
            host.ahead = self.stage.random.uniform(0, WITHIN) * self.stage.random.choice((0, 1))

    # --- several at once: a holder that lives and does not refresh, in the worst places ------

    def freeze_host(self) -> None:
        """A virtual machine is suspended and goes on later: its kubelet, and all that runs."""
        host = self._one([each for each in self._hosts() if each.connected and each.everything()])
        if host is not None:
            self._freeze(host)

    def restart_and_suspend(self) -> None:
        """A container starts again, restic begins in it at once and is suspended."""
        pod = self._one([each for each in self._running() if len(each.containers) > 1])
        if pod is not None:
            self._restart_and_suspend(pod, lambda: None)

    def restart_unseen(self) -> None:
        """A container ends, that is reported, and its host is cut off before it starts again."""
        pod = self._one(
            [each for each in self._running() if len(each.containers) > 1 and each.host.connected]
        )
        if pod is not None:
            minutes = self.stage.random.choice((45, 150))
            delay = self.stage.random.choice((4.0, 20.0))
            self.stage.clockwork.after(delay, lambda: self._cut_off(pod.host, minutes=minutes))
            self._restart_and_suspend(pod, lambda: None)

    def start_unseen(self) -> None:
        """A pod's host is cut off before anything of its start is reported."""
        host = self._one([each for each in self._hosts() if each.connected and each.up])
        if host is None:
            return
        pod = fire(self.stage, self.cluster, host)
        self.stage.clockwork.after(0.3, lambda: self._cut_off(host, minutes=150))
        self._later(1, lambda: self._suspend(pod))

    # --- against the assumptions -------------------------------------------------------------

    def set_clock_back(self) -> None:
        """Between a container's start and its lock."""
        pod = self._one([each for each in self._running() if len(each.containers) > 1])
        if pod is not None:
            self._restart_and_suspend(pod, lambda: self._set_back(pod.host))

    def force_delete_pod(self) -> None:
        """Of a node that is cut off, where restic goes on."""
        pod = self._one([each for each in self._running() if any(_alive(each))])
        if pod is not None and pod.host.connected:
            self._freeze(pod.host)
            self._later(3, lambda: self.cluster.force_delete(pod))

    def delete_node_of_living_host(self) -> None:
        host = self._one([each for each in self._hosts() if each.up and each.everything()])
        if host is not None:
            host.reaches_bucket = False
            self.cluster.cut_off(host)
            self.cluster.remove_node(host)

    # --- what there is -----------------------------------------------------------------------

    def _living(self) -> list[Process]:
        return [each for each in self.stage.processes if each.alive]

    def _hosts(self) -> list[Host]:
        return [each for each in self.cluster.hosts if each.registered]

    def _running(self) -> list[Pod]:
        return [
            each
            for each in self.cluster.pods
            if each.phase == "Running" and not each.deleting and not each.gone
        ]

    def _freeze(self, host: Host) -> None:
        minutes = self.stage.random.choice((5, 45, 100, 150)) * self.stage.random.uniform(0.8, 1.2)
        self._cut_off(host, minutes=minutes)
        for process in host.everything():
            process.pause()
            self._later(minutes + self.stage.random.choice((0, 0, 10)), process.resume)

    def _restart_and_suspend(self, pod: Pod, between: Callable[[], None]) -> None:
        sidecar = pod.containers[-1]
        self.cluster.end(pod, sidecar, reason="OOMKilled")

        def begin() -> None:
            fit = sidecar.started is not None and not pod.gone and not pod.deleting
            if fit and not any(_alive(pod)):
                between()
                process = self.stage.run(pod.host, pod.hostname)
                sidecar.processes.append(process)
                self._later(0.1, lambda: self._suspend(pod))

        for delay in (1.0, 3.0, 15.0, 60.0, 310.0):
            self.stage.clockwork.after(delay + self.stage.random.random(), begin)

    def _suspend(self, pod: Pod) -> None:
        for process in pod.processes():
            process.pause()
            self._later(self.stage.random.uniform(40, 200), process.resume)

    def _set_back(self, host: Host) -> None:
        self.stage.tell(f"the clock of {host.name} is set back")
        host.ahead -= self.stage.random.uniform(1, 20) * MINUTE

    def _cut_off(self, host: Host, *, minutes: float) -> None:
        host.reaches_bucket = self.stage.random.random() < 0.6
        self.cluster.cut_off(host)
        self._later(minutes, lambda: self._heal(host))

    def _heal(self, host: Host) -> None:
        host.reaches_bucket = True
        for process in host.everything():
            process.bucket_is_back()
        self.cluster.reconnect(host)

    def _later(self, minutes: float, action: Callable[[], None]) -> None:
        self.stage.clockwork.after(minutes * MINUTE, action)

    def _one(self, things: list[Thing]) -> Thing | None:
        return self.stage.random.choice(things) if things else None


def _alive(pod: Pod) -> list[bool]:
    return [process.alive for process in pod.processes()]


_WEIGHTS = {
    "kill_process": 3,
    "finish_process": 1,
    "pause_process": 4,
    "end_container": 4,
    "evict_pod": 2,
    "delete_pod": 3,
    "forget_ended_pod": 2,
    "bucket_goes_away": 3,
    "cut_off_host": 4,
    "lose_power": 2,
    "set_clock_forward": 1,
    "freeze_host": 3,
    "restart_and_suspend": 3,
    "restart_unseen": 2,
    "start_unseen": 2,
}
