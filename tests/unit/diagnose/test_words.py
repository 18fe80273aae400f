"""What people read of each way to die, and what they are told to change: word for word."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from janitor.advice import advice_for, prevention
from janitor.circumstances import ContainerStory, PodStory
from janitor.death import Death, Kind
from janitor.model import ObjectReference, Repository
from janitor.wording import Eviction, Shortage

POD = PodStory("shop", "db-1", node="n1", owner="Job db")
BARE = Repository("r")


def owned(source: str) -> Repository:
    return Repository(
        "r", source=source, owners=(ObjectReference("v1", "Owner", "shop", "o", "u"),)
    )


def short(shortage: Shortage, name: str = "", limit: str = "") -> Death:
    return Death(Kind.SHORTAGE, "n1", pod=POD, eviction=Eviction(shortage, name, limit))


def container(code: int = 137, **known: object) -> Death:
    ended = ContainerStory("restic", exit_code=code, **known)  # type: ignore[arg-type]
    return Death(Kind.ENDED, "restic", pod=POD, container=ended)


def oom(**known: object) -> Death:
    ended = ContainerStory("restic", **known)  # type: ignore[arg-type]
    return Death(Kind.OOM, "restic", pod=POD, container=ended)


EVICTED = "Pod shop/db-1 was evicted"
CACHE = "or let restic keep no cache there (--no-cache)."
DRAIN = "Drain Nodes when no backup runs, or protect it by a PodDisruptionBudget."
LIMIT = "Raise resources.limits.memory of container 'restic' in Job db"
GOGC = "; GOGC=20 in its environment makes restic take less."
LOG = "Its log (kubectl logs, with --previous where it was restarted) says why."
DEATHS = [
    (
        short(Shortage.EMPTY_DIR, "tmp", "1Gi"),
        f"{EVICTED}: its emptyDir 'tmp' passed the sizeLimit of 1Gi.",
        f"Raise the sizeLimit of the volume 'tmp' in Job db, {CACHE}",
    ),
    (
        short(Shortage.CONTAINER_STORAGE, "restic", "2Gi"),
        f"{EVICTED}: container 'restic' passed the ephemeral-storage limit of 2Gi.",
        f"Raise resources.limits.ephemeral-storage in Job db, {CACHE}",
    ),
    (
        short(Shortage.POD_STORAGE, "", "3Gi"),
        f"{EVICTED}: its containers passed their ephemeral-storage limit of 3Gi.",
        f"Raise resources.limits.ephemeral-storage in Job db, {CACHE}",
    ),
    (
        short(Shortage.MEMORY),
        f"{EVICTED}, since the Node n1 ran low on memory.",
        "Request as much memory as it uses in Job db, so that it goes not first, or use a Node "
        "with more.",
    ),
    (
        short(Shortage.PIDS),
        f"{EVICTED}, since the Node n1 ran low on process IDs.",
        "Find what fills the Node with processes, or raise its limit of them.",
    ),
    (
        short(Shortage.DISK),
        f"{EVICTED}, since the Node n1 ran low on disk.",
        "Free or enlarge the Node's disk; restic's cache and temporary files may be what fills it.",
    ),
    (
        replace(short(Shortage.INODES), name="", pod=None),
        "Its pod was evicted, since its Node ran low on inodes.",
        "Free or enlarge the Node's disk; restic's cache and temporary files may be what fills it.",
    ),
    (
        oom(memory_limit="512Mi", restarts=1),
        "Container 'restic' of pod shop/db-1 was OOM-killed at its memory limit of 512Mi.",
        f"{LIMIT}{GOGC}",
    ),
    (
        oom(memory_limit="512Mi", restarts=2),
        "Container 'restic' of pod shop/db-1 was OOM-killed at its memory limit of 512Mi, 2 "
        "restarts so far.",
        f"{LIMIT}{GOGC}",
    ),
    (
        oom(),
        "Container 'restic' of pod shop/db-1 was OOM-killed without a memory limit of its own: "
        "its pod's or its Node's memory was used up.",
        f"{LIMIT}{GOGC}",
    ),
    (
        Death(Kind.OOM, pod=replace(POD, owner="")),
        "Pod shop/db-1 was OOM-killed.",
        f"Raise resources.limits.memory{GOGC}",
    ),
    (
        Death(Kind.PROBE, "restic", pod=POD, quote="liveness"),
        "Container 'restic' of pod shop/db-1 was restarted: it failed its liveness probe.",
        "Leave liveness and startup probes out of a container that backs up, or raise their "
        "failureThreshold.",
    ),
    (
        Death(Kind.JOB_DEADLINE, "db"),
        "Job db passed its activeDeadlineSeconds.",
        "Raise activeDeadlineSeconds of the Job (of a CronJob: in its jobTemplate), or back up "
        "less at once.",
    ),
    (
        Death(Kind.POD_DEADLINE, pod=POD),
        "Pod shop/db-1 passed its activeDeadlineSeconds.",
        "Raise activeDeadlineSeconds of the pod, or back up less at once.",
    ),
    (
        Death(Kind.PREEMPTED, "7d5c", pod=POD),
        "Pod shop/db-1 was preempted by 7d5c.",
        "Give the backup's pods a priorityClassName that nobody preempts, or run it when the "
        "cluster has room.",
    ),
    (
        Death(Kind.PREEMPTED, pod=POD),
        "Pod shop/db-1 was preempted.",
        "Give the backup's pods a priorityClassName that nobody preempts, or run it when the "
        "cluster has room.",
    ),
    (
        Death(Kind.DRAINED, pod=POD),
        "Pod shop/db-1 was evicted by the Eviction API, as a drain does.",
        DRAIN,
    ),
    (
        Death(Kind.NODE_REBOOTED, "n1"),
        "The Node n1 was rebooted.",
        "Reboot Nodes when no backup runs, after a drain.",
    ),
    (
        Death(Kind.NODE_SHUTDOWN, "n1", pod=POD),
        "Pod shop/db-1 was ended, since the Node n1 shut down or was lost.",
        "Shut Nodes down when no backup runs, or give the kubelet a shutdownGracePeriod.",
    ),
    (
        Death(Kind.TAINTED, pod=POD),
        "Pod shop/db-1 was deleted for a NoExecute taint of its Node (one that is not ready or "
        "unreachable has one).",
        "Find why the Node was tainted; the backup itself needs no change.",
    ),
    (
        Death(Kind.NODE_GONE, "n1", pod=POD),
        "The Node n1, on which it ran, is gone from the cluster.",
        "Scale Nodes down when no backup runs; an autoscaler leaves those alone whose pods are "
        "marked cluster-autoscaler.kubernetes.io/safe-to-evict: false.",
    ),
    (
        Death(Kind.NODE_OOM, "n1"),
        "On the Node n1 a process called restic was killed for lack of memory.",
        "Raise its memory request and limit, or give it a Node with more memory.",
    ),
    (Death(Kind.EVICTED, pod=POD), f"{EVICTED}.", ""),
    (Death(Kind.EVICTED, pod=POD, quote="new\n words."), f"{EVICTED}: “new words”.", ""),
    (Death(Kind.EVICTED, pod=POD, quote="x" * 301), f"{EVICTED}: “{'x' * 300}”.", ""),
    (
        Death(Kind.CONTROLLER, "ReplicaSet db"),
        "ReplicaSet db deleted its pod (scaled down, replaced or ended).",
        "Let a controller end its pods only when no backup runs in them.",
    ),
    (
        Death(Kind.NODE_NOT_READY, "n1"),
        "The Node n1, on which it ran, is not ready.",
        "Find why the Node was not ready; the backup itself needs no change.",
    ),
    (
        Death(Kind.NODE_NOT_READY, "n1", time=datetime.fromisoformat("2026-11-24T03:02:01Z")),
        "The Node n1, on which it ran, became not ready (at 2026-11-24 03:02:01Z).",
        "Find why the Node was not ready; the backup itself needs no change.",
    ),
    (
        Death(Kind.CORDONED, "n1", pod=POD),
        "Pod shop/db-1 was deleted while the Node n1 was cordoned, as a drain does both.",
        DRAIN,
    ),
    (
        Death(Kind.DELETED, pod=POD),
        "Pod shop/db-1 was deleted; by whom the API does not tell.",
        "Wait for a backup's end before its pod is deleted.",
    ),
    (
        container(137),
        "Container 'restic' of pod shop/db-1 was killed (SIGKILL, exit code 137).",
        LOG,
    ),
    (
        container(143),
        "Container 'restic' of pod shop/db-1 was asked to end (exit code 143: SIGTERM).",
        LOG,
    ),
    (
        container(130),
        "Container 'restic' of pod shop/db-1 was asked to end (exit code 130: SIGINT or SIGTERM, "
        "which restic turns into it).",
        LOG,
    ),
    (
        Death(Kind.KILLED, pod=POD, quote="Container restic definition changed."),
        "The kubelet ended a container of pod shop/db-1: “Container restic definition changed”.",
        "",
    ),
    (
        oom(memory_limit=""),
        "Container 'restic' of pod shop/db-1 was OOM-killed.",
        f"{LIMIT}{GOGC}",
    ),
    (
        replace(container(1), pod=None),
        "Container 'restic' of pod that is gone ended by itself with exit code 1.",
        LOG,
    ),
    (
        Death(Kind.BACKOFF, "db"),
        "Job db reached its backoffLimit.",
        "The logs of the Job's pods say why they failed.",
    ),
    (
        Death(Kind.COMPLETED, "restic", pod=POD),
        "Container 'restic' of pod shop/db-1 ended with exit code 0.",
        "",
    ),
]


@pytest.mark.parametrize(("death", "said", "advised"), DEATHS)
def test_each_death_in_its_words(death: Death, said: str, advised: str) -> None:
    """Else a person reads half a sentence, or the wrong field to change."""
    assert death.sentence() == said
    assert advice_for(death, BARE) == advised


def test_no_way_to_die_is_left_out() -> None:
    """Else one has no words, and the sweep fails where it matters."""
    assert {death.kind for death, _, _ in DEATHS} == set(Kind)
    assert [kind.rank for kind in Kind] == list(range(len(Kind)))


@pytest.mark.parametrize(
    ("source", "memory", "scratch"),
    [
        (
            "stash",
            "Raise the memory limit in spec.runtimeSettings.container.resources of the "
            "BackupConfiguration",
            "Raise spec.tempDir.sizeLimit of the BackupConfiguration, or set "
            "spec.tempDir.disableCaching: true.",
        ),
        (
            "kubestash",
            "Raise the memory limit in addon.jobTemplate.spec.resources of the "
            "BackupConfiguration's session",
            f"Raise the sizeLimit of the volume 'tmp' in Job db, {CACHE}",
        ),
        (
            "volsync",
            "Raise spec.restic.moverResources.limits.memory of Owner shop/o",
            "Raise spec.restic.cacheCapacity of Owner shop/o.",
        ),
        (
            "k8up",
            "Raise spec.backup.resources.limits.memory (or spec.resources) of Owner shop/o",
            f"Raise the sizeLimit of the volume 'tmp' in Job db, {CACHE}",
        ),
    ],
)
def test_each_source_has_fields_of_its_own(source: str, memory: str, scratch: str) -> None:
    """Else people change a pod that an operator writes anew."""
    assert advice_for(oom(), owned(source)) == f"{memory}{GOGC}"
    name = {"stash": "tmp-dir", "volsync": "cache"}.get(source, "tmp")
    assert advice_for(short(Shortage.EMPTY_DIR, name, "1Gi"), owned(source)) == scratch
    other = advice_for(short(Shortage.EMPTY_DIR, "data", "1Gi"), owned(source))
    assert other == f"Raise the sizeLimit of the volume 'data' in Job db, {CACHE}"


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (
            "stash",
            "the ephemeral-storage limit in spec.runtimeSettings.container.resources of the "
            "BackupConfiguration",
        ),
        ("kubestash", "resources.limits.ephemeral-storage in Job db"),
        ("volsync", "spec.restic.moverResources.limits.ephemeral-storage of Owner shop/o"),
        ("k8up", "the ephemeral-storage limit in spec.backup.resources of Owner shop/o"),
    ],
)
def test_a_containers_limit_is_another_field(source: str, field: str) -> None:
    """Else the volume's limit is raised, and the next pod is evicted as well."""
    for shortage in (Shortage.CONTAINER_STORAGE, Shortage.POD_STORAGE):
        advised = advice_for(short(shortage, "tmp-dir-not", "1Gi"), owned(source))
        assert advised == f"Raise {field}, {CACHE}"


