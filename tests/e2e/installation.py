"""The janitor as people install it: its own image, the shipped overlays, the test's namespace."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from . import manifests
from .cluster import CHECKOUT
from .programs import apply, get, kubectl, poll
from .stores import Repository

WAITING = {"too-young", "awaiting-confirmation", "recently-written"}
"""The verdicts that only time changes."""
EVENTS = {"lock", "repository", "sweep", "check", "doctor"}
"""The lines that are no diagnostics."""
OVERLAY_NAMESPACE = {"e2e": "restic-janitor-e2e"}
E2E_PATCH = """
- {op: add, path: /spec/suspend, value: true}
- {op: add, path: /spec/jobTemplate/spec/template/spec/containers/0/imagePullPolicy, value: Never}
- op: add
  path: /spec/jobTemplate/spec/template/spec/containers/0/env/-
  value: {name: JANITOR_ALLOW_SHORT_MIN_AGE, value: "true"}
"""
"""What overlays/e2e has, for the tests that install another overlay."""


@dataclass(frozen=True)
class Run:
    """Everything that one run left behind."""

    exit_code: int
    log: str
    message: str
    """The termination message."""
    lines: list[dict[str, Any]] = field(default_factory=list)

    def locks(self) -> dict[str, dict[str, Any]]:
        return {line["lock"]: line for line in self.lines if line["event"] == "lock"}

    def verdicts(self) -> dict[str, str]:
        """Lock ID to verdict."""
        return {lock: line["verdict"] for lock, line in self.locks().items()}

    def removed(self) -> set[str]:
        return {lock for lock, line in self.locks().items() if line["removed"]}

    def summary(self) -> dict[str, Any]:
        (line,) = (line for line in self.lines if line["event"] == "sweep")
        return line

    def repositories(self) -> dict[str, dict[str, Any]]:
        """Name to the repository's line."""
        return {line["repository"]: line for line in self.lines if line["event"] == "repository"}

    def repository(self) -> dict[str, Any]:
        (line,) = (line for line in self.lines if line["event"] == "repository")
        return line


@dataclass
class Janitor:
    """One installation."""

    namespace: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def start(self) -> str:
        """Starts a run by hand, as the documentation says; returns the Job's name."""
        job = f"run-{next(self.numbers)}"
        kubectl("create", "job", job, "--from=cronjob/restic-janitor", namespace=self.namespace)
        return job

    def pods(self, job: str) -> list[dict[str, Any]]:
        return get("pods", "-l", f"job-name={job}", namespace=self.namespace).get("items", [])

    def doctor(self) -> Run:
        """Has the installation examine itself, as the documentation says."""
        job = f"doctor-{next(self.numbers)}"
        words = ("create", "job", job, "--from=cronjob/restic-janitor", "--dry-run=client")
        shown = kubectl(*words, "-o", "json", namespace=self.namespace)
        assert shown.count('"sweep"') == 1
        kubectl(
            "apply", "-f", "-", namespace=self.namespace, stdin=shown.replace('"sweep"', '"doctor"')
        )
        return self.finish(job)

    def finish(self, job: str, *, seconds: float = 120) -> Run:
        """Waits for a run's end and collects what it left."""

        def ended() -> dict[str, Any] | None:
            for pod in self.pods(job):
                for status in pod.get("status", {}).get("containerStatuses", []):
                    if state := status["state"].get("terminated"):
                        return {"pod": pod["metadata"]["name"], **state}
            return None

        state = poll(f"{job} ends", ended, seconds=seconds)
        log = kubectl("logs", state["pod"], namespace=self.namespace)
        return Run(state["exitCode"], log, state.get("message", ""), list(json_lines(log)))

    def kill(self, job: str) -> None:
        """Kills a run's pod as soon as it runs, without a word of warning."""

        def running() -> str | None:
            for pod in self.pods(job):
                if pod["status"].get("phase") not in (None, "Pending"):
                    return pod["metadata"]["name"]
            return None

        pod = poll(f"{job} runs", running, seconds=60, every=0.1)
        kubectl("delete", "pod", pod, "--grace-period=0", "--force", namespace=self.namespace)

    def take_away(self, kind: str, name: str) -> None:
        """Deletes a binding, and with it the right."""
        kubectl("delete", kind, name)

    def run_shards(self, number: int) -> list[Run]:
        """One run of an Indexed Job: what each of its pods left, in their order."""
        job = self.start()

        def ended() -> dict[str, str] | None:
            found = {}
            for pod in self.pods(job):
                index = pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]
                for status in pod.get("status", {}).get("containerStatuses", []):
                    if status["state"].get("terminated"):
                        found[index] = pod["metadata"]["name"]
            return found if len(found) == number else None

        pods = poll(f"all pods of {job} end", ended, seconds=180)
        logs = [
            kubectl("logs", pods[str(index)], namespace=self.namespace) for index in range(number)
        ]
        return [Run(0, log, "", list(json_lines(log))) for log in logs]

    def run(self, *, seconds: float = 120) -> Run:
        return self.finish(self.start(), seconds=seconds)

    def run_together(self, count: int) -> list[Run]:
        """Several runs at the same time."""
        jobs = [self.start() for _ in range(count)]
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(self.finish, jobs))

    def run_until_judged(self, *locks: str, seconds: float = 180) -> Run:
        """Runs it until each of these locks was judged by more than its age; none may go before.

        The result is the last run with the line by which each of them was judged, in whichever
        run that was.
        """
        judged: dict[str, dict[str, Any]] = {}

        def all_judged() -> Run | None:
            run = self.run()
            for lock in set(locks) - set(judged):
                line = run.locks().get(lock)
                if line is not None and line["verdict"] not in WAITING:
                    judged[lock] = line
                else:
                    assert line is None or not line["removed"], run.log
            if len(judged) < len(locks):
                return None
            others = [line for line in run.lines if line.get("lock") not in judged]
            return replace(run, lines=[*others, *judged.values()])

        names = ", ".join(lock[:8] for lock in locks)
        return poll(f"{names} are judged", all_judged, seconds=seconds, every=2)

    def events(self) -> list[dict[str, Any]]:
        """The Events that the janitor wrote in its namespace."""
        found = get("events.events.k8s.io", namespace=self.namespace).get("items", [])
        return [
            event for event in found if "restic-janitor" in (event.get("reportingController") or "")
        ]


