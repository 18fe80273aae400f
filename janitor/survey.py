"""Everything of a sweep that removes nothing: list, read, observe, judge.

The order is part of the safety: locks are read before the cluster is observed, so that a holder
that came later is seen alive. `sweep`, `list` and `explain` share it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from janitor.discover.found import Found
from janitor.discover.unite import acquaint
from janitor.fault import log_fault
from janitor.judge import judge
from janitor.model import (
    Judgement,
    KnownNode,
    ListedLock,
    LockID,
    Observation,
    Policy,
    RepositoryState,
    SeenLock,
    StoreClock,
    Verdict,
)
from janitor.read import Listed, Opened, Patience, list_repository, open_locks
from janitor.state import Change, Listing, Remembered, State, load, nodes_for, see_nodes, stamp
from janitor.world import Result, World


def _nothing(state: State) -> State:
    return state


@dataclass(frozen=True, slots=True)
class JudgedLock:
    """One lock with what is known of it and what was decided."""

    seen: SeenLock
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One repository and its judged locks."""

    listed: Listed
    state: RepositoryState
    detail: str | None = None
    locks: tuple[JudgedLock, ...] = ()

    @property
    def found(self) -> Found:
        """The repository, and how to reach it."""
        return self.listed.found


@dataclass(frozen=True, slots=True)
class Survey:
    """The result of one look at everything."""

    repositories: tuple[Surveyed, ...]
    now: datetime
    """By which everything was judged."""
    nodes: Mapping[str, KnownNode]
    """What is known of Nodes, the observation included."""
    observation: Observation | None = None
    """None: no lock was old enough to ask."""
    change: Change = field(default=_nothing)
    """What this survey adds to the state; nothing, where none is kept."""
    state_problem: str | None = None
    doubt: str | None = None
    """Why the cluster's clock could not be trusted; worth telling even if no lock needed it."""


