"""Virtual time: events in their order, and actors that wait for it.

Everything happens in one thread, so a history depends on its seed alone.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from greenlet import getcurrent, greenlet

EPOCH = datetime(2026, 11, 24, tzinfo=UTC)
MINUTE = 60.0
HOUR = 3600.0


def moment(seconds: float) -> datetime:
    """So many seconds after the history's beginning."""
    return EPOCH + timedelta(seconds=seconds)


class Killed(BaseException):
    """What SIGKILL does, as near as Python comes to it: nothing may catch it."""


class Clockwork:
    """True time, in seconds since the beginning, and what is to happen when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._hub = getcurrent()

    def at(self, time: float, action: Callable[[], object]) -> None:
        """Lets something happen at that time; what is already past happens next."""
        heapq.heappush(self._queue, (time, next(self._numbers), action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Lets something happen so much later."""
        self.at(self.now + seconds, action)

    def run_until(self, end: float) -> None:
        """Lets everything happen that is due by then."""
        self._hub = getcurrent()
        while self._queue and self._queue[0][0] <= end:
            time, _, action = heapq.heappop(self._queue)
            self.now = max(self.now, time)
            action()
        self.now = end

    def start(self, actor: Actor) -> None:
        """Lets an actor work until it waits for the first time. Call it from an event."""
        actor.thread.switch()

    def wait(self, actor: Actor, seconds: float) -> None:
        """Called by the actor itself: the world goes on for so long. Raises Killed."""
        actor.steps += 1
        self.after(seconds, actor.thread.switch)
        self._hub.switch()
        if actor.dies_at is not None and actor.steps >= actor.dies_at:
            raise Killed


class Actor:
    """One piece of work that takes time. `steps` counts its waits; at `dies_at` it is killed."""

    def __init__(self, work: Callable[[], None], *, dies_at: int | None = None) -> None:
        self.thread = greenlet(work)
        self.steps = 0
        self.dies_at = dies_at
