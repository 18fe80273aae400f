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
            "was OOM-killed without a memory limit of its own, so the Node was out of memory",
            "Raise resources.limits.memory",
        ),
        (
            replace(POD, containers=(ended("Error", 1),)),
            "ended by itself with exit code 1",
            "Its log",
        ),
        (replace(POD, containers=(ended("Error", 137),)), "was killed (SIGKILL", "Its log"),
        (replace(POD, containers=(ended("Completed", 0),)), "ended with exit code 0", None),
        (replace(POD, reason="DeadlineExceeded"), "passed its activeDeadlineSeconds", "Raise"),
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
            "was deleted, since the Node worker-1 was not ready or unreachable",
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
            "container 'restic' failed its liveness probe",
        ),
        ((event("Preempted", "Preempted by pod 7d5c on node w"),), (), "preempted by 7d5c"),
        (
            (event("TaintManagerEviction", f"Marking for deletion Pod shop/{HOST}"),),
            (),
            "not ready or unreachable",
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
        ({}, "so is every Event that told of its end"),
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
        ("stash", replace(POD, reason="Evicted", message=FULL), "spec.tempDir.disableCaching"),
        (
            "volsync",
            replace(POD, reason="Evicted", message=FULL),
            "spec.restic.cacheCapacity of Rep",
        ),
        ("k8up", replace(POD, reason="Evicted", message=FULL), "spec.backup.resources of"),
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
            {"containers": (ContainerStory("x", command=("sh", "-c", "restic backup")),)},
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
