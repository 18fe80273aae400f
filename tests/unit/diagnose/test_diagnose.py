"""What a holder died of, from what is left; and nothing that is not shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from janitor.circumstances import Circumstances, ContainerStory, ObjectEvent, PodStory
from janitor.diagnose import Diagnosis, diagnose
from janitor.model import (
    Judgement,
    Lock,
    LockID,
    Node,
    ObjectReference,
    Observation,
    PodEvent,
    Repository,
    SeenLock,
    StoreClock,
    Verdict,
)

HOST = "backup-29401-x2x9k"
LOCKED = datetime.fromisoformat("2026-11-24T03:00:00Z")
DIED = LOCKED + timedelta(minutes=2)
NOW = LOCKED + timedelta(hours=8)
SKEW = timedelta(minutes=5)
WORKER = Node("worker-1", ready=True)
REPOSITORY = Repository("shop", namespaces=("shop",))
POD = PodStory("shop", HOST, uid="u", node="worker-1", owner="Job backup-29401")


def found(
    *,
    pod: PodStory | None = None,
    created: str = "2026-11-24T02:59:00Z",
    events: tuple[PodEvent, ...] = (),
    others: tuple[ObjectEvent, ...] = (),
    nodes: tuple[Node, ...] | None = (WORKER,),
    missing: str | None = None,
    verdict: Verdict = Verdict.HOLDER_TERMINATED,
    repository: Repository = REPOSITORY,
    asked: tuple[str, ...] = (),
) -> Diagnosis | None:
    """The diagnosis of a lock that was written at LOCKED."""
    lock = Lock(LOCKED, exclusive=False, hostname=HOST, username="root", pid=1)
    seen = SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None)
    containers = [{"name": name} for name in asked]
    candidate = {"pod": f"shop/{HOST}", "uid": "u", "created": created, "containers": containers}
    candidates = [candidate] if pod else []
    return diagnose(
        seen,
        Judgement(verdict, "", {"candidates": candidates}),
        repository,
        observation=Observation(NOW, nodes=nodes, events=events),
        circumstances=Circumstances((pod,) if pod else (), others, missing),
        max_skew=SKEW,
    )


def cause(**known: object) -> str:
    """Its sentence."""
    diagnosis = found(**known)  # type: ignore[arg-type]
    assert diagnosis is not None
    return diagnosis.cause


def event(reason: str, message: str = "", *, at: datetime | None = DIED) -> PodEvent:
    return PodEvent("shop", HOST, reason, message, at)


def ended(reason: str, code: int, **known: object) -> ContainerStory:
    return ContainerStory("restic", reason=reason, exit_code=code, finished=DIED, **known)  # type: ignore[arg-type]


FULL = 'Usage of EmptyDir volume "cache" exceeds the limit "1Gi". '
SCHEDULED = event("Scheduled", f"Successfully assigned shop/{HOST} to worker-1", at=LOCKED)


# --- the pod is still there -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pod", "said", "advised"),
    [
        (
            replace(POD, reason="Evicted", message=FULL),
            f"Pod shop/{HOST} was evicted: its emptyDir 'cache' passed the sizeLimit of 1Gi.",
            "Raise the sizeLimit of the volume 'cache' in Job backup-29401, or let restic",
        ),
        (
            replace(POD, reason="Evicted", message="The node was low on resource: memory."),
            f"Pod shop/{HOST} was evicted, since the Node worker-1 ran low on memory.",
            "Request as much memory",
        ),
        (
            replace(POD, reason="Evicted", message="A later kubelet's\nown \x1b[31mwords"),
            "was evicted: “A later kubelet's own \x1b[31mwords”.",
            None,
        ),
        (
            replace(POD, containers=(ended("OOMKilled", 137, memory_limit="512Mi", restarts=3),)),
            f"Container 'restic' of pod shop/{HOST} was OOM-killed at its memory limit of 512Mi, "
            "3 restarts so far (at 2026-11-24 03:02:00Z).",
            "Raise resources.limits.memory of container 'restic' in Job backup-29401; GOGC=20",
        ),
        (
            replace(POD, containers=(ended("OOMKilled", 137),)),
            "was OOM-killed without a memory limit of its own: its pod",
            "Raise resources.limits.memory",
        ),
        (
            replace(POD, containers=(ended("Error", 1),)),
            "ended by itself with exit code 1",
            "Its log",
        ),
        (replace(POD, containers=(ended("Error", 137),)), "was killed (SIGKILL", "Its log"),
        (replace(POD, containers=(ended("Completed", 0),)), "ended with exit code 0", None),
        (
            replace(POD, reason="DeadlineExceeded"),
            f"Pod shop/{HOST} passed its activeDeadlineSeconds",
            "Raise",
        ),
        (
            replace(POD, disruption="EvictionByEvictionAPI", disrupted=DIED),
            "was evicted by the Eviction API, as a drain does (at 2026-11-24 03:02:00Z)",
            "PodDisruptionBudget",
        ),
        (
            replace(
                POD,
                disruption="PreemptionByScheduler",
                disrupted=DIED,
                disruption_message="default-scheduler: preempted by pod 7d5c on node worker-1",
            ),
            "was preempted by 7d5c",
            "priorityClassName",
        ),
        (
            replace(POD, disruption="DeletionByTaintManager", disrupted=DIED),
            "was deleted for a NoExecute taint of the Node worker-1",
            "Find why the Node",
        ),
        (
            replace(POD, reason="Terminated", message="node shutdown"),
            "was ended, since its Node shut down",
            None,
        ),
    ],
)
def test_a_pod_that_is_left_tells(pod: PodStory, said: str, advised: str | None) -> None:
    """Else the next backup dies of the same."""
    diagnosis = found(pod=pod)
    assert diagnosis is not None
    if "its Node" in said:
        said = said.replace("its Node", "the Node worker-1")
    assert said in diagnosis.cause
    if advised is not None:
        assert advised in (diagnosis.advice or "")


def test_what_ended_before_the_lock_was_written_is_no_cause() -> None:
    """Else an old crash would be blamed for a new death."""
    before = replace(ended("OOMKilled", 137), finished=LOCKED - timedelta(hours=1))
    assert "Unknown: its pod is still there" in cause(pod=replace(POD, containers=(before,)))


def test_a_pod_that_came_after_the_lock_is_no_holder() -> None:
    """Else a StatefulSet's new pod would be blamed for the old one's death."""
    pod = replace(POD, containers=(ended("OOMKilled", 137),))
    assert "Unknown" in cause(pod=pod, created="2026-11-24T04:00:00Z")


# --- Events only ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "others", "said"),
    [
        ((event("Evicted", FULL),), (), "emptyDir 'cache' passed the sizeLimit of 1Gi"),
        (
            (event("Killing", "Stopping container restic"),),
            (),
            "was deleted; by whom the API does not tell",
        ),
        (
            (event("Killing", "Container restic failed liveness probe, will be restarted"),),
            (),
            "was restarted: it failed its liveness probe",
        ),
        ((event("Preempted", "Preempted by pod 7d5c on node w"),), (), "preempted by 7d5c"),
        (
            (event("TaintManagerEviction", f"Marking for deletion Pod shop/{HOST}"),),
            (),
            "for a NoExecute taint of its Node",
        ),
        (
            (event("Killing", "Stopping container restic"),),
            (
                ObjectEvent(
                    "Job",
                    "shop",
                    "backup-29401",
                    "DeadlineExceeded",
                    "Job was active longer than specified deadline",
                    DIED,
                ),
            ),
            "Job backup-29401 passed its activeDeadlineSeconds",
        ),
        (
            (event("Killing", "Stopping container restic"),),
            (
                ObjectEvent(
                    "ReplicaSet", "shop", "web-1", "SuccessfulDelete", f"Deleted pod: {HOST}", DIED
                ),
            ),
            "ReplicaSet web-1 deleted its pod",
        ),
        (
            (SCHEDULED,),
            (
                ObjectEvent(
                    "Node",
                    "default",
                    "worker-1",
                    "Rebooted",
                    "Node worker-1 has been rebooted",
                    DIED,
                ),
            ),
            "The Node worker-1 was rebooted",
        ),
    ],
)
def test_events_tell_of_a_pod_that_is_gone(
    events: tuple[PodEvent, ...], others: tuple[ObjectEvent, ...], said: str
) -> None:
    """Else a pod that its controller cleaned up takes the reason along."""
    assert said in cause(events=events, others=others, verdict=Verdict.HOLDER_ABSENT)


@pytest.mark.parametrize(
    "other",
    [
        ObjectEvent("Job", "shop", "backup-29400", "DeadlineExceeded", "", DIED),
        ObjectEvent("Node", "default", "worker-2", "Rebooted", "", DIED),
        ObjectEvent("ReplicaSet", "shop", "web", "SuccessfulDelete", f"Deleted pod: {HOST}x", DIED),
        ObjectEvent("Job", "shop", "backup-29401", "DeadlineExceeded", "", LOCKED - 2 * SKEW),
        ObjectEvent("Job", "shop", "backup-29401", "DeadlineExceeded", "", None),
        ObjectEvent("Node", "default", "worker-1", "SystemOOM", "victim process: mysqld", DIED),
    ],
)
def test_an_event_about_something_else_is_no_cause(other: ObjectEvent) -> None:
    """Else whatever happened in the cluster that night would be blamed."""
    assert "Unknown" in cause(events=(SCHEDULED,), others=(other,), verdict=Verdict.HOLDER_ABSENT)


def test_the_end_of_the_next_pod_of_that_name_is_not_told() -> None:
    """Else a later, louder death would hide the one that left the lock."""
    later = event("Evicted", FULL, at=DIED + timedelta(hours=2))
    said = cause(events=(event("Killing", "Stopping container restic"), later))
    assert "was deleted" in said


def test_a_pod_of_that_name_elsewhere_tells_nothing() -> None:
    """Else the end of another namespace's web-0 would be blamed."""
    elsewhere = replace(event("Evicted", FULL), namespace="other")
    assert "Unknown" in cause(events=(elsewhere,))
    job = ObjectEvent("Job", "other", "backup-29401", "DeadlineExceeded", "", DIED)
    assert "Unknown" in cause(others=(job,))
    # where nothing is declared, two of one name cannot be told apart
    anywhere = replace(REPOSITORY, namespaces=None)
    here = event("Killing", "Stopping container restic")
    assert "Unknown" in cause(events=(elsewhere, here), repository=anywhere)
    assert "was deleted" in cause(events=(here,), repository=anywhere)


