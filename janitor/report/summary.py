"""What happened, in sentences: the end of every report, and the termination message."""

from __future__ import annotations

from collections.abc import Sequence

from janitor.model import (
    FailedRun,
    LockReport,
    RepositoryReport,
    RepositoryState,
    SweepReport,
    Verdict,
)
from janitor.report.escape import printable

_MOST_NAMES = 5
_LONGEST_NAME = 200
_FINE = (RepositoryState.READ, RepositoryState.UNLOCKED, RepositoryState.IGNORED)


def needs_telling(report: RepositoryReport) -> bool:
    """True for a repository that failed, or whose locks could not be looked at."""
    return report.failed or report.state not in _FINE


def done_words(report: LockReport) -> str:
    """What was done about a lock: removed, would remove, not removed, gone, kept."""
    if report.removed:
        return "removed"
    verdict = report.judgement.verdict
    if verdict is Verdict.RELEASED:
        return "gone"
    if not verdict.stale:
        return "kept"
    return "would remove" if report.dry_run else "not removed"


def blocked_words(report: LockReport) -> str | None:
    """What a stale lock blocked (removed) or still blocks; None for every other lock.

    restic: an exclusive lock conflicts with every other lock, a plain one only with exclusive ones,
    which forget, prune and check take; backups pass a plain one, so nobody notices.
    """
    if not report.judgement.verdict.stale or report.content is None:
        return None
    blocked = "It blocked" if report.removed else "It blocks"
    if report.content.exclusive:
        return f"{blocked} everything, every backup included."
    return f"{blocked} forget, prune and check; backups went on."


def failed_words(report: LockReport) -> str | None:
    """Which runs failed on a lock, so that one sees how long backups were broken; None: none did,
    or none that is known.
    """
    runs = report.failed_runs
    if not runs:
        return None
    if len(runs) == 1:
        return f"{run_words(runs[0])} failed on it."
    return f"{len(runs):,} runs failed on it, from {run_words(runs[0])} to {run_words(runs[-1])}."


def run_words(run: FailedRun) -> str:
    """A run with its time: `BackupSession shop/db-1732411200 (2026-11-24 01:20:07Z)`."""
    when = f" ({run.time:%Y-%m-%d %H:%M:%SZ})" if run.time else ""
    return f"{printable(str(run), limit=_LONGEST_NAME)}{when}"


def summary(
    locks: Sequence[LockReport],
    repositories: Sequence[RepositoryReport],
    sweep: SweepReport | None,
) -> list[str]:
    """Returns the sentences that end a report, the sum first and what needs a person after it."""
    sentences = [_sum(locks, repositories)]
    sentences += _doubts(locks)
    sentences += _unread(repositories)
    if sweep is not None and sweep.detail:
        sentences.append(sweep.detail)
    if sweep is not None and sweep.exit_code:
        sentences.append(f"Exit code {sweep.exit_code}.")
    return sentences


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 lock`, `2 locks`, `1,000 repositories`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def count_repositories(number: int) -> str:
    """`1 repository`, `1,000 repositories`."""
    return count(number, "repository", "repositories")


def _sum(locks: Sequence[LockReport], repositories: Sequence[RepositoryReport]) -> str:
    read = (RepositoryState.READ, RepositoryState.UNLOCKED)
    looked_at = sum(report.state in read for report in repositories)
    if not locks and repositories and not looked_at:
        return "No repository could be looked at."
    if not locks:
        return f"No lock in {count_repositories(looked_at)}."
    done = [done_words(report) for report in locks]
    if all(report.dry_run for report in locks) and set(done) <= {"kept"}:
        return f"{count(len(locks), 'lock')}, none of them stale."
    parts = []
    if "would remove" in done:
        would = done.count("would remove")
        parts.append(f"{would:,} of {count(len(locks), 'lock')} would be removed")
    if "removed" in done or not parts:
        parts.insert(0, f"{done.count('removed'):,} of {count(len(locks), 'lock')} removed")
    if "not removed" in done:
        parts.append(f"{count(done.count('not removed'), 'stale lock')} not removed")
    if "kept" in done:
        parts.append(f"{done.count('kept'):,} kept")
    if "gone" in done:
        parts.append(f"{done.count('gone'):,} released by the holder meanwhile")
    return "; ".join(parts) + "."


def _doubts(locks: Sequence[LockReport]) -> list[str]:
    doubtful = sum(report.judgement.verdict.doubtful for report in locks)
    if not doubtful:
        return []
    return [f"{count(doubtful, 'lock')} could not be judged, and so stayed."]


def _unread(repositories: Sequence[RepositoryReport]) -> list[str]:
    sentences = []
    unread = [report for report in repositories if report.failed and report.state not in _FINE]
    if unread:
        sentences.append(f"{count_repositories(len(unread))} could not be read: {_named(unread)}.")
    failed = [report for report in repositories if report.failed and report.state in _FINE]
    if failed:
        sentences.append(f"{count_repositories(len(failed))} failed: {_named(failed)}.")
    skipped = [r for r in repositories if r.state not in _FINE and not r.failed]
    if skipped:
        number = count_repositories(len(skipped))
        sentences.append(f"{number} skipped, which is no failure: {_named(skipped)}.")
    ignored = sum(report.state is RepositoryState.IGNORED for report in repositories)
    if ignored:
        sentences.append(f"{count_repositories(ignored)} ignored, as configured.")
    return sentences


def _named(reports: Sequence[RepositoryReport]) -> str:
    named = [f"{report.repository} ({report.state.value})" for report in reports[:_MOST_NAMES]]
    rest = len(reports) - len(named)
    return ", ".join(named) + (f" and {rest:,} more" if rest else "")
