"""Durations as people write them: `90s`, `30m`, `2h`, `1d`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=3650)
"""Ten years: far enough for every setting, and never near the end of the calendar."""

_DURATION = re.compile(
    r"(?:(?P<days>[0-9]{1,9})d)?(?:(?P<hours>[0-9]{1,9})h)?"
    r"(?:(?P<minutes>[0-9]{1,9})m)?(?:(?P<seconds>[0-9]{1,9})s)?"
)


class DurationError(ValueError):
    """The text is no duration. The message says what is allowed and does not repeat the text."""


def parse_duration(text: str) -> timedelta:
    """Reads whole days, hours, minutes and seconds, the longest unit first.

    Raises DurationError for anything else, and for more than ten years. Zero is a duration here;
    each setting has its own bounds.
    """
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise DurationError("must be a duration such as 90s, 30m, 2h, 1d or 1h30m")
    parts = {unit: int(count) for unit, count in match.groupdict().items() if count}
    duration = timedelta(**parts)
    if duration > LONGEST:
        raise DurationError("must be a duration of at most 3650d")
    return duration


def format_duration(duration: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads; fractions of a second are cut."""
    left = max(int(duration.total_seconds()), 0)
    spelled = ""
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        spelled += f"{count}{unit}" if count else ""
    return spelled or "0s"
