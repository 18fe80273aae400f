"""The words that every part of the janitor shares.

Nothing here does I/O or reads a clock. Every time is an aware `datetime` in UTC, every duration
a `timedelta`. The verdict and state words are an interface (log field, metric label, Event reason).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

LockID = NewType("LockID", str)
"""64 lower-case hex digits: the SHA-256 of the stored bytes, which is also the file's name."""


class Secret:
    """A credential. It prints as `***` wherever it ends up; `reveal` and `encode` give it away.

    The text came from an environment variable or a file; bytes that are not UTF-8 are kept by
    `surrogateescape`, so that `encode` returns exactly what was stored.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def of_bytes(cls, raw: bytes) -> Secret:
        """The secret made of these bytes, whatever they are."""
        return cls(raw.decode("utf-8", "surrogateescape"))

    def reveal(self) -> str:
        """The credential itself, for the one call that needs it."""
        return self._text

    def encode(self) -> bytes:
        """The credential's bytes, exactly as they were stored."""
        return self._text.encode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (type(other), other._text) == (type(self), self._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)


class SecretFile(Secret):
    """The content of a file, in a variable where restic expects its path.

    Repositories that were found in the cluster carry their files' contents with them: the janitor
    never opens a path that somebody else wrote.
    """

    __slots__ = ()


class Verdict(StrEnum):
    """What was decided about a lock: the table in docs/verdicts.md, in its order."""

    UNREADABLE = "unreadable"
    PUT_BACK = "put-back"
    IN_THE_FUTURE = "in-the-future"
    TOO_YOUNG = "too-young"
    RECENTLY_WRITTEN = "recently-written"
    AWAITING_CONFIRMATION = "awaiting-confirmation"
    CLUSTER_UNKNOWN = "cluster-unknown"
    NODE_EXISTS = "node-exists"
    HOLDER_ALIVE = "holder-alive"
    NOT_OBSERVED = "not-observed"
    FOREIGN_HOST = "foreign-host"
    HOLDER_REPLACED = "holder-replaced"
    HOLDER_TERMINATED = "holder-terminated"
    NODE_GONE = "node-gone"
    HOLDER_ABSENT = "holder-absent"
    UNREFRESHED = "unrefreshed"
    RELEASED = "released"

    @property
    def stale(self) -> bool:
        """True for the verdicts whose lock the sweep removes."""
        return self in _STALE

    @property
    def doubtful(self) -> bool:
        """True for the verdicts that mean "could not be judged" and turn the exit code to 1."""
        return self in (Verdict.CLUSTER_UNKNOWN, Verdict.NOT_OBSERVED)


_STALE = frozenset(
    {
        Verdict.HOLDER_REPLACED,
        Verdict.HOLDER_TERMINATED,
        Verdict.NODE_GONE,
        Verdict.HOLDER_ABSENT,
        Verdict.UNREFRESHED,
    }
)


class RepositoryState(StrEnum):
    """How far the janitor got with one repository."""

    READ = "read"
    UNLOCKED = "unlocked"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a state, not a password
    NO_REPOSITORY = "no-repository"
    NOT_MOUNTED = "not-mounted"
    INCOMPLETE = "incomplete"
    IGNORED = "ignored"


class StoreClock(StrEnum):
    """Whose clock stamped the times that a store's listing gives."""

    SERVER = "server"
    """The store's own (S3, GCS, Azure, B2, Swift): a second clock, independent of the holder."""
    WRITER = "writer"
    """Possibly the holder's own (files, SFTP, rclone): may keep a lock, never age one."""
    NONE = "none"
    """No times at all (REST)."""


# --- locks ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedLock:
    """A lock as a listing of `locks/` shows it: nothing is decrypted yet."""

    id: LockID
    size: int | None
    """Bytes; None where the store does not say."""
    modified: datetime | None
    """When the store says it was written, by `Store.clock`; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The decoded content of a lock file (restic's `internal/restic/lock.go`)."""

    time: datetime
    """When its holder wrote it, by the holder's clock, in UTC (nanoseconds are cut)."""
    exclusive: bool
    hostname: str
    """The kernel's nodename where the holder runs; in a pod, the pod's hostname."""
    username: str
    pid: int
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A lock that could not be decoded, and why, in one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class SeenLock:
    """Everything that is known about one lock apart from the cluster: the input of `judge`."""

    id: LockID
    content: Lock | Unreadable | None
    """None: it was not opened, since every time at hand says that it is young."""
    modified: datetime | None
    clock: StoreClock
    first_seen: datetime | None
    """When the janitor saw this very ID first; None where nothing is remembered."""
    put_back: bool = False
    stored: bytes | None = field(default=b"", repr=False)
    """The stored (encrypted) bytes: the record that can be put back. None: they were not read."""

    @property
    def hostname(self) -> str:
        """The holder's; empty where it is not known."""
        return self.content.hostname if isinstance(self.content, Lock) else ""


