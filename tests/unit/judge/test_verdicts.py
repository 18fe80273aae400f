"""The verdicts about the cluster: each clause of their rows, and that the first match wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from janitor.model import Observation, Policy, Repository, Verdict

from .builders import (
    DAY,
    HOST,
    HOUR,
    LOCKED,
    MIN_AGE,
    MINUTE,
    NOBODYS,
    NOW,
    OURS,
    SECOND,
    SKEW,
    controlled,
    decide,
    ended,
    known,
    lock,
    node,
    observe,
    pod,
    repository,
    running,
    verdict,
)

ABSENT = Verdict.HOLDER_ABSENT
UNKNOWN = Verdict.CLUSTER_UNKNOWN
UNSEEN = Verdict.NOT_OBSERVED
DENIED = {"shop": "pods is forbidden in shop"}
REBORN = pod(HOST, running(LOCKED + HOUR, restarts=1), created=LOCKED - HOUR)
ENDED = pod(HOST, ended(LOCKED + HOUR), created=LOCKED - HOUR)
ALIVE = pod(HOST)
WITHOUT_NODES = Policy(observe_nodes=False)


@pytest.mark.parametrize("pods", [(), (ALIVE,), (REBORN,), (ENDED,)])
def test_a_doubt_keeps_everything(pods: tuple[object, ...]) -> None:
    """An observation that cannot be trusted would be trusted."""
    judgement = decide(observation=observe(*pods, doubt="no witness"))  # type: ignore[arg-type]
    assert judgement.verdict == UNKNOWN
    assert judgement.detail == "No witness."


# --- not-observed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (("shop",), UNSEEN),
        (("web", "shop"), UNSEEN),
        (("web",), ABSENT),
        (None, UNSEEN),
    ],
)
def test_a_declared_namespace_that_is_denied(
    declared: tuple[str, ...] | None, expected: Verdict
) -> None:
    """A holder in a namespace that nobody may look into would be absent; or others be kept."""
    of = repository("shop-backup-*", namespaces=declared)
    cluster = observe(namespaces=["web", "janitor"], denied=DENIED)
    assert verdict(observation=cluster, of=of) == expected


def test_a_denied_namespace_is_out_of_sight_whatever_was_listed() -> None:
    """A refusal would be forgotten where the other namespaces came by one cluster-wide list."""
    assert verdict(observation=observe(denied=DENIED)) == UNSEEN
    assert verdict(observation=observe(namespaces=["shop"], denied=DENIED)) == UNSEEN


def test_not_observed_says_where() -> None:
    """Nobody could mend the missing right, or each sweep would name another one."""
    detail = decide(observation=observe(namespaces=["janitor"], denied=DENIED)).detail
    assert "shop" in detail
    denied = {"web": "web is forbidden", "media": "media is forbidden"}
    of = repository("*", namespaces=None)
    detail = decide(observation=observe(namespaces=["shop"], denied=denied), of=of).detail
    assert detail == "Namespace 'media' is out of sight: media is forbidden."


def test_a_declared_namespace_that_nobody_listed() -> None:
    """`observe.namespaces` leaves out what the repository declares: its holder would be absent."""
    cluster = observe(namespaces=["web", "janitor"])
    assert not verdict(observation=cluster).stale


@pytest.mark.parametrize(
    ("nodes_denied", "policy", "expected"),
    [
        ("nodes is forbidden", Policy(), UNSEEN),
        ("nodes is forbidden", WITHOUT_NODES, ABSENT),
        (None, WITHOUT_NODES, ABSENT),
    ],
)
def test_nodes_that_are_denied(nodes_denied: str | None, policy: Policy, expected: Verdict) -> None:
    """A holder on a host would be absent; or `observe.nodes: false` have no effect."""
    cluster = observe(nodes=None, nodes_denied=nodes_denied)
    assert verdict(observation=cluster, policy=policy) == expected


# --- node-gone -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        (None, Verdict.NODE_EXISTS),
        (timedelta(0), Verdict.NODE_EXISTS),
        (MIN_AGE - SECOND, Verdict.NODE_EXISTS),
        (MIN_AGE, Verdict.NODE_GONE),
        (2 * HOUR, Verdict.NODE_GONE),
    ],
)
def test_a_node_must_be_missed_for_min_age(absent: timedelta | None, expected: Verdict) -> None:
    """A Node that reboots would be gone; or one that was scaled away exist for ever."""
    memory = known("worker-7", absent=absent)
    assert verdict(lock("worker-7"), of=NOBODYS, nodes=memory) == expected


def test_min_age_of_the_repository_binds_nodes() -> None:
    """A Node would be gone before the repository's own min_age."""
    memory = known("worker-7", absent=HOUR)
    of = repository(min_age=2 * HOUR)
    assert verdict(lock("worker-7"), of=of, nodes=memory) == Verdict.NODE_EXISTS


