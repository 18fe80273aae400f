"""Where a backup lives: what happens to its pod before it begins and after it has ended."""

from __future__ import annotations

import random
import time
from typing import Protocol

from tests.torture.cluster import NODES, StandInPod, TruthfulApi
from tests.torture.holders import End, Holder
from tests.torture.plan import Home, Story

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes draws random suffixes from."""
HOLDERS = [
    "shop-backup-*",
    "shop-prune-*",
    "ledger-*",
    {"name": "web-*", "containers": ["backup"]},
]
"""The janitors' patterns for the nodenames below."""


class Abode(Protocol):
    """A place for one process after the other."""

    def enter(self) -> str:
        """A process is about to begin here; returns its nodename."""

    def leave(self, holder: Holder) -> None:
        """It has ended."""

    def retire(self) -> None:
        """Nobody comes any more."""


def abode(story: Story, api: TruthfulApi, chance: random.Random) -> Abode:
    """The place where this story's backups live."""
    match story.home:
        case Home.JOB:
            return JobPods(f"shop-backup-{story.name[-3:]}", api, chance)
        case Home.STATEFUL:
            return StatefulPod(f"ledger-{int(story.name[-3:])}", api, chance)
        case Home.SIDECAR:
            return Sidecar(f"web-{suffix(chance)}", api, chance)
        case Home.LAPTOP:
            return Outside("laptop-of-somebody")
        case Home.HOST:
            return Outside(chance.choice(NODES))


def suffix(chance: random.Random) -> str:
    """As `generateName` appends it."""
    return "".join(chance.choices(SUFFIX, k=5))


class JobPods:
    """Each process in a pod of a new name, which does not come back."""

    def __init__(self, prefix: str, api: TruthfulApi, chance: random.Random) -> None:
        self._prefix = prefix
        self._api = api
        self._chance = chance
        self._pod: StandInPod | None = None

    def enter(self) -> str:
        name = f"{self._prefix}-{suffix(self._chance)}"
        self._pod = self._api.create(name, self._chance)
        time.sleep(self._chance.uniform(0, 1))
        self._pod.container_starts()
        return name

    def leave(self, holder: Holder) -> None:
        assert self._pod is not None
        code = holder.process.returncode
        self._pod.container_ended(code)
        match self._chance.choice(("stays", "cleaned up", "evicted and gone")):
            case "stays":
                self._pod.ends(code)
            case "cleaned up":
                self._pod.ends(code)
                self._pod.deleted(after=self._chance.uniform(0, 8))
            case _:
                self._pod.deleted()

    def retire(self) -> None:
        """They are gone or ended already."""


class StatefulPod:
    """Deleted after each process and born again under the same name; one that was refused its
    lock is restarted in place. The same name is alive in another namespace all the time.
    """

    def __init__(self, name: str, api: TruthfulApi, chance: random.Random) -> None:
        self._name = name
        self._api = api
        self._chance = chance
        self._pod: StandInPod | None = None
        api.add_namesake(name)

    def enter(self) -> str:
        if self._pod is None:
            self._pod = self._api.create(self._name, self._chance)
        time.sleep(self._chance.uniform(0, 1))
        self._pod.container_starts()
        return self._name

    def leave(self, holder: Holder) -> None:
        assert self._pod is not None
        self._pod.container_ended(holder.process.returncode)
        if holder.end is End.REFUSED:
            return
        gone = self._pod.deleted()
        self._pod = None
        time.sleep(max(gone - time.time(), 0))

    def retire(self) -> None:
        """It is scaled back up and idles: its dead namesakes' locks must go all the same."""
        time.sleep(1)
        self.enter()


class Sidecar:
    """One container of a pod, which restarts while the other one runs on."""

    def __init__(self, name: str, api: TruthfulApi, chance: random.Random) -> None:
        self._pod = api.create(name, chance, containers=("app", "backup"))
        self._chance = chance
        self._pod.container_starts("app")

    def enter(self) -> str:
        time.sleep(self._chance.uniform(0, 2))
        self._pod.container_starts()
        return self._pod.name

    def leave(self, holder: Holder) -> None:
        self._pod.container_ended(holder.process.returncode)

    def retire(self) -> None:
        """It waits for its next schedule. A second later: a lock that was written within the very
        second of a start may be the new process's, so it is kept as long as that runs.
        """
        time.sleep(1)
        self.enter()


class Outside:
    """No pod at all, and a name that is not the janitors' to judge."""

    def __init__(self, name: str) -> None:
        self._name = name

    def enter(self) -> str:
        return self._name

    def leave(self, holder: Holder) -> None:
        """Nobody is told."""

    def retire(self) -> None:
        """Nobody is told."""
