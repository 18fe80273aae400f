"""The API server's and the kubelet's own sentences, taken apart: the one place that knows them.

They are no interface and change with the versions. What is not known here stays a quotation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Shortage(StrEnum):
    """What a pod was evicted for."""

    EMPTY_DIR = "emptyDir"
    CONTAINER_STORAGE = "container storage"
    POD_STORAGE = "pod storage"
    MEMORY = "memory"
    DISK = "disk"
    INODES = "inodes"
    PIDS = "process IDs"


@dataclass(frozen=True, slots=True)
class Eviction:
    """Why the kubelet evicted a pod (`pkg/kubelet/eviction/helpers.go`, 1.18 to 1.36)."""

    shortage: Shortage
    name: str = ""
    """Of the volume or the container."""
    limit: str = ""


_QUANTITY = r'"?(?P<limit>[0-9]+(?:\.[0-9]+)?(?:[eE][0-9]+|[A-Za-z]*))"?'
_EVICTIONS: tuple[tuple[Shortage, re.Pattern[str]], ...] = tuple(
    (shortage, re.compile(pattern, re.IGNORECASE))
    for shortage, pattern in (
        (
            Shortage.EMPTY_DIR,
            rf'usage of emptydir volume "(?P<name>[^"]+)" exceeds the limit {_QUANTITY}',
        ),
        (
            Shortage.CONTAINER_STORAGE,
            rf"container (?P<name>\S+) exceeded its local ephemeral storage limit {_QUANTITY}",
        ),
        (
            Shortage.POD_STORAGE,
            r"pod ephemeral local storage usage exceeds the total limit of containers " + _QUANTITY,
        ),
        (Shortage.MEMORY, r"low on resource: \[?memory|condition: \[?MemoryPressure"),
        (Shortage.INODES, r"low on resource: \[?inodes"),
        (
            Shortage.DISK,
            r"low on resource: \[?(ephemeral-storage|nodefs|imagefs|containerfs|disk)"
            r"|condition: \[?DiskPressure",
        ),
        (Shortage.PIDS, r"low on resource: \[?pids|condition: \[?PIDPressure"),
    )
)


def eviction_of(message: str) -> Eviction | None:
    """What the message of an eviction means; None where it is not known."""
    for shortage, pattern in _EVICTIONS:
        if found := pattern.search(message):
            parts = found.groupdict()
            return Eviction(shortage, parts.get("name") or "", parts.get("limit") or "")
    return None


def failed_probe(message: str) -> tuple[str, str]:
    """The container and the probe of `Container X failed liveness probe, will be restarted`; empty:
    none failed.
    """
    found = re.search(r"[Cc]ontainer (\S+) failed (liveness|startup) probe", message)
    return (found[1], found[2]) if found else ("", "")


def stopped_container(message: str) -> str:
    """The container of `Stopping container X`, as the kubelet says when a pod is deleted."""
    found = re.fullmatch(r"Stopping container (\S+)", message.strip())
    return found[1] if found else ""


def oom_victim(message: str) -> str:
    """The process of `System OOM encountered, victim process: restic, pid: 12` (the kubelet) or
    `Memory cgroup out of memory: Killed process 12 (restic)` (node-problem-detector); empty: it
    is not said.
    """
    found = re.search(r"victim process: ([^\s,]+)|[Kk]illed process \d+ \(([^)]+)\)", message)
    return (found[1] or found[2]) if found else ""


def preemptor(message: str) -> str:
    """Who preempted: `Preempted by pod 1f0c on node worker-1`; empty where it is not said."""
    found = re.search(r"[Pp]reempted by (?:a )?(?:pod )?([\w./-]*\w)", message)
    return found[1] if found else ""


def deleted_pod(message: str) -> str:
    """The pod of a controller's sentence, `Deleted pod: web-0` or `delete Pod web-0 in StatefulSet
    web successful`; empty: it names none.
    """
    found = re.match(r"Deleted pod: (\S+)$|delete Pod (\S+) in ", message.strip())
    return (found[1] or found[2]) if found else ""


def node_of_schedule(message: str) -> str | None:
    """The Node of `Successfully assigned shop/web-0 to worker-1`."""
    found = re.search(r"assigned \S+ to ([\w.-]*\w)", message)
    return found[1] if found else None


def restic_version(image: str) -> tuple[int, int] | None:
    """The version that the name of an image of restic's says: `restic/restic:0.16.4`."""
    found = re.search(r"(?:^|/)restic:v?(\d+)\.(\d+)", image)
    return (int(found[1]), int(found[2])) if found else None


_SHELLS = ("sh", "bash", "ash", "dash")


def shell_without_exec(command: tuple[str, ...]) -> str | None:
    """The shell that is process 1 and starts restic as its child, which gets no signal then. One
    command alone is no evidence: a shell may put it in its own place.
    """
    if len(command) < 3 or command[0].rpartition("/")[2] not in _SHELLS:  # noqa: PLR2004
        return None
    script = command[-1]
    if "restic" not in script or not re.search(r"[;&|\n]", script.strip()):
        return None
    if re.search(r"\bexec\s+(\S*/)?restic\b|\btrap\b", script):
        return None
    return command[0].rpartition("/")[2]