def test_only_the_containers_that_were_asked_tell() -> None:
    """Else the end of the application beside it would be blamed."""
    aside = replace(ended("OOMKilled", 137), name="app")
    pod = replace(POD, containers=(aside, ended("Error", 1)))
    assert "'app' of pod" in cause(pod=pod)
    assert "'restic' of pod" in cause(pod=pod, asked=("restic",))


def test_a_node_that_is_gone_is_told() -> None:
    """Else a scale-down of Nodes would read as a riddle."""
    said = cause(events=(SCHEDULED,), nodes=(Node("worker-2", ready=True),))
    assert "The Node worker-1, on which it ran, is gone from the cluster" in said
    said = cause(events=(SCHEDULED,), nodes=(Node("worker-1", ready=False),))
    assert "The Node worker-1, on which it ran, is not ready." in said
    # who may not list Nodes cannot say so
    assert "Unknown" in cause(events=(SCHEDULED,), nodes=None)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "no Event that is left tells of its end"),
        ({"missing": "The API server denies list events"}, "could not be read: The API server"),
    ],
)
def test_what_is_not_known_says_why(known: dict[str, str], said: str) -> None:
    """Else "unknown" would leave a person where they were."""
    assert said in cause(verdict=Verdict.HOLDER_ABSENT, **known)


def test_only_stale_locks_have_a_cause() -> None:
    """Else a living holder would be said to have died."""
    assert found(pod=POD, verdict=Verdict.HOLDER_ALIVE) is None


# --- what to change ---------------------------------------------------------------------------

OWNER = ObjectReference("v1", "ReplicationSource", "media", "plex")


