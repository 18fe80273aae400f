"""The laws of the rule, as properties of `judge` on made-up clusters.

Hostnames, pods and Nodes share a few names, and all times lie within seconds of the borders, so
that a random cluster is about the random lock more often than not; the last test counts that
every verdict is reached. `HYPOTHESIS_PROFILE=ci` runs ten times as many examples.

`may_hold`, `carries` and `could_be_ours` are a second reading of the rule: they are written from
its words and share nothing with the implementation.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from janitor.judge import judge
from janitor.model import (
    Container,
    ContainerKind,
    ContainerState,
    HolderPattern,
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

EXAMPLES = 4000 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 400
LAW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SKEW = Policy().max_skew
MIN_AGE = Policy().min_age
DAY = timedelta(days=1)
LONG = "shop-" + "a" * 57 + "-" + "b" * 17
HOSTNAMES = (
    "db-0",
    "DB-0",
    "db-1",
    "shop-x2x9k",
    "shop-7k2px",
    "nightly",
    "worker-1",
    "worker-7",
    "worker-7",
    "10.1.2.3",
    "db-0.db.shop.svc",
    "mba-home.local",
    LONG[:62],
    "",
)
POD_NAMES = ("db-0", "db-0", "db-1", "shop-x2x9k", "shop-7k2px", "worker-1", "mba-home", LONG)
NAMESPACES = ("shop", "shop", "web")


@dataclass(frozen=True)
class World:
    """Everything that `judge` is asked about."""

    lock: SeenLock
    repository: Repository
    observation: Observation
    nodes: dict[str, KnownNode]
    policy: Policy
    now: datetime = NOW

    def verdict(self) -> Verdict:
        return judge(
            self.lock,
            repository=self.repository,
            observation=self.observation,
            nodes=self.nodes,
            policy=self.policy,
            now=self.now,
        ).verdict

    def with_pods(self, *pods: Pod) -> World:
        return replace(self, observation=replace(self.observation, pods=pods))

    @property
    def pods(self) -> tuple[Pod, ...]:
        return self.observation.pods


# --- worlds ----------------------------------------------------------------------------------

SECONDS = (-86400, -3600, -301, -1, 0, 1, 299, 300, 301, 600, 601, 3600, 28000)
INIT, ORDINARY, EPHEMERAL = ContainerKind.INIT, ContainerKind.ORDINARY, ContainerKind.EPHEMERAL
NAMED = (("restic", ORDINARY), ("application", ORDINARY), ("stash", ORDINARY), ("debug", EPHEMERAL))


@cache
def near(moment: datetime) -> tuple[datetime | None, ...]:
    """Times around the borders of the table, and a missing one."""
    return (*(moment + timedelta(seconds=seconds) for seconds in SECONDS), None)


@cache
def containers(locked: datetime) -> st.SearchStrategy[Container]:
    """Few and large choices, since every choice of hypothesis costs more than the rule itself."""
    running = [
        Container(
            name, kind, ContainerState.RUNNING, started=started, restart_count=n, restart_always=a
        )
        for name, kind, a in (*((*one, False) for one in NAMED), ("restic", INIT, True))
        for started in near(locked)
        for n in (0, 1)
    ]
    ended = [
        Container(
            name, kind, ContainerState.ENDED, finished=finished, exit_code=code, restart_always=a
        )
        for name, kind, a in (
            *((*one, False) for one in NAMED),
            ("restic", INIT, True),
            ("restic", INIT, False),
        )
        for finished in near(locked)
        for code in (0, 137, None)
    ]
    unstarted = [Container(name, kind) for name, kind in (*NAMED, ("restic", INIT))]
    return st.one_of(*(st.sampled_from(pool) for pool in (running, ended, unstarted)))


OWNERS = (
    (),
    (OwnerReference("StatefulSet", "db", controller=True),),
    (OwnerReference("Job", "shop", controller=True),),
    (OwnerReference("Workflow", "shop", controller=True),),
)
IDENTITIES = tuple(
    {"name": name, "namespace": namespace, "owners": owners, **more}
    for name in POD_NAMES
    for namespace in NAMESPACES
    for owners in OWNERS
    for more in (
        {},
        {"fqdn": True},
        {"hostname": "nightly"},
        {"hostname_override": "nightly.lan"},
        {"host_network": True, "host_addresses": ("10.1.2.3",)},
    )
)
PHASES = ("Running", "Running", "Pending", "Failed", "Succeeded", "Unknown")
PLACES = tuple(
    {"node": node, "phase": phase, "deleting": deleting, "runtime_class": runtime}
    for node in ("worker-1", "worker-2", "worker-7", None)
    for phase in PHASES
    for deleting in (False, True)
    for runtime in (None, None, "kata")
)


@st.composite
def pods(draw: st.DrawFn, locked: datetime) -> Pod:
    fields = draw(st.sampled_from(IDENTITIES)) | draw(st.sampled_from(PLACES))
    return Pod(
        uid="1",
        created=draw(st.sampled_from(near(locked))),
        containers=tuple(draw(st.lists(containers(locked), min_size=1, max_size=3))),
        **fields,
    )


REPOSITORIES = st.builds(
    Repository,
    name=st.just("shop-db"),
    holders=st.lists(
        st.builds(
            HolderPattern,
            name=st.sampled_from(("*", "db-*", "shop-*", "nightly", "WORKER-*")),
            containers=st.sampled_from(((), (), ("restic",), ("stash", "stash-init"))),
        ),
        max_size=2,
    ).map(tuple),
    namespaces=st.sampled_from((("shop",), ("shop",), None, ("shop", "web"))),
    shared=st.sampled_from((False, False, False, True)),
    min_age=st.sampled_from((None, None, None, timedelta(hours=2))),
    remove_unrefreshed_after=st.sampled_from((None, None, None, None, 2 * DAY)),
)
POLICIES = st.builds(
    Policy,
    observe_nodes=st.sampled_from((True, True, False)),
    remove_unrefreshed_after=st.sampled_from((None, None, None, None, None, 7 * DAY)),
)
TIMES = tuple(
    NOW - timedelta(seconds=seconds)
    for seconds in (*(28800,) * 6, 7201, 7200, 5400, 1801, 1800, 1799, 0, -300, -301)
)
LONG_SEEN = (NOW - 8 * DAY, NOW - timedelta(hours=8))
SEEN = (*LONG_SEEN * 4, NOW - MIN_AGE, NOW - MIN_AGE + timedelta(seconds=1), NOW, None)


@st.composite
def locks(draw: st.DrawFn, *, old: bool) -> SeenLock:
    locked = draw(st.sampled_from(TIMES[:1] if old else TIMES))
    fraction = timedelta(microseconds=draw(st.sampled_from((0, 500_000))))
    content: Lock | Unreadable | None = Lock(
        time=locked + fraction,
        exclusive=True,
        hostname=draw(st.sampled_from(HOSTNAMES)),
        username="root",
        pid=1,
    )
    odd = draw(st.integers(min_value=0, max_value=0 if old else 39))
    content = {1: Unreadable("not JSON"), 2: None}.get(odd, content)
    clock = draw(st.sampled_from(StoreClock))
    seen = st.sampled_from(LONG_SEEN if old else SEEN)
    return SeenLock(
        id=LockID("0" * 64),
        content=content,
        modified=None if clock is StoreClock.NONE else draw(seen),
        clock=clock,
        first_seen=draw(seen),
        put_back=odd == 3,
    )


VIEWS: tuple[dict[str, Any], ...] = (
    *({},) * 10,
    {"denied": {"web": "pods is forbidden"}, "namespaces": frozenset({"shop"})},
    {"nodes": None, "nodes_denied": "nodes is forbidden"},
    {"doubt": "no witness"},
)
MEMORIES = (
    {},
    *(
        {"worker-7": KnownNode(names=("worker-7",), last_seen=NOW - DAY, absent_since=since)}
        for since in (None, NOW, *[NOW - MIN_AGE] * 4, NOW - DAY)
    ),
)
EVENTS = (
    (),
    *((PodEvent(namespace=ns, pod=pod),) for ns in ("shop", "web") for pod in sorted({*POD_NAMES})),
)


WORKERS = tuple(
    Node("worker-1", ready=ready, ready_for=lasted, addresses=("10.1.2.4",))
    for ready, lasted in (
        (True, DAY),
        (True, MIN_AGE),
        (True, MIN_AGE - timedelta(seconds=1)),
        (True, None),
        (False, None),
    )
)


@st.composite
def worlds(draw: st.DrawFn, *, old: bool = False) -> World:
    """Worlds about one lock; an `old` one's clocks and observation are beyond doubt."""
    lock = draw(locks(old=old))
    locked = lock.content.time if isinstance(lock.content, Lock) else NOW - DAY
    policy = draw(POLICIES)
    nodes = (
        draw(st.sampled_from(WORKERS)),
        Node("worker-2", ready=True, ready_for=DAY),
    )
    view = {"nodes": nodes if policy.observe_nodes else None}
    view |= draw(st.sampled_from(VIEWS[: 1 if old else len(VIEWS)]))
    observation = Observation(
        taken=NOW,
        pods=tuple(draw(st.lists(pods(second(locked)), max_size=3))),
        events=draw(st.sampled_from(EVENTS)),
        **view,
    )
    memory = draw(st.sampled_from(MEMORIES))
    return World(lock, draw(REPOSITORIES), observation, memory, policy)


