"""Backups that hold a lock, and the ways in which they die."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from . import manifests
from .programs import apply, get, kubectl, poll
from .stores import Repository


def start(
    namespace: str,
    repository: Repository,
    *,
    script: str = manifests.HOLD,
    name: str = "",
    **spec: Any,
) -> str:
    """Starts a pod `backup-xxxxx` that backs up; returns its name."""
    name = name or f"backup-{secrets.token_hex(3)[:5]}"
    command = ["sh", "-c", script]
    apply(
        manifests.pod(
            namespace,
            name,
            repository.image,
            command,
            secret="repository",
            volume=repository.volume,
            spec=spec,
        )
    )
    return name


def shell(namespace: str, pod: str, script: str, *, container: str = "backup") -> None:
    """Runs a script in a container; how it ends does not matter (it may kill its own shell)."""
    kubectl(
        "exec", pod, "-c", container, "--", "sh", "-c", script, namespace=namespace, check=False
    )


def kill(namespace: str, pod: str) -> None:
    """SIGKILL to restic and to what feeds it: the container ends, the lock stays."""
    shell(namespace, pod, "pkill -KILL restic; pkill -KILL sleep")
    poll(f"{pod} has ended", lambda: phase(namespace, pod) in ("Failed", "Succeeded"), seconds=60)


def delete(namespace: str, pod: str) -> None:
    kubectl("delete", "pod", pod, "--grace-period=0", "--force", namespace=namespace)


def leave_lock(namespace: str, repository: Repository, **more: Any) -> str:
    """A lock whose holder was killed mid-run and whose pod was then deleted."""
    before = repository.locks()
    pod = start(namespace, repository, **more)
    lock = repository.wait_for_lock(beside=before)
    kill(namespace, pod)
    delete(namespace, pod)
    return lock


def phase(namespace: str, pod: str) -> str:
    return get("pod", pod, namespace=namespace).get("status", {}).get("phase", "")


def pod_status(namespace: str, pod: str) -> dict[str, Any]:
    return get("pod", pod, namespace=namespace).get("status", {})


def reason(namespace: str, pod: str) -> str:
    """Why the pod as a whole ended."""
    return pod_status(namespace, pod).get("reason", "")


def container_status(namespace: str, pod: str, container: str) -> dict[str, Any]:
    for status in pod_status(namespace, pod).get("containerStatuses", []):
        if status["name"] == container:
            return status
    return {}


def restarts(namespace: str, pod: str, container: str) -> int:
    return container_status(namespace, pod, container).get("restartCount", 0)


def last_end(namespace: str, pod: str, container: str) -> str:
    """Why the container's earlier run ended."""
    last = container_status(namespace, pod, container).get("lastState", {})
    return last.get("terminated", {}).get("reason", "")


def wait_until_ended(namespace: str, pod: str) -> None:
    ended = ("Succeeded", "Failed")
    poll(f"{pod} ends", lambda: phase(namespace, pod) in ended, seconds=60)


def wait_for_exclusive_lock(repository: Repository) -> str:
    """The ID of a lock that its holder shares with nobody."""

    def exclusive() -> str | None:
        for lock in repository.locks():
            shown = repository.exec("restic", "cat", "lock", lock, "--no-lock")
            if shown.returncode == 0 and json.loads(shown.stdout)["exclusive"]:
                # a forget before the prune has one too, for a moment
                return lock if _stays(repository, lock) else None
        return None

    return poll("an exclusive lock", exclusive, seconds=90, every=0.2)


def _stays(repository: Repository, lock: str) -> bool:
    """True where it is still there after several more looks, of some 0.5 seconds each."""
    return all(lock in repository.locks() for _ in range(6))


def wait_until_old(repository: Repository, locks: set[str], *, seconds: float) -> None:
    """Until all these locks are older than that; they are never refreshed, since nobody lives."""

    def old() -> bool:
        now = datetime.now(UTC)
        for lock in locks:
            shown = json.loads(repository.restic("cat", "lock", lock, "--no-lock"))
            written = datetime.fromisoformat(shown["time"][:19]).replace(tzinfo=UTC)
            if (now - written).total_seconds() < seconds + 1:
                return False
        return True

    poll("the locks are old", old, seconds=seconds + 60, every=1)


SILENT = """
import socket, time
server = socket.create_server(("0.0.0.0", 8443))
kept = []
while True:
    kept.append(server.accept())
"""


def start_silent_server(namespace: str, image: str) -> str:
    """A server that takes connections and never answers, like a paused process; its address."""
    apply(manifests.pod(namespace, "silent", image, ["python3", "-c", SILENT]))
    return poll(
        "the silent server has an address",
        lambda: pod_status(namespace, "silent").get("podIP", ""),
        seconds=60,
    )