def test_a_gone_node_whose_name_a_pod_carries() -> None:
    """A living pod would be overlooked, or a dead one be called a Node."""
    memory = known("worker-7", absent=2 * HOUR)
    seen = lock("worker-7")
    living = pod("worker-7")
    dead = pod("worker-7", ended(LOCKED + HOUR))
    assert verdict(seen, observe(living), NOBODYS, nodes=memory) == Verdict.HOLDER_ALIVE
    assert verdict(seen, observe(dead), NOBODYS, nodes=memory) == Verdict.HOLDER_TERMINATED


def test_a_gone_node_is_named_before_absent() -> None:
    """A Node that is gone would be told as a pod that is absent."""
    memory = known("worker-7", absent=2 * HOUR)
    assert verdict(lock("worker-7"), of=repository("worker-*"), nodes=memory) == Verdict.NODE_GONE


def test_a_host_that_wrote_after_it_left_the_cluster_lives_on() -> None:
    """A Node that was only taken out of the cluster would lose the lock of its running backup."""
    left = NOW - LOCKED + 10 * timedelta(minutes=1)
    memory = known("worker-7", absent=left)
    for of in (NOBODYS, repository("worker-*")):
        assert verdict(lock("worker-7"), of=of, nodes=memory) == Verdict.NODE_EXISTS


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), Verdict.NODE_GONE),
        (SKEW, Verdict.NODE_GONE),
        (SKEW + SECOND, Verdict.NODE_EXISTS),
    ],
)
def test_it_wrote_after_it_had_left_only_beyond_the_skew(
    after: timedelta, expected: Verdict
) -> None:
    """A clock that is a little fast would make every gone Node live on, or one that lives be gone.

    (docs/safety.md: "so does one whose lock was written after the Node had left".)
    """
    memory = known("worker-7", absent=NOW - LOCKED + after)
    assert verdict(lock("worker-7"), of=NOBODYS, nodes=memory) == expected


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        (MIN_AGE / 2, Verdict.NODE_EXISTS),
        (2 * HOUR, Verdict.NODE_GONE),
        (9 * HOUR, Verdict.NODE_EXISTS),
    ],
)
def test_every_node_of_the_state_is_looked_at(absent: timedelta, expected: Verdict) -> None:
    """Only the first Node that the state remembers would keep its locks, or be gone."""
    memory = known("worker-8") | known("worker-9", absent=DAY) | known("worker-7", absent=absent)
    assert verdict(lock("worker-7"), of=NOBODYS, nodes=memory) == expected


def test_a_node_of_another_cluster_is_not_gone_from_this_one() -> None:
    """One dry run against the wrong cluster would make its hosts ours, and then gone."""
    strange = {
        name: replace(memory, vouched=False)
        for name, memory in known("worker-7", absent=2 * HOUR).items()
    }
    assert verdict(lock("worker-7"), of=NOBODYS, nodes=strange) == Verdict.FOREIGN_HOST
    lately = {
        name: replace(memory, vouched=False)
        for name, memory in known("worker-7", absent=MIN_AGE / 2).items()
    }
    assert verdict(lock("worker-7"), of=NOBODYS, nodes=lately) == Verdict.NODE_EXISTS


@pytest.mark.parametrize("memory", [{}, known("worker-8", absent=DAY)])
def test_a_host_that_was_never_a_node(memory: dict[str, object]) -> None:
    """A laptop would be taken for a Node that is gone."""
    assert verdict(lock("laptop"), of=NOBODYS, nodes=memory) == Verdict.FOREIGN_HOST  # type: ignore[arg-type]


# --- first match wins ------------------------------------------------------------------------

WORKER = lock("worker-1")
HOST_POD = pod("agent-x2x9k", host_network=True)
FOREIGN_LOCK = lock("laptop")


