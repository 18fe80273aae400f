"""Turns what a sweep did into its reports, and adds them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from janitor.diagnose import Diagnosis
from janitor.judge import unchanged
from janitor.model import (
    Lock,
    LockID,
    LockReport,
    Policy,
    Repository,
    RepositoryCounts,
    RepositoryReport,
    RepositoryState,
    SweepReport,
    Verdict,
)
from janitor.remove import Outcome
from janitor.survey import JudgedLock, Survey, Surveyed

Diagnoses = Mapping[tuple[str, LockID], Diagnosis]
"""By the repository's name and the lock."""
_FAILED_ALWAYS = frozenset(
    {RepositoryState.UNREACHABLE, RepositoryState.UNAUTHORIZED, RepositoryState.WRONG_PASSWORD}
)
_FAILED_IF_CONFIGURED = frozenset(
    {RepositoryState.NO_REPOSITORY, RepositoryState.INCOMPLETE, RepositoryState.NOT_MOUNTED}
)
"""A discovered repository may not exist yet; one that somebody wrote down should. That has no owner
object, and neither has the entry of a source that failed."""


def is_failure(state: RepositoryState, repository: Repository) -> bool:
    """Whether a repository in this state turns the exit code to 1."""
    return state in _FAILED_ALWAYS or (state in _FAILED_IF_CONFIGURED and not repository.owners)


def lock_reports(
    surveyed: Surveyed,
    outcomes: Mapping[LockID, Outcome],
    survey: Survey,
    *,
    dry_run: bool,
    kept: str | None,
    diagnoses: Diagnoses,
) -> tuple[LockReport, ...]:
    """One report for each lock. `kept` says why no stale one was removed, if that is so."""
    name = surveyed.found.repository.name
    reports = []
    for judged in surveyed.locks:
        outcome = outcomes.get(judged.seen.id)
        report = _lock_report(surveyed, judged, outcome, survey.now, dry_run, kept)
        found = diagnoses.get((name, judged.seen.id))
        if found is not None and report.judgement.verdict.stale:
            report = replace(
                report,
                cause=found.cause,
                advice=found.advice,
                failed_runs=found.failed,
                failed_runs_missing=found.failed_missing,
            )
        reports.append(report)
    return tuple(reports)


def _lock_report(  # noqa: PLR0917 - private, called once
    surveyed: Surveyed,
    judged: JudgedLock,
    outcome: Outcome | None,
    now: datetime,
    dry_run: bool,  # noqa: FBT001
    kept: str | None,
) -> LockReport:
    if outcome is not None:
        judged = outcome.judged
    seen, content = judged.seen, judged.seen.content
    removed = outcome is not None and outcome.removed
    detail = kept if judged.judgement.verdict.stale else None
    if outcome is not None:
        detail = outcome.failure or outcome.postponed
    return LockReport(
        repository=surveyed.found.repository.name,
        lock=seen.id,
        judgement=judged.judgement,
        content=content if isinstance(content, Lock) else None,
        age=now - content.time if isinstance(content, Lock) else None,
        unchanged=unchanged(seen, now),
        removed=removed,
        dry_run=dry_run,
        detail=detail,
        record=seen.stored if removed else None,
        owners=surveyed.found.repository.owners,
    )


def repository_report(
    surveyed: Surveyed, locks: tuple[LockReport, ...], outcomes: Mapping[LockID, Outcome]
) -> RepositoryReport:
    """The repository's own line, with whether it turns the exit code to 1."""
    repository, state = surveyed.found.repository, surveyed.state
    failed = (
        is_failure(state, repository)
        or surveyed.listed.beyond > 0
        or any(lock.judgement.verdict.doubtful for lock in locks)
        or any(outcome.failure is not None for outcome in outcomes.values())
    )
    return RepositoryReport(
        repository=repository.name,
        source=repository.source,
        location=repository.location,
        state=state,
        locks=len(locks) or len(surveyed.listed.locks),
        removed=sum(lock.removed for lock in locks),
        detail=surveyed.detail,
        failed=failed,
        owners=repository.owners,
    )


@dataclass(slots=True)
class Tally:
    """The sums of one run."""

    began: datetime
    dry_run: bool
    notes: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    failed: list[RepositoryReport] = field(default_factory=list)
    notable: list[LockReport] = field(default_factory=list)
    """The locks that are stale or could not be judged."""
    counts: list[RepositoryCounts] = field(default_factory=list)
    repositories: int = 0
    locks: int = 0
    stale: int = 0
    removed: int = 0
    released: int = 0
    unconfirmed: int = 0

    def problem(self, sentence: str | None) -> None:
        """Something about the run as a whole that turns the exit code to 1."""
        if sentence is not None and sentence not in self.problems:
            self.problems.append(sentence)

    def note(self, sentence: str | None) -> None:
        """Something about the run as a whole that is worth telling and no failure by itself."""
        if sentence is not None:
            self.notes += (sentence,)

    def add(self, repository: RepositoryReport, locks: tuple[LockReport, ...]) -> None:
        """One repository is done."""
        self.repositories += 1
        if repository.failed:
            self.failed.append(repository)
        self.locks += repository.locks
        self.removed += repository.removed
        verdicts = Counter(lock.judgement.verdict for lock in locks)
        self.counts.append(
            RepositoryCounts(
                repository.repository,
                repository.state,
                repository.failed,
                tuple(verdicts.items()),
                repository.removed,
            )
        )
        for lock in locks:
            verdict = lock.judgement.verdict
            self.stale += verdict.stale
            self.released += verdict is Verdict.RELEASED
            self.unconfirmed += verdict is Verdict.AWAITING_CONFIRMATION
            if verdict.stale or verdict.doubtful:
                self.notable.append(lock)

    def note_missing_state(self, missing: bool) -> None:  # noqa: FBT001
        """Says once that a state would have let these locks be judged."""
        if missing and self.unconfirmed:
            many = f"{self.unconfirmed} locks await" if self.unconfirmed > 1 else "1 lock awaits"
            self.note(
                f"{many} confirmation and nothing is remembered from run to run: "
                "give `--state FILE`"
            )

    def report(self, now: datetime, policy: Policy, *, signal: int) -> SweepReport:
        """The sum. `signal` is the number of the signal that ended the run, or 0."""
        still_there = self.stale - self.removed
        bad = self.failed or self.problems or (policy.fail_on_stale and still_there)
        sentences = (*self.problems, *self.notes)
        return SweepReport(
            repositories=self.repositories,
            failed=len(self.failed),
            locks=self.locks,
            stale=self.stale,
            removed=self.removed,
            kept=self.locks - self.removed - self.released,
            dry_run=self.dry_run,
            duration=now - self.began,
            exit_code=128 + signal if signal else int(bool(bad)),
            detail="; ".join(sentences) or None,
        )
