"""The numbers of one run, in Prometheus' words. docs/monitoring.md describes each.

No lock and no hostname is a label: there is a new one for every backup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from janitor import __version__
from janitor.model import RepositoryState, Verdict
from janitor.report.escape import printable
from janitor.sweep import Result

LAST_SUCCESS = "restic_janitor_last_success_timestamp_seconds"


def registry_of(
    result: Result, *, now: datetime, earlier_success: float | None = None
) -> CollectorRegistry:
    """The numbers of this run, which ended `now`, as the library's writers want them.

    `earlier_success` (in seconds since 1970) stands where this run was none.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(result, now.timestamp(), earlier_success))
    return registry


class _Families(Collector):
    """One family at a time, so that the numbers of many repositories are never all in memory."""

    def __init__(self, result: Result, now: float, earlier_success: float | None) -> None:
        self._result = result
        self._now = now
        self._success = now if result.report.exit_code == 0 else earlier_success

    def collect(self) -> Iterator[GaugeMetricFamily]:
        report = self._result.report
        build = GaugeMetricFamily(
            "restic_janitor_build_info", "The version that ran last.", labels=["version"]
        )
        build.add_metric([__version__], 1)
        yield build
        yield GaugeMetricFamily(
            "restic_janitor_last_run_timestamp_seconds", "When the last run ended.", self._now
        )
        if self._success is not None:
            yield GaugeMetricFamily(
                LAST_SUCCESS, "When the last run with exit code 0 ended.", self._success
            )
        yield GaugeMetricFamily(
            "restic_janitor_last_run_duration_seconds",
            "How long the last run took.",
            report.duration.total_seconds(),
        )
        yield GaugeMetricFamily(
            "restic_janitor_last_run_exit_code", "The last run's exit code.", report.exit_code
        )
        yield GaugeMetricFamily(
            "restic_janitor_dry_run",
            "1 where the last run was to remove nothing.",
            int(report.dry_run),
        )
        yield self._repositories()
        yield self._states()
        yield self._locks()
        yield self._numbers(
            "restic_janitor_stale_locks",
            "Stale locks that were still there after the last run.",
            "stale",
        )
        yield self._numbers(
            "restic_janitor_locks_removed", "Locks that the last run removed.", "removed"
        )

    def _repositories(self) -> GaugeMetricFamily:
        """Each state, so that a query for one that no repository is in has an answer."""
        states = Counter(each.state for each in self._result.counts)
        family = GaugeMetricFamily(
            "restic_janitor_repositories",
            "Repositories of the last run, by how far it got with them.",
            labels=["state"],
        )
        for state in RepositoryState:
            family.add_metric([state.value], states[state])
        return family

    def _states(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "restic_janitor_repository_failed",
            "1 where the last run could not read or judge the repository.",
            labels=["repository", "state"],
        )
        for each in self._result.counts:
            family.add_metric([printable(each.repository), each.state.value], int(each.failed))
        return family

    def _locks(self) -> GaugeMetricFamily:
        """The verdicts that stand for something stale are there as 0, too: alerts hang on them,
        and a push leaves a family without samples as it was.
        """
        family = GaugeMetricFamily(
            "restic_janitor_locks",
            "Locks that the last run found, by its verdict.",
            labels=["repository", "verdict"],
        )
        for each in self._result.counts:
            numbers = dict(each.verdicts)
            for verdict in Verdict:
                if verdict in numbers or verdict.stale:
                    family.add_metric(
                        [printable(each.repository), verdict.value], numbers.get(verdict, 0)
                    )
        return family

    def _numbers(self, name: str, what: str, attribute: str) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, what, labels=["repository"])
        for each in self._result.counts:
            family.add_metric([printable(each.repository)], getattr(each, attribute))
        return family
