"""Which runs failed on one lock, by restic's own words in what they left behind.

restic says (0.13 to 0.19; older ones leave the third line out):

    unable to create lock in backend: repository is already locked by PID 1 on db-0 by  (UID 0, ...)
    lock was created at 2026-11-24 01:02:03 (2h0m1s ago)
    storage ID 5f3c01aa

What keeps it may have lost lines of it, joined them, or escaped the breaks. The storage ID is the
beginning of the lock's own, and enough. Without one, the process, the host and the second must fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from janitor.model import FailedRun, Lock, LockID

_NOISE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\\[nrt]|\s")
_STORAGE = re.compile(r"storage ID ([0-9a-f]{8})(?![0-9a-f])")
_HOLDER = re.compile(
    r"already locked(?: exclusively)? by PID ([0-9]{1,10}) on (\S{1,253}) by .{0,200}?"
    r"lock was created at ([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(.{0,100})"
)
_ZONES = timedelta(minutes=15)
"""The time is in the holder's zone, which is not told: all are so many minutes apart."""
_FARTHEST = timedelta(hours=14)


def failed_on(lock_id: LockID, lock: Lock, runs: Iterable[FailedRun]) -> tuple[FailedRun, ...]:
    """Those whose words name this lock, each once, the earliest first."""
    found = {
        (run.kind, run.namespace, run.name, run.time): run
        for run in runs
        if names(run.words, lock_id, lock)
    }
    never = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(found.values(), key=lambda run: (run.time or never, run.name)))


def names(words: str, lock_id: LockID, lock: Lock) -> bool:
    """Whether these words name this lock, and not perhaps another one."""
    ids, holders = _said(words)
    if lock_id[:8] in ids:
        return True
    return any(
        (int(pid), hostname) == (lock.pid, lock.hostname)
        and "storage ID" not in rest
        and _same_second(created, lock.time)
        for pid, hostname, created, rest in holders
    )


@lru_cache(maxsize=2048)
def _said(words: str) -> tuple[frozenset[str], tuple[tuple[str, str, str, str], ...]]:
    """The storage IDs and the holders in these words, which are compared with many locks."""
    line = " ".join(_NOISE.sub(" ", words).split())
    return frozenset(_STORAGE.findall(line)), tuple(_HOLDER.findall(line))


def _same_second(told: str, time: datetime) -> bool:
    try:
        apart = datetime.fromisoformat(told).replace(tzinfo=UTC) - time.replace(microsecond=0)
    except ValueError:
        return False
    return abs(apart) <= _FARTHEST and apart % _ZONES == timedelta(0)
