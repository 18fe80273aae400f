"""What a table shows of a run, as plain text and before any layout.

A tired person reads the end of the screen first. So the order is: what is fine and can be told in
one line, the repositories with locks, those that could not be read, the summary.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from janitor.model import LockReport, RepositoryReport, RepositoryState, Verdict
from janitor.report.ages import span
from janitor.report.escape import printable, sentence
from janitor.report.lines import detail_of
from janitor.report.summary import (
    blocked_words,
    count,
    count_repositories,
    done_words,
    failed_words,
    needs_telling,
)

_HOSTNAME_LIMIT = 253
_NAME_LIMIT = 100
_TEXT_LIMIT = 2000
_LOCK_DIGITS = 8
_MOST_ALIKE = 5
_SHOWN_OF_MANY = 3
_MOST_UNLOCKED = 5
_TONES = ("calm", "good", "alarm")


@dataclass(frozen=True, slots=True)
class Row:
    """One lock: three cells of one or more lines each, and the word that colours it."""

    lock: tuple[str, ...]
    verdict: tuple[str, ...]
    text: tuple[str, ...]
    tone: str
    """`good` (removed), `calm` (kept for a good reason), `alarm` (doubt, or stale and there)."""


@dataclass(frozen=True, slots=True)
class Block:
    """One repository: a heading, what to know about it, and its locks."""

    name: str
    about: str
    tone: str = "calm"
    detail: str = ""
    rows: tuple[Row, ...] = ()


def blocks(
    locks: Sequence[LockReport], repositories: Sequence[RepositoryReport]
) -> tuple[str, list[Block], list[Block]]:
    """Returns the sentence about unlocked repositories, those with locks, and the failed ones."""
    by_repository: dict[str, list[LockReport]] = {}
    for report in locks:
        by_repository.setdefault(report.repository, []).append(report)
    failed = sorted(filter(needs_telling, repositories), key=lambda report: report.failed)
    fine = [report for report in repositories if not needs_telling(report)]
    locked = [_block(report, by_repository.pop(report.repository, [])) for report in fine]
    bad = [_block(report, by_repository.pop(report.repository, [])) for report in failed]
    untold = [
        Block(name=printable(name, limit=_NAME_LIMIT), about="", rows=_rows(reports))
        for name, reports in by_repository.items()
    ]
    shown = [block for block in locked if block.rows or block.detail] + untold
    return _unlocked(fine), sorted(shown, key=_urgency), bad


def put_back_commands(locks: Iterable[LockReport]) -> list[str]:
    """The command that restores each removed lock; its record is nowhere else on a terminal."""
    return [
        " ".join(
            (
                "restic-janitor put-back",
                shlex.quote(printable(report.repository)),
                b64encode(report.record).decode("ascii"),
            )
        )
        for report in locks
        if report.removed and report.record
    ]


def _unlocked(fine: Sequence[RepositoryReport]) -> str:
    """One sentence, however many there are: nobody scrolls through a thousand good rows."""
    names = [
        printable(report.repository, limit=_NAME_LIMIT)
        for report in fine
        if report.state is RepositoryState.UNLOCKED
        or (report.state is RepositoryState.READ and not report.locks and not report.detail)
    ]
    if not names:
        return ""
    if len(names) <= _MOST_UNLOCKED:
        return f"No lock in {', '.join(names)}."
    return f"No lock in {count_repositories(len(names))}."


def _block(report: RepositoryReport, locks: Sequence[LockReport]) -> Block:
    failed = needs_telling(report)
    about = [report.state.value] if failed or report.state is RepositoryState.IGNORED else []
    if report.locks:
        about.append(count(report.locks, "lock"))
    if report.source != "configured":
        about.append(f"by {report.source}")
    about.append(report.location)
    return Block(
        name=printable(report.repository, limit=_NAME_LIMIT),
        about=printable(", ".join(filter(None, about)), limit=_TEXT_LIMIT),
        tone="alarm" if report.failed else "calm",
        detail=sentence(report.detail or "", limit=_TEXT_LIMIT),
        rows=_rows(locks),
    )


# --- locks -----------------------------------------------------------------------------------


def _rows(locks: Iterable[LockReport]) -> tuple[Row, ...]:
    """The locks that need a person last, the oldest first among equals; crowds folded."""
    ordered = sorted(locks, key=_order)
    rows: list[Row] = []
    for _, group in groupby(ordered, key=_order_without_age):
        alike = list(group)
        shown = alike if len(alike) <= _MOST_ALIKE else alike[:_SHOWN_OF_MANY]
        rows += map(_row, shown)
        if len(shown) < len(alike):
            rows.append(_folded(alike[len(shown) :]))
    return tuple(rows)


def _urgency(block: Block) -> int:
    """What needs a person goes last, to the end of the screen."""
    return max((_TONES.index(row.tone) for row in block.rows), default=0)


def _order_without_age(report: LockReport) -> tuple[int, str, str, str]:
    hostname = "" if report.content is None else report.content.hostname
    done = done_words(report)
    return _TONES.index(_tone(report)), report.judgement.verdict.value, done, hostname


def _order(report: LockReport) -> tuple[tuple[int, str, str, str], timedelta, str]:
    age = timedelta(0) if report.age is None else report.age
    return _order_without_age(report), -age, report.lock


def _tone(report: LockReport) -> str:
    if report.removed:
        return "good"
    verdict = report.judgement.verdict
    return "alarm" if verdict.stale or verdict.doubtful else "calm"


def _row(report: LockReport) -> Row:
    return Row(
        lock=tuple(filter(None, (printable(report.lock[:_LOCK_DIGITS]), _age(report)))),
        verdict=(report.judgement.verdict.value, done_words(report)),
        text=(_holder(report), *_sentences(report)),
        tone=_tone(report),
    )


def _folded(alike: Sequence[LockReport]) -> Row:
    """One row for many locks of one holder with one verdict."""
    ages = sorted(report.age for report in alike if report.age is not None)
    between = f", {span(ages[0])} to {span(ages[-1])} old" if ages else ""
    return Row(
        lock=(f"{len(alike):,} more",),
        verdict=(alike[0].judgement.verdict.value, done_words(alike[0])),
        text=(
            f"{_holder(alike[0])}{between}",
            "The same holder and verdict as above; --output json tells each.",
        ),
        tone=_tone(alike[0]),
    )


def _age(report: LockReport) -> str:
    if report.age is None:
        return ""
    return f"in {span(report.age)}" if report.age < timedelta(0) else span(report.age)


def _holder(report: LockReport) -> str:
    content = report.content
    if content is None:
        if report.judgement.verdict is Verdict.UNREADABLE:
            return "holder unreadable"
        return "not opened"
    hostname = printable(content.hostname, limit=_HOSTNAME_LIMIT) or "(no hostname)"
    user = printable(content.username, limit=_NAME_LIMIT)
    kind = "exclusive" if content.exclusive else ""
    return ", ".join(filter(None, (hostname, f"user {user}" if user else "", kind)))


def _sentences(report: LockReport) -> list[str]:
    said = [
        sentence(detail_of(report), limit=_TEXT_LIMIT),
        blocked_words(report) or "",
        failed_words(report) or "",
        _labelled("Cause", report.cause),
        _labelled("Advice", report.advice),
    ]
    return [text for text in said if text]


def _labelled(label: str, text: str | None) -> str:
    return f"{label}: {sentence(text, limit=_TEXT_LIMIT)}" if text else ""
