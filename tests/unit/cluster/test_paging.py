"""One whole list, page by page: what a real server would take minutes for, or never send."""

from __future__ import annotations

import datetime as dt
import gc
import json
import weakref
from collections.abc import Iterable, Iterator

import msgspec
import pytest

from janitor.cluster.errors import Expired, Garbled, Right
from janitor.cluster.exchange import Answer, Request
from janitor.cluster.paging import Kind, list_all
from janitor.cluster.wire import WirePage

START = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
KIND = Kind("NumberList", msgspec.json.Decoder(WirePage[int]), lambda each: each or None)
"""Zero is an item that nobody wants."""
REQUEST = Request(
    Right("list", "numbers", "base"), "GET", "/numbers", query=(("fieldSelector", "odd"),)
)


def page(
    items: list[int] | None, token: str | None = None, *, left: int | None = None, **more: object
) -> bytes:
    """One page of the snapshot 7."""
    metadata = {"resourceVersion": "7", "continue": token, "remainingItemCount": left}
    return json.dumps({"kind": "NumberList", "metadata": metadata, "items": items} | more).encode()


class Client:
    """Sends these pages, one every `pause`; then it fails the test."""

    def __init__(self, pages: Iterable[bytes | Exception], pause: dt.timedelta) -> None:
        self._pages: Iterator[bytes | Exception] = iter(pages)
        self._pause = pause
        self.queries: list[tuple[tuple[str, str], ...]] = []

    def call(self, request: Request) -> Answer:
        self.queries.append(request.query)
        body = next(self._pages)
        if isinstance(body, Exception):
            raise body
        time = START + (len(self.queries) - 1) * self._pause
        return Answer(body, date=None, sent=time, received=time)


def listed(
    *pages: bytes | Exception, at_most: int | None = None, pause: float = 1.0
) -> tuple[list[int], Client]:
    client = Client(pages, dt.timedelta(seconds=pause))
    found = list_all(client, REQUEST, KIND, at_most=at_most)  # type: ignore[arg-type]
    assert found.completed == START + (len(client.queries) - 1) * dt.timedelta(seconds=pause)
    return list(found.items), client


def test_every_page_is_asked_for_by_the_token_of_the_one_before() -> None:
    """Else a page is read twice or never, or a list without its selector is read."""
    items, client = listed(page([1, 2], "a", left=3), page([3, 4], "b", left=1), page([5]))
    assert items == [1, 2, 3, 4, 5]
    selector, limit = ("fieldSelector", "odd"), ("limit", "500")
    assert client.queries == [
        (selector, limit),
        (selector, limit, ("continue", "a")),
        (selector, limit, ("continue", "b")),
    ]


@pytest.mark.parametrize("token", ["", None])
def test_a_null_list_is_an_empty_one(token: str | None) -> None:
    """Else a namespace without pods, which a Go server may send as null, is a doubt."""
    assert listed(page(None, token))[0] == []


def test_items_that_nobody_wants_are_counted_and_left_out() -> None:
    """Else an Event about a Job is taken for evidence, or makes its list look short."""
    assert listed(page([1, 0], "a", left=2), page([0, 4]))[0] == [1, 4]


@pytest.mark.parametrize(("at_most", "asked"), [(1, 1), (2, 1), (3, 2), (9, 2)])
def test_enough_is_enough(at_most: int, asked: int) -> None:
    """Else a million Events are read for the ten thousand that are kept."""
    pages = page([1, 2], "a", left=2), page([3, 4])
    assert len(listed(*pages, at_most=at_most)[1].queries) == asked


def test_a_list_may_take_five_minutes_and_no_longer() -> None:
    """Else locks are judged by a snapshot that the server itself no longer has."""
    pages = page([1], "a"), page([2], "b"), page([3])
    assert listed(*pages, pause=150)[0] == [1, 2, 3]
    with pytest.raises(Garbled, match="more than five minutes"):
        listed(page([1], "a"), page([2], "b"), page([3], "c"), page([4]), pause=100.1)


def test_the_same_token_again_is_no_list() -> None:
    """Else a server that sends one page again and again is asked two thousand times."""
    with pytest.raises(Garbled, match="one page twice"):
        listed(page([1], "a"), page([2], "b"), page([3], "a"))


def test_a_page_of_another_snapshot_is_no_page_of_this_list() -> None:
    """Else a pod that moved between two snapshots is in neither page."""
    other = page([2]).replace(b'"7"', b'"8"')
    with pytest.raises(Garbled, match="changed the snapshot midway"):
        listed(page([1], "a"), other)


@pytest.mark.parametrize("version", [b'""', b"null"])
def test_a_list_of_no_version_is_none(version: bytes) -> None:
    """Else nothing shows that two pages, or two lists, are of one time."""
    with pytest.raises(Garbled, match=r"a list of no version|no NumberList"):
        listed(page([1], "a").replace(b'"7"', version), page([2]))


def test_a_list_without_end_is_ended() -> None:
    """Else a server that always has another page holds the sweep up for ever."""
    pages = [page([1], f"token-{number}") for number in range(2_000)]
    with pytest.raises(Garbled, match="never came to an end"):
        listed(*pages, pause=0)
    assert len(listed(*pages[:1_999], page([1]), pause=0)[0]) == 2_000


def test_a_list_is_begun_anew_three_times_in_all() -> None:
    """Else a busy server is given up too early, or never."""
    assert listed(Expired("old"), Expired("old"), page([1]))[0] == [1]
    assert listed(page([1], left=1), page([1], left=1), page([1, 2]))[0] == [1, 2]
    with pytest.raises(Expired):
        listed(Expired("old"), Expired("old"), Expired("old"), page([1]))


def test_what_was_read_of_an_expired_list_is_let_go_before_it_is_read_anew() -> None:
    """Else a large cluster's pods are held twice, and the pod is killed for its memory."""

    class Item:
        pass

    kept: list[int] = []
    seen: list[weakref.ref[Item]] = []

    def item(_: int) -> Item:
        kept.append(sum(each() is not None for each in seen))
        made = Item()
        seen.append(weakref.ref(made))
        return made

    pages = [page([1, 2], "a"), Expired("old"), page([3])]
    client = Client(pages, dt.timedelta(0))
    gc.disable()
    try:
        list_all(client, REQUEST, Kind("NumberList", KIND.decoder, item))  # type: ignore[arg-type]
    finally:
        gc.enable()
    assert kept == [0, 1, 0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        page([1])[:-1],
        page([1], kind="NumberTable"),
        page([1], kind=None),
        page([1]).replace(b"NumberList", b"Number\xff"),
        page([1], more="deep").replace(b'"deep"', b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_a_page_that_is_none_is_garbled(body: bytes) -> None:
    """Else a proxy's page ends the sweep in a traceback, or is an empty list."""
    with pytest.raises(Garbled, match="Asked to list numbers in all namespaces, the API server"):
        listed(body)
