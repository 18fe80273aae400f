"""What is drawn once for a history: clocks, configuration, store, API, janitors, what is broken.

Everything stays within the assumptions of docs/safety.md, but for the one that `breaks` names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from janitor.model import HolderPattern, Policy, Repository, StoreClock
from tests.simulation.apiserver import ERRORS, LIES, ApiFaults
from tests.simulation.bucket import StoreFaults
from tests.simulation.clockwork import HOUR, MINUTE

MAX_SKEW = 5 * MINUTE
WITHIN = 0.95 * MAX_SKEW
"""Most clocks are no further from the API server's; two of them may be apart by twice as much."""

BREAKS = (
    "clock set back",
    "store clock and holder clock behind",
    "forced deletion",
    "Node deleted, host alive",
    "statuses late",
    "API lies",
    "not marked shared",
    "wrong namespaces",
    "wrong containers",
    "observe.nodes false",
    "remove_unrefreshed_after",
)
"""One name for each assumption of docs/safety.md that a history can be made to break."""

WORKLOADS = ("cronjob", "statefulset", "deployment", "nightly", "sandbox", "agent", "host")
PATTERNS = {
    "cronjob": "shop-backup-*",
    "statefulset": "db-*",
    "deployment": "app-*",
    "nightly": "nightly",
    "sandbox": "vm-*",
}


@dataclass
class Plan:
    """The choices. `length` is how long things happen, in seconds; then faults stop."""

    breaks: str | None
    length: float
    period: float
    workloads: tuple[str, ...]
    far_clocks: bool
    """The hosts' clocks may be hours off."""
    store_clock: StoreClock
    store_ahead: float
    repository: Repository
    policy: Policy
    witness: bool
    report_lag: float
    page: int
    second_cluster: bool
    janitor_killed: float
    two_janitors: float
    astray: float
    """How often a janitor asks the wrong cluster."""
    api_faults: ApiFaults = field(default_factory=ApiFaults)
    store_faults: StoreFaults = field(default_factory=StoreFaults)


def draw_plan(random: Random, breaks: str | None) -> Plan:
    """The plan of one history."""
    workloads = _workloads(random, breaks)
    shared = breaks is None and random.random() < 0.15
    witness = random.random() < 0.75
    nodes = breaks != "observe.nodes false" and random.random() < 0.85
    everywhere = random.random() < 0.7
    policy = Policy(
        min_age=timedelta(minutes=random.choice((30, 30, 30, 60))),
        max_skew=timedelta(seconds=MAX_SKEW),
        observe_nodes=nodes,
        observe_namespaces=None if everywhere else ("shop", "web"),
        remove_unrefreshed_after=(
            timedelta(hours=24) if breaks == "remove_unrefreshed_after" else None
        ),
    )
    long = breaks == "remove_unrefreshed_after"
    return Plan(
        breaks=breaks,
        length=(34 if long else random.choice((1.5, 2.5, 4.0))) * HOUR,
        period=(60 if long else random.choice((10, 20, 30))) * MINUTE,
        workloads=workloads,
        far_clocks=random.random() < 0.15,
        store_clock=random.choice(tuple(StoreClock)),
        store_ahead=random.uniform(-WITHIN, WITHIN) * random.choice((0, 0, 1)),
        repository=_repository(random, workloads, breaks, shared=shared, nodes=nodes),
        policy=policy,
        witness=witness,
        report_lag=_report_lag(random, breaks),
        page=random.choice((1, 2, 3, 500)),
        second_cluster=shared or breaks == "not marked shared",
        janitor_killed=random.choice((0.0, 0.0, 0.3)),
        two_janitors=random.choice((0.0, 0.0, 0.5)),
        astray=random.choice((0.0, 0.0, 0.1)),
        api_faults=_api_faults(random, breaks, witness=witness),
        store_faults=StoreFaults(random.choice((0.0, 0.0, 0.1)), random.choice((0.0, 0.0, 20.0))),
    )


def _workloads(random: Random, breaks: str | None) -> tuple[str, ...]:
    needed = {
        "observe.nodes false": ("host",),
        "wrong namespaces": ("statefulset",),
        "wrong containers": ("statefulset",),
        "not marked shared": ("statefulset",),
    }.get(breaks or "", ())
    drawn = random.sample(WORKLOADS, random.choice((1, 1, 2, 3)))
    return tuple(dict.fromkeys((*needed, *drawn)))


def _report_lag(random: Random, breaks: str | None) -> float:
    if breaks == "statuses late":
        return 2 * HOUR
    if breaks == "store clock and holder clock behind":
        return 90.0
    return random.choice((1.0, 3.0, 3.0, 90.0))


def _repository(
    random: Random, workloads: tuple[str, ...], breaks: str | None, *, shared: bool, nodes: bool
) -> Repository:
    named = random.random() < 0.5 or breaks == "wrong containers"
    sidecar = "db" if breaks == "wrong containers" else "stash"
    patterns = [
        HolderPattern(PATTERNS[each], (sidecar,) if named and each != "cronjob" else ())
        for each in workloads
        if each in PATTERNS and each != "cronjob"
    ]
    patterns.append(HolderPattern("shop-backup-*"))
    if breaks == "observe.nodes false" or (nodes and random.random() < 0.4):
        patterns.append(HolderPattern("node-*"))
    some = random.random() < 0.8 or breaks is not None
    declared = random.random() < 0.6 or breaks == "wrong namespaces"
    return Repository(
        name="shop",
        location="/shop",
        holders=tuple(patterns) if some else (),
        namespaces=("shop",) if declared else None,
        shared=shared,
    )


def _api_faults(random: Random, breaks: str | None, *, witness: bool) -> ApiFaults:
    """Without a witness nothing catches another cluster's answer or an old one.

    In some histories one lie alone comes often: what it leads to is not hidden by other faults.
    """
    if breaks == "API lies":
        return ApiFaults(0.5, ("pod left out",))
    if breaks is not None:
        return ApiFaults()  # a lie would only make a doubt, and hide what this is about
    lies = LIES if witness else ("cut", "short", "no date", "slow")
    denied = frozenset(random.choice((("nodes",), ("events",)))) if random.random() < 0.1 else ()
    rate = random.choice((0.0, 0.05, 0.25))
    if random.random() < 0.3:
        return ApiFaults(0.5, (random.choice(lies),), frozenset(denied))
    return ApiFaults(rate, (*ERRORS, *lies), frozenset(denied))
