"""What a source that is switched on asks the API server for, as rights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from janitor.cluster.errors import Right
from janitor.cluster.failures import rights_to_failures
from janitor.discover.reader import ObjectKind
from janitor.discover.source_settings import SourceSettings

_SELECTS_NAMESPACES = frozenset({"stash", "kubestash"})
"""Theirs is a `usagePolicy`, which may go by the labels of a Namespace."""
_READS_CONFIG_MAPS = frozenset({"volsync", "workloads"})


@dataclass(frozen=True, slots=True)
class SourceRights:
    """The rights of one source, by what they are for."""

    lists: tuple[Right, ...]
    """Without one of them it finds nothing."""
    contents: tuple[Right, ...]
    """Secrets and the like, whatever their names; each may be granted by its name instead."""
    namespaces: tuple[Right, ...]
    """Needed where an object says so."""
    runs: tuple[Right, ...]
    """Finding out which runs failed on a lock."""
    events: tuple[Right, ...]
    """Telling the owners of its objects."""


def rights_of(settings: SourceSettings) -> SourceRights:
    """What this source uses, in its namespaces or in all."""
    kinds: tuple[ObjectKind, ...] = import_module(f"janitor.discover.{settings.name}").KINDS
    named = settings.name in _SELECTS_NAMESPACES
    held = ("secrets", "configmaps") if settings.name in _READS_CONFIG_MAPS else ("secrets",)
    return SourceRights(
        lists=tuple(each for kind in kinds for each in _each("list", kind.resource, settings)),
        contents=tuple(each for resource in held for each in _each("get", resource, settings)),
        namespaces=tuple(_each("get", "namespaces", settings)) if named else (),
        runs=tuple(rights_to_failures(settings.name, _places(settings))),
        events=tuple(_each("create", "events.events.k8s.io", settings)),
    )


def _places(settings: SourceSettings) -> frozenset[str] | None:
    return None if settings.namespaces is None else frozenset(settings.namespaces)


def _each(verb: str, resource: str, settings: SourceSettings) -> Iterator[Right]:
    component = f"discover-{settings.name}"
    if settings.namespaces is None:
        yield Right(verb, resource, component)
        return
    for namespace in settings.namespaces:
        name = namespace if resource == "namespaces" else None
        yield Right(verb, resource, f"{component}/namespace", namespace=namespace, name=name)