def test_of_several_owners_the_pods_own_is_named() -> None:
    """Else people change the object of another backup."""
    repository = owned("volsync")
    (first,) = repository.owners
    pod = replace(POD, name="volsync-src-b-x2x9k")
    for names, said in (
        (("a", "b"), "of Owner shop/b"),
        (("x", "y"), "of its object"),
        (("b", "s"), "of its object"),
    ):
        several = replace(repository, owners=tuple(replace(first, name=name) for name in names))
        assert said in advice_for(replace(oom(), pod=pod), several)
    elsewhere = tuple(replace(first, namespace=each, name="b") for each in ("x", "y"))
    assert "of its object" in advice_for(
        replace(oom(), pod=pod), replace(repository, owners=elsewhere)
    )


# --- why the lock stayed ----------------------------------------------------------------------

SIGNALLED = {
    Kind.SHORTAGE,
    Kind.PROBE,
    Kind.JOB_DEADLINE,
    Kind.POD_DEADLINE,
    Kind.PREEMPTED,
    Kind.DRAINED,
    Kind.NODE_SHUTDOWN,
    Kind.TAINTED,
    Kind.EVICTED,
    Kind.CONTROLLER,
    Kind.CORDONED,
    Kind.DELETED,
}
"""Where kubelet or controller sends SIGTERM first. A Node that is gone, reboots or has no memory
sends none, and a container that ended by itself needs none."""
QUICK = "terminationGracePeriodSeconds is 9: too short for restic to remove its lock."


