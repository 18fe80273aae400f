"""One story: its backups live one after the other, and each tries until it gets its lock."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass

from tests.torture.book import Book
from tests.torture.cluster import TruthfulApi
from tests.torture.diary import Diary
from tests.torture.holders import End, Holder, Nursery
from tests.torture.homes import abode
from tests.torture.janitors import Truth
from tests.torture.plan import Backup, Fate, Story
from tests.torture.proof import holds_its_lock

TRIES = 40
"""So often a backup may be refused its lock: each time somebody prunes, or has died pruning."""
MEETINGS = 2
"""So often janitors meet a backup whose lock is old, before it ends well."""


class Gate:
    """Closed while somebody waits for the exclusive lock, so that it is to be had at all."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()

    def wait(self) -> None:
        """Until it is open."""
        self._open.wait()

    def open(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.clear()


@dataclass
class Teller:
    """Lets stories happen."""

    api: TruthfulApi
    nursery: Nursery
    books: dict[str, Book]
    gates: dict[str, Gate]
    truth: Truth
    diary: Diary
    seed: int

    def tell(self, story: Story) -> None:
        """From its first backup to its last."""
        chance = random.Random(f"{self.seed}-{story.name}")
        home = abode(story, self.api, chance)
        for backup in story.backups:
            for tried in range(1, TRIES + 1):
                self.gates[story.store].wait()
                hostname = home.enter()
                book = self.books[story.store]
                book.hostnames.setdefault(backup.name, set()).add(hostname)
                holder = self.nursery.backup(
                    backup,
                    book.target,
                    hostname,
                    chance=chance,
                    enough=self._enough,
                    at_last=self._look_at_lock,
                )
                home.leave(holder)
                if holder.end is not End.REFUSED:
                    break
                self.diary.count("refused")
                time.sleep(chance.uniform(0.3, 1.5) * min(tried, 5))
            self._note(backup, holder)
        home.retire()

    def _enough(self, holder: Holder) -> bool:
        return self.truth.met(holder) >= MEETINGS

    def _look_at_lock(self, holder: Holder) -> None:
        """Who was met had its lock; it lives, so it has it now, but for the moment of a refresh."""
        if not self.truth.met(holder) or holds_its_lock(holder):
            return
        time.sleep(1)
        if holder.process.poll() is None and not holds_its_lock(holder):
            self.diary.fail(
                f"{holder.who} lives on {holder.target.store}, and its lock is gone",
                store=holder.target.store,
                hostnames={holder.hostname},
            )

    def _note(self, backup: Backup, holder: Holder) -> None:
        store, end = holder.target.store, holder.end
        book = self.books[store]
        self.diary.count("backups")
        self.diary.count(f"backups: {end}")
        if backup.pause is not None:
            self.diary.count("paused")
        if end is End.WELL:
            with book.mutex:
                book.snapshots[backup.name] = holder
                if backup.kept:
                    book.kept.add(backup.name)
        elif end not in (End.KILLED, End.TOLD) or backup.fate is Fate.ENDS:
            self.diary.fail(
                f"{backup.name} (restic {backup.version} on {store}) {end}, exit code "
                f"{holder.process.returncode}",
                store=store,
                hostnames=book.hostnames[backup.name],
            )
