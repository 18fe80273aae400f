"""Whose evidence it is, where there are several pods, containers, Nodes or Events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from janitor.circumstances import ContainerStory, ObjectEvent
from janitor.model import Node, PodEvent, Repository, Verdict

from .test_diagnose import (
    DIED,
    HOST,
    LOCKED,
    LOW,
    OLD,
    OTHER,
    OWN,
    POD,
    WORKER,
    cause,
    ended,
    event,
    of,
    of_pods,
)

MINUTE = timedelta(minutes=1)


def about(kind: str, name: str, reason: str, minutes: float, message: str = "") -> ObjectEvent:
    """An Event about an object that is no pod, so long after the lock."""
    namespace = "" if kind == "Node" else "shop"
    return ObjectEvent(kind, namespace, name, reason, message, LOCKED + minutes * MINUTE)


@pytest.mark.parametrize("reason", ["Scheduled", "Pulling", "Pulled", "Created", "Started"])
def test_whatever_a_pod_begins_with_tells_when_it_began(reason: str) -> None:
    """Else an Event that is left of many is not enough to tell two pods of one name apart."""
    events = (
        of(OLD, "Scheduled", -60),
        of(OLD, "Evicted", 1, LOW),
        of(OWN, reason, -2),
        of(OWN, "Preempted", 2, "Preempted by pod 7d5c on node w"),
    )
    assert "was preempted by 7d5c" in cause(events=events)


def test_a_pod_began_with_its_first_event() -> None:
    """Else the pull of an image by a restarted container makes an old pod a new one."""
    events = (
        of(OWN, "Pulled", -2),
        of(OWN, "Scheduled", -3),
        of(OWN, "Pulled", 7),
        of(OWN, "Killing", 2, "Stopping container restic"),
        of(OLD, "Scheduled", -60),
        of(OLD, "Evicted", 1, LOW),
    )
    for order in (events, tuple(reversed(events))):
        assert "was deleted; by whom" in cause(events=order)


def test_of_several_containers_the_last_end_counts() -> None:
    """Else what ended the restic that ran on is no cause, because its sidecar was done before."""
    first = replace(ended("Unknown", 255), name="first")  # lost: it tells when, and not how
    last = replace(first, name="last", finished=DIED + 60 * MINUTE)
    for containers in ((first, last), (last, first)):
        pod = replace(POD, containers=containers)
        assert "was rebooted" in cause(pod=pod, others=(about("Node", "worker-1", "Rebooted", 30),))
        later = about("Node", "worker-1", "Rebooted", 120)
        assert "was rebooted" not in cause(pod=pod, others=(later,))


def test_an_end_before_the_lock_is_no_end_of_its_holder() -> None:
    """Else a container that had ended long before makes all that came later no cause."""
    old = ContainerStory("init", reason="Completed", exit_code=0, finished=LOCKED - 60 * MINUTE)
    pod = replace(POD, containers=(old, ContainerStory("restic")))
    rebooted = about("Node", "worker-1", "Rebooted", 30)
    assert "was rebooted" in cause(pod=pod, others=(rebooted,))


def test_each_event_of_its_node_is_looked_at() -> None:
    """Else the first of many, of another time, hides the one that tells."""
    before = about("Node", "worker-1", "Rebooted", -60)
    while_held = about("Node", "worker-1", "Rebooted", 3)
    assert "was rebooted (at 2026-11-24 03:03:00Z)" in cause(pod=POD, others=(before, while_held))
    assert cause(pod=POD, others=(before,)).startswith("Unknown")
    nameless = about("Node", "", "Rebooted", 3)
    assert cause(pod=replace(POD, node=""), others=(nameless,)).startswith("Unknown")


def test_each_event_of_its_controllers_is_looked_at() -> None:
    """Else a deletion of last week, or another Job's, hides the one that tells."""
    deleted = f"Deleted pod: {HOST}"
    old = about("Job", "backup-29401", "SuccessfulDelete", -60, deleted)
    own = about("Job", "backup-29401", "SuccessfulDelete", 2, deleted)
    assert "Job backup-29401 deleted its pod" in cause(pod=POD, others=(old, own))
    assert cause(pod=POD, others=(old,)).startswith("Unknown")
    quiet = about("Job", "backup-29401", "SuccessfulCreate", 1)
    late = about("Job", "backup-29401", "DeadlineExceeded", 2)
    assert "passed its activeDeadlineSeconds" in cause(pod=POD, others=(quiet, late))


def test_a_second_pods_events_and_story_belong_together() -> None:
    """Else an Event about it is told without its owner, and no field is named."""
    killed = PodEvent("shop", OTHER.name, "Killing", "Stopping container restic", DIED, "v")
    sidecar = replace(OTHER, containers=(ContainerStory("proxy"),))
    said = of_pods((POD, {}), (sidecar, {}), events=(killed,))
    assert said.startswith("Unknown")  # it was another container's
    two = replace(OTHER, containers=(ContainerStory("proxy"), ContainerStory("restic")))
    assert f"Pod shop/{OTHER.name} was deleted" in of_pods((POD, {}), (two, {}), events=(killed,))


def test_of_two_declared_namespaces_only_they_count() -> None:
    """Else a pod of that name of somebody else's is told."""
    both = Repository("shop", namespaces=("shop", "web"))
    foreign = replace(event("Evicted", LOW), namespace="other")
    assert cause(events=(foreign,), repository=both).startswith("Unknown")
    own = event("Killing", "Stopping container restic")
    assert "Pod shop/" in cause(events=(own, foreign), repository=both)


def test_a_lost_node_is_told_beside_what_else_there_is() -> None:
    """Its verdict says that the Node is gone: an Event of the pod's must not hide it."""
    quiet = event("Killing", "Stopping container restic")
    said = cause(events=(quiet,), verdict=Verdict.NODE_GONE, nodes=(Node("a", ready=True),))
    assert f"The Node {HOST}, on which it ran, is gone" in said
    absent = cause(events=(quiet,), verdict=Verdict.HOLDER_ABSENT, nodes=(WORKER,))
    assert "was deleted; by whom" in absent


def test_any_node_of_the_list_may_be_the_one_that_is_not_ready() -> None:
    """Else only the first Node of a cluster is ever found to be sick."""
    nodes = (Node("a", ready=True), Node("worker-1", ready=False))
    assert "worker-1" in cause(pod=POD, nodes=nodes)
    assert cause(pod=POD, nodes=(Node("a", ready=False), WORKER)).startswith("Unknown")


def test_how_far_clocks_may_differ_is_in_bounds() -> None:
    """Five minutes, as `max_skew` says, are still together; a second more is not."""
    own = replace(POD, containers=(ended("Error", 1),))
    rebooted = about("Node", "worker-1", "Rebooted", 7)
    assert "was rebooted" in cause(pod=own, others=(rebooted,))
    more = replace(rebooted, time=DIED + 5 * MINUTE + timedelta(seconds=1))
    assert "was rebooted" not in cause(pod=own, others=(more,))


def test_a_deletion_is_dated_by_its_grace_period() -> None:
    """The API's time is when the pod is to be gone; without a grace period it is the same."""
    for grace, said in ((None, "03:02:30"), (0, "03:02:30"), (30, "03:02:00")):
        going = replace(POD, deleted=DIED + timedelta(seconds=30), grace_seconds=grace)
        assert f"was deleted; by whom the API does not tell (at 2026-11-24 {said}Z)" in cause(
            pod=going
        )