# --- whose locks they are --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HolderPattern:
    """Hostnames that are ours to judge, and the containers that run restic under them."""

    name: str
    """A glob (`*`, `?`, `[...]`) that the whole hostname must fit, whatever its case."""
    containers: tuple[str, ...] = ()
    """Empty: every container counts."""


@dataclass(frozen=True, slots=True)
class GeneratedHolder:
    """Hostnames that a workload's pods get, by the rules of names.py."""

    owner: str
    """For people: `CronJob shop/backup`."""
    expression: str
    """A regular expression that the whole hostname, lower-cased, must fit."""
    containers: tuple[str, ...] = ()
    """Empty: every container counts."""


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """The object that a repository was found by: where people look for Events."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""

    def __str__(self) -> str:
        """For example `Repository shop/db`."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Repository:
    """What the rule needs to know about a repository: its name, holders and policy."""

    name: str
    source: str = "configured"
    location: str = ""
    """For people: restic's location without any password."""
    holders: tuple[HolderPattern, ...] = ()
    generated: tuple[GeneratedHolder, ...] = ()
    """What its owners' workloads call their pods."""
    owners: tuple[ObjectReference, ...] = ()
    """The objects that it was found by; none for a configured one."""
    namespaces: tuple[str, ...] | None = None
    """Where its holders live; None: every observed namespace, and nothing was declared."""
    watched: tuple[str, ...] | None = ()
    """Where pods may hold its locks too, though nothing there makes a hostname ours; None:
    anywhere."""
    shared: bool = False
    """Another cluster runs the same manifests against it: a name alone is then no evidence."""
    min_age: timedelta | None = None
    """None: the policy's."""
    remove_unrefreshed_after: timedelta | None = None
    """None: the policy's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one run."""

    min_age: timedelta = timedelta(minutes=30)
    max_skew: timedelta = timedelta(minutes=5)
    max_removals: int = 50
    remove_unrefreshed_after: timedelta | None = None
    allow_short_min_age: bool = False
    dry_run: bool = False
    fail_on_stale: bool = False
    observe_namespaces: tuple[str, ...] | None = None
    """None: all of them, by one cluster-wide list."""
    observe_nodes: bool = True
    typed_min_age: timedelta | None = None
    """What the command line says, over everything else."""

    def min_age_of(self, repository: Repository) -> timedelta:
        """The age below which every lock of this repository is kept."""
        if self.typed_min_age is not None:
            return self.typed_min_age
        return self.min_age if repository.min_age is None else repository.min_age

    def unrefreshed_after_of(self, repository: Repository) -> timedelta | None:
        """After how long an unchanged lock is removed whatever its holder; None: never."""
        if repository.remove_unrefreshed_after is not None:
            return repository.remove_unrefreshed_after
        return self.remove_unrefreshed_after


# --- the cluster -----------------------------------------------------------------------------


class ContainerKind(StrEnum):
    """Which list of the pod's spec a container stands in."""

    INIT = "init"
    ORDINARY = "ordinary"
    EPHEMERAL = "ephemeral"


class ContainerState(StrEnum):
    """What the kubelet last reported of a container."""

    RUNNING = "running"
    ENDED = "ended"
    """Terminated, or waiting after an earlier run."""
    NEVER_STARTED = "never-started"
    """No status at all, or waiting for its first run."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod's spec, with what its status says."""

    name: str
    kind: ContainerKind = ContainerKind.ORDINARY
    state: ContainerState = ContainerState.NEVER_STARTED
    started: datetime | None = None
    """Of the running incarnation; None when it is not running or the time is missing."""
    finished: datetime | None = None
    """Of the last incarnation that ended; None when it is missing or never ended."""
    exit_code: int | None = None
    reason: str | None = None
    """Of the last end or of the waiting (`OOMKilled`, `CrashLoopBackOff`)."""
    restart_count: int = 0
    restart_always: bool = False
    """An init container with `restartPolicy: Always` (a native sidecar)."""