@pytest.mark.parametrize(
    ("source", "pod", "advised"),
    [
        (
            "stash",
            replace(POD, reason="Evicted", message=FULL.replace("cache", "tmp-dir")),
            "spec.tempDir.disableCaching",
        ),
        ("stash", replace(POD, reason="Evicted", message=FULL), "sizeLimit of the volume 'cache'"),
        (
            "volsync",
            replace(POD, reason="Evicted", message=FULL),
            "spec.restic.cacheCapacity of Rep",
        ),
        (
            "k8up",
            replace(
                POD,
                reason="Evicted",
                message='Container restic exceeded its local ephemeral storage limit "1Gi". ',
            ),
            "spec.backup.resources of Rep",
        ),
        ("volsync", replace(POD, containers=(ended("OOMKilled", 137),)), "moverResources.limits"),
        ("stash", replace(POD, containers=(ended("OOMKilled", 137),)), "runtimeSettings.container"),
    ],
)
def test_the_field_of_the_owner_is_named(source: str, pod: PodStory, advised: str) -> None:
    """Else a person would change the Job, which the operator writes anew."""
    repository = replace(REPOSITORY, source=source, owners=(OWNER,))
    diagnosis = found(pod=pod, repository=repository)
    assert diagnosis is not None
    assert advised in (diagnosis.advice or "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"containers": (ContainerStory("restic", image="restic/restic:0.16.4"),)},
            "0.17 and newer",
        ),
        (
            {"containers": (ContainerStory("x", command=("sh", "-c", "restic backup; date")),)},
            "exec restic",
        ),
        ({"grace_seconds": 3}, "terminationGracePeriodSeconds is 3"),
    ],
)
def test_why_the_lock_stayed_although_restic_was_asked_to_end(
    change: dict[str, object], said: str
) -> None:
    """Else each drain would leave a lock again."""
    pod = replace(POD, disruption="EvictionByEvictionAPI", disrupted=DIED, **change)  # type: ignore[arg-type]
    diagnosis = found(pod=pod)
    assert diagnosis is not None
    assert said in (diagnosis.advice or "")
    # an OOM kill asks nobody
    killed = replace(pod, disruption=None, containers=(ended("OOMKilled", 137),))
    other = found(pod=killed)
    assert other is not None
    assert said not in (other.advice or "")


# --- each word of the API's ---------------------------------------------------------------------

AT = " (at 2026-11-24 03:02:00Z)."


@pytest.mark.parametrize(
    ("reason", "message", "said"),
    [
        (
            "Preempting",
            "Preempted in order to admit critical pod",
            f"Pod shop/{HOST} was preempted",
        ),
        (
            "Preempted",
            "Preempted by pod 7d5c on node w",
            f"Pod shop/{HOST} was preempted by 7d5c",
        ),
        (
            "TaintManagerEviction",
            "Marking for deletion Pod",
            f"Pod shop/{HOST} was deleted for a NoExecute taint of its Node (one that is not ready "
            "or unreachable has one)",
        ),
        ("NodeNotReady", "Node is not ready", "Its Node, on which it ran, became not ready"),
        ("OOMKilling", "Memory cgroup out of memory", f"Pod shop/{HOST} was OOM-killed"),
        ("OOMKilled", "", f"Pod shop/{HOST} was OOM-killed"),
        (
            "Killing",
            "Stopping container restic",
            f"Pod shop/{HOST} was deleted; by whom the API does not tell",
        ),
        (
            "Evicted",
            "The node was low on resource: inodes.",
            f"Pod shop/{HOST} was evicted, since its Node ran low on inodes",
        ),
    ],
)
def test_each_event_about_a_pod(reason: str, message: str, said: str) -> None:
    """Else one of them would be lost with the next change."""
    assert cause(events=(event(reason, message),)) == said + AT


@pytest.mark.parametrize(
    "quiet", [event("TaintManagerEviction", "Cancelling deletion of Pod"), event("Pulled")]
)
def test_an_event_that_tells_of_no_end(quiet: PodEvent) -> None:
    """Else a pod that was spared would be said to have been deleted."""
    assert "Unknown" in cause(events=(quiet,))


@pytest.mark.parametrize(
    ("kind", "name", "reason", "message", "said"),
    [
        ("Node", "worker-1", "Rebooted", "", "The Node worker-1 was rebooted"),
        ("Node", "worker-1", "NodeNotReady", "", "The Node worker-1, on which it ran, became not"),
        ("Node", "worker-1", "RemovingNode", "", "The Node worker-1, on which it ran, is gone"),
        ("Node", "worker-1", "DeletingNode", "", "The Node worker-1, on which it ran, is gone"),
        ("Node", "worker-1", "Shutdown", "", "since the Node worker-1 shut down"),
        (
            "Node",
            "worker-1",
            "SystemOOM",
            "victim process: restic, pid: 1",
            "a process called restic",
        ),
        ("Node", "worker-1", "OOMKilling", "Killed process 1 (restic)", "called restic was"),
        ("Job", "backup-29401", "BackoffLimitExceeded", "", "Job backup-29401 reached its backoff"),
        ("Job", "backup-29401", "SuccessfulDelete", f"Deleted pod: {HOST}", "Job backup-29401 del"),
        (
            "StatefulSet",
            "web",
            "SuccessfulDelete",
            f"delete Pod {HOST} in x",
            "StatefulSet web del",
        ),
    ],
)
def test_each_event_about_something_else(
    kind: str, name: str, reason: str, message: str, said: str
) -> None:
    """Else one of them would be lost with the next change."""
    other = ObjectEvent(kind, "shop", name, reason, message, DIED)
    told = cause(events=(SCHEDULED,), others=(other,))
    assert said in told
    assert told.endswith(AT)


@pytest.mark.parametrize(
    ("kind", "name", "reason", "message"),
    [
        ("Job", "backup-29401", "SuccessfulCreate", f"Created pod: {HOST}"),
        ("Job", "backup-29401", "Completed", ""),
        ("ReplicaSet", "web", "SuccessfulCreate", f"Created pod: {HOST}"),
        ("Node", "worker-1", "NodeReady", ""),
    ],
)
def test_what_ends_nothing_is_no_cause(kind: str, name: str, reason: str, message: str) -> None:
    """Else a pod's creation would be told as its end."""
    other = ObjectEvent(kind, "shop", name, reason, message, DIED)
    assert "Unknown" in cause(events=(SCHEDULED,), others=(other,))


@pytest.mark.parametrize("reason", ["NodeLost", "NodeShutdown", "Shutdown", "Terminated"])
def test_each_word_for_a_node_that_went(reason: str) -> None:
    """Else a later kubelet's word, or an older one's, would be unknown."""
    told = cause(pod=replace(POD, reason=reason))
    assert told == f"Pod shop/{HOST} was ended, since the Node worker-1 shut down or was lost."
    assert "since its Node" in cause(pod=replace(POD, reason=reason, node=""))


@pytest.mark.parametrize(
    ("disruption", "said"),
    [
        ("DeletionByPodGC", "The Node worker-1, on which it ran, is gone from the cluster"),
        ("TerminationByKubelet", "since the Node worker-1 shut down or was lost"),
        ("SomethingNew", "Unknown"),
    ],
)
def test_each_disruption(disruption: str, said: str) -> None:
    """Else a condition of the pod's would be overlooked."""
    assert said in cause(pod=replace(POD, disruption=disruption, disrupted=DIED))


@pytest.mark.parametrize("reason", ["Preempting", "Preempted"])
def test_a_pod_whose_status_says_that_it_was_preempted(reason: str) -> None:
    """Else a critical pod's preemption by the kubelet would be unknown."""
    assert "was preempted by 7d5c." in cause(
        pod=replace(POD, reason=reason, message="Preempted by pod 7d5c on node w")
    )