def survey(
    found: tuple[Found, ...],
    *,
    world: World,
    policy: Policy,
    open_all: bool = False,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Survey:
    """Looks at the repositories and at the cluster, and judges every lock.

    The stores of repositories with locks stay open: `close` them.

    Args:
        found: the repositories.
        world: clock, threads, stores, cluster and state.
        policy: the settings of this run.
        open_all: open young locks as well, to explain them.
        progress: told how far it is: done, total and what.
    """
    doubt = world.cluster.check_clock(policy.max_skew)
    listed = tuple(
        _counted(world.pool.map(_guarded_list(world), found), len(found), "listing", progress)
    )
    # After the listing: a lock that was put back before it was listed is marked by then.
    loaded = load(world.shelf)
    if doubt is not None:
        return _all_unknown(listed, world, loaded.state, doubt, loaded.problem)

    change = _stamping(listed, world.clock(), policy) if world.shelf else _nothing
    state = change(loaded.state)
    opened = _open_old(listed, state, world, policy, open_all=open_all, progress=progress)
    listed = _acquainted(listed, opened)
    observation = None
    if any(part.contents for part in opened.values()):
        progress(0, 1, "observing the cluster")
        observation = world.cluster.observe(
            namespaces=namespaces_of(found, policy), nodes=policy.observe_nodes
        )
        change = _with_nodes(change, observation)
        state = change(loaded.state)
    nodes = nodes_for(state, observation.cluster if observation else None)
    court = _Court(state, nodes, observation, policy, world.cluster.now(), state.put_back())
    judged = tuple(
        _judge_repository(each, opened.get(index), court) for index, each in enumerate(listed)
    )
    return Survey(judged, court.now, nodes, observation, change, loaded.problem)


def close(result: Survey) -> None:
    """Closes every store that the survey left open."""
    for surveyed in result.repositories:
        if surveyed.listed.store is not None:
            surveyed.listed.store.close()


# --- 1: listing and remembering --------------------------------------------------------------


_STOPPED = "the janitor was told to stop before it came to this repository"


def _guarded_list(world: World) -> Callable[[Found], Listed]:
    """One repository's failure, of whatever kind, never stops the others."""

    def step(found: Found) -> Listed:
        if world.stopping():
            return Listed(found, RepositoryState.UNREACHABLE, _STOPPED)
        try:
            return list_repository(found, world.open_store)
        except Exception:  # noqa: BLE001 - the one edge per repository
            return Listed(found, RepositoryState.UNREACHABLE, fault(found))

    return step


def fault(found: Found) -> str:
    """Of this repository: see `log_fault`."""
    return log_fault(repository=found.repository.name)


def _stamping(listed: tuple[Listed, ...], now: datetime, policy: Policy) -> Change:
    listings = {
        each.found.repository.name: Listing(tuple(lock.id for lock in each.locks), not each.beyond)
        for each in listed
        if each.succeeded
    }
    return lambda state: stamp(state, listings, now=now, max_skew=policy.max_skew)


def _with_nodes(change: Change, observation: Observation) -> Change:
    if observation.doubt is not None or observation.nodes is None:
        return change
    nodes, taken, cluster = observation.nodes, observation.taken, observation.cluster
    return lambda state: see_nodes(change(state), nodes, cluster=cluster, now=taken)


# --- 2: reading ------------------------------------------------------------------------------


def _open_old(
    listed: tuple[Listed, ...],
    state: State,
    world: World,
    policy: Policy,
    *,
    open_all: bool,
    progress: Callable[[int, int, str], None],
) -> dict[int, Opened]:
    """Opens the locks that some clock calls old, by the index of their repository."""
    wanted: list[tuple[int, Listed, tuple[LockID, ...]]] = []
    now = world.cluster.now()
    for index, each in enumerate(listed):
        remembered = state.repositories.get(each.found.repository.name, {})
        old = tuple(
            lock.id
            for lock in each.locks
            if open_all or not _looks_young(lock, each, remembered, policy, now)
        )
        if old:
            wanted.append((index, each, _from_anywhere(old, now)))

    def step(work: tuple[int, Listed, tuple[LockID, ...]]) -> Opened:
        _, each, locks = work
        if world.stopping():
            return Opened({}, state=RepositoryState.UNREACHABLE, detail=_STOPPED)
        try:
            return open_locks(each, locks, world.keyring, Patience(world.clock, world.stopping))
        except Exception:  # noqa: BLE001 - the one edge per repository
            return Opened({}, state=RepositoryState.UNREACHABLE, detail=fault(each.found))

    results = _counted(world.pool.map(step, wanted), len(wanted), "reading locks", progress)
    return {index: result for (index, _, _), result in zip(wanted, results, strict=True)}


def _from_anywhere(locks: tuple[LockID, ...], now: datetime) -> tuple[LockID, ...]:
    """Where patience ends before the last of them, it is not the same ones each time."""
    first = Random(now.timestamp()).randrange(len(locks))  # noqa: S311 - no secret
    return locks[first:] + locks[:first]


def _without_unread(listed: Listed, opened: Opened | None) -> Listed:
    """What was not read is told as locks beyond those that were taken are."""
    if opened is None or not opened.unread:
        return listed
    locks = tuple(lock for lock in listed.locks if lock.id not in opened.unread)
    beyond = listed.beyond + len(opened.unread)
    said = f"{len(locks)} locks were judged, {beyond} more are there: {opened.detail}"
    return replace(listed, locks=locks, beyond=beyond, detail=said)


def _acquainted(listed: tuple[Listed, ...], opened: Mapping[int, Opened]) -> tuple[Listed, ...]:
    """Repositories of one ID share who may hold their locks; each location is swept all the same,
    since a mirror has its original's ID.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for index, each in opened.items():
        if each.repository_id is not None:
            same[each.repository_id].append(index)
    result = list(listed)
    for indexes in same.values():
        known = acquaint([listed[index].found for index in indexes])
        for index, found in zip(indexes, known, strict=True):
            result[index] = replace(listed[index], found=found)
    return tuple(result)


def _looks_young(
    lock: ListedLock,
    listed: Listed,
    remembered: Mapping[LockID, Remembered],
    policy: Policy,
    now: datetime,
) -> bool:
    """Whether every time at hand is young: then there is no need to open it.

    The store's time or the mtime; where the store sends none, first-seen; with none at all it is
    opened.
    """
    time = lock.modified
    if time is None and lock.id in remembered:
        time = remembered[lock.id].first_seen
    if lock.id in remembered and policy.unrefreshed_after_of(listed.found.repository) is not None:
        time = min(time or now, remembered[lock.id].first_seen)
    return time is not None and now - time < policy.min_age_of(listed.found.repository)


def _counted(
    results: Iterable[Result], total: int, what: str, progress: Callable[[int, int, str], None]
) -> Iterable[Result]:
    for done, result in enumerate(results, start=1):
        progress(done, total, what)
        yield result


# --- 3: observing and judging ----------------------------------------------------------------


def namespaces_of(found: tuple[Found, ...], policy: Policy) -> frozenset[str] | None:
    """The namespaces to observe; None: all of them by one list."""
    if policy.observe_namespaces is None:
        return None
    declared = (
        namespace
        for each in found
        for namespace in (*(each.repository.namespaces or ()), *(each.repository.watched or ()))
    )
    return frozenset((*policy.observe_namespaces, *declared))


@dataclass(frozen=True, slots=True)
class _Court:
    """What every lock of this run is judged by."""

    state: State
    nodes: Mapping[str, KnownNode]
    observation: Observation | None
    policy: Policy
    now: datetime
    put_back: frozenset[LockID]


def _judge_repository(listed: Listed, opened: Opened | None, court: _Court) -> Surveyed:
    if opened is not None and opened.state is not RepositoryState.READ:
        return Surveyed(listed, opened.state, opened.detail)
    listed = _without_unread(listed, opened)
    locks = tuple(_judge_lock(lock, listed, opened, court) for lock in listed.locks)
    return Surveyed(listed, listed.state, listed.detail, locks)


def _judge_lock(
    lock: ListedLock, listed: Listed, opened: Opened | None, court: _Court
) -> JudgedLock:
    repository = listed.found.repository
    remembered = court.state.repositories.get(repository.name, {}).get(lock.id)
    put_back = lock.id in court.put_back
    seen = replace(see(lock, listed.clock, remembered), stored=None, put_back=put_back)
    if opened is not None and lock.id in opened.released:
        return JudgedLock(seen, Judgement(Verdict.RELEASED, "Its holder let go of it meanwhile."))
    if opened is not None and lock.id in opened.contents:
        content, stored = opened.contents[lock.id]
        seen = replace(seen, content=content, stored=stored)
    judgement = judge(
        seen,
        repository=repository,
        observation=court.observation or Observation(taken=court.now, doubt="nobody asked it"),
        nodes=court.nodes,
        policy=court.policy,
        now=court.now,
    )
    return JudgedLock(seen, judgement)


def see(lock: ListedLock, clock: StoreClock, remembered: Remembered | None) -> SeenLock:
    """A listed lock, with what is remembered of it, before it is opened."""
    return SeenLock(
        id=lock.id,
        content=None,
        modified=lock.modified,
        clock=clock,
        first_seen=None if remembered is None else remembered.first_seen,
    )


def _all_unknown(
    listed: tuple[Listed, ...], world: World, state: State, doubt: str, problem: str | None
) -> Survey:
    """Without a clock to trust nothing is stamped, nothing is opened, nothing is judged."""
    unknown = Judgement(Verdict.CLUSTER_UNKNOWN, doubt)
    judged = tuple(
        Surveyed(
            each,
            each.state,
            each.detail,
            tuple(JudgedLock(see(lock, each.clock, None), unknown) for lock in each.locks),
        )
        for each in listed
    )
    return Survey(judged, world.cluster.now(), state.nodes, state_problem=problem, doubt=doubt)
