"""Servers that answer nobody are not asked by every repository again: each would wait a minute."""

from __future__ import annotations

import threading
from collections import Counter
from urllib.parse import urlsplit

from janitor.store.location import Location

_AT_MOST = 3
"""Requests in a row that end without an answer; after them the server is asked no more."""


class Silence:
    """What the repositories of one run know of each other's servers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unanswered: Counter[str] = Counter()

    def reigns(self, server: str | None) -> bool:
        """Whether there is no use in asking this server."""
        return server is not None and self._unanswered[server] >= _AT_MOST

    def heard(self, server: str | None) -> None:
        """It answered, whatever it said."""
        if server is not None and server in self._unanswered:
            with self._lock:
                self._unanswered.pop(server, None)

    def unheard(self, server: str | None) -> None:
        """It did not answer in all the time that a request has."""
        if server is not None:
            with self._lock:
                self._unanswered[server] += 1


def server_of(location: Location) -> str | None:
    """What repositories of one server have in common; None: unknown, or it is a whole cloud's.

    Of a local path it cannot be told which mount it is in without asking that mount.
    """
    match location.scheme:
        case "s3":
            return f"s3:{location.endpoint}"
        case "rest":
            return f"rest:{urlsplit(location.url).netloc.rpartition('@')[2]}"
        case "sftp":
            return f"sftp:{location.host}:{location.port}"
        case _:
            return None
