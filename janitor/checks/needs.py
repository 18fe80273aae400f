"""The rights that a sweep uses with this configuration, each with what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from janitor.checks.installation import Installation
from janitor.cluster.configmap import ConfigMapShelf
from janitor.cluster.errors import Right
from janitor.cluster.events_writer import right_to_tell
from janitor.cluster.observe import rights_to_observe
from janitor.discover.entry import ConfiguredRepository
from janitor.discover.source_rights import rights_of
from janitor.discover.workloads import kind_called

_SHIPPED = "restic-janitor-state"
"""The ConfigMap that k8s/base has and grants."""


@dataclass(frozen=True, slots=True)
class Need:
    """One right."""

    right: Right
    purpose: str
    """What is missing without it; the end of a sentence."""
    optional: bool = False
    by_name: bool = False
    """It may be granted for single names instead."""
    instead: str = ""
    """What else mends its lack: a sentence."""


def needs_of(installation: Installation) -> tuple[Need, ...]:
    """Every right, each once: of two needs of the same right, the first."""
    needs = (
        *_observing(installation),
        *_remembering(installation),
        *_telling(installation),
        *_discovering(installation),
        *_opening(installation),
    )
    return tuple({str(need.right): need for need in reversed(needs)}.values())[::-1]


_OBSERVED = {
    "pods": "without it nobody knows whether a lock's holder is alive, and locks stay",
    "nodes": "without it nobody knows whether a hostname is a host's, and locks stay",
    "events": "Events tell what killed a holder, and that a pod of that name was there",
}


def _observing(installation: Installation) -> Iterator[Need]:
    namespaces = installation.namespaces
    instead = {
        "nodes": "Or set `observe.nodes: false`, after reading in docs/configuration.md what it "
        "means."
    }
    if namespaces is None:
        instead["pods"] = "Or name the namespaces that it may look at in `observe.namespaces`."
    nodes = installation.policy.observe_nodes
    for right in rights_to_observe(installation.own_pod, namespaces, nodes=nodes):
        yield Need(
            right,
            _OBSERVED[right.resource],
            optional=right.resource == "events",
            instead=instead.get(right.resource, ""),
        )


def _remembering(installation: Installation) -> Iterator[Need]:
    shelf = installation.world.shelf
    if not isinstance(shelf, ConfigMapShelf):
        return
    for right in shelf.rights:
        other = f"Its Role must name {right.name} in `resourceNames`"
        sharded = (right.name or "").startswith(f"{_SHIPPED}-")
        hint = ", as k8s/components/sharded does for four parts." if sharded else "."
        yield Need(
            right,
            "without it nothing is remembered from run to run",
            instead="" if right.name == _SHIPPED else other + hint,
        )


def _telling(installation: Installation) -> Iterator[Need]:
    if installation.own_pod is not None:
        told = "the janitor's Events tell in `kubectl describe` what it removed"
        yield Need(right_to_tell(installation.own_pod.namespace), told, optional=True)


def _discovering(installation: Installation) -> Iterator[Need]:
    for settings in installation.configuration.sources:
        rights, key = rights_of(settings), f"discover.{settings.name}"
        without = f"without it `{key}` finds nothing"
        for right in rights.lists:
            yield Need(right, without, instead=f"Or take `{key}` out of the configuration.")
        for right in rights.contents:
            yield Need(right, f"without it what `{key}` finds is not opened", by_name=True)
        for right in rights.namespaces:
            users = "without it a usagePolicy with a selector keeps its repository out"
            yield Need(right, users, optional=True)
        for right in rights.runs:
            failed = "without it nobody is told which runs failed on a lock"
            yield Need(right, failed, optional=True)
        if installation.own_pod is not None:
            for right in rights.events:
                owners = f"without it the objects that `{key}` finds get no Events"
                yield Need(right, owners, optional=True)


def _opening(installation: Installation) -> Iterator[Need]:
    wanted = {each.repository.name for each in installation.found}
    wanted |= {alias for each in installation.found for alias in each.aliases}
    for entry in installation.configuration.repositories:
        if entry.repository.name in wanted:
            yield from _of_entry(entry)


def _of_entry(entry: ConfiguredRepository) -> Iterator[Need]:
    name = entry.repository.name
    for secret in entry.secrets:
        right = Right("get", "secrets", "secrets", namespace=secret.namespace, name=secret.name)
        yield Need(right, f"without it {name} cannot be opened")
    for kind, workload in entry.workloads:
        resource = kind_called(kind, "owners").resource
        for namespace in entry.repository.namespaces or ():
            yield Need(
                Right("get", resource, "owners", namespace=namespace, name=workload),
                f"without it the hostnames of {name} are not known",
                instead="Or name them in `holders` instead of `workloads`.",
            )
