"""restic processes as they treat their lock, version by version (docs/safety.md, "Why").

A process writes its lock, writes it anew every 300 seconds and removes the old one, and removes
the last one when it ends. What it does when a refresh fails, is late, or when it was suspended,
is what its version says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.simulation.bucket import Bucket, StoredLock
from tests.simulation.clockwork import MINUTE, Clockwork

REFRESH = 5 * MINUTE
GIVE_UP = 22.5 * MINUTE


@dataclass(frozen=True)
class Version:
    """What one version of restic does with its lock."""

    name: str
    keeps_time: bool = False
    """0.9.6 and older: a refresh writes the time of the process's start again."""
    gives_up: bool = True
    """0.15 and newer end after 22.5 minutes without a refresh; older ones write on for ever."""
    can_get_stuck: bool = True
    """0.16 and newer: one refresh that succeeds later than that ends all refreshing, for good."""
    removes_on_term: bool = True
    """0.17 and newer remove their lock on SIGTERM."""


VERSIONS = (
    Version("0.9.6", keeps_time=True, gives_up=False, can_get_stuck=False, removes_on_term=False),
    Version("0.14", gives_up=False, can_get_stuck=False, removes_on_term=False),
    Version("0.16", removes_on_term=False),
    Version("0.19"),
)


class Machine(Protocol):
    """What a process needs of the host that it runs on."""

    name: str
    reaches_bucket: bool

    def read_clock(self) -> float:
        """Seconds since the history's beginning, as this host has it."""


class Process:
    """One restic process and its lock."""

    def __init__(
        self,
        clockwork: Clockwork,
        random: Random,
        bucket: Bucket,
        *,
        host: Machine,
        hostname: str,
        version: Version,
        clock_ahead: float = 0.0,
        tell: Callable[[str], None],
    ) -> None:
        self._clockwork = clockwork
        self._random = random
        self._bucket = bucket
        self.host = host
        self.hostname = hostname
        self.version = version
        self._clock_ahead = clock_ahead
        self._tell = tell
        self.alive = True
        self.paused = False
        self.died: float | None = None
        self.lock: StoredLock | None = None
        self._refreshing = True
        self._last_refresh = clockwork.now
        self._hangs = False
        self._began = self._now()

    def begin(self) -> None:
        """Locks the repository, or ends where it cannot be reached."""
        if not self._reaches():
            self.die("cannot reach the repository")
            return
        self._write()
        self._clockwork.after(REFRESH, self._tick)

    def finish(self) -> None:
        """Ends well."""
        if self.alive and not self.paused:
            self._release()
            self.die("is done")

    def terminate(self) -> None:
        """SIGTERM."""
        if self.alive and not self.paused and self.version.removes_on_term:
            self._release()
            self.die("ends on SIGTERM")
        elif self.alive and not self.paused:
            self.die("dies of SIGTERM")

    def die(self, why: str = "is killed") -> None:
        """Ends at once; its lock stays."""
        if self.alive:
            self.alive = False
            self.died = self._clockwork.now
            self._tell(f"{self} {why}")

    def pause(self) -> None:
        """SIGSTOP, a frozen cgroup or a suspended virtual machine."""
        if self.alive and not self.paused:
            self.paused = True
            self._tell(f"{self} is suspended")

    def resume(self) -> None:
        """Whatever was due while it was suspended is done at once."""
        if not self.alive or not self.paused:
            return
        self.paused = False
        self._tell(f"{self} is resumed")
        if self._refreshing:
            self._tick()

    def bucket_is_back(self) -> None:
        """A request that hung since the bucket was away now succeeds."""
        if self.alive and not self.paused and self._refreshing and self._hangs:
            self._hangs = False
            self._refresh()

    def __str__(self) -> str:
        return f"restic {self.version.name} on {self.hostname}"

    # --- the lock ----------------------------------------------------------------------------

    def _tick(self) -> None:
        if not self.alive or self.paused or not self._refreshing or self._hangs:
            return
        if self._reaches():
            self._refresh()
        elif self.version.can_get_stuck and self._random.random() < 0.5:
            self._hangs = True
        elif self.version.gives_up and self._late():
            self.die("gives up: its lock could not be refreshed")
        else:
            self._clockwork.after(REFRESH, self._tick)

    def _refresh(self) -> None:
        if self.version.gives_up and self._late():
            if self.lock is not None and not self._bucket.has(self.lock):
                self.die("gives up: its lock is gone")
                return
            if self.version.can_get_stuck and self._random.random() < 0.7:
                self._refreshing = False
                self._tell(f"{self} refreshes late, and never again")
        self._write()
        if self._refreshing:
            self._clockwork.after(REFRESH, self._tick)

    def _write(self) -> None:
        old = self.lock
        time = self._began if self.version.keeps_time else self._now()
        self.lock = self._bucket.write(self, time=time, writer_clock=self._now())
        self._last_refresh = self._clockwork.now
        if old is not None:
            self._clockwork.after(0.01, lambda: self._bucket.remove(old))

    def _release(self) -> None:
        if self.lock is not None and self._reaches():
            self._bucket.remove(self.lock)

    def _late(self) -> bool:
        return self._clockwork.now - self._last_refresh >= GIVE_UP

    def _reaches(self) -> bool:
        return self._bucket.up and self.host.reaches_bucket

    def _now(self) -> float:
        return self.host.read_clock() + self._clock_ahead
