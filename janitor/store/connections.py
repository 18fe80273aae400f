"""What the stores of one run share: connection pools and clients, made once for each server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any, Self

THREADS = 16
"""Requests of a run that are under way at once. So many connections to a server are kept: one less
would be made anew again and again.
"""


class Connections:
    """A thread-safe cache of clients, keyed by what makes them differ (endpoint, credentials, CA).

    An object-store client costs 4 ms of CPU and 0.1 MB, so all repositories behind the same one
    share it. Make one for each group of repositories and close it after the group.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The client of this key, made by `make` where there is none yet."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def replace(self, key: Hashable, client: Any) -> None:
        """Puts another client in place, for instance one that learned the bucket's region."""
        with self._lock:
            self._made[key] = client

    def close(self) -> None:
        """Lets all of them go. May be called twice."""
        with self._lock:
            made, self._made = list(self._made.values()), {}
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
