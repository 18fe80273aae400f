"""The commands with which a person looks further at one lock.

None of them changes anything, and `restic unlock` is not among them: it goes by age and process
number, which removes live locks. Names from outside are quoted for the shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from janitor.model import LockReport, RepositoryReport, Verdict
from janitor.report.escape import printable

_OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def commands(
    report: LockReport, evidence: Mapping[str, object], repository: RepositoryReport | None
) -> list[str]:
    """Returns the commands, one a line, those about the holder first."""
    found = _pods_of(evidence)
    lines = [line for namespace, pod in found for line in _about_pod(namespace, pod)]
    hostname = "" if report.content is None else report.content.hostname
    if not found and _OBJECT_NAME.fullmatch(hostname):
        lines += [
            f"kubectl get pods -A --field-selector metadata.name={hostname}",
            f"kubectl get events -A --field-selector involvedObject.name={hostname}",
        ]
    if report.judgement.verdict is Verdict.NODE_EXISTS and _OBJECT_NAME.fullmatch(hostname):
        lines.append(f"kubectl describe node {hostname}")
        lines.append(f"kubectl get pods -A --field-selector spec.nodeName={hostname}")
    if report.judgement.verdict in (Verdict.CLUSTER_UNKNOWN, Verdict.NOT_OBSERVED):
        lines.append("restic-janitor doctor")
    return lines + _about_lock(report, repository)


def _about_pod(namespace: str, pod: str) -> list[str]:
    return [
        f"kubectl -n {namespace} describe pod {pod}",
        f"kubectl -n {namespace} logs {pod} --all-containers --previous --prefix",
        f"kubectl -n {namespace} get events --field-selector involvedObject.name={pod}",
    ]


def _about_lock(report: LockReport, repository: RepositoryReport | None) -> list[str]:
    """--no-lock, so that looking leaves no lock of its own."""
    place = ""
    if repository is not None and repository.location:
        place = f" -r {shlex.quote(printable(repository.location))}"
    lock = shlex.quote(printable(report.lock))
    return [
        f"restic{place} --no-lock list locks",
        f"restic{place} --no-lock cat lock {lock}",
    ]


def _pods_of(evidence: Mapping[str, object]) -> list[tuple[str, str]]:
    """Namespace and name of each candidate; what is no object name never reaches a command."""
    found = evidence.get("candidates")
    pods = []
    for candidate in found if isinstance(found, list) else []:
        name = candidate.get("pod") if isinstance(candidate, Mapping) else None
        namespace, slash, pod = name.partition("/") if isinstance(name, str) else ("", "", "")
        if slash and _OBJECT_NAME.fullmatch(namespace) and _OBJECT_NAME.fullmatch(pod):
            pods.append((namespace, pod))
    return pods
