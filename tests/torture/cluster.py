"""Stand-in pods: the API says the truth about the processes, a little late, as kubelets do.

Every view of a pod has the time from which the API shows it, fixed when the thing happens. What a
list shows follows from the clock alone: no thread can be late with it, however busy the machine.
A container's start is noted before its process is started, and its end after it has ended, so
what the API says is true, and at worst late.
"""

from __future__ import annotations

import copy
import random
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from tests.apiserver import ApiServer, Recorded, node, pod
from tests.torture.diary import Diary

NAMESPACE = "shop"
ELSEWHERE = "staging"
NODES = ("worker-1", "worker-2")
LAG = (0.4, 1.6)
"""Seconds until the API shows what happened. Less than the janitors' min_age: what a container has
just begun is not in its status yet, and only its lock's youth keeps that."""
_SNAPSHOTS = 50


class StandInPod:
    """One pod object and its kubelet."""

    def __init__(
        self,
        name: str,
        chance: random.Random,
        diary: Diary,
        *,
        containers: tuple[str, ...] = ("backup",),
    ) -> None:
        self.name = name
        self._diary = diary
        self._chance = chance
        self._mutex = threading.Lock()
        self._object = pod(
            name,
            namespace=NAMESPACE,
            uid=str(uuid.UUID(int=chance.getrandbits(128))),
            phase="Pending",
            created=_stamp(time.time()),
            node=chance.choice(NODES),
            containers=containers,
        )
        waiting = {"waiting": {"reason": "ContainerCreating"}}
        self._statuses: dict[str, dict[str, Any]] = {
            each: {"name": each, "restartCount": 0, "state": waiting} for each in containers
        }
        self._views: list[tuple[float, dict[str, Any] | None]] = []
        self._show(time.time(), "created")

    def container_starts(self, container: str = "backup") -> None:
        """To be called before its process is started."""
        status = self._statuses[container]
        ended = status["state"].get("terminated") or status.get("lastState", {}).get("terminated")
        if ended:
            status["restartCount"] += 1
            status["lastState"] = {"terminated": ended}
        status["state"] = {"running": {"startedAt": _stamp(time.time())}}
        self._object["status"]["phase"] = "Running"
        self._show_later(f"{container} starts, its restart {status['restartCount']}")

    def container_ended(self, code: int, container: str = "backup") -> None:
        """To be called after its process has ended; the container is to be restarted."""
        status = self._statuses[container]
        ended = {
            "exitCode": code if code >= 0 else 128 - code,
            "reason": "OOMKilled" if code < 0 else "Error" if code else "Completed",
            "startedAt": status["state"]["running"]["startedAt"],
            "finishedAt": _stamp(time.time()),
        }
        status["state"] = {"terminated": ended}
        if self._chance.random() < 0.5:
            status["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
            status["lastState"] = {"terminated": ended}
        self._show_later(f"{container} has ended, {ended['exitCode']} at {ended['finishedAt']}")

    def ends(self, code: int) -> None:
        """After `container_ended`: as a Job's pod, it does not run again."""
        phase = self._object["status"]["phase"] = "Failed" if code else "Succeeded"
        self._show_later(phase)

    def deleted(self, after: float = 0) -> float:
        """It goes from the API after its containers have; returns when."""
        gone = max(self._views[-1][0], time.time() + after + self._chance.uniform(*LAG))
        with self._mutex:
            self._views.append((gone, None))
        self._note(gone, "gone")
        return gone

    def at(self, now: float) -> dict[str, Any] | None:
        """What the API shows; the same object for the same view."""
        with self._mutex:
            seen = [view for since, view in self._views if since <= now]
        return seen[-1] if seen else None

    def _show_later(self, what: str) -> None:
        self._show(max(self._views[-1][0], time.time() + self._chance.uniform(*LAG)), what)

    def _show(self, since: float, what: str) -> None:
        self._object["status"]["containerStatuses"] = list(self._statuses.values())
        with self._mutex:
            self._views.append((since, copy.deepcopy(self._object)))
        self._note(since, what)

    def _note(self, since: float, what: str) -> None:
        late = max(since - time.time(), 0)
        self._diary.write("pod", None, self.name, f"{what}; the API shows it {late:.1f} s later")


class TruthfulApi(ApiServer):
    """The API server with these pods, two Ready Nodes, and a pod that backs nothing up."""

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self._diary = diary
        self.nodes = [node(name) for name in NODES]
        self._standing = [pod("web-1", namespace=NAMESPACE)]
        self._stand_ins: list[StandInPod] = []

    def create(
        self, name: str, chance: random.Random, *, containers: tuple[str, ...] = ("backup",)
    ) -> StandInPod:
        """A new pod, which is Pending and shown at once."""
        created = StandInPod(name, chance, self._diary, containers=containers)
        self._stand_ins.append(created)
        return created

    def add_namesake(self, name: str) -> None:
        """A pod of that name in a namespace that is not the repositories': it protects nobody."""
        self._standing.append(pod(name, namespace=ELSEWHERE))

    def answer(self, request: Recorded) -> tuple[int, dict]:
        now = time.time()
        seen = (stand_in.at(now) for stand_in in tuple(self._stand_ins))
        self.pods = [*self._standing, *(each for each in seen if each is not None)]
        self._forget()
        return super().answer(request)

    def _forget(self) -> None:
        """Thousands of sweeps are not to be remembered."""
        with self._lock:
            self.requests.clear()
            for version in list(self._snapshots)[:-_SNAPSHOTS]:
                del self._snapshots[version]


def _stamp(seconds: float) -> str:
    """As Kubernetes writes times: what is less than a second is cut off."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
