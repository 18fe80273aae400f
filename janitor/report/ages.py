"""Durations and times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SECOND = timedelta(seconds=1)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_DAYS_WITH_HOURS = 10


def whole_seconds(duration: timedelta) -> int:
    """The duration in seconds, rounded down."""
    return duration // _SECOND


def span(duration: timedelta) -> str:
    """A length of time in at most two units, unsigned: `45s`, `4m`, `2h 5m`, `1d 3h`, `70d`."""
    seconds = abs(whole_seconds(duration))
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h {seconds % _HOUR // _MINUTE}m"
    days = seconds // _DAY
    if days < _DAYS_WITH_HOURS:
        return f"{days}d {seconds % _DAY // _HOUR}h"
    return f"{days}d"


def ago(duration: timedelta) -> str:
    """`2h 5m ago`, or `in 2h 5m` for a time that is still to come."""
    return f"in {span(duration)}" if duration < timedelta(0) else f"{span(duration)} ago"


def iso(moment: datetime) -> str:
    """The time as RFC 3339 in UTC, in whole seconds: `2026-11-24T01:02:03Z`."""
    return _utc(moment).isoformat(timespec="seconds") + "Z"


def parse_iso(text: str) -> datetime | None:
    """The time in UTC that an RFC 3339 text with a zone says, or None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clock_time(moment: datetime) -> str:
    """The time for people, in UTC and whole seconds: `2026-11-24 01:02:03 UTC`."""
    return _utc(moment).isoformat(sep=" ", timespec="seconds") + " UTC"


def _utc(moment: datetime) -> datetime:
    """In UTC and without its zone; a naive time is taken as UTC, as all of the model's are."""
    if moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
