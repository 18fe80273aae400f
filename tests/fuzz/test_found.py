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


@pytest.mark.parametrize("code", ["\t", "&#27;[2J", "hunter2canary"])
def test_the_code_of_an_s3_error_is_told_as_any_words_of_a_server(code: str) -> None:
    """Else a server writes to the terminal, or an echoed credential is told."""
    body = f"<Error><Code>{code}</Code><Message>words</Message></Error>".encode()
    check("s3", (whole(body, status=b"HTTP/1.1 400 x"),) * 3)


def test_a_kubeconfig_with_paths_that_cannot_be_looked_at_is_refused() -> None:
    """Else a slip, or a folder of another user's, ends in a traceback."""
    for named in ("/" + "a" * 300, "~nobody-at-all/config"):
        check("kubeconfig", (b"{}", None, {"KUBECONFIG": named}))
    document = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://a"}}],
        "users": [{"name": "a", "user": {"client-key": "k" * 300}}],
    }
    check("kubeconfig", (json.dumps(document).encode(), None, {}))


def test_a_kubeconfig_whose_names_multiply_is_refused() -> None:
    """Else a name made of anchors of anchors is written out, and takes all memory."""
    levels = "".join(f"l{each}: &l{each} [{f'*l{each - 1},' * 9}]\n" for each in range(1, 12))
    bomb = f"l0: &l0 [x]\n{levels}current-context: *l11\n"
    check("kubeconfig", (bomb.encode(), None, {}))


@pytest.mark.parametrize("metadata", [{}, {"name": ""}, {"name": seeds.HOST}])
def test_a_pod_that_does_not_say_who_it_is_is_a_doubt(metadata: dict[str, str]) -> None:
    """Else the living holder that it may be looks absent, and its lock is removed."""
    pods = [seeds.PODS[0], seeds.PODS[1] | {"metadata": metadata}]
    check("kubernetes-living", json.dumps(seeds.page("PodList", pods)).encode())


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
