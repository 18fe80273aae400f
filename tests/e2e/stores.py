"""The servers that hold the repositories, one of each for the whole session; the repositories."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import Any

from . import manifests
from .programs import ProgramError, apply, get, kubectl, poll, run

NAMESPACE = "e2e-stores"
TOOL = "tool"
PASSWORD = "correct horse"
LOCKED = 11
"""restic's exit code for "repository is already locked" (0.17 and later)."""
SERVERS = {
    "s3": (
        8333,
        [
            "weed",
            "mini",
            "-dir=/data",
            "-s3.config=/e2e/s3.json",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
        ],
    ),
    "rest": (8000, ["restic-rest-server", "--no-auth", "--path", "/data", "--listen", ":8000"]),
    "append": (
        8000,
        [
            "restic-rest-server",
            "--no-auth",
            "--append-only",
            "--path",
            "/data",
            "--listen",
            ":8000",
        ],
    ),
}


def deploy(image: str) -> None:
    """Starts the servers and the pod in which restic is run by hand; waits until they are ready."""
    objects: list[dict[str, Any]] = [manifests.namespace(NAMESPACE)]
    for name, (port, command) in SERVERS.items():
        objects += manifests.server(NAMESPACE, name, image, command, port)
    objects.append(manifests.pod(NAMESPACE, TOOL, image, ["sleep", "infinity"]))
    if (
        get("pod", TOOL, namespace=NAMESPACE)
        .get("spec", {})
        .get("containers", [{}])[0]
        .get("image", image)
        != image
    ):
        kubectl("delete", "pod", TOOL, "--grace-period=0", "--force", namespace=NAMESPACE)
    apply(*objects)
    for name in SERVERS:
        kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", namespace=NAMESPACE)
    kubectl("wait", "--for=condition=Ready", f"pod/{TOOL}", "--timeout=60s", namespace=NAMESPACE)


@dataclass(frozen=True)
class Repository:
    """A repository, its environment, and the pod in which restic is run on it by hand."""

    environment: dict[str, str]
    tool_namespace: str = NAMESPACE
    volume: bool = False
    """It lies on the claim `backups`, mounted at /repos/backups."""
    image: str = field(default_factory=lambda: os.environ["E2E_IMAGE_BACKUP"])

    def exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        return run(
            "kubectl",
            "-n",
            self.tool_namespace,
            "exec",
            TOOL,
            "--",
            "env",
            *settings,
            *command,
            check=False,
        )

    def restic(self, *arguments: str) -> str:
        """What restic prints; fails where restic does."""
        done = self.exec("restic", *arguments)
        if done.returncode:
            words = f"{done.returncode}: {done.stdout}{done.stderr}"
            raise ProgramError(f"restic {' '.join(arguments)} ended with {words}")
        return done.stdout

    def init(self) -> None:
        """A Service answers a few seconds after its pod is ready: tried until it works."""
        poll(
            "restic init works",
            lambda: self.exec("restic", "init").returncode == 0,
            seconds=60,
            every=1,
        )

    def locks(self) -> set[str]:
        """The IDs of all locks that are in the store."""
        return set(self.restic("list", "locks", "--no-lock").split())

    def wait_for_lock(self, *, beside: set[str] = frozenset()) -> str:  # type: ignore[assignment]
        """The ID of a lock that is not among `beside`, as soon as there is one."""
        return poll("a lock appears", lambda: self.locks() - beside, seconds=90).pop()

    def forge(self, *arguments: str) -> str:
        """Puts a made-up lock into the store (see images/backup/forge.py); returns its ID."""
        done = self.exec("python3", "/e2e/forge.py", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def assert_works(self) -> None:
        """What a stale lock prevents works again, and nothing is damaged."""
        self.restic("forget", "--keep-last", "1", "--prune")
        self.restic("check")


def repository(store: str, test: str) -> Repository:
    """A new repository on one of the servers, or on a volume of the test's own namespace."""
    base = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_CACHE_DIR": "/tmp/cache"}
    if store == "volume":
        made = Repository({**base, "RESTIC_REPOSITORY": "/repos/backups/repo"}, test, volume=True)
        apply(
            manifests.claim(test),
            manifests.pod(test, TOOL, made.image, ["sleep", "infinity"], volume=True),
        )
        kubectl("wait", "--for=condition=Ready", f"pod/{TOOL}", "--timeout=120s", namespace=test)
    elif store == "s3":
        keys = {"AWS_ACCESS_KEY_ID": "e2e", "AWS_SECRET_ACCESS_KEY": "e2e-secret"}
        made = Repository(
            {**base, **keys, "RESTIC_REPOSITORY": f"s3:http://s3.{NAMESPACE}:8333/{test}/shop"}
        )
    else:
        made = Repository(
            {**base, "RESTIC_REPOSITORY": f"rest:http://{store}.{NAMESPACE}:8000/{test}/"}
        )
    made.init()
    return made
