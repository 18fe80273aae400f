"""No call of a store takes longer than its bound, and one that hangs costs only its repository."""

from __future__ import annotations

import threading
import time
from typing import cast

import pytest

from janitor.store.bounded import BoundedStore
from janitor.store.errors import Unreachable
from janitor.store.port import Layout, Root, Store


class SlowStore:
    """Answers `look` when it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.closed = False

    def look(self) -> Root:
        self.released.wait(10)
        return Root(Layout.DEFAULT, locks_folder=True)

    def close(self) -> None:
        self.closed = True


def bounded(store: SlowStore, longest: float) -> BoundedStore:
    return BoundedStore(cast("Store", store), shown="/repos/shop", longest=longest)


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
