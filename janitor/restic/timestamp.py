"""Go's JSON times: RFC 3339, 0 to 9 fraction digits, any offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from janitor.restic.errors import Doubtful

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
GO_ZERO: Final = datetime.min.replace(tzinfo=UTC)
"""Go's zero time: nobody set it."""
_LARGEST_HOUR: Final = 23
_LARGEST_MINUTE: Final = 59


def parse_time(text: str) -> datetime:
    """The instant in UTC; what is finer than a microsecond is cut.

    Raises Doubtful (a clause) for anything else, and for instants outside the years 1 to 9999
    in UTC.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise Doubtful(f"its time {_quoted(text)} is not of RFC 3339")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    try:
        local = datetime(year, month, day, hour, minute, second, microsecond, UTC)
        return local - _offset(sign, hours, minutes)
    except (ValueError, OverflowError):
        raise Doubtful(f"its time {_quoted(text)} does not exist in the years 1 to 9999") from None


def _offset(sign: str | None, hours: str, minutes: str) -> timedelta:
    if sign is None:
        return timedelta(0)
    if int(hours) > _LARGEST_HOUR or int(minutes) > _LARGEST_MINUTE:
        raise ValueError("no such offset")
    east = timedelta(hours=int(hours), minutes=int(minutes))
    return east if sign == "+" else -east


def _quoted(text: str) -> str:
    """In ASCII, shortened: the text may hold anything."""
    return ascii(text[:40])
