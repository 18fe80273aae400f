"""`forget --prune` again and again: it gets its exclusive lock, or says that it did not."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass

from tests.torture.book import Book
from tests.torture.cluster import TruthfulApi
from tests.torture.diary import Diary
from tests.torture.holders import End, Holder, Nursery, Signals, signals_of
from tests.torture.homes import JobPods
from tests.torture.plan import VERSIONS, Fate, Pause
from tests.torture.stories import Gate

INSISTENCE = 60.0
"""Seconds for which new backups are held back at most, so that a prune gets in."""
INSISTS = 3
"""Every third one does so; the others meet whatever is alive."""


@dataclass
class Pruner:
    """One repository's, in pods of its own."""

    book: Book
    gate: Gate
    api: TruthfulApi
    nursery: Nursery
    diary: Diary
    chance: random.Random
    over: threading.Event
    pause: tuple[float, float]
    """Seconds between two of them."""
    _number: int = 0

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(self.chance.uniform(*self.pause)):
            if self._number % INSISTS == INSISTS - 1:
                self._insist()
            else:
                self._prune()

    def _insist(self) -> None:
        """Nobody new begins until it has its lock; then they find the repository locked."""
        until = time.monotonic() + INSISTENCE
        try:
            self.gate.close()
            while self._prune() is End.REFUSED:
                if time.monotonic() > until or self.over.wait(1):
                    return
        finally:
            self.gate.open()

    def _prune(self) -> End:
        self._number += 1
        chosen = self.book.to_forget(self.chance)
        holder = self._run(chosen)
        end = holder.end
        if end is End.REFUSED:
            self.book.spare(chosen)
        elif end is End.WELL:
            self.diary.count("forgotten", len(chosen))
        elif end is not End.KILLED:
            store = self.book.target.store
            self.diary.fail(
                f"{holder.who} on {store} {end}, exit code {holder.process.returncode}",
                store=store,
                hostnames={holder.hostname},
            )
        self.diary.count(f"prunes: {end}")
        return end

    def _run(self, chosen: list[str]) -> Holder:
        """Half of the new ones wait for the lock: they get in the moment that it is free."""
        store, version = self.book.target.store, self.chance.choice(VERSIONS)
        ids = [self.book.snapshots[name].said.split("snapshot ")[-1][:8] for name in chosen]
        words = ["forget", *ids, "--prune"] if ids else ["prune"]
        words += ["--max-unused", "0"]
        if version != "0.14" and self.chance.random() < 0.5:
            words += ["--retry-lock", "15s"]
        home = JobPods(f"shop-prune-{store}", self.api, self.chance)
        hostname = home.enter()
        holder = self.nursery.prune(
            f"prune-{self._number:02}",
            version,
            self.book.target,
            hostname,
            words,
            signals=self._signals(),
            locked=self.gate.open,
        )
        home.leave(holder)
        return holder

    def _signals(self) -> Signals:
        """From the moment when it has its lock. By itself a prune here takes some 0.1 s, so it is
        stopped at once, and killed then, or soon after it was woken.
        """
        pause = Pause(0, self.chance.uniform(4, 8))
        fates = ("spared", "spared", "spared", "paused", "killed", "killed when woken")
        match self.chance.choice(fates):
            case "paused":
                return signals_of(pause)
            case "killed":
                return signals_of(pause, Fate.KILLED, self.chance.uniform(0, pause.seconds))
            case "killed when woken":
                late = self.chance.uniform(0, 0.1)
                return signals_of(pause, Fate.KILLED, pause.seconds + late)
            case _:
                return ()
