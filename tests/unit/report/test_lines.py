"""The JSON lines: names, order, units, and what no hostile text can break."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.model import RepositoryState, Secret, SweepReport, Verdict
from janitor.report.lines import json_line, one_line

from .reports import a_night, lock_report, repository_report


class LockLine(msgspec.Struct, forbid_unknown_fields=True, tag_field="event", tag="lock"):
    """A `lock` line as docs/output.md promises it to scripts."""

    repository: str
    lock: str
    verdict: str
    stale: bool
    removed: bool
    dry_run: bool
    hostname: str | None
    username: str | None
    pid: int | None
    exclusive: bool | None
    created: datetime | None
    age_seconds: int | None
    unchanged_seconds: int | None
    evidence: dict[str, object]
    cause: str | None
    advice: str | None
    detail: str | None
    record: bytes | None
    failed_runs: dict[str, object] | None


class RepositoryLine(
    msgspec.Struct, forbid_unknown_fields=True, tag_field="event", tag="repository"
):
    """A `repository` line as docs/output.md promises it to scripts."""

    repository: str
    source: str
    location: str
    state: str
    locks: int
    removed: int
    detail: str | None
    owners: list[dict[str, str]]


class SweepLine(msgspec.Struct, forbid_unknown_fields=True, tag_field="event", tag="sweep"):
    """The `sweep` line as docs/output.md promises it to scripts."""

    repositories: int
    failed: int
    locks: int
    stale: int
    removed: int
    kept: int
    dry_run: bool
    duration_seconds: float
    exit_code: int
    detail: str | None


ANY_LINE = LockLine | RepositoryLine | SweepLine


def test_a_lock_line_is_the_documented_one() -> None:
    """Scripts and alerts hang on these names, this order and these units."""
    report = lock_report(
        removed=True, record=b"\x00\xff", evidence={"hostname_is_ours": "pattern"}, cause="evicted"
    )
    assert json_line(report) == (
        '{"event":"lock","repository":"shop-db","lock":"9e3779b1' + "0" * 56 + '",'
        '"verdict":"holder-absent","stale":true,"removed":true,"dry_run":false,'
        '"hostname":"shop-db-backup-29401-x2x9k","username":"root","pid":1,"exclusive":false,'
        '"created":"2026-11-24T01:02:03Z","age_seconds":86400,"unchanged_seconds":86398,'
        '"evidence":{"hostname_is_ours":"pattern"},"cause":"evicted","advice":null,'
        '"detail":"no pod has the name \'shop-db-backup-29401-x2x9k\', and it is ours, by '
        'pattern","record":"AP8=","failed_runs":null}'
    )


def test_a_repository_line_is_the_documented_one() -> None:
    """Scripts and alerts hang on these names and this order."""
    report = repository_report(state=RepositoryState.UNAUTHORIZED, failed=True, detail="403")
    assert json_line(report) == (
        '{"event":"repository","repository":"shop-db","source":"configured",'
        '"location":"s3:https://s3.example.com/backups/shop-db","state":"unauthorized",'
        '"locks":0,"removed":0,"detail":"403","owners":[]}'
    )


def test_the_sweep_line_is_the_documented_one() -> None:
    """Scripts and alerts hang on these names and this order."""
    report = SweepReport(3, 0, 5, 2, 2, 3, False, timedelta(seconds=0.8), 0)
    assert json_line(report) == (
        '{"event":"sweep","repositories":3,"failed":0,"locks":5,"stale":2,"removed":2,"kept":3,'
        '"dry_run":false,"duration_seconds":0.8,"exit_code":0,"detail":null}'
    )


def test_every_line_of_a_night_reads_back_by_the_documented_schema() -> None:
    """A field of another type would break every typed reader of the output."""
    locks, repositories, sweep = a_night()
    for report in [*locks, *repositories, sweep]:
        msgspec.json.decode(json_line(report), type=ANY_LINE)


def test_a_lock_that_was_not_opened_says_null_and_not_nothing() -> None:
    """A missing key would be an error in a reader where the documented null is a value."""
    line = msgspec.json.decode(json_line(lock_report(hostname=None, age=None)), type=LockLine)
    assert (
        line.hostname, line.created, line.age_seconds, line.record, line.exclusive
    ) == (None, None, None, None, None)  # fmt: skip


def test_the_record_is_the_stored_bytes() -> None:
    """`put-back` could otherwise not restore the lock."""
    stored = bytes(range(256))
    line = json.loads(json_line(lock_report(removed=True, record=stored)))
    assert stored == b64decode(line["record"], validate=True)


def test_why_a_stale_lock_is_still_there_follows_the_reason() -> None:
    """A refused delete would otherwise look like a removed lock with a wrong flag."""
    refused = lock_report(detail="the pod is gone", still_there="the store refused: AccessDenied")
    expected = "the pod is gone; the store refused: AccessDenied"
    assert expected == json.loads(json_line(refused))["detail"]


def test_a_negative_age_is_rounded_down() -> None:
    """A lock half a second ahead of now would otherwise look exactly now."""
    report = lock_report(verdict=Verdict.IN_THE_FUTURE, age=timedelta(seconds=-0.5))
    assert json.loads(json_line(report))["age_seconds"] == -1


@settings(deadline=None)  # the machine may be busy
@given(hostname=st.text(), username=st.text(), detail=st.text(), pod=st.text())
def test_hostile_text_stays_inside_one_ascii_line(
    hostname: str, username: str, detail: str, pod: str
) -> None:
    """A line break in a hostname could otherwise forge a second log line."""
    report = lock_report(
        hostname=hostname, username=username, detail=detail, evidence={pod: [pod, {"pod": pod}]}
    )
    line = json_line(report)
    assert line.isascii()
    assert line.isprintable()
    read = msgspec.json.decode(line, type=LockLine)
    assert hostname == read.hostname


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udcff", "\ufffd"),
        ("\u2028\x1b\x7f\u202e\n", "\u2028\x1b\x7f\u202e\n"),
    ],
)
def test_odd_text_reads_back(text: str, read: str) -> None:
    """Half a surrogate pair makes strict readers refuse the whole line; restic shows U+FFFD."""
    line = json_line(lock_report(hostname=text))
    assert line.isascii()
    assert line.isprintable()
    assert read == msgspec.json.decode(line, type=LockLine).hostname


def test_values_that_json_lacks_are_turned() -> None:
    """One odd value in the evidence would otherwise lose the whole line, and the record with it."""
    evidence = {
        "time": datetime(2026, 11, 24, 3, 2, 3, 999999, timezone(timedelta(hours=2))),
        "naive": datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC).replace(tzinfo=None),
        "span": timedelta(minutes=30, seconds=0.9),
        "secret": Secret("hunter2"),
        "nested": [{"deep": Secret("hunter2")}],
        "set": {"b", "a"},
        "tuple": ("a", 1),
        "bytes": b"\x00",
        "not a number": float("nan"),
        "verdict": Verdict.RELEASED,
        7: None,
    }
    assert json.loads(one_line(evidence)) == {  # type: ignore[arg-type]
        "time": "2026-11-24T01:02:03Z",
        "naive": "2026-11-24T01:02:03Z",
        "span": 1800,
        "secret": "***",
        "nested": [{"deep": "***"}],
        "set": ["a", "b"],
        "tuple": ["a", 1],
        "bytes": "AA==",
        "not a number": None,
        "verdict": "released",
        "7": None,
    }
