"""Pods that controllers made, and whether names.py would tell whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from janitor import names


@dataclass(frozen=True)
class Seen:
    """One pod and the workload that it comes from."""

    kind: str
    owner: str
    pod: str
    hostname: str | None
    indexed: bool


def expression(seen: Seen, owner: str) -> str:
    """What names.py says of the pods of a workload of this kind."""
    match seen.kind:
        case "Job":
            return names.job_pods(owner, indexed=seen.indexed)
        case "CronJob":
            return names.cronjob_pods(owner, indexed=seen.indexed)
        case "Deployment":
            return names.deployment_pods(owner)
        case "ReplicaSet":
            return names.replicaset_pods(owner)
        case "DaemonSet":
            return names.daemonset_pods(owner)
        case _:
            return names.statefulset_pods(owner)


def wrong(seen: Iterable[Seen]) -> list[str]:
    """Pods whose hostname does not fit its own workload's rule, or fits a neighbour's.

    A name that the server had to cut may fit a neighbour that begins with the same 58 characters.
    """
    found = []
    for each in seen:
        hostname = (each.hostname or each.pod)[:63].rstrip("-.")
        if not re.fullmatch(expression(each, each.owner), hostname):
            found.append(f"{hostname} is not told to be of {each.kind} {each.owner}")
        neighbours = (each.owner[:-1], f"{each.owner}x", f"x{each.owner}")
        found.extend(
            f"{hostname} is told to be of {each.kind} {neighbour}"
            for neighbour in neighbours
            if len(each.owner) < 40 and re.fullmatch(expression(each, neighbour), hostname)
        )
    return found
