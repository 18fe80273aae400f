"""The machine-readable output: one JSON object a line (docs/output.md is its contract).

Every line is pure ASCII, so no encoding of standard output and no log collector can break it,
whatever a hostile hostname, file name or pod name contains.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeGuard

from janitor.model import FailedRun, LockReport, RepositoryReport, Secret, SweepReport
from janitor.report.ages import iso, whole_seconds

# restic is written in Go, whose JSON reader puts U+FFFD where half a surrogate pair stands; many
# other readers refuse the whole line.
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 32
_SHOWN_RUNS = 10


def json_line(report: LockReport | RepositoryReport | SweepReport) -> str:
    """Returns the report as one line of JSON, without the line feed."""
    return one_line(fields_of(report))


def fields_of(report: LockReport | RepositoryReport | SweepReport) -> dict[str, object]:
    """Returns the report's fields under their documented names, in their documented order."""
    if isinstance(report, LockReport):
        return _lock(report)
    if isinstance(report, RepositoryReport):
        return _repository(report)
    return _sweep(report)


def one_line(fields: Mapping[str, object]) -> str:
    """Returns any mapping as one line of valid ASCII JSON; what JSON lacks is turned by `plain`."""
    line = json.dumps(plain(fields), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return line.replace("\x7f", "\\u007f")  # the one control code that JSON lets through


def plain(value: object, *, depth: int = 0) -> object:
    """Returns the value made of plain JSON values only.

    Times become RFC 3339 in UTC, durations whole seconds, bytes base64, secrets `***`, numbers that
    JSON lacks null, sets sorted lists, half surrogate pairs U+FFFD, everything else its text.
    """
    if value is None or isinstance(value, bool):
        return value
    if type(value) is str:  # most are
        return _text(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {_text(str(key)): plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, Set) and depth < _DEEPEST:
        return sorted((plain(item, depth=depth + 1) for item in value), key=repr)
    if _is_list(value) and depth < _DEEPEST:
        return [plain(item, depth=depth + 1) for item in value]
    return _scalar(value)


def detail_of(report: LockReport) -> str:
    """The judgement's sentence, and after it why a stale lock is still there."""
    said = report.judgement.detail
    if not said or not report.detail:
        return said or report.detail or ""
    return f"{said} {report.detail}" if said.endswith(".") else f"{said}; {report.detail}"


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def _scalar(value: object) -> object:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return whole_seconds(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode("ascii")
    return _text(str(value))


def _text(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _lock(report: LockReport) -> dict[str, object]:
    content = report.content
    verdict = report.judgement.verdict
    return {
        "event": "lock",
        "repository": report.repository,
        "lock": report.lock,
        "verdict": verdict.value,
        "stale": verdict.stale,
        "removed": report.removed,
        "dry_run": report.dry_run,
        "hostname": content and content.hostname,
        "username": content and content.username,
        "pid": content and content.pid,
        "exclusive": content and content.exclusive,
        "created": content and content.time,
        "age_seconds": report.age,
        "unchanged_seconds": report.unchanged,
        "evidence": report.judgement.evidence,
        "cause": report.cause,
        "advice": report.advice,
        "detail": detail_of(report) or None,
        "record": report.record,
        "failed_runs": _failed_runs(report.failed_runs, report.failed_runs_missing),
    }


def _failed_runs(runs: Sequence[FailedRun], missing: str | None) -> dict[str, object] | None:
    """All are counted, the earliest and the latest shown; and why not every one may be known."""
    if not runs and missing is None:
        return None
    shown = runs if len(runs) <= 2 * _SHOWN_RUNS else (*runs[:_SHOWN_RUNS], *runs[-_SHOWN_RUNS:])
    return {
        "count": len(runs),
        "runs": [
            {"kind": run.kind, "namespace": run.namespace, "name": run.name, "time": run.time}
            for run in shown
        ],
        "missing": missing,
    }


def _repository(report: RepositoryReport) -> dict[str, object]:
    return {
        "event": "repository",
        "repository": report.repository,
        "source": report.source,
        "location": report.location,
        "state": report.state.value,
        "locks": report.locks,
        "removed": report.removed,
        "detail": report.detail,
        "owners": [
            {
                "api_version": owner.api_version,
                "kind": owner.kind,
                "namespace": owner.namespace,
                "name": owner.name,
            }
            for owner in report.owners
        ],
    }


def _sweep(report: SweepReport) -> dict[str, object]:
    return {
        "event": "sweep",
        "repositories": report.repositories,
        "failed": report.failed,
        "locks": report.locks,
        "stale": report.stale,
        "removed": report.removed,
        "kept": report.kept,
        "dry_run": report.dry_run,
        "duration_seconds": round(report.duration.total_seconds(), 3),
        "exit_code": report.exit_code,
        "detail": report.detail,
    }
