"""What one repository must hold in the end."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from tests.torture.holders import Holder
from tests.torture.places import Target


@dataclass
class Book:
    """Kept by the stories and the pruner of one repository."""

    target: Target
    snapshots: dict[str, Holder] = field(default_factory=dict)
    """The backups that ended well, by their tag."""
    kept: set[str] = field(default_factory=set)
    """Of these: whose snapshot must be there in the end."""
    forgotten: set[str] = field(default_factory=set)
    """Of these: whose snapshot somebody was told to forget, and perhaps died over it."""
    hostnames: dict[str, set[str]] = field(default_factory=dict)
    """The nodenames under which each backup ran, by its tag."""
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def to_forget(self, chance: random.Random) -> list[str]:
        """A few that ended well; whoever was chosen is not chosen again."""
        with self.mutex:
            there = sorted(self.snapshots.keys() - self.kept - self.forgotten)
            chosen = chance.sample(there, min(len(there), chance.randrange(4)))
            self.forgotten.update(chosen)
        return chosen

    def spare(self, names: list[str]) -> None:
        """They were not forgotten after all: the command did not get its lock."""
        with self.mutex:
            self.forgotten.difference_update(names)
