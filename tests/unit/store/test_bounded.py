"""No call of a store takes longer than its bound, and one that hangs costs only its repository."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import cast

import pytest

from janitor.store import bounded as bounded_module
from janitor.store.bounded import BoundedStore
from janitor.store.errors import Unauthorized, Unreachable
from janitor.store.location import parse_location
from janitor.store.port import Layout, Root, Store
from janitor.store.silence import Silence, server_of


class SlowStore:
    """Answers `look` when it is released, or fails then."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure
        self.released = threading.Event()
        self.closed = False

    def look(self) -> Root:
        self.released.wait(10)
        if self._failure is not None:
            raise self._failure
        return Root(Layout.DEFAULT, locks_folder=True)

    def close(self) -> None:
        self.closed = True


def bounded(store: SlowStore, longest: float) -> BoundedStore:
    return BoundedStore(cast("Store", store), shown="/repos/shop", longest=longest)


def of_server(store: SlowStore, silence: Silence, server: str | None) -> BoundedStore:
    return BoundedStore(
        cast("Store", store), shown="/repos/shop", longest=0.05, silence=silence, server=server
    )


def test_a_call_that_hangs_ends_and_its_store_answers_no_more() -> None:
    """Else each further call of a dead server would cost a minute again."""
    slow = SlowStore()
    store = bounded(slow, 0.1)
    with pytest.raises(Unreachable, match=r"/repos/shop did not answer within"):
        store.look()
    began = time.monotonic()
    with pytest.raises(Unreachable, match="still hangs"):
        store.look()
    assert time.monotonic() - began < 0.1
    store.close()
    assert not slow.closed
    slow.released.set()


def test_the_next_store_of_the_same_thread_does_not_wait_for_it() -> None:
    """Else one dead server makes every repository after it unreachable."""
    slow, quick = SlowStore(), SlowStore()
    quick.released.set()
    with pytest.raises(Unreachable):
        bounded(slow, 0.1).look()
    assert bounded(quick, 5).look() == Root(Layout.DEFAULT, locks_folder=True)
    slow.released.set()


def test_what_arrives_too_late_is_nobodys_answer() -> None:
    """Else a late answer would be taken for that of the next call."""
    slow, quick = SlowStore(), SlowStore()
    with pytest.raises(Unreachable):
        bounded(slow, 0.1).look()
    slow.released.set()
    quick.released.set()
    for _ in range(20):
        assert bounded(quick, 5).look() == Root(Layout.DEFAULT, locks_folder=True)


def test_a_server_that_answers_nobody_is_not_asked_by_every_repository() -> None:
    """Else two hundred repositories of one dead server take the whole time of every sweep."""
    silence = Silence()
    slow = [SlowStore() for _ in range(4)]
    for store in slow[:3]:
        with pytest.raises(Unreachable, match="did not answer within"):
            of_server(store, silence, "dead").look()
    began = time.monotonic()
    with pytest.raises(Unreachable, match="was not asked: its server left several requests"):
        of_server(slow[3], silence, "dead").look()
    assert time.monotonic() - began < 0.1
    slow[3].released.set()
    assert of_server(slow[3], silence, "alive").look() == Root(Layout.DEFAULT, locks_folder=True)
    assert of_server(slow[3], silence, None).look() == Root(Layout.DEFAULT, locks_folder=True)
    for store in slow:
        store.released.set()


def test_a_client_that_gives_up_after_long_counts_as_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most clients end a request by themselves, before the store's own bound."""
    monkeypatch.setattr(bounded_module, "_LONG", 0.0)
    silence = Silence()
    patient = SlowStore(Unreachable("timed out"))
    patient.released.set()
    for words in (["timed out"] * 3) + ["was not asked"]:
        with pytest.raises(Unreachable, match=words):
            of_server(patient, silence, "dead").look()


@pytest.mark.parametrize("failure", [None, Unauthorized("no")])
def test_one_answer_is_enough_to_go_on_asking(failure: Exception | None) -> None:
    """Else some slow folders of a server that works cost all of its repositories."""
    silence = Silence()
    slow, quick = SlowStore(), SlowStore(failure)
    quick.released.set()
    for _ in range(4):
        for _ in range(2):
            with pytest.raises(Unreachable, match="did not answer within"):
                of_server(slow, silence, "busy").look()
        with suppress(Unauthorized):
            of_server(quick, silence, "busy").look()
    slow.released.set()


def test_a_refusal_at_once_is_asked_for_again() -> None:
    """A server that refuses connections costs nothing, and may have been restarted meanwhile."""
    silence = Silence()
    refusing = SlowStore(Unreachable("nothing listens"))
    refusing.released.set()
    for _ in range(9):
        with pytest.raises(Unreachable, match="nothing listens"):
            of_server(refusing, silence, "down").look()


@pytest.mark.parametrize(
    ("location", "server"),
    [
        ("s3:https://S3.example/bucket/a", "s3:s3.example"),
        ("rest:https://user:pass@rest.example:8000/a/", "rest:rest.example:8000"),
        ("sftp:user@host.example:/a", "sftp:host.example:"),
        ("/repos/a", None),
        ("gs:bucket:/a", None),
    ],
)
def test_what_one_server_is(location: str, server: str | None) -> None:
    """Else a healthy server is taken for a dead one, or the dead one is asked again and again."""
    assert server_of(parse_location(location)) == server
