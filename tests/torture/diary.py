"""What happened, in order; told as the story of one holder where something went wrong."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

LONGEST_STORY = 80
"""Lines."""
WIDEST = 200
"""Characters of what one entry says."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, to the holder of that name in that repository."""

    at: float
    """Seconds since the epoch."""
    who: str
    store: str | None
    """None: not in a repository, but to the pod."""
    hostname: str
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and with whom."""

    sentence: str
    store: str | None = None
    hostnames: frozenset[str] = frozenset()


@dataclass
class Diary:
    """Kept by all threads; `counts` are for the summary."""

    began: float = field(default_factory=time.time)
    entries: list[Entry] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def write(
        self, who: str, store: str | None, hostname: str, text: str, *, at: float | None = None
    ) -> None:
        """Notes something; it happened now, or at a time that is known better."""
        words = " ".join(text.split())
        short = words if len(words) <= WIDEST else f"... {words[-WIDEST:]}"
        with self._mutex:
            self.entries.append(Entry(at or time.time(), who, store, hostname, short))

    def count(self, what: str, more: int = 1) -> None:
        with self._mutex:
            self.counts[what] += more

    def fail(
        self, sentence: str, *, store: str | None = None, hostnames: Collection[str] = ()
    ) -> None:
        """Notes a failure; the story of those holders in that store belongs to it."""
        with self._mutex:
            self.failures.append(Failure(sentence, store, frozenset(hostnames)))

    def told(self, failure: Failure) -> str:
        """The failure with the story of its holders, and of who pruned there meanwhile."""
        with self._mutex:
            entries = [entry for entry in self.entries if entry.store in (failure.store, None)]
        entries.sort(key=lambda entry: entry.at)
        lived = [entry.at for entry in entries if entry.hostname in failure.hostnames]
        lines = [
            f"  {entry.at - self.began:8.2f} s  {entry.who:<10}  {entry.text}"
            for entry in entries
            if entry.hostname in failure.hostnames
            or (
                entry.store is not None
                and entry.who.startswith("prune")
                and lived
                and lived[0] <= entry.at <= lived[-1]
            )
        ]
        if len(lines) > LONGEST_STORY:
            lines = ["        ...", *lines[-LONGEST_STORY:]]
        return "\n".join([failure.sentence, *lines])
