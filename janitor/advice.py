"""What to change so that a holder does not die so again: the field that people write."""

from __future__ import annotations

from janitor.death import Death, Kind
from janitor.model import Repository
from janitor.wording import Shortage, restic_version, shell_without_exec

_MEMORY = {
    "stash": "the memory limit in spec.runtimeSettings.container.resources of the "
    "BackupConfiguration",
    "kubestash": "the memory limit in addon.jobTemplate.spec.resources of the "
    "BackupConfiguration's session",
    "volsync": "spec.restic.moverResources.limits.memory of {owner}",
    "k8up": "spec.backup.resources.limits.memory (or spec.resources) of {owner}",
}
_SCRATCH = {
    ("stash", "tmp-dir"): "Raise spec.tempDir.sizeLimit of the BackupConfiguration, or set "
    "spec.tempDir.disableCaching: true.",
    ("volsync", "cache"): "Raise spec.restic.cacheCapacity of {owner}.",
}
"""By source and the name that it gives the volume for restic's cache."""
_STORAGE = {
    "stash": "the ephemeral-storage limit in spec.runtimeSettings.container.resources of the "
    "BackupConfiguration",
    "volsync": "spec.restic.moverResources.limits.ephemeral-storage of {owner}",
    "k8up": "the ephemeral-storage limit in spec.backup.resources of {owner}",
}
_FIRST_TO_CLEAN_UP = (0, 17)
"""restic's version that removes its lock on SIGTERM."""
_GRACE = 10
"""Seconds that restic needs to remove its lock on a slow store."""


def advice_for(death: Death, repository: Repository) -> str:
    """One sentence or two; empty where there is nothing to change."""
    owner = _owner(death, repository)
    match death.kind:
        case Kind.SHORTAGE:
            return _for_shortage(death, repository.source, owner)
        case Kind.OOM:
            return _for_memory(death, repository.source, owner)
    return _PLAIN.get(death.kind, "")


def prevention(death: Death) -> str:
    """Why a lock stays behind although the holder was asked to end, where the pod shows it."""
    pod = death.pod
    if pod is None or not death.kind.by_signal:
        return ""
    for container in pod.containers:
        version = restic_version(container.image)
        if version is not None and version < _FIRST_TO_CLEAN_UP:
            return (
                f"restic {version[0]}.{version[1]} leaves its lock when it is asked to end: 0.17 "
                "and newer remove it."
            )
        if shell := shell_without_exec(container.command):
            return (
                f"In container {container.name!r} {shell} is process 1 and passes no signal on to "
                "restic: write `exec restic ...`."
            )
    if pod.grace_seconds is not None and pod.grace_seconds < _GRACE:
        return (
            f"terminationGracePeriodSeconds is {pod.grace_seconds}: too short for restic to remove "
            "its lock."
        )
    return ""


def _for_shortage(death: Death, source: str, owner: str) -> str:
    found = death.eviction
    assert found is not None  # noqa: S101 - of this kind it is always there
    match found.shortage:
        case Shortage.EMPTY_DIR | Shortage.CONTAINER_STORAGE | Shortage.POD_STORAGE:
            if advice := _SCRATCH.get((source, found.name)):
                return advice.format(owner=owner)
            if found.shortage is Shortage.EMPTY_DIR:
                what = f"the sizeLimit of the volume {found.name!r}{_in(death)}"
            elif source in _STORAGE:
                what = _STORAGE[source].format(owner=owner)
            else:
                what = f"resources.limits.ephemeral-storage{_in(death)}"
            return f"Raise {what}, or let restic keep no cache there (--no-cache)."
        case Shortage.MEMORY:
            return (
                f"Request as much memory as it uses{_in(death)}, so that it goes not first, "
                "or use a Node with more."
            )
        case Shortage.PIDS:
            return "Find what fills the Node with processes, or raise its limit of them."
    return (
        "Free or enlarge the Node's disk; restic's cache and temporary files may be what fills it."
    )


def _for_memory(death: Death, source: str, owner: str) -> str:
    if source in _MEMORY:
        what = _MEMORY[source].format(owner=owner)
    else:
        container = f" of container {death.name!r}" if death.name else ""
        what = f"resources.limits.memory{container}{_in(death)}"
    return f"Raise {what}; GOGC=20 in its environment makes restic take less."


def _owner(death: Death, repository: Repository) -> str:
    """The object to change: of several the one that the pod is called after."""
    owners = repository.owners
    if len(owners) > 1 and death.pod is not None:
        pod = death.pod
        owners = tuple(
            each for each in owners if each.namespace == pod.namespace and each.name in pod.name
        )
    return str(owners[0]) if len(owners) == 1 else "its object"


def _in(death: Death) -> str:
    return f" in {death.pod.owner}" if death.pod and death.pod.owner else ""


_DRAIN = "Drain Nodes when no backup runs, or protect it by a PodDisruptionBudget."
_PLAIN = {
    Kind.PROBE: "Leave liveness and startup probes out of a container that backs up, or raise "
    "their failureThreshold.",
    Kind.JOB_DEADLINE: "Raise activeDeadlineSeconds of the Job (of a CronJob: in its jobTemplate), "
    "or back up less at once.",
    Kind.POD_DEADLINE: "Raise activeDeadlineSeconds of the pod, or back up less at once.",
    Kind.PREEMPTED: "Give the backup's pods a priorityClassName that nobody preempts, or run it "
    "when the cluster has room.",
    Kind.DRAINED: _DRAIN,
    Kind.CORDONED: _DRAIN,
    Kind.NODE_SHUTDOWN: "Shut Nodes down when no backup runs, or give the kubelet a "
    "shutdownGracePeriod.",
    Kind.NODE_REBOOTED: "Reboot Nodes when no backup runs, after a drain.",
    Kind.TAINTED: "Find why the Node was tainted; the backup itself needs no change.",
    Kind.NODE_GONE: "Scale Nodes down when no backup runs; an autoscaler leaves those alone whose "
    "pods are marked cluster-autoscaler.kubernetes.io/safe-to-evict: false.",
    Kind.NODE_OOM: "Raise its memory request and limit, or give it a Node with more memory.",
    Kind.NODE_NOT_READY: "Find why the Node was not ready; the backup itself needs no change.",
    Kind.CONTROLLER: "Let a controller end its pods only when no backup runs in them.",
    Kind.DELETED: "Wait for a backup's end before its pod is deleted.",
    Kind.ENDED: "Its log (kubectl logs, with --previous where it was restarted) says why.",
    Kind.BACKOFF: "The logs of the Job's pods say why they failed.",
}