def test_an_eviction_is_told_once_with_its_own_words() -> None:
    """Else its condition, which says less, would be told instead."""
    pod = replace(
        POD,
        reason="Evicted",
        disruption="TerminationByKubelet",
        disruption_message="The node was low on resource: pids.",
        disrupted=DIED,
    )
    assert cause(pod=pod) == (
        f"Pod shop/{HOST} was evicted, since the Node worker-1 ran low on process IDs{AT}"
    )


def test_a_container_that_the_kubelet_lost_tells_nothing() -> None:
    """Else the kubelet's stand-in, exit code 137, would read as a kill."""
    lost = ended("ContainerStatusUnknown", 137)
    assert "Unknown: its pod is still there" in cause(pod=replace(POD, containers=(lost,)))


def test_the_most_telling_of_what_happened_together_is_told() -> None:
    """Else the deletion that follows every eviction would hide it."""
    together = (
        event("Killing", "Stopping container restic", at=DIED - timedelta(minutes=1)),
        event("Evicted", FULL, at=DIED + timedelta(minutes=9)),
    )
    assert "sizeLimit" in cause(events=together)
    assert "sizeLimit" in cause(events=together[::-1])
    apart = (together[0], event("Evicted", FULL, at=DIED + timedelta(minutes=10)))
    assert "was deleted" in cause(events=apart)
    # the first of two that tell the same
    twice = tuple(
        event("Preempted", f"Preempted by pod {name} on node w", at=DIED + timedelta(minutes=late))
        for name, late in (("second", 3), ("first", 1))
    )
    assert "by first" in cause(events=twice)
    # the pod's own word, which has no time, beside one that has
    pod = replace(POD, reason="DeadlineExceeded")
    assert "activeDeadlineSeconds" in cause(pod=pod, events=together[:1])


def test_clocks_may_differ_by_max_skew() -> None:
    """Else a node whose clock runs behind would have no cause, or an old end be taken for it."""
    at = LOCKED - SKEW
    assert "was deleted" in cause(events=(event("Killing", "Stopping container restic", at=at),))
    before = at - timedelta(seconds=1)
    assert "Unknown" in cause(events=(event("Killing", "Stopping container restic", at=before),))
    pod = replace(POD, containers=(ended("Error", 1),))
    assert "exit code 1" in cause(pod=pod, created="2026-11-24T03:05:00Z")
    assert "Unknown" in cause(pod=pod, created="2026-11-24T03:05:01Z")


def test_a_node_that_is_gone_with_its_own_process() -> None:
    """Else a host's own restic would have no cause at all."""
    told = cause(verdict=Verdict.NODE_GONE)
    assert told == f"The Node {HOST}, on which it ran, is gone from the cluster."
    assert "The Node worker-1, on" in cause(verdict=Verdict.NODE_GONE, events=(SCHEDULED,))


def test_an_unreadable_lock_has_no_holder_to_ask_about() -> None:
    """Else it would be said of nobody that he died."""
    lock = SeenLock(LockID("0" * 64), None, None, StoreClock.NONE, None)
    said = Judgement(Verdict.UNREFRESHED, "")
    empty = Circumstances()
    assert (
        diagnose(
            lock,
            said,
            REPOSITORY,
            observation=Observation(NOW),
            circumstances=empty,
            max_skew=SKEW,
        )
        is None
    )


def test_another_pods_story_tells_nothing() -> None:
    """Else a pod that the judgement did not look at would be blamed."""
    stranger = replace(POD, uid="other", reason="Evicted", message=FULL)
    assert "Unknown" in cause(pod=stranger)


def test_several_declared_namespaces_are_told_apart() -> None:
    """Else a Job of the same name in the other one would be blamed."""
    both = replace(REPOSITORY, namespaces=("shop", "media"))
    job = ObjectEvent("Job", "shop", "backup-29401", "DeadlineExceeded", "", DIED)
    assert "Unknown" in cause(others=(job,), repository=both)
    assert "activeDeadline" in cause(events=(SCHEDULED,), others=(job,), repository=both)
    strange = ObjectEvent("Job", "other", "backup-29401", "DeadlineExceeded", "", DIED)
    assert "Unknown" in cause(events=(SCHEDULED,), others=(strange,), repository=both)
    assert "activeDeadline" in cause(others=(job,))


# --- a drain whose pod is gone -----------------------------------------------------------------

KILLED = event("Killing", "Stopping container restic")


def about_node(reason: str, minutes: float, name: str = "worker-1") -> ObjectEvent:
    return ObjectEvent("Node", "", name, reason, time=DIED + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("others", "drained"),
    [
        ((about_node("NodeNotSchedulable", -3),), True),
        ((about_node("NodeNotSchedulable", 0.5),), True),  # the kubelet tells it after the eviction
        ((about_node("NodeNotSchedulable", -30), about_node("NodeSchedulable", 4)), True),
        ((about_node("NodeSchedulable", -40), about_node("NodeNotSchedulable", -30)), True),
        ((about_node("NodeNotSchedulable", 2),), False),  # cordoned when it was gone
        ((about_node("NodeNotSchedulable", -30), about_node("NodeSchedulable", -4)), False),
        ((about_node("NodeNotSchedulable", -3, "worker-2"),), False),
        ((), False),
    ],
)
def test_a_deletion_on_a_cordoned_node_is_told_as_that(
    others: tuple[ObjectEvent, ...], *, drained: bool
) -> None:
    """Else who drained a Node looks for a person who deleted a pod; or a deletion by hand would be
    put down to a drain that came later.
    """
    diagnosis = found(events=(SCHEDULED, KILLED), others=others)
    assert diagnosis is not None
    assert ("while the Node worker-1 was cordoned, as a drain" in diagnosis.cause) is drained
    assert ("by whom the API does not tell" in diagnosis.cause) is not drained
    assert (diagnosis.advice or "").startswith(
        "Drain Nodes when no backup runs" if drained else "Wait for a backup's end"
    )


def test_without_a_node_or_a_time_a_deletion_is_a_deletion() -> None:
    """Else some other Node's drain would be the cause."""
    others = (about_node("NodeNotSchedulable", -3),)
    assert "by whom the API does not tell" in cause(events=(KILLED,), others=others)


# --- more than one pod, and odd evidence --------------------------------------------------------

OTHER = PodStory("shop", f"{HOST}-2", uid="v", node="worker-2", owner="Job backup-29401")


