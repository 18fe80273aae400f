"""What happened, in order; told as the story of one holder where something went wrong."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

LONGEST_STORY = 60
"""Lines."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened in one repository."""

    at: float
    """Seconds since the epoch."""
    who: str
    store: str
    hostname: str
    text: str


@dataclass
class Diary:
    """Kept by all threads; `counts` are for the summary."""

    began: float = field(default_factory=time.time)
    entries: list[Entry] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def write(self, who: str, store: str, hostname: str, text: str) -> None:
        """Notes something about the holder of that name."""
        with self._mutex:
            self.entries.append(Entry(time.time(), who, store, hostname, text))

    def count(self, what: str, more: int = 1) -> None:
        with self._mutex:
            self.counts[what] += more

    def fail(self, sentence: str, *, store: str = "", hostnames: Collection[str] = ()) -> None:
        """Notes a failure, with the story of those holders so far."""
        story = self.story(store, hostnames) if hostnames else ""
        with self._mutex:
            self.failures.append(f"{sentence}\n{story}".rstrip())

    def story(self, store: str, hostnames: Collection[str]) -> str:
        """What is known of these names in that store, and who pruned there meanwhile."""
        with self._mutex:
            entries = [entry for entry in self.entries if entry.store == store]
        entries.sort(key=lambda entry: entry.at)
        lived = [entry.at for entry in entries if entry.hostname in hostnames]
        lines = [
            f"  {entry.at - self.began:8.2f} s  {entry.who:<10}  {entry.text}"
            for entry in entries
            if entry.hostname in hostnames
            or (entry.who.startswith("prune") and lived[0] <= entry.at <= lived[-1])
        ]
        if len(lines) > LONGEST_STORY:
            lines = ["        ...", *lines[-LONGEST_STORY:]]
        return "\n".join(lines)