# --- the second reading ----------------------------------------------------------------------


def second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def later(moment: datetime | None, than: datetime) -> bool:
    """A missing time never says no."""
    return moment is not None and second(moment) > second(than)


def node_vouches(pod: Pod, world: World) -> bool:
    """Ready for min_age: only then are the statuses of its pods current for sure."""
    return any(
        node.name == pod.node
        and node.ready
        and node.ready_for is not None
        and node.ready_for >= world.policy.min_age_of(world.repository)
        for node in world.observation.nodes or ()
    )


def container_may_hold(container: Container, pod: Pod, world: World) -> bool:
    """The table, row by row."""
    assert isinstance(world.lock.content, Lock)
    skew = world.policy.max_skew
    time = world.lock.content.time + (skew if pod.runtime_class else timedelta(0))
    ready = node_vouches(pod, world)
    if container.state is not ContainerState.RUNNING and pod.phase in ("Succeeded", "Failed"):
        return False
    match container.state:
        case ContainerState.RUNNING:
            again = container.restart_count > 0 or later(pod.created, time)
            if later(container.started, time) and again:
                return False
            return not later(container.started, time + skew)
        case ContainerState.ENDED:
            ended = container.finished is not None and second(container.finished) > second(time)
            done = (
                container.kind is ContainerKind.INIT
                and not container.restart_always
                and container.exit_code == 0
            )
            return not (ended or ready or done)
        case ContainerState.NEVER_STARTED:
            seen = world.lock.first_seen
            after = seen is not None and pod.created is not None and pod.created > seen + skew
            return not (ready or pod.node is None or after)


