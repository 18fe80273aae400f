"""One sweep, top to bottom: survey, doubt the whole, remember, remove, report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from janitor.causes import find_causes
from janitor.discover.found import Found
from janitor.model import (
    LockID,
    LockReport,
    Policy,
    RepositoryCounts,
    RepositoryReport,
    SweepReport,
)
from janitor.remove import Outcome, Sight, remove_stale
from janitor.state import save
from janitor.survey import Survey, Surveyed, close, fault, namespaces_of, survey
from janitor.tally import Tally, lock_reports, repository_report
from janitor.world import Printer, World


class Mode(Enum):
    """What a run may do."""

    SWEEP = "sweep"
    DRY_RUN = "dry run"
    """Everything but the delete."""
    LIST = "list"
    """Nothing is removed and nothing is remembered."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to: the sum, and what is worth telling elsewhere."""

    report: SweepReport
    locks: tuple[LockReport, ...] = field(repr=False, default=())
    """Those that are stale or could not be judged."""
    repositories: tuple[RepositoryReport, ...] = field(repr=False, default=())
    """Those that failed."""
    counts: tuple[RepositoryCounts, ...] = field(repr=False, default=())
    """All of them, in numbers."""


def sweep(
    found: tuple[Found, ...],
    *,
    world: World,
    policy: Policy,
    printer: Printer,
    mode: Mode = Mode.SWEEP,
    notes: tuple[str, ...] = (),
) -> Result:
    """Finds the stale locks of these repositories, and removes them where the mode is SWEEP.

    Every report goes to the printer as soon as it is known. `notes` are sentences about the run
    (why it is a dry run) that the sum repeats.
    """
    tally = Tally(began=world.clock(), dry_run=mode is not Mode.SWEEP, notes=notes)
    result = survey(found, world=world, policy=policy, progress=printer.progress)
    apart: str | None = None
    try:
        tally.problem(result.state_problem)
        tally.note(result.doubt)
        if mode is not Mode.LIST:
            apart = world.cluster.check_clock(policy.max_skew)
            if apart is None:
                tally.problem(save(world.shelf, result.change))
        breaker = None if mode is Mode.LIST else _reason_to_stop(result, apart, policy)
        tally.problem(breaker)
        causes = find_causes(result, found, world=world, policy=policy)
        removes = mode is Mode.SWEEP and breaker is None
        sight = _sight(result, found, world, policy) if removes else None
        result = replace(result, observation=None)  # else `sight` could not let it go
        work = _Work(world, policy, result, sight)
        for surveyed, outcomes in work.done():
            reports = lock_reports(
                surveyed, outcomes, result, dry_run=tally.dry_run, kept=breaker, diagnoses=causes
            )
            for lock in reports:
                printer.lock(lock)
            repository = repository_report(surveyed, reports, outcomes)
            printer.repository(repository)
            tally.add(repository, reports)
    finally:
        close(result)
    tally.note_missing_state(world.shelf is None)
    report = tally.report(world.clock(), policy, signal=world.stopping())
    printer.sweep(report)
    return Result(report, tuple(tally.notable), tuple(tally.failed), tuple(tally.counts))


def _reason_to_stop(result: Survey, apart: str | None, policy: Policy) -> str | None:
    """Why nothing at all is removed; asked after everything is judged, before the first delete.

    The clocks are compared once more: one that was set while the sweep ran made every age wrong.
    """
    if not any(
        judged.judgement.verdict.stale for each in result.repositories for judged in each.locks
    ):
        return None
    if result.state_problem is not None:
        return "nothing was removed: the state could not be read, and it may mark locks"
    return _too_many(result, policy) or apart


def _too_many(result: Survey, policy: Policy) -> str | None:
    """The circuit breaker: so many holders do not die at once, unless something else is wrong.

    A holder is a repository and a hostname; a lock without a hostname counts one.
    """
    holders = {
        (surveyed.found.repository.name, judged.seen.hostname or judged.seen.id)
        for surveyed in result.repositories
        for judged in surveyed.locks
        if judged.judgement.verdict.stale
    }
    if len(holders) <= policy.max_removals:
        return None
    return (
        f"the locks of {len(holders)} holders are stale, more than max_removals "
        f"({policy.max_removals}): nothing was removed; look at them, and if they really are dead, "
        f"run once with `--max-removals {len(holders)}`"
    )


def _sight(result: Survey, found: tuple[Found, ...], world: World, policy: Policy) -> Sight | None:
    """None where no lock was old enough to look at the cluster."""
    if result.observation is None:
        return None
    places = namespaces_of(found, policy)
    return Sight(world, result.observation, places, nodes=policy.observe_nodes)


@dataclass(frozen=True, slots=True)
class _Work:
    """The removals of one sweep, repository by repository."""

    world: World
    policy: Policy
    survey: Survey
    sight: Sight | None
    """None: nothing is removed."""

    def done(self) -> Iterator[tuple[Surveyed, dict[LockID, Outcome]]]:
        """Each repository with what became of its stale locks, in the order of the survey."""
        repositories = self.survey.repositories
        sight = self.sight
        if sight is None:
            yield from ((surveyed, {}) for surveyed in repositories)
            return

        def step(surveyed: Surveyed) -> dict[LockID, Outcome]:
            try:
                return remove_stale(
                    surveyed,
                    world=self.world,
                    policy=self.policy,
                    sight=sight,
                    nodes=self.survey.nodes,
                )
            except Exception:  # noqa: BLE001 - the one edge per repository
                return _failed(surveyed, fault(surveyed.found))

        yield from zip(repositories, self.world.pool.map(step, repositories), strict=True)


def _failed(surveyed: Surveyed, sentence: str) -> dict[LockID, Outcome]:
    return {
        judged.seen.id: Outcome(judged, failure=sentence)
        for judged in surveyed.locks
        if judged.judgement.verdict.stale
    }
