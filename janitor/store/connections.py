"""What the stores of one run share: connection pools and clients, made once for each server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, Self

from janitor.store.silence import Silence

THREADS = 16
"""Requests of a run that are under way at once. So many connections to a server are kept: one less
would be made anew again and again.
"""


_RECENT = 128
"""Object-store clients that are kept: some 20 MB."""


class Connections:
    """A thread-safe cache of clients, by what makes them differ (endpoint, credentials, CA)."""

    def __init__(self) -> None:
        self.silence = Silence()
        """Which servers answer nobody."""
        self._lock = threading.Lock()
        self._made: dict[Hashable, Any] = {}
        self._recent: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The client of this key, made by `make` where there is none yet."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def recent(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """As `get`, for clients that need no closing: those used last are kept.

        An object-store client costs 7 ms of CPU and 0.1 to 0.2 MB, so all repositories behind the
        same one share it; thousands that have a bucket or keys of their own must not all be kept.
        """
        with self._lock:
            if key not in self._recent:
                self._recent[key] = make()
                if len(self._recent) > _RECENT:
                    self._recent.popitem(last=False)
            self._recent.move_to_end(key)
            return self._recent[key]

    def close(self) -> None:
        """Lets all of them go. May be called twice."""
        with self._lock:
            made, self._made = list(self._made.values()), {}
            self._recent.clear()
        for client in made:
            end = getattr(client, "clear", None) or getattr(client, "close", None)
            if callable(end):
                end()  # of urllib3 the manager of pools clears, a pool and a program close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