def of_pods(
    *pods: tuple[PodStory, dict[str, object]],
    events: tuple[PodEvent, ...] = (),
    others: tuple[ObjectEvent, ...] = (),
    missing: str | None = None,
) -> str:
    """The cause, where each of these pods is a candidate with this evidence."""
    lock = Lock(LOCKED, exclusive=False, hostname=HOST, username="root", pid=1)
    seen = SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None)
    early = "2026-11-24T02:59:00Z"
    candidates = tuple(
        {"pod": f"{story.namespace}/{story.name}", "uid": story.uid, "created": early} | evidence
        for story, evidence in pods
    )
    diagnosis = diagnose(
        seen,
        Judgement(Verdict.HOLDER_TERMINATED, "", {"candidates": candidates}),
        REPOSITORY,
        observation=Observation(NOW, nodes=(WORKER, Node("worker-2", ready=True)), events=events),
        circumstances=Circumstances(tuple(story for story, _ in pods), others, missing),
        max_skew=SKEW,
    )
    assert diagnosis is not None
    return diagnosis.cause


def test_any_of_the_pods_may_tell() -> None:
    """Else the cause is lost behind the first pod that says nothing."""
    killed = replace(OTHER, containers=(ended("OOMKilled", 137),))
    for pods in (((POD, {}), (killed, {})), ((killed, {}), (POD, {}))):
        assert f"of pod shop/{HOST}-2 was OOM-killed" in of_pods(*pods)
    about = PodEvent("shop", OTHER.name, "Killing", "Stopping container restic", DIED)
    assert f"Pod shop/{OTHER.name} was deleted" in of_pods((POD, {}), (OTHER, {}), events=(about,))
    deleted = ObjectEvent("Job", "shop", "j", "SuccessfulDelete", f"Deleted pod: {HOST}-2", DIED)
    assert "Job j deleted its pod" in of_pods((POD, {}), (OTHER, {}), others=(deleted,))
    late = ObjectEvent("Job", "shop", "backup-29401", "DeadlineExceeded", "", DIED)
    strange = replace(OTHER, name="x-y-z")
    for pods in (((strange, {}), (POD, {})), ((POD, {}), (strange, {}))):
        assert "Job backup-29401 passed its activeDeadlineSeconds" in of_pods(*pods, others=(late,))


def test_only_the_containers_that_were_asked_count() -> None:
    """Else the neighbour's crash is taken for the backup's."""
    crashed = replace(POD, containers=(replace(ended("OOMKilled", 137), name="app"),))
    asked = {"containers": [{"name": "x"}, {"name": "restic"}]}
    assert of_pods((crashed, asked)).startswith("Unknown")
    for names in ([{"name": "app"}], [{"name": "x"}, {"name": "app"}], []):
        assert "'app'" in of_pods((crashed, {"containers": names}))


@pytest.mark.parametrize(
    "odd", [{"containers": "app"}, {"containers": [1, None]}, {"created": "soon"}, {"created": 5}]
)
def test_odd_evidence_is_no_fault(odd: dict[str, object]) -> None:
    """Else the sweep ends where it should tell."""
    assert "OOM-killed" in of_pods((replace(POD, containers=(ended("OOMKilled", 137),)), odd))


@pytest.mark.parametrize(
    ("container", "said"),
    [
        (ContainerStory("c", reason="Completed", exit_code=None, finished=DIED), "exit code 0"),
        (ContainerStory("c", reason=None, exit_code=0, finished=DIED), "ended with exit code 0"),
        (ContainerStory("c", reason="Error", exit_code=None, finished=DIED), "Unknown"),
        (ContainerStory("c", reason="ContainerStatusUnknown", exit_code=137, finished=DIED), "Unk"),
    ],
)
def test_how_a_container_ended(container: ContainerStory, said: str) -> None:
    """Else an end that nobody saw is told as one."""
    assert said in of_pods((replace(POD, containers=(container,)), {}))


def test_the_node_is_the_pods_own_else_that_of_its_schedule() -> None:
    """Else another Node's reboot is blamed."""
    there = ObjectEvent("Node", "", "worker-2", "Rebooted", "", DIED)
    here = ObjectEvent("Node", "", "worker-1", "Rebooted", "", DIED)
    assert of_pods((POD, {}), others=(there,)).startswith("Unknown")
    assert "The Node worker-1 was rebooted" in of_pods((POD, {}), others=(there, here))
    nowhere = replace(POD, node="")
    assert "worker-1" in of_pods((nowhere, {}), events=(event("Pulled"), SCHEDULED), others=(here,))
    assert "worker-2" in of_pods((nowhere, {}), (OTHER, {}), others=(there,))


def test_an_eviction_is_told_once_and_by_its_own_words() -> None:
    """Else the condition, which says less, hides the limit that was passed."""
    evicted = replace(
        POD,
        reason="Evicted",
        message=FULL,
        disruption="EvictionByEvictionAPI",
        disrupted=DIED - timedelta(minutes=20),
    )
    assert "passed the sizeLimit" in of_pods((evicted, {}))
    by_kubelet = replace(evicted, message="a later kubelet's", disruption="TerminationByKubelet")
    assert "was evicted: “a later kubelet's”" in of_pods((by_kubelet, {}))


def test_the_pods_node_stands_in_the_events_words() -> None:
    """Else one has to look up which Node was lost."""
    assert "a NoExecute taint of the Node worker-1" in of_pods(
        (POD, {}), events=(event("TaintManagerEviction", "Marking for deletion"),)
    )
    assert "The Node worker-1, on which it ran, became not ready" in of_pods(
        (POD, {}), events=(event("NodeNotReady", "Node is not ready"),)
    )


def test_events_that_could_not_be_read_are_said_before_anything_else() -> None:
    """Else a right that is missing looks like evidence that expired."""
    assert "could not be read: no right" in of_pods((POD, {}), missing="no right")


def test_what_a_node_tells_besides_its_cordon_does_not_count() -> None:
    """Else a full disk would undo a drain."""
    others = (
        about_node("NodeNotSchedulable", -3),
        about_node("NodeHasDiskPressure", -1),
        replace(about_node("NodeSchedulable", 0), time=None),
    )
    assert "was cordoned" in cause(events=(SCHEDULED, KILLED), others=others)
    edge = (about_node("NodeNotSchedulable", 1),)
    assert "was cordoned" in cause(events=(SCHEDULED, KILLED), others=edge)
    failed = event("Killing", "Container restic failed liveness probe, will be restarted")
    assert "liveness" in cause(events=(SCHEDULED, failed), others=others)


