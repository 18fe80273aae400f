"""Judges the locks of one repository for a person who asks why. Nothing is removed."""

from __future__ import annotations

from dataclasses import dataclass

from janitor.causes import find_causes
from janitor.discover.found import Found
from janitor.model import LockReport, Policy, RepositoryReport
from janitor.survey import close, survey
from janitor.tally import lock_reports, repository_report
from janitor.world import World


@dataclass(frozen=True, slots=True)
class Explained:
    """One repository and its locks, all of them opened."""

    repository: RepositoryReport
    locks: tuple[LockReport, ...]
    problem: str | None = None
    """What is wrong with the state, in one sentence."""


def explain(found: Found, *, world: World, policy: Policy, lock: str | None = None) -> Explained:
    """Opens and judges the locks whose ID begins with `lock` (None: all), as `list` would."""
    result = survey((found,), world=world, policy=policy, open_all=True)
    try:
        (surveyed,) = result.repositories
        causes = find_causes(result, (found,), world=world, policy=policy)
        reports = lock_reports(surveyed, {}, result, dry_run=True, kept=None, diagnoses=causes)
        chosen = tuple(report for report in reports if report.lock.startswith(lock or ""))
        return Explained(repository_report(surveyed, reports, {}), chosen, result.state_problem)
    finally:
        close(result)
