"""Real situations, collected from public reports, and the right answer to each.

The number is the row of the collection. What the rule alone cannot show is tested elsewhere:

- 4, 11 (what the lock blocked, the advice): the tests of the report and of diagnosing;
- 19, 20 (how a 403, a failed page or a missing witness becomes a doubt): the tests of the cluster;
- 21 (which bytes are unreadable, which names are no locks): restic's and the stores' tests;
- 22, 23, 24, 25, 26 (passwords, prefixes, vanishing locks, refused deletes, newlines): the tests of
  reading, removing and the sweep on real servers;
- 29 (circuit breaker): the tests of the sweep;
- 30 (restic's message in a BackupSession): the tests of diagnosing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from janitor.model import (
    ContainerKind,
    HolderPattern,
    KnownNode,
    Observation,
    Policy,
    Repository,
    SeenLock,
    StoreClock,
    Verdict,
)

from .builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OURS,
    RANDOM,
    SECOND,
    ago,
    controlled,
    decide,
    ended,
    lock,
    node,
    observe,
    pod,
    repository,
    running,
    unopened,
    unreadable,
    unstarted,
    verdict,
)


@dataclass(frozen=True)
class Case:
    row: str
    sentence: str
    expected: Verdict
    lock: SeenLock
    cluster: Observation = field(default_factory=observe)
    repository: Repository = OURS
    nodes: dict[str, KnownNode] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


STASH = HolderPattern("shop-*", containers=("stash", "stash-init"))
LONG_NAME = "shop-backup-" + "a" * 50 + "-" + "b" * 17
assert len(LONG_NAME) == 80
assert LONG_NAME[62] == "-"
OOM = ago(31 * MINUTE) + 90 * SECOND
ROOT = {"username": "", "exclusive": True}
TASK_JOB = controlled("Job", "stash-backup-shop")
VOLSYNC_APP = repository("volsync-src-app-" + RANDOM, namespaces=("media",), source="volsync")
APPLICATION = running(ago(20 * DAY), "application")

SIDECAR_POD = pod("shop-0", APPLICATION, running(ago(20 * DAY), "stash"), created=ago(20 * DAY))
REBOOTED = [
    Case(
        "1",
        "a mover's pod killed by a node reboot is gone: exclusive, 8 h old, no username, no uid",
        Verdict.HOLDER_ABSENT,
        lock("volsync-src-app-7k2px", time=ago(8 * HOUR), **ROOT),
        repository=VOLSYNC_APP,
    ),
    Case(
        "2",
        "exclusive lock of a check, 17 h old, Job and pod gone, ours by the pattern",
        Verdict.HOLDER_ABSENT,
        lock("backup-check-x7k2p", time=ago(17 * HOUR), exclusive=True),
        repository=repository("backup-check-*"),
    ),
    Case(
        "3",
        "exclusive lock of an earlier installation of the operator, days old, ours by the pattern",
        Verdict.HOLDER_ABSENT,
        lock("stash-operator-6f7c9d8b5d-x2x9k", time=ago(6 * DAY), exclusive=True),
        repository=repository("stash-operator-*"),
    ),
    Case(
        "3-no-pattern",
        "the same lock where no pattern makes it ours",
        Verdict.FOREIGN_HOST,
        lock("stash-operator-6f7c9d8b5d-x2x9k", time=ago(6 * DAY), exclusive=True),
        repository=repository("shop-*"),
    ),
    Case(
        "4",
        "a non-exclusive lock that blocks only forget, for weeks",
        Verdict.HOLDER_ABSENT,
        lock(time=ago(21 * DAY), exclusive=False, first_seen=ago(20 * DAY)),
    ),
]
ALIVE = [
    Case(
        "5-young",
        "a lock removed by hand comes back at once: at first it is young",
        Verdict.TOO_YOUNG,
        lock("shop-0", time=ago(MINUTE), first_seen=NOW),
        observe(SIDECAR_POD),
        repository(STASH),
    ),
    Case(
        "5-old",
        "a lock removed by hand comes back at once: later the sidecar is seen alive",
        Verdict.HOLDER_ALIVE,
        lock("shop-0", time=ago(40 * MINUTE), first_seen=ago(39 * MINUTE)),
        observe(SIDECAR_POD),
        repository(STASH),
    ),
    Case(
        "6",
        "lock of 311 ms, its holder is the operator's pod in another namespace",
        Verdict.TOO_YOUNG,
        lock("stash-operator-6f7c9d8b5d-x2x9k", time=NOW - 0.311 * SECOND, first_seen=NOW),
        observe(pod("stash-operator-6f7c9d8b5d-x2x9k", namespace="stash")),
        repository("stash-operator-*"),
    ),
    Case(
        "6-old",
        "the operator's pod in another namespace still runs when its lock is old",
        Verdict.HOLDER_ALIVE,
        lock("stash-operator-6f7c9d8b5d-x2x9k"),
        observe(pod("stash-operator-6f7c9d8b5d-x2x9k", namespace="stash")),
        repository("stash-operator-*"),
    ),
    Case(
        "7-first",
        "two live locks of one pod, the first",
        Verdict.HOLDER_ALIVE,
        lock(time=ago(2 * HOUR), pid=17, number=1),
        observe(pod()),
    ),
    Case(
        "7-second",
        "two live locks of one pod, the second",
        Verdict.HOLDER_ALIVE,
        lock(time=ago(HOUR), pid=4242, number=2),
        observe(pod()),
    ),
]
REBORN = [
    Case(
        "8",
        "fixed hostname, the container restarts in place for days, lock 331 h old",
        Verdict.HOLDER_REPLACED,
        lock("backups", time=ago(331 * HOUR), first_seen=ago(330 * HOUR)),
        observe(
            pod(
                "backups-6f7c9d8b5d-x2x9k",
                running(ago(2 * HOUR), restarts=60, finished=ago(2 * HOUR + MINUTE)),
                hostname="backups",
                created=ago(400 * HOUR),
                owners=controlled("ReplicaSet", "backups-6f7c9d8b5d"),
            )
        ),
        repository(),
    ),
    Case(
        "9",
        "StatefulSet pod db-0 reborn, PID 1 again",
        Verdict.HOLDER_REPLACED,
        lock("db-0", pid=1),
        observe(pod("db-0", created=ago(3 * HOUR), owners=controlled("StatefulSet", "db"))),
        repository(),
    ),
]
NODES = [
    Case(
        "10",
        "hostNetwork backup on a node that still exists",
        Verdict.NODE_EXISTS,
        lock("worker-1"),
        observe(pod("node-backup-x2x9k", host_network=True)),
        repository("worker-*"),
    ),
    Case(
        "37",
        "hostNetwork holder whose nodename differs from the Node's name in case only",
        Verdict.NODE_EXISTS,
        lock("aks-1234-vmss00000B"),
        observe(nodes=[node("aks-1234-vmss00000b")]),
        repository("aks-*"),
    ),
]
ENDED = [
    Case(
        "11",
        "pod Evicted for its emptyDir, the object still there",
        Verdict.HOLDER_TERMINATED,
        lock(),
        observe(
            pod(
                "shop-backup-x2x9k",
                ended(ago(6 * HOUR), reason="Error"),
                phase="Failed",
                reason="Evicted",
                message='Usage of EmptyDir volume "tmp-dir" exceeds the limit "1Gi".',
            )
        ),
        repository(),
    ),
    Case(
        "12",
        "pod Failed with reason NodeLost, a status still says running",
        Verdict.HOLDER_ALIVE,
        lock(),
        observe(pod(phase="Failed", reason="NodeLost")),
    ),
    Case(
        "13",
        "pod stuck Terminating on a NotReady node, lock 2 h old",
        Verdict.HOLDER_ALIVE,
        lock(time=ago(2 * HOUR), first_seen=ago(2 * HOUR)),
        observe(pod(deleting=True), nodes=[node(ready=False), node("worker-2")]),
    ),
    Case(
        "32",
        "Stash Task Job: restic's init container OOM-killed, the last never started, pod Failed",
        Verdict.HOLDER_TERMINATED,
        lock("stash-backup-shop-x2x9k"),
        observe(
            pod(
                "stash-backup-shop-x2x9k",
                ended(ago(7 * HOUR), "pvc-backup-0", kind=ContainerKind.INIT),
                unstarted("update-status"),
                phase="Failed",
                owners=TASK_JOB,
            ),
            nodes=[node(ready=False), node("worker-2")],
        ),
        repository(STASH, "stash-backup-*"),
    ),
    Case(
        "33",
        "the same Job alive while the pattern names the sidecar's containers",
        Verdict.HOLDER_ALIVE,
        lock("shop-stash-backup-x2x9k"),
        observe(
            pod(
                "shop-stash-backup-x2x9k",
                running(ago(9 * HOUR), "pvc-backup-0", kind=ContainerKind.INIT),
                unstarted("update-status"),
                phase="Pending",
                owners=TASK_JOB,
            )
        ),
        repository(STASH),
    ),
    Case(
        "39",
        "ContainerStatusUnknown without any times in a Failed pod",
        Verdict.HOLDER_TERMINATED,
        lock(),
        observe(
            pod(
                "shop-backup-x2x9k",
                ended(None, reason="ContainerStatusUnknown"),
                phase="Failed",
            ),
            nodes=[node(ready=False), node("worker-2")],
        ),
    ),
]
FOREIGN = [
    Case(
        "14",
        "a laptop suspended during a backup to the shared bucket",
        Verdict.FOREIGN_HOST,
        lock("mba-home.local"),
    ),
    Case(
        "15",
        "a docker container on a laptop: 12 hex digits",
        Verdict.FOREIGN_HOST,
        lock("3f9a1c0b7d2e"),
    ),
    Case(
        "40",
        "VolSync sources app and app-far: a lock of app-far in the repository of app",
        Verdict.FOREIGN_HOST,
        lock("volsync-src-app-far-7k2px"),
        observe(
            pod(
                "volsync-src-app-x2x9k",
                namespace="media",
                owners=controlled("Job", "volsync-src-app"),
            )
        ),
        VOLSYNC_APP,
    ),
]
CLOCKS = [
    Case(
        "16",
        "holder's clock 3 h behind: lock.time old, the store's time 2 minutes ago",
        Verdict.RECENTLY_WRITTEN,
        lock(time=ago(3 * HOUR), modified=ago(2 * MINUTE), clock=StoreClock.SERVER),
    ),
    Case("17", "holder's clock 2 h ahead", Verdict.IN_THE_FUTURE, lock(time=NOW + 2 * HOUR)),
    Case(
        "17-unopened",
        "the same in a sweep that need not open the lock",
        Verdict.TOO_YOUNG,
        unopened(),
    ),
    Case(
        "18",
        "restic 0.9.6 running for 41 h: lock.time at the start, the file rewritten",
        Verdict.RECENTLY_WRITTEN,
        lock(time=ago(41 * HOUR), modified=ago(4 * MINUTE), clock=StoreClock.WRITER),
    ),
    Case(
        "36",
        "CephFS volume, the node's clock 40 minutes slow, live holder in another cluster",
        Verdict.AWAITING_CONFIRMATION,
        lock(
            time=ago(42 * MINUTE),
            modified=ago(42 * MINUTE),
            clock=StoreClock.WRITER,
            first_seen=ago(2 * MINUTE),
        ),
    ),
]
DOUBTS = [
    Case(
        "19-namespace",
        "the API answers 403 for pods in one declared namespace",
        Verdict.NOT_OBSERVED,
        lock(),
        observe(namespaces=["janitor"], denied={"shop": "pods is forbidden"}),
    ),
    Case(
        "19-page",
        "the second page of the pod list fails",
        Verdict.CLUSTER_UNKNOWN,
        lock(),
        observe(doubt="the pod list broke off"),
    ),
    Case(
        "20",
        "the pod list comes back empty, the janitor's own pod missing",
        Verdict.CLUSTER_UNKNOWN,
        lock(),
        observe(doubt="the janitor's own pod is not in the list"),
    ),
    Case("21", "bytes that are no lock", Verdict.UNREADABLE, unreadable("the MAC is wrong")),
]
SEED = [
    Case(
        "27",
        "pod name of 80 characters, cut to 63 and ending in a dash",
        Verdict.HOLDER_ALIVE,
        lock(LONG_NAME[:62]),
        observe(pod(LONG_NAME)),
    ),
    Case(
        "28-newest",
        "hundreds of leaked locks of a live old restic: the newest",
        Verdict.TOO_YOUNG,
        lock(time=ago(3 * MINUTE), first_seen=ago(MINUTE), number=300),
        observe(pod()),
    ),
    Case(
        "28-old",
        "hundreds of leaked locks of a live old restic: an old one",
        Verdict.HOLDER_ALIVE,
        lock(time=ago(7 * HOUR), number=1),
        observe(pod()),
    ),
    Case(
        "31",
        "sidecar OOM-killed 90 s after its refresh, back after 4 s, the application never stopped",
        Verdict.HOLDER_REPLACED,
        lock("shop-0", time=ago(31 * MINUTE), first_seen=ago(31 * MINUTE)),
        observe(
            pod(
                "shop-0",
                APPLICATION,
                running(OOM + 4 * SECOND, "stash", restarts=1, finished=OOM),
                created=ago(20 * DAY),
            )
        ),
        repository(STASH),
    ),
    Case(
        "31-young",
        "the same before the lock is old enough",
        Verdict.TOO_YOUNG,
        lock("shop-0", time=ago(3 * MINUTE), first_seen=ago(3 * MINUTE)),
        observe(
            pod(
                "shop-0",
                APPLICATION,
                running(ago(86 * SECOND), "stash", restarts=1, finished=ago(90 * SECOND)),
                created=ago(20 * DAY),
            )
        ),
        repository(STASH),
    ),
    Case(
        "34",
        "live restic 0.18 whose refreshing stopped for good: lock 3 h old, running since before",
        Verdict.HOLDER_ALIVE,
        lock(time=ago(3 * HOUR)),
        observe(pod(created=ago(5 * HOUR))),
    ),
    Case(
        "35",
        "postgres-0 in many namespaces: the tenant's pod reborn, another tenant's runs on",
        Verdict.HOLDER_REPLACED,
        lock("postgres-0"),
        observe(
            pod("postgres-0", created=ago(HOUR), owners=controlled("StatefulSet", "postgres")),
            *(pod("postgres-0", namespace=f"tenant-{n}", created=ago(30 * DAY)) for n in range(9)),
        ),
        repository(),
    ),
    Case(
        "38",
        "decommissioned laptop, seen unchanged for 8 days, remove_unrefreshed_after 7d",
        Verdict.UNREFRESHED,
        lock("old-laptop", time=ago(70 * DAY), first_seen=ago(8 * DAY)),
        repository=repository(remove_unrefreshed_after=7 * DAY),
    ),
    Case(
        "38-off",
        "the same without the option",
        Verdict.FOREIGN_HOST,
        lock("old-laptop", time=ago(70 * DAY), first_seen=ago(8 * DAY)),
        repository=repository(),
    ),
]
CASES = [*REBOOTED, *ALIVE, *REBORN, *NODES, *ENDED, *FOREIGN, *CLOCKS, *DOUBTS, *SEED]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.row}: {case.sentence}" for case in CASES])
def test_case(case: Case) -> None:
    """A situation that was reported in public is answered otherwise than it must be."""
    judgement = decide(
        case.lock, case.cluster, case.repository, nodes=case.nodes, policy=case.policy
    )
    assert judgement.verdict == case.expected, judgement


def test_every_row_is_either_here_or_accounted_for() -> None:
    """A situation was dropped from the table without anybody saying where it is tested."""
    elsewhere = {22, 23, 24, 25, 26, 29, 30}
    here = {int(case.row.split("-")[0]) for case in CASES}
    assert here == set(range(1, 41)) - elsewhere


@pytest.mark.parametrize("pid", [1, 17, 4194304])
def test_pids_never_matter(pid: int) -> None:
    """A PID would prove nothing: containers share and reuse them."""
    assert verdict(lock(pid=pid), observe(pod())) == Verdict.HOLDER_ALIVE
    assert verdict(lock(pid=pid)) == Verdict.HOLDER_ABSENT


def test_the_skew_is_named() -> None:
    """Whoever reads `recently-written` could not see how far the clocks are apart (row 16)."""
    three = decide(lock(time=ago(3 * HOUR), modified=ago(2 * MINUTE), clock=StoreClock.SERVER))
    five = decide(lock(time=ago(5 * HOUR), modified=ago(2 * MINUTE), clock=StoreClock.SERVER))
    assert "2h58m" in three.detail.replace(" ", "")
    assert "4h58m" in five.detail.replace(" ", "")
