"""Janitors: each sweep runs the code that ships, and may be killed at any of its waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from janitor.cluster.observe import ApiCluster, OwnPod
from janitor.discover.found import Found
from janitor.model import (
    LockReport,
    RepositoryReport,
    Secret,
    StateConflict,
    StateUnavailable,
    SweepReport,
)
from janitor.store.location import parse_location
from janitor.store.port import Store
from janitor.sweep import Mode, sweep
from janitor.world import World
from tests.forge import PASSWORD
from tests.simulation.apiserver import ApiFaults, ApiServer, SimulatedClient
from tests.simulation.bucket import Bucket, BucketStore, StoreFaults
from tests.simulation.clockwork import Actor, Clockwork, Killed, moment
from tests.simulation.machines import stamp
from tests.simulation.plan import Plan
from tests.sweep.doubles import Serial

LOCATION = parse_location("/shop")


@dataclass
class Shelf:
    """Where the state is kept, for all janitors; written whole or not at all."""

    text: str | None = None
    version: int = 0
    past: list[str | None] = field(default_factory=list)


class ShelfOf:
    """One janitor's way to the shelf."""

    def __init__(
        self, shelf: Shelf, rate: float, random: Random, wait: Callable[[float], None]
    ) -> None:
        self._shelf, self._rate, self._random, self._wait = shelf, rate, random, wait

    def read(self) -> tuple[str | None, object]:
        self._wait(0.01)
        if self._random.random() < self._rate:
            raise StateUnavailable("the state cannot be read.")
        return self._shelf.text, self._shelf.version

    def write(self, text: str, version: object) -> None:
        self._wait(0.01)
        fault = self._random.random() < self._rate
        if fault and self._random.random() < 0.5:
            raise StateUnavailable("the state cannot be written.")
        if version != self._shelf.version:
            raise StateConflict
        self._shelf.past.append(self._shelf.text)
        self._shelf.text = text
        self._shelf.version += 1
        if fault:
            raise StateUnavailable("the answer was lost.")


@dataclass
class Told:
    """What a sweep printed."""

    locks: list[LockReport] = field(default_factory=list)
    sums: list[SweepReport] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def lock(self, report: LockReport) -> None:
        self.locks.append(report)
        self.sentences.append(f"{report.judgement.detail} {report.detail}")

    def repository(self, report: RepositoryReport) -> None:
        self.sentences.append(str(report.detail))

    def sweep(self, report: SweepReport) -> None:
        self.sums.append(report)
        self.sentences.append(str(report.detail))

    def progress(self, done: int, total: int, what: str) -> None:
        pass


def _at_once(seconds: float) -> None:
    """A person's own requests take no time here."""


@dataclass
class Janitor:
    """How one janitor is run: where it looks, and how much goes wrong for it."""

    clockwork: Clockwork
    random: Random
    plan: Plan
    bucket: Bucket
    api: ApiServer
    elsewhere: ApiServer
    shelf: Shelf
    tell: Callable[[str], None]
    ended: Callable[[Told, bool], None]
    """Told of what was printed, and whether it came to its end."""
    number: int = 0

    def start(self, *, ahead: float, faults: bool, dies_at: int | None) -> None:
        """One sweep, beginning now. `ahead`: of its clock, in seconds."""
        self.number += 1
        told = Told()
        actor: Actor

        def wait(seconds: float) -> None:
            self.clockwork.wait(actor, seconds)

        def work() -> None:
            try:
                self._sweep(told, ahead=ahead, faults=faults, wait=wait)
            except Killed:
                self.tell("a janitor is killed")
                self.ended(told, False)
            else:
                self.ended(told, True)

        actor = Actor(work, dies_at=dies_at)
        self.clockwork.start(actor)

    def _sweep(
        self, told: Told, *, ahead: float, faults: bool, wait: Callable[[float], None]
    ) -> None:
        uid = f"janitor-{self.number}"
        own = OwnPod("janitor", uid, uid) if self.plan.witness else None
        self._appear(uid)

        def clock() -> datetime:
            return moment(self.clockwork.now + ahead)

        # A kubeconfig or a load balancer that leads to another cluster: the witness is not there.
        astray = faults and own is not None and self.random.random() < self.plan.astray
        client = SimulatedClient(
            self.elsewhere if astray else self.api,
            faults=self.plan.api_faults if faults else ApiFaults(),
            random=Random(self.random.random()),  # one request more changes no other chance
            clock=lambda: self.clockwork.now + ahead,
            wait=wait,
            page=self.plan.page,
            witness=uid if own else None,
        )
        store_faults = self.plan.store_faults if faults else StoreFaults()
        world = World(
            clock=clock,
            pool=Serial(),
            open_store=lambda _: self._open(store_faults, wait),
            cluster=ApiCluster(client, clock=clock, own_pod=own),
            shelf=ShelfOf(self.shelf, store_faults.rate / 3, self.random, wait),
        )
        try:
            sweep(
                (self.found(),),
                world=world,
                policy=self.plan.policy,
                printer=told,
                mode=Mode.SWEEP,
            )
        finally:
            self.clockwork.after(60.0, lambda: self.api.drop("pods", uid))

    def world_of_a_person(self) -> World:
        """Another way to the same store and state, for `put-back`; it takes no time."""
        self.number += 1
        return World(
            clock=lambda: moment(self.clockwork.now),
            pool=Serial(),
            open_store=lambda _: self._open(StoreFaults(), _at_once),
            cluster=None,  # type: ignore[arg-type] - it asks none
            shelf=ShelfOf(self.shelf, 0.0, self.random, _at_once),
        )

    def found(self) -> Found:
        return Found(self.plan.repository, LOCATION, password=Secret(PASSWORD))

    def _open(self, faults: StoreFaults, wait: Callable[[float], None]) -> Store:
        return BucketStore(self.bucket, faults, self.random, wait)

    def _appear(self, uid: str) -> None:
        now = stamp(self.clockwork.now)
        status = {"name": "janitor", "state": {"running": {"startedAt": now}}}
        self.api.put(
            "pods",
            uid,
            "janitor",
            {
                "metadata": {
                    "name": uid,
                    "namespace": "janitor",
                    "uid": uid,
                    "creationTimestamp": now,
                },
                "spec": {"nodeName": "node-1", "containers": [{"name": "janitor"}]},
                "status": {"phase": "Running", "containerStatuses": [status]},
            },
        )