@dataclass(frozen=True, slots=True)
class OwnerReference:
    """One entry of `metadata.ownerReferences`."""

    kind: str
    name: str
    controller: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """The few fields of a pod that the rule reads."""

    namespace: str
    name: str
    uid: str
    created: datetime | None = None
    """By the API server's clock."""
    generate_name: str = ""
    phase: str = "Unknown"
    reason: str | None = None
    message: str | None = None
    deleting: bool = False
    node: str | None = None
    hostname: str | None = None
    """`spec.hostname`."""
    hostname_override: str | None = None
    fqdn: bool = False
    """`spec.setHostnameAsFQDN`."""
    host_network: bool = False
    host_addresses: tuple[str, ...] = ()
    runtime_class: str | None = None
    template_hash: str | None = None
    """The label `pod-template-hash`, which a Deployment's ReplicaSet sets."""
    owners: tuple[OwnerReference, ...] = ()
    containers: tuple[Container, ...] = ()

    @property
    def ended(self) -> bool:
        """True when its phase is final."""
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Node:
    """The few fields of a Node that the rule reads."""

    name: str
    ready: bool
    ready_for: timedelta | None = None
    """How long it had been Ready at its last heartbeat, by its own clock; None: it is not, or that
    is not said."""
    hostname_label: str | None = None
    addresses: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a process on this host might lock under."""
        return tuple(dict.fromkeys(filter(None, (self.name, self.hostname_label, *self.addresses))))


@dataclass(frozen=True, slots=True)
class PodEvent:
    """An Event about a Pod: evidence that a pod of that name existed, and why it ended."""

    namespace: str
    pod: str
    reason: str = ""
    message: str = ""
    time: datetime | None = None
    uid: str = ""
    """Of the pod; empty: the Event does not say it."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Observation:
    """One look at the whole cluster. Two of them are never the same."""

    taken: datetime
    """When the last page arrived, by the janitor's clock. Judging by a file: the file's time."""
    pods: tuple[Pod, ...] = ()
    nodes: tuple[Node, ...] | None = None
    """None: Nodes were not listed (switched off, or denied)."""
    events: tuple[PodEvent, ...] = ()
    namespaces: frozenset[str] | None = None
    """The namespaces whose pods were listed; None: all of them."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Namespace to sentence, where listing pods was refused (403)."""
    nodes_denied: str | None = None
    """The sentence, where listing Nodes was refused (403)."""
    doubt: str | None = None
    """Why nothing may be concluded from this observation at all: every lock is cluster-unknown."""
    cluster: str | None = None
    """Which cluster it is of, the same for every way to it; None: that is not known (a file)."""


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A Node that the state remembers."""

    names: tuple[str, ...]
    last_seen: datetime
    absent_since: datetime | None = None
    """None: it was in the last complete list."""
    vouched: bool = True
    """It was seen in the very cluster that is judged by; if not, it can only keep a lock."""


# --- results ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """What `judge` says about one lock, with everything that led to it."""

    verdict: Verdict
    detail: str
    """One sentence for a person."""
    evidence: Mapping[str, object] = field(default_factory=dict)
    """For machines: plain JSON values."""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run of restic that failed, and whose words speak of a lock."""

    kind: str
    """Of the object that tells: `BackupSession`, `ReplicationSource`, `Job`, `Pod`."""
    namespace: str
    name: str
    time: datetime | None = None
    """When it failed; None: that is not told."""
    words: str = ""
    """What it left of restic's words."""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class LockReport:
    """One `lock` line of the output (docs/output.md)."""

    repository: str
    lock: LockID
    judgement: Judgement
    content: Lock | None
    age: timedelta | None
    """now - lock.time; None when it was not opened or is unreadable."""
    unchanged: timedelta | None
    """How long this very ID is known to exist, by a clock that is not the holder's."""
    removed: bool = False
    dry_run: bool = False
    detail: str | None = None
    """Says why a stale lock is still there, where the judgement's own sentence does not."""
    record: bytes | None = field(default=None, repr=False)
    """The stored bytes, when it was removed."""
    cause: str | None = None
    advice: str | None = None
    failed_runs: tuple[FailedRun, ...] = ()
    """What failed on it, the earliest first."""
    failed_runs_missing: str | None = None
    """Why not all of them are known, in one sentence."""
    owners: tuple[ObjectReference, ...] = ()
    """The objects that its repository was found by: where an Event is told."""


@dataclass(frozen=True, slots=True)
class RepositoryReport:
    """One `repository` line of the output."""

    repository: str
    source: str
    location: str
    state: RepositoryState
    locks: int = 0
    removed: int = 0
    detail: str | None = None
    failed: bool = False
    """Whether it turns the exit code to 1."""
    owners: tuple[ObjectReference, ...] = ()
    """The objects that it was found by."""


@dataclass(frozen=True, slots=True)
class RepositoryCounts:
    """One repository in numbers, for the metrics."""

    repository: str
    state: RepositoryState
    failed: bool
    verdicts: tuple[tuple[Verdict, int], ...] = ()
    """How many of its locks got each, of those that any got."""
    removed: int = 0

    @property
    def stale(self) -> int:
        """How many stale locks are still there."""
        return sum(count for verdict, count in self.verdicts if verdict.stale) - self.removed


@dataclass(frozen=True, slots=True)
class SweepReport:
    """The `sweep` line: the sum of the others."""

    repositories: int
    failed: int
    locks: int
    stale: int
    removed: int
    kept: int
    dry_run: bool
    duration: timedelta
    exit_code: int
    detail: str | None = None


class StateConflict(Exception):
    """Somebody else wrote the state since it was read: read again, apply again, write again."""


class StateUnavailable(Exception):
    """The state cannot be read or written; the message is one sentence for a person."""
