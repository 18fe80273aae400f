from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.discover.durations import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("7d12h", timedelta(days=7, hours=12)),
        ("0m", timedelta(0)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_durations_mean_what_they_say(text: str, expected: timedelta) -> None:
    """Else a floor of 30 minutes would be compared with something else."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "30", "m", "30 m", " 30m", "30m ", "30m\n", "-30m", "1.5h", "30M", "30min", "1w", "30m1h",
     "1h1h", "٣m", "1_0m", "1e3s", "9999999999s"],
)  # fmt: skip
def test_anything_else_is_refused_without_being_repeated(text: str) -> None:
    """Else a slip of the pen, or a password in the wrong place, would pass or be printed."""
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert str(caught.value) == "must be a duration such as 90s, 30m, 2h, 1d or 1h30m"


@pytest.mark.parametrize("text", ["3651d", "999999999d", "999999999h999999999m"])
def test_endless_durations_are_refused(text: str) -> None:
    """Else adding one to a time would overflow in the middle of a sweep."""
    with pytest.raises(DurationError, match="at most 3650d"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)))
def test_what_is_shown_can_be_typed(duration: timedelta) -> None:
    """Else a message would name a bound that the parser refuses."""
    whole = timedelta(seconds=int(duration.total_seconds()))
    assert parse_duration(format_duration(duration)) == whole