def test_what_tells_of_another_object_is_no_evidence() -> None:
    """Else somebody else's end is told as the backup's."""
    strange = PodEvent("shop", "web-1", "Killing", "Stopping container web", DIED)
    assert cause(events=(strange,)).startswith("Unknown")
    cronjob = ObjectEvent("CronJob", "shop", "backup-29401", "DeadlineExceeded", "", DIED)
    assert cause(others=(cronjob,)).startswith("Unknown")
    pulled = event("Pulled", f"Successfully assigned shop/{HOST} to worker-2")
    there = ObjectEvent("Node", "", "worker-2", "Rebooted", "", DIED)
    assert cause(events=(pulled,), others=(there,)).startswith("Unknown")


def test_the_earliest_of_what_is_alike_is_told() -> None:
    """Else a second pod of that name is told of."""
    late = replace(KILLED, time=DIED + timedelta(minutes=5))
    assert "03:02:00Z" in cause(events=(late, KILLED))
    timeless = replace(POD, reason="Preempting", message="Preempted by x")
    early = ObjectEvent("Job", "shop", "backup-29401", "BackoffLimitExceeded", "", DIED)
    assert "preempted by x" in cause(pod=timeless, others=(early,))
    much_later = ObjectEvent(
        "Job", "shop", "backup-29401", "DeadlineExceeded", "", DIED + timedelta(minutes=11)
    )
    assert "was deleted" in cause(events=(KILLED,), others=(much_later,))
    assert "was deleted" in cause(
        events=(replace(late, time=late.time), KILLED), others=(much_later,)
    )


def test_nothing_to_advise_is_no_advice() -> None:
    """Else an empty sentence stands where one is looked for."""
    diagnosis = found(pod=replace(POD, containers=(ended("Completed", 0),)))
    assert diagnosis is not None
    assert diagnosis.advice is None


def test_a_hostname_is_compared_as_kubernetes_spells_names() -> None:
    """Else a Windows-like hostname loses its Events."""
    lock = Lock(LOCKED, exclusive=False, hostname=HOST.upper(), username="root", pid=1)
    diagnosis = diagnose(
        SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
        Judgement(Verdict.HOLDER_ABSENT, "", {}),
        REPOSITORY,
        observation=Observation(NOW, nodes=(WORKER,), events=(KILLED,)),
        circumstances=Circumstances(),
        max_skew=SKEW,
    )
    assert diagnosis is not None
    assert "was deleted" in diagnosis.cause


# --- what its mutants showed to be untold ---------------------------------------------------------


def test_of_what_is_alike_that_with_a_time_is_told() -> None:
    """Else one does not learn when it was, though an Event says so."""
    timeless = replace(POD, reason="Preempting", message="Preempted by pod x on node worker-1")
    timed = event("Preempted", "Preempted by pod x on node worker-1")
    assert "03:02:00Z" in cause(pod=timeless, events=(timed,))


def test_a_pod_that_is_there_says_in_which_namespace_it_was() -> None:
    """Else a pod of its name elsewhere hides what became of it."""
    elsewhere = replace(event("Pulled"), namespace="web")
    anywhere = replace(REPOSITORY, namespaces=None)
    known = {"pod": POD, "events": (KILLED, elsewhere), "repository": anywhere}
    assert "was deleted" in cause(**known)
    there = replace(OTHER, namespace="web")
    about = PodEvent("web", there.name, "Killing", "Stopping container restic", DIED)
    assert "was deleted" in of_pods((POD, {}), (there, {}), events=(about,))


def test_each_pod_has_containers_of_its_own() -> None:
    """Else a neighbour in one pod is asked because the other has a container of that name."""
    crashed = replace(OTHER, containers=(replace(ended("OOMKilled", 137), name="app"),))
    first = (POD, {"containers": [{"name": "app"}]})
    assert of_pods(first, (crashed, {"containers": [{"name": "restic"}]})).startswith("Unknown")
    assert "'app'" in of_pods((crashed, {"containers": [{"name": "app"}]}), (POD, {}))


def test_a_node_that_only_started_was_not_cordoned() -> None:
    """Else any word of the kubelet's makes a deletion a drain."""
    others = (about_node("Starting", -3),)
    assert "by whom the API does not tell" in cause(events=(SCHEDULED, KILLED), others=others)


def test_any_node_of_the_list_may_be_its_own() -> None:
    """Else a Node that is not ready is no cause where it is not the first."""
    nodes = (Node("worker-0", ready=True), Node("worker-1", ready=False))
    assert "worker-1" in cause(events=(SCHEDULED,), nodes=nodes)


@pytest.mark.parametrize("reason", ["DeadlineExceeded", "Preempting"])
def test_whose_end_it_was_is_named(reason: str) -> None:
    """Else one has to look for the pod."""
    assert f"Pod shop/{HOST} " in cause(pod=replace(POD, reason=reason))


# --- whose Events they are ------------------------------------------------------------------------

OLD, OWN, NEXT = "uid-old", "u", "uid-next"


def of(uid: str, reason: str, minutes: float, message: str = "") -> PodEvent:
    """An Event about a pod of the holder's name, so long after the lock."""
    at = LOCKED + timedelta(minutes=minutes)
    return replace(event(reason, message, at=at), uid=uid)


LOW = "The node was low on resource: memory. "
PROBED = "Container restic failed liveness probe, will be restarted"


def test_the_end_of_the_pod_before_is_not_told() -> None:
    """Else a StatefulSet's last pod is taken for the one that wrote the lock."""
    events = (
        of(OLD, "Scheduled", -90),
        of(OLD, "Evicted", -4, LOW),
        of(OWN, "Scheduled", -3, f"Successfully assigned shop/{HOST} to worker-1"),
    )
    assert cause(events=events).startswith("Unknown")
    assert "was deleted" in cause(events=(*events, of(OWN, "Killing", 2, "Stopping container x")))


def test_the_end_of_the_pod_after_is_not_told() -> None:
    """Else the next pod's fault is named, and the field to change is wrong."""
    own = of(OWN, "Killing", 2, "Stopping container restic")
    after = (of(NEXT, "Scheduled", 6), of(NEXT, "Evicted", 9, FULL))
    assert "was deleted" in cause(events=(of(OWN, "Started", -1), own, *after))
    # its first Events have expired, but one pod is known to have come later
    assert "was deleted" in cause(events=(own, *after))
    # of two that may have been the one before nothing is said
    assert cause(events=(own, of(OLD, "Evicted", 1, LOW))).startswith("Unknown")
    # what names no pod's UID counts until the next one came
    tainted = replace(event("TaintManagerEviction", "Marking for deletion"), uid="")
    assert "NoExecute taint" in cause(events=(tainted, *after))
    late = replace(tainted, time=LOCKED + timedelta(minutes=7))
    assert cause(events=(late, *after)).startswith("Unknown")


