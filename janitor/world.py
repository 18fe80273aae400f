"""What a run needs from outside, passed in: the clock, the threads, the stores, the cluster.

Nothing below `cli` and `wiring` reads a clock or starts a thread by itself, so that a simulation
drives the very code that ships.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from janitor.cluster.port import Cluster
from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import LockReport, RepositoryReport, SweepReport
from janitor.state import Shelf
from janitor.store.port import Store

Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(Protocol):
    """A bounded number of threads."""

    def map(self, step: Callable[[Item], Result], items: Iterable[Item], /) -> Iterable[Result]:
        """The results in the order of the items, each as soon as it and those before are done."""


class Printer(Protocol):
    """Where the reports go, as they come."""

    def lock(self, report: LockReport) -> None:
        """One lock."""

    def repository(self, report: RepositoryReport) -> None:
        """One repository; its locks came before it."""

    def sweep(self, report: SweepReport) -> None:
        """The sum, at the end."""

    def progress(self, done: int, total: int, what: str) -> None:
        """So much of a step is done; shown only to a person who waits."""


def _never() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class World:
    """The surroundings of one run."""

    clock: Callable[[], datetime]
    """The janitor's own clock, in UTC."""
    pool: Pool
    open_store: Callable[[Found], Store]
    """Makes no request yet. Raises StoreError."""
    cluster: Cluster
    shelf: Shelf | None
    """Where the state is kept; None: nowhere."""
    keyring: Keyring = field(default_factory=Keyring)
    stopping: Callable[[], int] = _never
    """The number of the signal that asked to finish the step in hand and report; 0: none did."""
