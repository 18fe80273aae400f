"""Inputs that once failed. `python -m tests.fuzz` prints such tests; give each a reason."""

from __future__ import annotations

import json

import pytest

from tests.fuzz import seeds
from tests.fuzz.answers import whole
from tests.fuzz.registry import check

_CONFIG = whole(seeds.sealed(json.dumps(seeds.CONFIG).encode()))
_NOTHING = whole(b"")


@pytest.mark.parametrize(
    "listing",
    [
        b'[{"name":"%s","size":1},{"name":"%s","size":2}]',
        b'["%s",{"name":"%s","size":2}]',
    ],
)
def test_a_lock_that_a_rest_server_lists_twice_is_one(listing: bytes) -> None:
    """Else it is judged, told and deleted twice."""
    name = seeds.IDS[0].encode()
    check("rest", (_CONFIG, whole(listing % (name, name)), _NOTHING))


def test_a_rest_listing_that_is_nested_deeply_is_unreachable() -> None:
    """Else a planted answer is told as a fault of the janitor's own."""
    listing = b'[{"name":"","more":' + b"[" * 20_000 + b"]" * 20_000 + b"}]"
    check("rest", (_CONFIG, whole(listing), _NOTHING))


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 25 Nov 2026 12:00:00 +99999999999999999999",
        "Wed, 25 Nov 99999999999999999999 12:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
    ],
)
def test_a_date_beyond_all_calendars_is_a_doubt(date: str) -> None:
    """Else one wrong header ends the sweep of all repositories in a traceback."""
    check("clock", date)
