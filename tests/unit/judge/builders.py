"""Short words for the inputs of `judge`: everything has a harmless default, a test says the rest.

The default lock is 8 hours old, seen 7 hours ago on a store without times; the default cluster
has one Ready Node `worker-1` and no pod of that name; the default repository declares `shop`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from janitor.judge import judge
from janitor.model import (
    Container,
    ContainerKind,
    ContainerState,
    HolderPattern,
    Judgement,
    KnownNode,
    Lock,
    LockID,
    Node,
    Observation,
    OwnerReference,
    Pod,
    PodEvent,
    Policy,
    Repository,
    SeenLock,
    StoreClock,
    Unreadable,
    Verdict,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SKEW = Policy().max_skew
MIN_AGE = Policy().min_age

HOST = "shop-backup-x2x9k"
"""The holder of the default lock: a generated pod name."""
LOCKED = NOW - 8 * HOUR
"""The time in the default lock."""
RANDOM = "[bcdfghjklmnpqrstvwxz2456789]" * 5
"""The glob of the five characters that Kubernetes appends."""

EVIDENCE = frozenset({"pod", "event", "node", "owner", "pattern", "family"})


def ago(span: timedelta) -> datetime:
    """That long before NOW."""
    return NOW - span


def lock(
    hostname: str = HOST,
    *,
    time: datetime = LOCKED,
    exclusive: bool = False,
    username: str = "root",
    pid: int = 1,
    content: Lock | Unreadable | str | None = "lock",
    modified: datetime | None = None,
    clock: StoreClock = StoreClock.NONE,
    first_seen: datetime | None = NOW - 7 * HOUR,
    put_back: bool = False,
    number: int = 1,
) -> SeenLock:
    """A lock as it was listed, read and remembered."""
    decoded = Lock(time=time, exclusive=exclusive, hostname=hostname, username=username, pid=pid)
    return SeenLock(
        id=LockID(f"{number:064x}"),
        content=decoded if isinstance(content, str) else content,
        modified=modified,
        clock=clock,
        first_seen=first_seen,
        put_back=put_back,
        stored=b"\x00" * 180,
    )


def unopened(
    modified: datetime | None = NOW - MINUTE,
    clock: StoreClock = StoreClock.SERVER,
    first_seen: datetime | None = NOW,
) -> SeenLock:
    """A lock that was not opened, since every time at hand is young."""
    return lock(content=None, modified=modified, clock=clock, first_seen=first_seen)


def unreadable(
    reason: str = "not JSON",
    *,
    first_seen: datetime | None = NOW - 7 * HOUR,
    put_back: bool = False,
) -> SeenLock:
    """A lock that could not be decoded."""
    return lock(content=Unreadable(reason), first_seen=first_seen, put_back=put_back)


def running(
    since: datetime | None,
    name: str = "restic",
    *,
    restarts: int = 0,
    kind: ContainerKind = ContainerKind.ORDINARY,
    always: bool = False,
    finished: datetime | None = None,
) -> Container:
    """A container that runs; `finished` is the end of its earlier incarnation."""
    return Container(
        name=name,
        kind=kind,
        state=ContainerState.RUNNING,
        started=since,
        finished=finished,
        restart_count=restarts,
        restart_always=always,
    )


def ended(
    at: datetime | None,
    name: str = "restic",
    *,
    code: int | None = 137,
    reason: str | None = "OOMKilled",
    kind: ContainerKind = ContainerKind.ORDINARY,
    always: bool = False,
    restarts: int = 0,
) -> Container:
    """A container that ended, or waits after an earlier run."""
    return Container(
        name=name,
        kind=kind,
        state=ContainerState.ENDED,
        finished=at,
        exit_code=code,
        reason=reason,
        restart_count=restarts,
        restart_always=always,
    )


def unstarted(name: str = "restic", *, kind: ContainerKind = ContainerKind.ORDINARY) -> Container:
    """A container that never ran."""
    return Container(name=name, kind=kind, state=ContainerState.NEVER_STARTED)


def controlled(kind: str, name: str) -> tuple[OwnerReference, ...]:
    """The owner references of a pod that this controller made."""
    return (OwnerReference(kind=kind, name=name, controller=True),)


def pod(
    name: str = HOST,
    *containers: Container,
    namespace: str = "shop",
    created: datetime | None = NOW - 9 * HOUR,
    phase: str = "Running",
    node: str | None = "worker-1",
    **more: object,
) -> Pod:
    """A pod; without containers it has one, `restic`, that runs since the pod was created."""
    return replace(
        Pod(
            namespace=namespace,
            name=name,
            uid=f"uid-{namespace}-{name}",
            created=created,
            phase=phase,
            node=node,
            containers=containers or (running(created),),
        ),
        **more,  # type: ignore[arg-type]
    )


def node(name: str = "worker-1", *, ready: bool = True, **more: object) -> Node:
    """A Node of the cluster."""
    lasted = 10 * DAY if ready else None
    return replace(Node(name=name, ready=ready, ready_for=lasted), **more)  # type: ignore[arg-type]


def event(about: str, *, namespace: str = "shop") -> PodEvent:
    """An Event about a pod."""
    return PodEvent(namespace=namespace, pod=about, reason="Killing", time=ago(HOUR))


def observe(
    *pods: Pod,
    nodes: Iterable[Node] | None = (Node(name="worker-1", ready=True, ready_for=10 * DAY),),
    events: Iterable[PodEvent] = (),
    namespaces: Iterable[str] | None = None,
    denied: Mapping[str, str] | None = None,
    nodes_denied: str | None = None,
    doubt: str | None = None,
) -> Observation:
    """One look at the cluster, taken now."""
    return Observation(
        taken=NOW,
        pods=pods,
        nodes=None if nodes is None else tuple(nodes),
        events=tuple(events),
        namespaces=None if namespaces is None else frozenset(namespaces),
        denied=denied or {},
        nodes_denied=nodes_denied,
        doubt=doubt,
    )


def known(*names: str, absent: timedelta | None = None) -> dict[str, KnownNode]:
    """The state's memory of one Node; `absent` is how long ago it was first missed."""
    since = None if absent is None else NOW - absent
    last = NOW if since is None else since - MINUTE
    return {names[0]: KnownNode(names=names, last_seen=last, absent_since=since)}