@pytest.mark.parametrize(
    ("seen", "cluster", "of", "expected"),
    [
        (WORKER, observe(doubt="no witness"), OURS, UNKNOWN),
        (lock(), observe(denied=DENIED, namespaces=["janitor"], doubt="apart"), OURS, UNKNOWN),
        (FOREIGN_LOCK, observe(doubt="no witness"), NOBODYS, UNKNOWN),
        (WORKER, observe(HOST_POD), OURS, Verdict.NODE_EXISTS),
        (WORKER, observe(pod("worker-1")), OURS, Verdict.NODE_EXISTS),
        (WORKER, observe(denied=DENIED, namespaces=["janitor"]), OURS, Verdict.NODE_EXISTS),
        (WORKER, observe(), NOBODYS, Verdict.NODE_EXISTS),
        (
            WORKER,
            observe(pod("worker-1", ended(None), phase="Failed")),
            NOBODYS,
            Verdict.NODE_EXISTS,
        ),
        (
            lock(),
            observe(ALIVE, denied={"web": "pods is forbidden"}, namespaces=["shop"]),
            repository("*", namespaces=("shop", "web")),
            Verdict.HOLDER_ALIVE,
        ),
        (
            lock(),
            observe(ALIVE, nodes=None, nodes_denied="nodes is forbidden"),
            OURS,
            Verdict.HOLDER_ALIVE,
        ),
        (lock(), observe(pod(created=None)), NOBODYS, Verdict.HOLDER_ALIVE),
        (FOREIGN_LOCK, observe(denied=DENIED, namespaces=["janitor"]), NOBODYS, UNSEEN),
        (FOREIGN_LOCK, observe(nodes=None, nodes_denied="forbidden"), NOBODYS, UNSEEN),
        (
            lock(),
            observe(REBORN, denied={"web": "pods is forbidden"}, namespaces=["shop"]),
            repository("*", namespaces=("shop", "web")),
            UNSEEN,
        ),
        (
            lock("db.local"),
            observe(pod("db", ended(LOCKED + HOUR), created=LOCKED - HOUR)),
            NOBODYS,
            Verdict.FOREIGN_HOST,
        ),
        (lock(), observe(ENDED, REBORN), OURS, Verdict.HOLDER_REPLACED),
        (lock(), observe(ENDED), OURS, Verdict.HOLDER_TERMINATED),
    ],
)
def test_the_first_match_wins(
    seen: object, cluster: Observation, of: Repository, expected: Verdict
) -> None:
    """Two rows match, and the later one would be told: scripts and alerts hang on the word."""
    assert verdict(seen, cluster, of) == expected  # type: ignore[arg-type]


def test_other_locks_and_pods_have_no_say() -> None:
    """Pods of other names would change a verdict."""
    bystanders = [
        pod("web-0", owners=controlled("StatefulSet", "web")),
        pod("shop-backup-7k2px"),
        pod(HOST, namespace="other", created=LOCKED + HOUR, phase="Failed", containers=()),
    ]
    assert verdict(observation=observe(*bystanders[:2])) == ABSENT


@pytest.mark.parametrize("taken", [timedelta(0), 5 * MINUTE, DAY])
def test_ages_are_measured_by_now(taken: timedelta) -> None:
    """A lock would be old by another clock than the one that was compared with the API's."""
    cluster = observe()
    older = Observation(taken=cluster.taken - taken, pods=cluster.pods, nodes=cluster.nodes)
    assert verdict(observation=older) == ABSENT


def test_every_judgement_has_a_sentence_and_json_evidence() -> None:
    """The log line could not be written, or a person would read nothing."""
    import json

    for cluster in (observe(), observe(ALIVE), observe(ENDED), observe(doubt="apart")):
        for seen in (lock(), WORKER, FOREIGN_LOCK, lock(first_seen=None)):
            judgement = decide(seen, cluster)
            assert judgement.detail.strip()
            json.dumps(dict(judgement.evidence))


def test_nothing_is_released_by_judging() -> None:
    """`released` is what the store says, never what the rule says."""
    assert verdict() != Verdict.RELEASED


def test_a_second_ready_node_changes_nothing() -> None:
    """Another Node's readiness would be taken for the pod's own Node's."""
    holder = pod(HOST, ended(LOCKED - HOUR), created=LOCKED - 2 * HOUR)
    cluster = observe(holder, nodes=[node(ready=False), node("worker-2")])
    assert verdict(observation=cluster) == Verdict.HOLDER_ALIVE
