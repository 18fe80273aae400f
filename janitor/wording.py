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


_QUANTITY = r'"?(?P<limit>[0-9.]+[A-Za-z]*)"?'
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


def failed_probe(message: str) -> str:
    """The container of `Container X failed liveness probe, will be restarted`; empty: of none."""
    found = re.search(r"[Cc]ontainer (\S+) failed (?:liveness|startup) probe", message)
    return found[1] if found else ""


def preemptor(message: str) -> str:
    """Who preempted: `Preempted by pod 1f0c on node worker-1`; empty where it is not said."""
    found = re.search(r"[Pp]reempted by (?:a )?(?:pod )?(\S+)", message)
    return found[1].rstrip(".,") if found else ""


def names_pod(message: str, pod: str) -> bool:
    """Whether a controller's sentence is about this pod: `Deleted pod: web-0`, `delete Pod web-0
    in StatefulSet web successful`.
    """
    return re.search(rf"(?<![\w.-]){re.escape(pod)}(?![\w.-])", message) is not None


def node_of_schedule(message: str) -> str | None:
    """The Node of `Successfully assigned shop/web-0 to worker-1`."""
    found = re.search(r"assigned \S+ to (\S+)", message)
    return found[1].rstrip(".") if found else None


def restic_version(image: str) -> tuple[int, int] | None:
    """The version that the name of an image of restic's says: `restic/restic:0.16.4`."""
    found = re.search(r"(?:^|/)restic[^/:@]*:v?(\d+)\.(\d+)", image)
    return (int(found[1]), int(found[2])) if found else None


_SHELLS = ("sh", "bash", "ash", "dash")


def shell_without_exec(command: tuple[str, ...]) -> str | None:
    """The shell that is process 1 and starts restic as its child, which gets no signal then."""
    if len(command) < 3 or command[0].rpartition("/")[2] not in _SHELLS:  # noqa: PLR2004
        return None
    script = command[-1]
    if "restic" not in script or re.search(r"\bexec\s+(\S*/)?restic\b|\btrap\b", script):
        return None
    return command[0].rpartition("/")[2]
