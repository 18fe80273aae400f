"""Runs programs (kubectl, kind, the container tool), and waits for things to become true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class ProgramError(AssertionError):
    """A program ended with an error; the message has what it said."""


def run(
    *command: str, stdin: str | None = None, check: bool = True, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; `ProgramError` where it fails and `check` is on."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )
    if check and done.returncode:
        words = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}".strip()
        raise ProgramError(f"`{' '.join(command)}` ended with {done.returncode}:\n{words}")
    return done


def kubectl(
    *arguments: str, namespace: str | None = None, stdin: str | None = None, check: bool = True
) -> str:
    """What kubectl prints."""
    scope = ("-n", namespace) if namespace else ()
    return run("kubectl", *scope, *arguments, stdin=stdin, check=check).stdout


def get(*arguments: str, namespace: str | None = None) -> dict[str, Any]:
    """An object, or a list of them, as the API shows it; empty where it does not exist."""
    text = kubectl("get", *arguments, "-o", "json", "--ignore-not-found", namespace=namespace)
    return json.loads(text) if text.strip() else {}


def apply(*objects: dict[str, Any]) -> None:
    """Creates or updates objects; each names its own namespace."""
    kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    )


def poll(what: str, check: Callable[[], T], *, seconds: float, every: float = 0.5) -> T:
    """The first true answer of `check`; fails, naming `what`, when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} seconds: {what}")
        time.sleep(every)


@cache
def container_tool() -> str:
    """docker or podman: E2E_CONTAINER_TOOL, else what kind is set to, else what works."""
    if chosen := os.environ.get("E2E_CONTAINER_TOOL") or os.environ.get(
        "KIND_EXPERIMENTAL_PROVIDER"
    ):
        return chosen
    if shutil.which("docker") and run("docker", "info", check=False).returncode == 0:
        return "docker"
    return "podman"