def json_lines(log: str) -> Iterator[dict[str, Any]]:
    """The machine-readable lines of a log in which diagnostics stand too."""
    for text in log.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and line.get("event") in EVENTS:
            yield line


def install(
    namespace: str,
    repository: Repository,
    folder: Path,
    *,
    holders: list[Any] | None = None,
    min_age: str = "20s",
    overlay: str = "e2e",
    holders_in: str | None = None,
    patch: str = "",
    components: tuple[str, ...] = (),
    others: tuple[dict[str, Any], ...] = (),
    **settings: Any,
) -> Janitor:
    """Installs an overlay with this configuration and waits for nothing: a CronJob is no pod.

    `holders_in` is the namespace of the backups where it is another one; `patch` more JSON
    patch lines for the CronJob, `others` more repositories. Without `holders` no repository is
    configured: `discover` finds some.
    """
    if overlay != "e2e":
        patch = E2E_PATCH + patch
    configuration = {
        "min_age": min_age,
        **settings,
    }
    if holders is not None:
        configuration["repositories"] = [
            {
                "name": "backups",
                "environment": "/secrets/backups",
                "namespaces": [holders_in or namespace],
                "holders": holders,
            },
            *others,
        ]
    components += ("volume",) if repository.volume else ()
    write_kustomization(folder, overlay, configuration, patch, components)
    rendered = yaml.safe_load_all(kubectl("kustomize", str(folder)))
    places = {
        OVERLAY_NAMESPACE.get(overlay, "restic-janitor"): namespace,
        "shop": holders_in or namespace,
    }
    apply(
        manifests.secret(namespace, "restic-janitor-backups", repository.environment),
        *(relocate(each, places, namespace) for each in rendered if each["kind"] != "Namespace"),
    )
    return Janitor(namespace)


def write_kustomization(
    folder: Path,
    overlay: str,
    configuration: dict[str, Any],
    patch: str,
    components: tuple[str, ...],
) -> None:
    """What a user writes: an overlay on top of a shipped one."""
    name, _, tag = os.environ["E2E_IMAGE_JANITOR"].rpartition(":")
    shipped = CHECKOUT / "k8s"
    kustomization: dict[str, Any] = {
        "resources": [os.path.relpath(shipped / "overlays" / overlay, folder.resolve())],
        "images": [{"name": "restic-janitor", "newName": name, "newTag": tag}],
        "configMapGenerator": [
            {
                "name": "restic-janitor",
                "namespace": OVERLAY_NAMESPACE.get(overlay, "restic-janitor"),
                "behavior": "replace",
                "files": ["janitor.yaml"],
            }
        ],
    }
    kustomization["components"] = [
        os.path.relpath(shipped / "components" / each, folder.resolve()) for each in components
    ]
    if components:  # what they bring has no namespace yet
        transformer = (shipped / "overlays" / overlay / "into-namespace.yaml").read_text()
        folder.joinpath("into-namespace.yaml").write_text(transformer)
        kustomization["transformers"] = ["into-namespace.yaml"]
    if patch:
        kustomization["patches"] = [{"target": {"kind": "CronJob"}, "patch": patch}]
    folder.joinpath("janitor.yaml").write_text(yaml.safe_dump(configuration))
    folder.joinpath("kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def relocate(made: dict[str, Any], places: dict[str, str], suffix: str) -> dict[str, Any]:
    """The object in the test's namespace: many installations stand side by side in one cluster."""
    metadata = made["metadata"]
    if "namespace" in metadata:
        metadata["namespace"] = places[metadata["namespace"]]
    for subject in made.get("subjects", []):
        subject["namespace"] = places[subject["namespace"]]
    if made["kind"] == "ClusterRoleBinding":
        metadata["name"] += f"-{suffix}"
    return made


def uninstall(namespace: str) -> None:
    """Removes what is not in the namespace."""
    names = kubectl("get", "clusterrolebinding", "-o", "name").split()
    ours = [name for name in names if name.endswith(f"-{namespace}")]
    if ours:
        kubectl("delete", "--ignore-not-found", *ours)
