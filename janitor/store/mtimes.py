"""The time that a file system says of a file. Hostile and broken ones say anything."""

from __future__ import annotations

from datetime import UTC, datetime

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def date_of(seconds: float) -> datetime:
    """An mtime; what no date can hold becomes a far one, which keeps the lock."""
    try:
        found = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return _LATEST if seconds > 0 else _EARLIEST
    return min(max(found, _EARLIEST), _LATEST)
