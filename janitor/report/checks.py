"""What `restic-janitor doctor` prints for each check: a line of JSON, or a few lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from janitor.report.escape import printable, sentence
from janitor.report.lines import one_line
from janitor.report.table import indented, wrapped

_STATUS_WIDTH = 9
_LEAST_WIDTH = 40


class Status(StrEnum):
    """How a check ended. The words are an interface."""

    OK = "ok"
    WARNING = "warning"
    """A sweep works, and could do more."""
    PROBLEM = "problem"
    """A sweep fails, or keeps locks that it should remove."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    check: str
    subject: str
    """Which repository, right or file; empty where there is only one."""
    status: Status
    detail: str
    mend: str | None = None
    """What to do; None where nothing is to be done."""


def check_line(check: Check) -> str:
    """One `check` line of the output."""
    return one_line(
        {
            "event": "check",
            "check": check.check,
            "subject": check.subject,
            "status": check.status.value,
            "detail": check.detail,
            "mend": check.mend,
        }
    )


def doctor_line(checks: Iterable[Check], exit_code: int) -> str:
    """The `doctor` line: the sum of the others."""
    counted = Counter(each.status for each in checks)
    return one_line(
        {
            "event": "doctor",
            "checks": counted.total(),
            "warnings": counted[Status.WARNING],
            "problems": counted[Status.PROBLEM],
            "exit_code": exit_code,
        }
    )


def check_text(check: Check, *, width: int) -> str:
    """The check for people, in lines of at most `width` cells."""
    return "\n".join(_lines(check, max(width, _LEAST_WIDTH))) + "\n"


def doctor_text(checks: Iterable[Check], *, width: int) -> str:
    """The sum for people."""
    counted = Counter(each.status for each in checks)
    problems, warnings = counted[Status.PROBLEM], counted[Status.WARNING]
    if not problems and not warnings:
        said = f"All {counted.total()} checks are fine."
    else:
        found = f"{_many(problems, 'problem')} and {_many(warnings, 'warning')}"
        said = f"{found} in {counted.total()} checks."
    return "\n" + "\n".join(wrapped(said, width)) + "\n"


def _lines(check: Check, width: int) -> Iterator[str]:
    room = width - _STATUS_WIDTH
    subject = f" {printable(check.subject)}" if check.subject else ""
    said = wrapped(f"{check.check}{subject}: {sentence(check.detail)}", room, hanging=2)
    if check.mend:
        said += indented(wrapped(f"Mend: {sentence(check.mend)}", room - 2))
    status = check.status.value if check.status is Status.OK else check.status.value.upper()
    yield f"{status:{_STATUS_WIDTH}}{said[0]}"
    yield from indented(said[1:], _STATUS_WIDTH)


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
