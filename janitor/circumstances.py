"""What is left to tell how a holder died: the words that `cluster` reads and `diagnose` weighs.

Nothing here does I/O. Every time is an aware `datetime` in UTC, as the object has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from janitor.model import FailedRun


@dataclass(frozen=True, slots=True)
class ContainerStory:
    """One container of a pod: how its last run ended, and what it was allowed."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    """`command` and `args` of the spec."""
    memory_limit: str | None = None
    """A quantity as it stands in the spec, for example `512Mi`; None: it has none, empty: its spec
    was not read.
    """
    restarts: int = 0
    reason: str | None = None
    """Of the last end: `OOMKilled`, `Error`, `Completed`."""
    exit_code: int | None = None
    started: datetime | None = None
    """When the run began that ended so."""
    finished: datetime | None = None


@dataclass(frozen=True, slots=True)
class PodStory:
    """A pod that is still there, with what the rule does not need."""

    namespace: str
    name: str
    uid: str = ""
    phase: str = ""
    reason: str | None = None
    message: str | None = None
    node: str = ""
    """Empty: it was not scheduled yet."""
    deleted: datetime | None = None
    """When it was asked to end; a pod that ended by itself has none."""
    grace_seconds: int | None = None
    """`terminationGracePeriodSeconds`."""
    owner: str = ""
    """Its controller, for people: `Job backup-29401`."""
    disruption: str = ""
    """The reason of its condition DisruptionTarget; empty: it has none."""
    disrupted: datetime | None = None
    disruption_message: str = ""
    empty_dirs: tuple[tuple[str, str], ...] = ()
    """Names and size limits of its emptyDirs; an empty limit is none."""
    containers: tuple[ContainerStory, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """An Event about something that is no pod: a Job, a Node, a StatefulSet."""

    kind: str
    namespace: str
    name: str
    reason: str = ""
    message: str = ""
    time: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Circumstances:
    """What was gathered about the holders of stale locks."""

    pods: tuple[PodStory, ...] = ()
    events: tuple[ObjectEvent, ...] = ()
    missing: str | None = None
    """Why Events could not be read, in one sentence."""
    failures: tuple[FailedRun, ...] = ()
    """Runs that failed on some lock."""
    failures_missing: str | None = None
    """Why not all of them could be read, in one sentence."""
