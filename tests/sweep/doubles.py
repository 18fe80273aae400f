"""What stands around a sweep in these tests: a clock that is set, a cluster that says what the test
says, stores on disk with one fault each, and a state kept in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from janitor.circumstances import Circumstances
from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import (
    Container,
    ContainerState,
    HolderPattern,
    LockID,
    LockReport,
    Node,
    Observation,
    Pod,
    Policy,
    Repository,
    RepositoryReport,
    Secret,
    StateConflict,
    StoreClock,
    SweepReport,
)
from janitor.state import Listing as StateListing
from janitor.state import State, encode, stamp
from janitor.store.connections import Connections
from janitor.store.location import parse_location
from janitor.store.open import open_store
from janitor.store.port import Listing, Root, Store
from janitor.sweep import Mode, Result, sweep
from janitor.world import World
from tests.forge import PASSWORD, Forged, forge_repository

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=8)
OURS = "shop-db-backup-29401-x2x9k"
PATTERN = HolderPattern("shop-db-backup-*")
WORKER = Node("worker-1", ready=True, ready_for=timedelta(days=9))


@dataclass
class Clock:
    """The janitor's clock; `time` may be set."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time


class Serial:
    """One thread."""

    def map(self, step: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return map(step, items)


def observed(*pods: Pod, doubt: str | None = None) -> Observation:
    """One look that shows these pods and one Node; its time is set when it is handed out."""
    return Observation(taken=NOW, pods=pods, nodes=(WORKER,), doubt=doubt)


def alive(name: str = OURS, *, namespace: str = "shop") -> Pod:
    """A pod that holds every lock of its name since LONG_AGO."""
    running = Container(
        "backup", state=ContainerState.RUNNING, started=LONG_AGO - timedelta(minutes=1)
    )
    return Pod(
        namespace=namespace,
        name=name,
        uid=name,
        created=LONG_AGO - timedelta(minutes=1),
        phase="Running",
        node="worker-1",
        containers=(running,),
    )


@dataclass
class ScriptedCluster:
    """Hands out its observations in turn, the last one again and again, stamped with the clock."""

    clock: Clock
    looks: list[Observation] = field(default_factory=lambda: [observed()])
    apart: str | None = None
    apart_after: int | None = None
    """After so many comparisons the clocks are apart."""
    asked: int = 0
    diary: list[str] = field(default_factory=list)
    circumstances: Circumstances = field(default_factory=Circumstances)

    def now(self) -> datetime:
        return self.clock()

    def check_clock(self, max_skew: timedelta) -> str | None:
        self.diary.append("clock")
        if self.apart_after is not None and self.diary.count("clock") > self.apart_after:
            return "the clocks are apart now"
        return self.apart

    def observe(self, *, namespaces: frozenset[str] | None, nodes: bool) -> Observation:
        self.diary.append("observe")
        look = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        return replace(look, taken=self.clock())

    def investigate(
        self,
        pods: Collection[tuple[str, str]],
        *,
        namespaces: frozenset[str] | None,
        sources: Mapping[str, frozenset[str] | None],
    ) -> Circumstances:
        self.diary.append("investigate")
        return self.circumstances


class DiaryStore:
    """A real store that writes down what is asked of it, with faults that a test sets.

    `before_delete` runs first and may raise; `after_delete` runs when the deletion was done;
    `lies` says that it was done and does nothing.
    """

    def __init__(self, store: Store, diary: list[str]) -> None:
        self._store = store
        self._diary = diary
        self.before_delete: Callable[[LockID], None] = lambda _: None
        self.after_delete: Callable[[LockID], None] = lambda _: None
        self.lies = False
        self.listing_fault: Exception | None = None
        self.clock_of_store: StoreClock | None = None
        self.closed = False

    @property
    def clock(self) -> StoreClock:
        return self.clock_of_store or self._store.clock

    def look(self) -> Root:
        return self._store.look()

    def list_locks(self, *, at_most: int) -> Listing:
        self._diary.append("list")
        if self.listing_fault is not None:
            raise self.listing_fault
        return self._store.list_locks(at_most=at_most)

    def list_keys(self) -> tuple[str, ...]:
        self._diary.append("keys")
        return self._store.list_keys()

    def read_config(self) -> bytes:
        return self._store.read_config()

    def read_key(self, name: str) -> bytes:
        self._diary.append("key")
        return self._store.read_key(name)

    def read_lock(self, lock: LockID) -> bytes:
        self._diary.append("read")
        return self._store.read_lock(lock)

    def delete_lock(self, lock: LockID) -> None:
        self._diary.append("delete")
        self.before_delete(lock)
        if not self.lies:
            self._store.delete_lock(lock)
        self.after_delete(lock)

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        self._store.put_lock(lock, stored)

    def close(self) -> None:
        self.closed = True
        self._store.close()


@dataclass
class MemoryShelf:
    """A state in memory, with the versions that a ConfigMap has."""

    text: str | None = None
    version: int = 0
    diary: list[str] = field(default_factory=list)
    rivals: list[Callable[[], None]] = field(default_factory=list)
    """Each runs once between a reading and its writing, as another janitor would."""

    def read(self) -> tuple[str | None, object]:
        answer = self.text, self.version
        if self.rivals:
            self.rivals.pop(0)()
        return answer

    def write(self, text: str, version: object) -> None:
        if version != self.version:
            raise StateConflict
        self.diary.append("save")
        self.text, self.version = text, self.version + 1


@dataclass
class Collected:
    """A printer that keeps what it was told."""

    locks: list[LockReport] = field(default_factory=list)
    repositories: list[RepositoryReport] = field(default_factory=list)
    sums: list[SweepReport] = field(default_factory=list)

    def lock(self, report: LockReport) -> None:
        self.locks.append(report)

    def repository(self, report: RepositoryReport) -> None:
        self.repositories.append(report)

    def sweep(self, report: SweepReport) -> None:
        self.sums.append(report)

    def progress(self, done: int, total: int, what: str) -> None:
        pass

    @property
    def verdicts(self) -> list[str]:
        return [lock.judgement.verdict.value for lock in self.locks]

    @property
    def said(self) -> str:
        """Every sentence that a person would read."""
        parts = [lock.judgement.detail + str(lock.detail) for lock in self.locks]
        parts += [str(each.detail) for each in (*self.repositories, *self.sums)]
        return "\n".join(parts)


class Scene:
    """Some repositories in folders, and everything around a sweep of them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.clock = Clock()
        self.diary: list[str] = []
        self.cluster = ScriptedCluster(self.clock, diary=self.diary)
        self.shelf: MemoryShelf | None = MemoryShelf(diary=self.diary)
        self.stores: dict[str, DiaryStore] = {}
        self.prepared: dict[str, Callable[[DiaryStore], None]] = {}
        """What to set on a repository's store when it is opened."""
        self.repositories: dict[str, Forged] = {}
        self.signal: Callable[[], int] = lambda: 0
        self.keyring: Callable[[], Keyring] = Keyring
        self._connections = Connections()

    def repository(self, name: str = "shop-db") -> Forged:
        self.repositories[name] = forge_repository(self.base / name)
        return self.repositories[name]

    def found(self, name: str, **fields: Any) -> Found:
        path = self.base / name
        repository = Repository(
            name, location=str(path), **{"holders": (PATTERN,), "namespaces": ("shop",)} | fields
        )
        return Found(repository, parse_location(str(path)), password=Secret(PASSWORD))

    def remember(self, *, since: datetime = LONG_AGO) -> None:
        """As if an earlier sweep had seen every lock that is there now."""
        listings = {
            name: StateListing(tuple(map(LockID, forged.locks())))
            for name, forged in self.repositories.items()
        }
        assert self.shelf is not None
        state = stamp(State(), listings, now=since, max_skew=timedelta(minutes=5))
        self.shelf.text = encode(state)

    def sweep(
        self, *, mode: Mode = Mode.SWEEP, policy: Policy | None = None, **fields: Any
    ) -> tuple[Collected, Result]:
        """One sweep over all repositories of the scene."""
        printer = Collected()
        world = World(
            clock=self.clock,
            pool=Serial(),
            open_store=self._open,
            cluster=self.cluster,
            shelf=self.shelf,
            keyring=self.keyring(),
            stopping=self.signal,
        )
        result = sweep(
            tuple(self.found(name, **fields) for name in self.repositories),
            world=world,
            policy=policy or Policy(),
            printer=printer,
            mode=mode,
        )
        return printer, result

    def tree(self) -> dict[str, str]:
        """The hash of every file, by its path."""
        return {
            str(path.relative_to(self.base)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.base.rglob("*"))
            if path.is_file()
        }

    def close(self) -> None:
        self._connections.close()

    def _open(self, found: Found) -> Store:
        assert found.location is not None
        real = open_store(found.location, found.environment, connections=self._connections)
        name = found.repository.name
        store = self.stores[name] = DiaryStore(real, self.diary)
        self.prepared.get(name, lambda _: None)(store)
        return store


@contextmanager
def scene_in(base: Path) -> Iterator[Scene]:
    """A scene, closed at the end."""
    scene = Scene(base)
    try:
        yield scene
    finally:
        scene.close()
