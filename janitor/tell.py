"""What a sweep leaves behind: Events, the pod's termination message, and numbers for Prometheus.

None of it is ever a reason to fail: what could not be told is a warning in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import structlog

from janitor.cluster.connect import in_cluster
from janitor.discover.metrics_settings import MetricsSettings
from janitor.model import LockReport, RepositoryReport, SweepReport
from janitor.report.ages import span
from janitor.report.escape import printable, sentence, unlinked
from janitor.report.lines import detail_of
from janitor.report.summary import failed_words
from janitor.report.termination import write_termination
from janitor.shard import Shard
from janitor.sweep import Result

if TYPE_CHECKING:
    from janitor.cluster.client import Client
    from janitor.cluster.events_writer import LockEvent
    from janitor.cluster.observe import OwnPod

_LONGEST_PUSH = 60.0
"""Seconds."""
TERMINATION_LOG = Path("/dev/termination-log")

log = structlog.get_logger("janitor")


def tell_events(result: Result, *, client: Client, own_pod: OwnPod, now: datetime) -> None:
    """Writes an Event for each lock that was removed or found, and for each failed repository."""
    from janitor.cluster.events_writer import write_events  # noqa: PLC0415 - in a pod only

    problem = write_events(client, tuple(_events(result)), own_pod=own_pod, time=now)
    _warn("events not written", problem)


def tell_metrics(
    result: Result,
    settings: MetricsSettings,
    environment: Mapping[str, str],
    *,
    shard: Shard | None,
    now: datetime,
) -> None:
    """Writes the numbers to where they are wanted, if anywhere."""
    try:
        _tell_metrics(result, settings, environment, shard=shard, now=now)
    except Exception as error:  # noqa: BLE001 - a library's fault is no reason to fail either
        _warn("metrics not written", f"an unexpected fault ({type(error).__name__})")


def _tell_metrics(
    result: Result,
    settings: MetricsSettings,
    environment: Mapping[str, str],
    *,
    shard: Shard | None,
    now: datetime,
) -> None:
    # Imported here: most runs need none of it.
    if settings.file is not None:
        from janitor.metrics.textfile import write_metrics  # noqa: PLC0415

        _warn("metrics not written", write_metrics(settings.file, result, now=now))
    if settings.push_url is not None:
        from janitor.metrics.push import push  # noqa: PLC0415

        url = settings.push_url
        problem = _within_a_minute(
            lambda: push(url, result, shard=shard, environment=environment, now=now)
        )
        _warn("metrics not pushed", problem)


def _within_a_minute(ask: Callable[[], str | None]) -> str | None:
    """What it returns; or, where it hangs, that it does: it is left behind then."""
    results: list[str | None] = []

    def run() -> None:
        try:
            results.append(ask())
        except Exception as error:  # noqa: BLE001 - told by the waiting thread
            results.append(f"an unexpected fault ({type(error).__name__})")

    thread = Thread(target=run, name="push", daemon=True)
    thread.start()
    thread.join(_LONGEST_PUSH)
    return results[0] if results else f"no end within {_LONGEST_PUSH:.0f} seconds"


def tell_termination(environment: Mapping[str, str], result: Result) -> None:
    """Writes the termination message, in a pod."""
    _write(environment, result.report, tuple(_sentences(result)))


def tell_mistake(environment: Mapping[str, str], said: str, exit_code: int) -> None:
    """Writes the termination message of a run that could not begin, in a pod."""
    report = SweepReport(
        repositories=0,
        failed=0,
        locks=0,
        stale=0,
        removed=0,
        kept=0,
        dry_run=False,
        duration=timedelta(0),
        exit_code=exit_code,
    )
    _write(environment, report, (said,))


def _write(environment: Mapping[str, str], report: SweepReport, sentences: tuple[str, ...]) -> None:
    if not in_cluster(environment):
        return
    problem = write_termination(TERMINATION_LOG, report, sentences)
    _warn("termination message not written", problem)


def _warn(what: str, problem: str | None) -> None:
    if problem is not None:
        log.warning(what, problem=problem)


def _sentences(result: Result) -> Iterator[str]:
    """The run's own sentence first, then what failed, then what was stale."""
    if result.report.detail:
        yield sentence(result.report.detail)
    for repository in result.repositories:
        yield _of_repository(repository)
    for lock in result.locks:
        if lock.removed or lock.judgement.verdict.stale:
            yield _of_lock(lock)


def _events(result: Result) -> Iterator[LockEvent]:
    from janitor.cluster.events_writer import EventReason, LockEvent  # noqa: PLC0415 - as above

    for lock in result.locks:
        if lock.removed:
            reason = EventReason.REMOVED
        elif lock.judgement.verdict.stale and lock.dry_run:
            reason = EventReason.FOUND
        else:
            reason = EventReason.FAILED
        yield LockEvent(reason, lock.repository, lock.lock, _of_lock(lock), lock.owners)
    for repository in result.repositories:
        note = _of_repository(repository)
        yield LockEvent(EventReason.FAILED, repository.repository, "", note, repository.owners)


def _of_lock(lock: LockReport) -> str:
    return unlinked(f"{printable(lock.repository)}: {_note(lock)}")


def _of_repository(repository: RepositoryReport) -> str:
    return unlinked(f"{printable(repository.repository)}: {_failure(repository)}")


def _note(lock: LockReport) -> str:
    done = "removed lock" if lock.removed else "lock"
    holder = f" of '{printable(lock.content.hostname)}'" if lock.content else ""
    age = f", {span(lock.age)} old" if lock.age is not None else ""
    verdict = lock.judgement.verdict.value
    why = " ".join(sentence(each) for each in (lock.cause, lock.advice) if each)
    said = [f"{done} {lock.lock[:8]}{holder}{age}: {verdict}. {sentence(detail_of(lock))}"]
    said += [f"Why it died: {why}"] if why else []
    return " ".join((*said, *filter(None, (failed_words(lock),))))


def _failure(repository: RepositoryReport) -> str:
    detail = sentence(repository.detail) if repository.detail else ""
    return f"{repository.state.value}. {detail}".rstrip()