@pytest.mark.parametrize("kind", Kind)
def test_only_who_was_asked_to_end_could_have_cleaned_up(kind: Kind) -> None:
    """Else a setting is blamed that had no part in it."""
    told = prevention(Death(kind, pod=replace(POD, grace_seconds=9)))
    assert told == (QUICK if kind in SIGNALLED else "")


@pytest.mark.parametrize(
    ("image", "command", "grace", "told"),
    [
        ("restic/restic:0.16.4", (), 30, "restic 0.16 leaves its lock"),
        ("restic/restic:0.17.0", (), 30, ""),
        ("restic/restic:0.18.1", (), 30, ""),
        ("restic/restic:1.0.0", (), 30, ""),
        ("restic/restic:latest", (), 30, ""),
        (
            "restic/restic:0.18.1",
            ("sh", "-c", "restic x; date"),
            30,
            "In container 'b' sh is proc",
        ),
        (
            "x",
            ("/bin/bash", "-c", "restic x; date"),
            30,
            "In container 'b' bash is process 1",
        ),
        (
            "x",
            ("/bin/ash", "-ec", "restic x; date"),
            30,
            "In container 'b' ash is process 1",
        ),
        ("x", ("dash", "-c", "restic x; date"), 30, "In container 'b' dash is process 1"),
        ("x", ("zsh", "-c", "restic x; date"), 30, ""),
        ("x", ("sh", "restic.sh"), 30, ""),
        ("x", ("sh", "-c", "exec restic backup /"), 30, ""),
        ("x", ("restic", "backup", "/"), 30, ""),
        # the version is told first: no `exec` would help it
        (
            "restic/restic:0.14.0",
            ("sh", "-c", "restic x; date"),
            9,
            "restic 0.14 leaves its lock",
        ),
        ("x", (), 9, QUICK),
        ("x", (), 10, ""),
        ("x", (), None, ""),
    ],
)
def test_why_the_lock_stayed_although_it_was_asked(
    image: str, command: tuple[str, ...], grace: int | None, told: str
) -> None:
    """Else the next eviction leaves a lock again."""
    backup = ContainerStory("b", image=image, command=command)
    story = replace(POD, grace_seconds=grace, containers=(ContainerStory("app"), backup))
    said = prevention(Death(Kind.DRAINED, pod=story))
    assert said.startswith(told)
    assert bool(said) is bool(told)
    assert prevention(Death(Kind.DRAINED)) == ""
