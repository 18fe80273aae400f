"""Backups that hold a lock, and the ways in which they die."""

from __future__ import annotations

import secrets
from typing import Any

from . import manifests
from .programs import apply, get, kubectl, poll
from .stores import Repository


def start(namespace: str, repository: Repository, *, script: str = manifests.HOLD, name: str = "", **spec: Any) -> str:
    """Starts a pod `backup-xxxxx` that backs up; returns its name."""
    name = name or f"backup-{secrets.token_hex(3)[:5]}"
    command = ["sh", "-c", script]
    apply(
        manifests.pod(
            namespace, name, repository.image, command, secret="repository", volume=repository.volume, spec=spec
        )
    )
    return name


def shell(namespace: str, pod: str, script: str, *, container: str = "backup") -> None:
    """Runs a script in a container; how it ends does not matter (it may kill its own shell)."""
    kubectl("exec", pod, "-c", container, "--", "sh", "-c", script, namespace=namespace, check=False)


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