def test_a_candidate_that_came_later_has_events_of_its_own() -> None:
    """Else a living pod's restart is the cause of a lock that it never wrote."""
    later = replace(POD, uid=NEXT)
    known = {"pod": later, "created": "2026-11-24T04:00:00Z"}
    events = (of(NEXT, "Killing", 420, PROBED),)
    lock = Lock(LOCKED, exclusive=False, hostname=HOST, username="root", pid=1)
    candidate = {"pod": f"shop/{HOST}", "uid": NEXT, "created": known["created"], "containers": []}
    diagnosis = diagnose(
        SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
        Judgement(Verdict.HOLDER_REPLACED, "", {"candidates": [candidate]}),
        REPOSITORY,
        observation=Observation(NOW, nodes=(WORKER,), events=events),
        circumstances=Circumstances((later,)),
        max_skew=SKEW,
    )
    assert diagnosis is not None
    assert diagnosis.cause.startswith("Unknown: its pod is gone")


def test_where_the_pod_is_still_there_only_its_own_events_count() -> None:
    """Else what became of the pod before it is told of this one."""
    assert cause(pod=POD, events=(of(OLD, "Evicted", 2, LOW),)).startswith("Unknown")
    assert "ran low on memory" in cause(pod=POD, events=(of(OWN, "Evicted", 2, LOW),))


# --- what was earlier, and shown ------------------------------------------------------------------


def test_what_came_when_it_had_ended_is_no_cause() -> None:
    """Else a Node that went a while later is to blame, and the log with the fault is not read."""
    own = replace(POD, containers=(ended("Error", 1),))
    later = DIED + timedelta(minutes=9)
    rebooted = ObjectEvent("Node", "", "worker-1", "Rebooted", "", later)
    sick = (Node("worker-1", ready=False),)
    assert "exit code 1" in cause(pod=own, others=(rebooted,), nodes=sick)
    assert "exit code 1" in cause(pod=own, nodes=())
    soon = replace(rebooted, time=DIED + timedelta(minutes=1))
    assert "was rebooted" in cause(pod=own, others=(soon,))
    two = replace(own, containers=(*own.containers, ContainerStory("other")))
    assert "was rebooted" in cause(pod=two, others=(rebooted,))


def test_a_node_that_is_gone_by_now_is_told_where_nothing_else_is() -> None:
    """Else an autoscaler, which removes an empty Node, is to blame for what emptied it."""
    deleted = ObjectEvent("ReplicaSet", "shop", "web", "SuccessfulDelete", f"Deleted pod: {HOST}")
    told = replace(deleted, time=DIED)
    assert "ReplicaSet web deleted" in cause(events=(SCHEDULED,), others=(told,), nodes=())
    assert "is gone from the cluster" in cause(events=(SCHEDULED,), nodes=())


def test_a_run_that_began_after_the_lock_did_not_write_it() -> None:
    """Else the seventieth restart's end is told as the end of the first run."""
    late = LOCKED + timedelta(minutes=6)
    for begun, said in (
        (late, "Unknown"),
        (LOCKED - timedelta(minutes=1), "Container"),
        (None, "C"),
    ):
        again = replace(POD, containers=(replace(ended("OOMKilled", 137), started=begun),))
        assert cause(pod=again).startswith(said)


def test_a_pod_that_is_going_was_deleted() -> None:
    """Else the exit code of a restic that was asked to end is called its own doing."""
    gone = DIED + timedelta(seconds=30)
    stopped = (ended("Error", 130),)
    going = replace(POD, deleted=gone, grace_seconds=30, containers=stopped)
    assert "was deleted; by whom the API does not tell (at 2026-11-24 03:02:00Z)" in cause(
        pod=going
    )
    much_later = replace(going, deleted=gone + timedelta(hours=1))
    assert "asked to end (exit code 130" in cause(pod=much_later)
    far = replace(going, deleted=datetime.fromisoformat("0001-01-01T00:00:01Z"))
    assert "asked to end" in cause(pod=far)


def test_a_container_that_a_runtime_lost_tells_nothing() -> None:
    """Else a Node's reboot is called restic's own end."""
    lost = replace(POD, containers=(ended("Unknown", 255),))
    assert cause(pod=lost).startswith("Unknown")


def test_another_containers_probe_is_no_cause() -> None:
    """Else the application's restart is the end of a backup that ran on."""
    pod = replace(POD, containers=(ContainerStory("app"), ContainerStory("restic")))
    probe = event("Killing", PROBED.replace("restic", "app"))
    stopped = event("Killing", "Stopping container app")
    assert cause(pod=pod, asked=("restic",), events=(probe, stopped)).startswith("Unknown")
    assert "failed its liveness probe" in cause(pod=pod, asked=("app",), events=(probe,))
    assert "failed its liveness probe" in cause(events=(probe,))


@pytest.mark.parametrize("words", ["Container restic definition changed, will be restarted", ""])
def test_other_words_of_the_kubelets_are_quoted(words: str) -> None:
    """Else a new image in a pod is told as a deletion."""
    told = cause(events=(event("Killing", words),))
    assert told.startswith(f"The kubelet ended a container of pod shop/{HOST}")
    assert words in told


def test_another_process_of_the_node_is_no_cause() -> None:
    """Else any program that the kernel kills is said to be restic."""
    killed = "Memory cgroup out of memory: Killed process 999 (java) total-vm:1kB"
    other = ObjectEvent("Node", "", "worker-1", "OOMKilling", killed, DIED)
    assert cause(events=(SCHEDULED,), others=(other,)).startswith("Unknown")


def test_a_job_is_the_pods_own_or_none() -> None:
    """Else the Job `web` is to blame for the end of web-0, a StatefulSet's pod."""
    late = ObjectEvent("Job", "shop", "backup-29401", "DeadlineExceeded", "", DIED)
    assert "Job backup-29401" in cause(others=(late,))
    assert "Job backup-29401" in cause(pod=POD, others=(late,))
    assert "Job backup-29401" in cause(pod=replace(POD, owner=""), others=(late,))
    other = replace(POD, owner="ReplicaSet backup-29401")
    assert cause(pod=other, others=(late,)).startswith("Unknown")