def counting(pod: Pod, world: World) -> list[Container]:
    assert isinstance(world.lock.content, Lock)
    hostname = world.lock.content.hostname.lower()
    fitting = [
        pattern
        for pattern in world.repository.holders
        if fnmatchcase(hostname, pattern.name.lower())
    ]
    names = {name for pattern in fitting for name in pattern.containers}
    if not all(pattern.containers for pattern in fitting) or not any(
        container.name in names for container in pod.containers
    ):
        return list(pod.containers)
    return [
        container
        for container in pod.containers
        if container.name in names or container.kind is ContainerKind.EPHEMERAL
    ]


def may_hold(pod: Pod, world: World) -> bool:
    return any(container_may_hold(container, pod, world) for container in counting(pod, world))


def label(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def carries(pod: Pod, hostname: str) -> bool:
    """Liberally: whole or first label, cut or not, and a hostNetwork pod its Node's names."""
    hostname = hostname.lower()
    names = {name.lower() for name in (pod.name, pod.hostname, pod.hostname_override) if name}
    if pod.host_network and pod.node:
        names |= {pod.node}
    names |= {name[:63].rstrip("-.") for name in names}
    names |= {label(name) for name in names}
    if pod.host_network and hostname in pod.host_addresses:
        return True
    return bool(hostname) and bool({hostname, label(hostname)} & names)


def is_candidate(pod: Pod, world: World) -> bool:
    declared = world.repository.namespaces
    assert isinstance(world.lock.content, Lock)
    return (declared is None or pod.namespace in declared) and carries(
        pod, world.lock.content.hostname
    )


def is_a_nodes(world: World) -> bool:
    assert isinstance(world.lock.content, Lock)
    hostname = world.lock.content.hostname.lower()
    listed = {name.lower() for node in world.observation.nodes or () for name in node.names}
    remembered = {name for node in world.nodes.values() for name in node.names}
    return bool({hostname, label(hostname)} & (listed | remembered))


def could_be_ours(world: World) -> bool:
    """Whether there is any evidence at all: generously, without the conditions of each kind."""
    assert isinstance(world.lock.content, Lock)
    hostname = world.lock.content.hostname.lower()
    if not hostname:
        return False
    patterns = any(fnmatchcase(hostname, one.name.lower()) for one in world.repository.holders)
    seen = any(is_candidate(pod, world) for pod in world.pods)
    events = any(
        hostname in {event.pod, event.pod[:63].rstrip("-.")} for event in world.observation.events
    )
    family = any(
        pod.hostname == hostname
        or any((owner.kind, hostname.split("-")[0], owner.name) in FAMILIES for owner in pod.owners)
        for pod in world.pods
    )
    return patterns or seen or events or is_a_nodes(world) or family


FAMILIES = {("StatefulSet", "db", "db"), ("Job", "shop", "shop")}


def whole(world: World) -> bool:
    """Whether nothing that this repository needs was denied."""
    declared = world.repository.namespaces
    observation = world.observation
    unseen = observation.denied.keys() & set(declared if declared is not None else NAMESPACES)
    blind = world.policy.observe_nodes and observation.nodes_denied is not None
    return observation.doubt is None and not unseen and not blind


def old_on_both_clocks(world: World) -> bool:
    lock, min_age = world.lock, world.policy.min_age_of(world.repository)
    if not isinstance(lock.content, Lock):
        return False
    by_holder = world.now - lock.content.time >= min_age
    by_store = lock.modified is None or world.now - lock.modified >= min_age
    seen = lock.first_seen is not None and world.now - lock.first_seen >= min_age
    stamped = lock.clock is StoreClock.SERVER and lock.modified is not None
    return by_holder and by_store and (seen or stamped)


# --- the laws --------------------------------------------------------------------------------


@LAW
@given(worlds() | worlds(old=True))
def test_stale_implies_every_part_of_the_rule(world: World) -> None:
    """ "stale (but `unrefreshed`) implies old on both clocks, ours, and no candidate that may hold
    it".
    """
    verdict = world.verdict()
    event(verdict)
    if not verdict.stale or verdict is Verdict.UNREFRESHED:
        return
    assert isinstance(world.lock.content, Lock)
    assert old_on_both_clocks(world)
    assert not world.lock.put_back
    assert whole(world)
    assert could_be_ours(world)
    assert not [pod for pod in world.pods if is_candidate(pod, world) and may_hold(pod, world)]


@LAW
@given(worlds(old=True))
def test_a_name_alone_suffices_only_where_it_may(world: World) -> None:
    """ "with `shared: true` they do not suffice, nor do `pod` and `event` for a name without a
    random suffix".
    """
    shared = replace(world, repository=replace(world.repository, shared=True))
    assume(isinstance(world.lock.content, Lock))
    assert isinstance(world.lock.content, Lock)
    hostname = world.lock.content.hostname
    verdict = shared.verdict()
    if not hostname.startswith("shop-") or hostname == LONG[:62]:
        assert not verdict.stale or is_a_nodes(world) or verdict is Verdict.UNREFRESHED


@LAW
@given(worlds(), st.data())
def test_a_pod_that_may_hold_it_never_makes_it_stale(world: World, data: st.DataObject) -> None:
    """ "adding a pod *that may hold it* never makes a lock stale"."""
    assume(isinstance(world.lock.content, Lock))
    assert isinstance(world.lock.content, Lock)
    hostname = world.lock.content.hostname.lower()
    locked = second(world.lock.content.time)
    added = data.draw(pods(locked))
    if hostname and data.draw(st.booleans()):
        added = replace(added, name=hostname, namespace="shop")
    if data.draw(st.booleans()):
        early = Container("restic", state=ContainerState.RUNNING, started=locked - DAY)
        added = replace(added, containers=(*added.containers, early))
    assume(is_candidate(added, world) and may_hold(added, world))
    before = world.verdict()
    place = data.draw(st.integers(min_value=0, max_value=len(world.pods)))
    more = world.with_pods(*world.pods[:place], added, *world.pods[place:])
    after = more.verdict()
    event(f"{before} to {after}")
    assert before.stale or not after.stale
    assert not after.stale or after is Verdict.UNREFRESHED


@LAW
@given(worlds(old=True) | worlds(), st.sampled_from((1, 60, 301, 1800, 86400, 8 * 86400)))
def test_a_stale_lock_stays_stale(world: World, seconds: int) -> None:
    """ "a stale lock stays stale as time passes and nothing else changes".

    Not so where `unrefreshed` replaced a verdict about a holder's clock ahead of ours: when that
    time is reached the lock is young, and `unrefreshed` replaces no `too-young`.
    """
    verdict = world.verdict()
    if not verdict.stale:
        return
    content = world.lock.content
    ahead = isinstance(content, Lock) and content.time > world.now
    if verdict is Verdict.UNREFRESHED and ahead:
        return
    assert replace(world, now=world.now + timedelta(seconds=seconds)).verdict().stale


@LAW
@given(worlds(), st.data())
def test_a_verdict_never_depends_on_the_order(world: World, data: st.DataObject) -> None:
    """ "a verdict never depends on pod order", nor on the order of patterns, Events or Nodes."""
    observation = world.observation
    nodes = observation.nodes
    shuffled = replace(
        world,
        repository=replace(
            world.repository, holders=tuple(data.draw(st.permutations(world.repository.holders)))
        ),
        observation=replace(
            observation,
            pods=tuple(data.draw(st.permutations(observation.pods))),
            events=tuple(data.draw(st.permutations(observation.events))),
            nodes=None if nodes is None else tuple(data.draw(st.permutations(nodes))),
        ),
    )
    assert world.verdict() == shuffled.verdict()


@LAW
@given(worlds(), st.integers(min_value=1, max_value=3))
def test_a_verdict_never_depends_on_strangers(world: World, count: int) -> None:
    """ "a verdict never depends on ... other locks", nor on pods of other names elsewhere."""
    strangers = [
        Pod(
            namespace="elsewhere",
            name=f"stranger-{number}-bcdfg",
            uid=str(number),
            created=NOW - 30 * DAY,
            phase="Running",
            node="worker-2",
            containers=(Container("restic", state=ContainerState.RUNNING, started=NOW - 30 * DAY),),
        )
        for number in range(count)
    ]
    assert world.verdict() == world.with_pods(*world.pods, *strangers).verdict()


@LAW
@given(worlds(old=True))
def test_a_dead_holder_that_is_ours_is_removed(world: World) -> None:
    """ "every dead holder that is ours, and that the API shows ended, replaced or absent, is
    removed": nothing else may keep it.
    """
    assert whole(world)
    assume(old_on_both_clocks(world))
    assert isinstance(world.lock.content, Lock)
    hostname = world.lock.content.hostname.lower()
    ours = (*world.repository.holders, HolderPattern("*", containers=("restic",)))
    world = replace(world, repository=replace(world.repository, holders=ours, shared=False))
    assume(hostname and not is_a_nodes(world))
    assume(not any(carries(pod, hostname) and may_hold(pod, world) for pod in world.pods))
    verdict = world.verdict()
    event(verdict)
    assert verdict.stale


def test_every_verdict_is_reached() -> None:
    """The laws would hold because the made-up clusters are never about the made-up locks."""
    reached: Counter[Verdict] = Counter()

    @settings(
        max_examples=1500, deadline=None, database=None, derandomize=True, phases=[Phase.generate]
    )
    @given(worlds() | worlds(old=True))
    def count(world: World) -> None:
        reached[world.verdict()] += 1

    count()
    assert set(Verdict) - set(reached) == {Verdict.RELEASED}
    assert sum(reached[verdict] for verdict in Verdict if verdict.stale) > 200, reached
