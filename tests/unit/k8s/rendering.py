"""Renders the manifests as kubectl does, with kubectl 1.32 or newer or with kustomize."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import programs

K8S = Path(__file__).resolve().parents[3] / "k8s"
OVERLAYS = tuple(sorted(folder.name for folder in (K8S / "overlays").iterdir()))
KUSTOMIZE = programs.cache() / "kustomize" / "v5.7.1" / "kustomize"
"""Where tests/servers/fetch-kustomize puts it."""
OLDEST_KUBECTL = (1, 32)


@cache
def command() -> tuple[str, ...]:
    """What renders a folder; skips outside CI where nothing does."""
    if kubectl := shutil.which("kubectl"):
        text = subprocess.run(
            [kubectl, "version", "--client", "-o", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if text.returncode == 0:
            version = json.loads(text.stdout)["clientVersion"]
            if (int(version["major"]), int(version["minor"].rstrip("+"))) >= OLDEST_KUBECTL:
                return (kubectl, "kustomize")
    for program in (str(KUSTOMIZE), shutil.which("kustomize") or ""):
        if program and Path(program).is_file():
            return (program, "build")
    reason = "needs kubectl 1.32 or newer, or kustomize: run tests/servers/fetch-kustomize"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@cache
def rendered(folder: Path) -> tuple[dict[str, Any], ...]:
    """The objects of one kustomization."""
    done = subprocess.run([*command(), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def overlay(name: str) -> tuple[dict[str, Any], ...]:
    return rendered(K8S / "overlays" / name)


def of_kind(objects: tuple[dict[str, Any], ...], *kinds: str) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] in kinds]


def cronjob(objects: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    (found,) = of_kind(objects, "CronJob")
    return found


def pod_spec(objects: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    spec: dict[str, Any] = cronjob(objects)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec
