"""Plays many histories on all cores, and keeps count from run to run.

The ledger names the code that was proven by a digest of it, so that a change begins a new count.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from tests.simulation.history import play

ROOT = Path(__file__).parents[2]
_CHUNK = 100


@dataclass
class Count:
    """What some histories came to, together."""

    histories: int = 0
    sweeps: int = 0
    removed: int = 0
    exposed: int = 0
    failed: list[int] = field(default_factory=list)
    """Seeds."""

    def add(self, other: Count) -> None:
        self.histories += other.histories
        self.sweeps += other.sweeps
        self.removed += other.removed
        self.exposed += other.exposed
        self.failed += other.failed

    def __str__(self) -> str:
        return (
            f"{self.histories:,} histories, {self.sweeps:,} sweeps, {self.removed:,} removed; "
            f"{self.exposed:,} times a living holder's lock was old on every clock; "
            f"{len(self.failed)} failed"
        )


def play_some(first: int, number: int, breaks: str | None = None) -> Count:
    """Plays the histories of consecutive seeds."""
    count = Count()
    for seed in range(first, first + number):
        outcome = play(seed, breaks=breaks)
        failed = [seed] if outcome.violations else []
        count.add(Count(1, outcome.sweeps, outcome.removed, outcome.exposed, failed))
    return count


def play_many(first: int, number: int, *, jobs: int, breaks: str | None = None) -> Iterator[Count]:
    """The same in parallel; yields the counts in the order of the seeds."""
    work = [
        (begin, min(_CHUNK, first + number - begin), breaks)
        for begin in range(first, first + number, _CHUNK)
    ]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_play_some, work)


def _play_some(work: tuple[int, int, str | None]) -> Count:
    return play_some(*work)


def digest() -> str:
    """Of the janitor's code and the simulation's."""
    total = hashlib.sha256()
    for folder in ("janitor", "tests/simulation"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            total.update(file.read_bytes())
    return total.hexdigest()[:16]


def load(ledger: Path, code: str) -> Count:
    """What was proven of this code before."""
    if not ledger.exists():
        return Count()
    known = msgspec.json.decode(ledger.read_bytes(), type=dict[str, Count])
    return known.get(code, Count())


def save(ledger: Path, code: str, count: Count) -> None:
    """Adds to the ledger; counts of other code stay."""
    known = msgspec.json.decode(ledger.read_bytes()) if ledger.exists() else {}
    known[code] = asdict(count)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    new = ledger.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(known)))
    new.replace(ledger)