def repository(
    *holders: str | HolderPattern, namespaces: tuple[str, ...] | None = ("shop",), **more: object
) -> Repository:
    """A repository with these holder patterns, whose holders live in `shop`."""
    patterns = tuple(HolderPattern(one) if isinstance(one, str) else one for one in holders)
    return replace(
        Repository(name="shop-db", holders=patterns, namespaces=namespaces),
        **more,  # type: ignore[arg-type]
    )


OURS = repository("shop-backup-*")
"""A repository whose pattern makes the default lock's hostname ours."""
NOBODYS = repository()
"""A repository that names no holder."""


def decide(
    seen: SeenLock | None = None,
    observation: Observation | None = None,
    of: Repository = OURS,
    *,
    nodes: Mapping[str, KnownNode] | None = None,
    policy: Policy | None = None,
    now: datetime = NOW,
) -> Judgement:
    """`judge` with defaults for whatever a test does not care about."""
    return judge(
        lock() if seen is None else seen,
        repository=of,
        observation=observe() if observation is None else observation,
        nodes=nodes or {},
        policy=policy or Policy(),
        now=now,
    )


def verdict(
    seen: SeenLock | None = None,
    observation: Observation | None = None,
    of: Repository = OURS,
    *,
    nodes: Mapping[str, KnownNode] | None = None,
    policy: Policy | None = None,
    now: datetime = NOW,
) -> Verdict:
    """Only the word of `decide`."""
    return decide(seen, observation, of, nodes=nodes, policy=policy, now=now).verdict


def ours_by(judgement: Judgement) -> str:
    """The one word of decision.md by which the verdict says that the hostname is ours."""
    words = {value for value in judgement.evidence.values() if isinstance(value, str)} & EVIDENCE
    assert len(words) == 1, judgement
    return words.pop()
