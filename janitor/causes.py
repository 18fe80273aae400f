"""Asks the cluster once what is left of the holders of stale locks, and what each died of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from janitor.blocked import failed_on
from janitor.diagnose import Diagnosis, diagnose
from janitor.discover.found import Found
from janitor.fault import log_fault
from janitor.model import Lock, LockID, Policy, Repository
from janitor.survey import JudgedLock, Survey, Surveyed, namespaces_of
from janitor.tally import Diagnoses
from janitor.world import World


def find_causes(
    result: Survey, found: tuple[Found, ...], *, world: World, policy: Policy
) -> Diagnoses:
    """What is known of each stale lock. Asked before anything is removed: Events expire.

    Never raises: whatever goes wrong here is no reason to leave a stale lock where it is.
    """
    try:
        return _find(result, found, world=world, policy=policy)
    except Exception:  # noqa: BLE001 - the one edge of everything that only tells
        log_fault(doing="finding causes")
        return {}


def _find(result: Survey, found: tuple[Found, ...], *, world: World, policy: Policy) -> Diagnoses:
    stale = list(_stale(result))
    observation = result.observation
    if not stale or observation is None:
        return {}
    pods = {pod for _, judged in stale for pod in _candidates(judged)}
    circumstances = world.cluster.investigate(
        pods,
        namespaces=namespaces_of(found, policy),
        sources=runs_of(surveyed.found.repository for surveyed, _ in stale),
    )
    diagnoses: dict[tuple[str, LockID], Diagnosis] = {}
    for surveyed, judged in stale:
        repository = surveyed.found.repository
        diagnosis = diagnose(
            judged.seen,
            judged.judgement,
            repository,
            observation=observation,
            circumstances=circumstances,
            max_skew=policy.max_skew,
        )
        content = judged.seen.content
        if diagnosis is not None and isinstance(content, Lock):
            failed = failed_on(judged.seen.id, content, circumstances.failures)
            diagnoses[repository.name, judged.seen.id] = replace(
                diagnosis, failed=failed, failed_missing=circumstances.failures_missing
            )
    return diagnoses


def runs_of(repositories: Iterable[Repository]) -> dict[str, frozenset[str] | None]:
    """Where the runs of each source are that these repositories were found by; None: anywhere."""
    places: dict[str, frozenset[str] | None] = {}
    for repository in repositories:
        if repository.owners:
            before = places.get(repository.source, frozenset())
            theirs = repository.namespaces
            if before is None or theirs is None:
                places[repository.source] = None
            else:
                places[repository.source] = before | frozenset(theirs)
    return places


def _stale(result: Survey) -> Iterator[tuple[Surveyed, JudgedLock]]:
    for surveyed in result.repositories:
        for judged in surveyed.locks:
            if judged.judgement.verdict.stale:
                yield surveyed, judged


def _candidates(judged: JudgedLock) -> Iterator[tuple[str, str]]:
    """Namespace and name of each pod that the judgement looked at."""
    candidates = judged.judgement.evidence.get("candidates")
    for each in candidates if isinstance(candidates, list) else ():
        namespace, _, name = str(each["pod"]).partition("/")
        yield namespace, name
