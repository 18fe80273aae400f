"""The only place that deletes a lock.

An ID is the SHA-256 of the stored bytes, so deleting exactly the ID that was judged can never hit
a refreshed lock. It is judged once more by an observation that is at most 10 seconds old, and the
folder is listed afterwards, since an answer may be lost while the deletion worked.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock as Mutex

import structlog

from janitor.cluster.port import Cluster
from janitor.judge import judge
from janitor.model import KnownNode, LockID, Observation, Policy, Verdict
from janitor.read import MAX_LOCKS
from janitor.store.errors import Gone, StoreError
from janitor.store.port import Store
from janitor.survey import JudgedLock, Surveyed, fault
from janitor.world import World

OBSERVATION_AGE = timedelta(seconds=10)
"""How old an observation may be when a lock is deleted by it."""

log = structlog.get_logger("janitor")


class Sight:
    """The cluster as it is now: one observation serves all removals of its 10 seconds."""

    def __init__(
        self, world: World, first: Observation, namespaces: frozenset[str] | None, *, nodes: bool
    ) -> None:
        self._world = world
        self._latest: Observation | None = first
        self._namespaces = namespaces
        self._nodes = nodes
        self._mutex = Mutex()

    def fresh(self) -> Observation:
        """An observation that is not older than 10 seconds by the janitor's clock."""
        with self._mutex:
            latest, self._latest = self._latest, None
            if latest is None or not self._is_fresh(latest):
                del latest  # of a large cluster, two at once would not fit into memory
                latest = self._observe(self._world.cluster)
            self._latest = latest
            return latest

    def _is_fresh(self, observation: Observation) -> bool:
        age = self._world.clock() - observation.taken
        return timedelta(0) <= age <= OBSERVATION_AGE

    def _observe(self, cluster: Cluster) -> Observation:
        return cluster.observe(namespaces=self._namespaces, nodes=self._nodes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stale lock."""

    judged: JudgedLock
    removed: bool = False
    failure: str | None = None
    """Why it is still there, although it should not be."""
    postponed: str | None = None
    """Why it is still there, which is no failure."""


def remove_stale(
    surveyed: Surveyed,
    *,
    world: World,
    policy: Policy,
    sight: Sight,
    nodes: Mapping[str, KnownNode],
) -> dict[LockID, Outcome]:
    """Removes the stale locks of one repository, each after a second judgement.

    Returns what became of each; never raises a StoreError.
    """
    store = surveyed.listed.store
    outcomes: dict[LockID, Outcome] = {}
    for judged in surveyed.locks:
        if not judged.judgement.verdict.stale or store is None:
            continue
        if world.stopping():
            said = "the janitor was told to stop before it came to this lock"
            outcomes[judged.seen.id] = Outcome(judged, postponed=said)
            continue
        try:
            again = _judge_again(judged, surveyed, world, policy, sight.fresh(), nodes)
        except Exception:  # noqa: BLE001 - what was removed before must still be told as removed
            outcomes[judged.seen.id] = Outcome(judged, failure=fault(surveyed.found))
            continue
        outcomes[judged.seen.id] = (
            _delete(again, surveyed, store) if again.judgement.verdict.stale else Outcome(again)
        )
    return _confirm(outcomes, store) if store is not None else outcomes


def _judge_again(  # noqa: PLR0917 - the rule's own arguments
    judged: JudgedLock,
    surveyed: Surveyed,
    world: World,
    policy: Policy,
    observation: Observation,
    nodes: Mapping[str, KnownNode],
) -> JudgedLock:
    judgement = judge(
        judged.seen,
        repository=surveyed.found.repository,
        observation=observation,
        nodes=nodes,
        policy=policy,
        now=world.cluster.now(),
    )
    return replace(judged, judgement=judgement)


def _delete(judged: JudgedLock, surveyed: Surveyed, store: Store) -> Outcome:
    """Deletes that one ID. Its bytes are logged first: a janitor that dies here loses nothing."""
    log.info(
        "removing",
        repository=surveyed.found.repository.name,
        lock=judged.seen.id,
        verdict=judged.judgement.verdict.value,
        record=base64.b64encode(judged.seen.stored or b"").decode(),
    )
    try:
        store.delete_lock(judged.seen.id)
    except Gone:
        gone = replace(
            judged.judgement, verdict=Verdict.RELEASED, detail="Its holder let go of it meanwhile."
        )
        return Outcome(replace(judged, judgement=gone))
    except StoreError as error:
        return Outcome(judged, failure=str(error))
    except Exception:  # noqa: BLE001 - what was removed before must still be told as removed
        return Outcome(judged, failure=fault(surveyed.found))
    return Outcome(judged, removed=True)


def _confirm(outcomes: dict[LockID, Outcome], store: Store) -> dict[LockID, Outcome]:
    """One listing says which of the deletions worked, whatever the server answered to them."""
    tried = [lock for lock, each in outcomes.items() if each.removed or each.failure]
    if not tried:
        return outcomes
    try:
        listing = store.list_locks(at_most=MAX_LOCKS)
    except Exception:  # noqa: BLE001 - then the answers to the deletions are all that is known
        return outcomes
    there = {lock.id for lock in listing.locks}
    for lock in tried:
        outcome = outcomes[lock]
        if lock in there and outcome.removed:
            said = "the server said that it was deleted, but lists it still"
            outcomes[lock] = replace(outcome, removed=False, failure=said)
        elif lock not in there and not listing.beyond and outcome.failure:
            outcomes[lock] = replace(outcome, removed=True, failure=None)
    return outcomes