@pytest.mark.parametrize(
    ("hostname", "job", "theirs"),
    [
        ("web-0", "web", False),
        (f"{'b' * 57}-x2x9k", "b" * 57, True),
        (f"{'b' * 58}x2x9k", "b" * 58, True),
        (f"{'b' * 58}x2x9k", "b" * 62, True),
        (f"{'b' * 58}x2x9k", "b" * 57, False),
        ("backup-x2x9k", "back", False),
    ],
)
def test_a_jobs_pods_are_known_by_their_names(hostname: str, job: str, *, theirs: bool) -> None:
    """Else a long name's deadline is not found, or a short one's is taken for another's."""
    lock = Lock(LOCKED, exclusive=False, hostname=hostname, username="root", pid=1)
    late = ObjectEvent("Job", "shop", job, "DeadlineExceeded", "", DIED)
    diagnosis = diagnose(
        SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
        Judgement(Verdict.HOLDER_ABSENT, "", {}),
        REPOSITORY,
        observation=Observation(NOW, nodes=(WORKER,)),
        circumstances=Circumstances((), (late,)),
        max_skew=SKEW,
    )
    assert diagnosis is not None
    assert ("activeDeadlineSeconds" in diagnosis.cause) is theirs


def test_one_of_several_pods_is_said_to_be_one_of_them() -> None:
    """Else a guess between two namespaces reads like a fact."""
    killed = replace(OTHER, containers=(ended("OOMKilled", 137),))
    assert "It is one of 2 pods that may have been" in of_pods((POD, {}), (killed, {}))
    assert "one of" not in of_pods((killed, {}))
    away = replace(POD, namespace="stage", uid="v")
    about = event("Evicted", LOW)
    assert f"Pod shop/{HOST} was evicted" in of_pods((POD, {}), (away, {}), events=(about,))


def test_a_pod_that_was_not_read_again_tells_by_the_judgements_evidence() -> None:
    """Else the twenty-sixth pod is said to be gone, in a report that quotes its status."""
    lock = Lock(LOCKED, exclusive=False, hostname=HOST, username="root", pid=1)
    for seen_then, said in (
        ({"reason": "Evicted", "message": FULL}, "its emptyDir 'cache' passed the sizeLimit"),
        (
            {
                "containers": [
                    {"name": "r", "reason": "OOMKilled", "finished": "2026-11-24T03:02:00Z"}
                ]
            },
            f"Container 'r' of pod shop/{HOST} was OOM-killed (at",
        ),
        ({"node": 5, "reason": 5, "containers": [{"finished": "2026-11-24T03:02:00"}]}, "Unknown"),
    ):
        candidate = {"pod": f"shop/{HOST}", "uid": "u", "created": "2026-11-24T02:59:00Z"}
        diagnosis = diagnose(
            SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
            Judgement(Verdict.HOLDER_TERMINATED, "", {"candidates": [candidate | seen_then]}),
            REPOSITORY,
            observation=Observation(NOW, nodes=(WORKER,)),
            circumstances=Circumstances(),
            max_skew=SKEW,
        )
        assert diagnosis is not None
        assert said in diagnosis.cause


@pytest.mark.parametrize("time", ["0001-01-01T00:01:00Z", "9999-12-31T23:59:59Z"])
def test_no_time_is_too_early_or_too_late(time: str) -> None:
    """Else one odd lock or Event ends every sweep before it removes anything."""
    odd = datetime.fromisoformat(time)
    lock = Lock(odd, exclusive=False, hostname=HOST, username="root", pid=1)
    candidate = {"pod": f"shop/{HOST}", "uid": "u", "created": time, "containers": []}
    story = replace(POD, deleted=odd, grace_seconds=30, disrupted=odd)
    for known in ((), (story,)):
        assert diagnose(
            SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
            Judgement(Verdict.HOLDER_ABSENT, "", {"candidates": [candidate] if known else []}),
            REPOSITORY,
            observation=Observation(
                NOW, nodes=(WORKER,), events=(SCHEDULED, replace(KILLED, time=odd))
            ),
            circumstances=Circumstances(known, (about_node("NodeNotSchedulable", -3),)),
            max_skew=SKEW,
        )
    late = replace(KILLED, time=datetime.fromisoformat("9999-12-31T23:59:59Z"))
    assert "9999" in cause(events=(SCHEDULED, late), others=(about_node("NodeNotSchedulable", -3),))


def test_a_lock_that_was_only_not_refreshed_has_no_pod_that_is_gone() -> None:
    """Else a laptop's lock is said to be of a pod."""
    told = cause(verdict=Verdict.UNREFRESHED)
    assert told.startswith("Unknown: nothing shows which pod or host wrote it")


@pytest.mark.parametrize(
    ("hostname", "known"),
    [
        (f"{HOST}.web.shop.svc.cluster.local", True),
        (f"{HOST}.example.com", False),
        (HOST.upper(), True),
        ("", False),
    ],
)
def test_by_which_hostnames_events_are_looked_up(hostname: str, *, known: bool) -> None:
    """Else a pod with a domain tells nothing, or a laptop is taken for a pod."""
    lock = Lock(LOCKED, exclusive=False, hostname=hostname, username="root", pid=1)
    nameless = ObjectEvent("ReplicaSet", "shop", "x", "SuccessfulDelete", "Deleted all", DIED)
    diagnosis = diagnose(
        SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
        Judgement(Verdict.HOLDER_ABSENT, "", {}),
        REPOSITORY,
        observation=Observation(NOW, nodes=(WORKER,), events=(KILLED,)),
        circumstances=Circumstances((), (nameless,)),
        max_skew=SKEW,
    )
    assert diagnosis is not None
    assert ("was deleted" in diagnosis.cause) is known


def test_a_name_that_the_kubelet_cut_is_found() -> None:
    """Else pods with long names tell nothing."""
    long = "backup-" + "b" * 70
    lock = Lock(LOCKED, exclusive=False, hostname=long[:63], username="root", pid=1)
    diagnosis = diagnose(
        SeenLock(LockID("0" * 64), lock, None, StoreClock.NONE, None),
        Judgement(Verdict.HOLDER_ABSENT, "", {}),
        REPOSITORY,
        observation=Observation(NOW, nodes=(WORKER,), events=(replace(KILLED, pod=long),)),
        circumstances=Circumstances(),
        max_skew=SKEW,
    )
    assert diagnosis is not None
    assert f"Pod shop/{long} was deleted" in diagnosis.cause


def test_what_the_node_went_through_before_the_pod_came_is_no_cause() -> None:
    """Else a Node that left and came back minutes ago is told to have taken the backup with it."""
    before = replace(about_node("RemovingNode", 0), time=LOCKED - timedelta(minutes=2))
    came = replace(SCHEDULED, time=LOCKED - timedelta(minutes=1))
    assert "was deleted" in cause(events=(came, KILLED), others=(before,))
    assert cause(events=(came,), others=(before,)).startswith("Unknown")
    after = replace(before, time=LOCKED - timedelta(seconds=30))
    assert "is gone from the cluster" in cause(events=(came,), others=(after,))
