"""K8up: Schedules, and the Backups, Checks, Prunes, Archives and Restores that they or people make.

From K8up's `api/v1/backend.go`, `operator/job` and `operator/scheduler`. What its operator takes
from its own environment (BACKUP_GLOBAL...) is not in the objects: the configuration's `defaults`
stand for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from janitor import names
from janitor.discover.draft import Draft, MountedVolume
from janitor.discover.k8up_backend import Backend, read_backend
from janitor.discover.reader import (
    Each,
    FoundObject,
    MissingObject,
    ObjectKind,
    Reader,
    mapping_at,
)
from janitor.model import GeneratedHolder, RepositoryState, Secret

_GROUP = "k8up.io"
_TYPES = ("backup", "check", "prune", "archive", "restore")
_SCHEDULE = ObjectKind(_GROUP, "Schedule", "schedules", "discover-k8up")
_KINDS = {
    each: ObjectKind(_GROUP, each.capitalize(), f"{each}s", "discover-k8up") for each in _TYPES
}
KINDS = (_SCHEDULE, *_KINDS.values())
_LONGEST_NAME = 63
_LONGEST_NUMBER = 3
"""Digits of the number that K8up gives to each Job of one Backup."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What K8up's operator has in its own environment."""

    endpoint: str = ""
    bucket: str = ""
    variables: Mapping[str, Secret] = field(default_factory=dict, repr=False)


def find_k8up(
    reader: Reader, *, namespaces: tuple[str, ...] | None, each: Each, defaults: Defaults
) -> tuple[Draft, ...]:
    """One for each object, and one for each backend of a Schedule. Raises ClusterError."""
    wanted: list[_Wanted] = []
    for one in reader.list(_SCHEDULE, namespaces) or ():
        wanted.extend(_of_schedule(one))
    for kind, listed in _KINDS.items():
        for one in reader.list(listed, namespaces) or ():
            spec = mapping_at(one.content, "spec")
            holders = tuple(_holders(kind, names.letters(one.reference.name)))
            wanted.append(_Wanted(one, kind, spec, mapping_at(spec, "backend"), holders))
    return tuple(each(lambda some: _draft(some, reader, defaults), wanted))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One backend of one object, and who works on it."""

    found: FoundObject
    component: str
    """A part of the name, where one object has several backends."""
    spec: Mapping[str, Any]
    backend: Mapping[str, Any]
    holders: tuple[GeneratedHolder, ...]


def _of_schedule(one: FoundObject) -> Iterator[_Wanted]:
    """Its backends, each with the jobs that use it: a job's own fields are filled from the
    Schedule's.
    """
    spec = mapping_at(one.content, "spec")
    common = mapping_at(spec, "backend")
    jobs: dict[str, tuple[str, dict[str, Any], list[GeneratedHolder]]] = {}
    for kind in _TYPES:
        job = mapping_at(spec, kind)
        if kind not in spec:
            continue
        backend = {**common, **mapping_at(job, "backend")}
        _, _, holders = jobs.setdefault(repr(backend), (kind, backend, []))
        holders.extend(_holders(kind, _scheduled(one.reference.name, kind)))
    for kind, backend, holders in jobs.values():
        yield _Wanted(one, kind, {**spec, **mapping_at(spec, kind)}, backend, tuple(holders))


def _scheduled(schedule: str, kind: str) -> names.Letters:
    """The objects that a Schedule makes: `<schedule, shortened>-<type>-xxxxx`."""
    room = _LONGEST_NAME - len(names.RANDOM_SUFFIX) - len(kind) - 2
    return (*names.letters(f"{schedule[:room]}-{kind}-"), *names.RANDOM_SUFFIX)


def _holders(kind: str, name: names.Letters) -> Iterator[GeneratedHolder]:
    """The pods of an object's Jobs: `<type>-<object>`, for Backups with a number or `prebackup`."""
    prefix = names.letters(f"{kind}-")
    jobs = [(*prefix, *name)]
    if kind == "backup":
        dash = names.letters("-")
        jobs += [
            (*prefix, *name, *dash, *names.DIGIT * count) for count in range(1, _LONGEST_NUMBER + 1)
        ]
        jobs.append((*prefix, *name, *names.letters("-prebackup")))
    for job in jobs:
        yield GeneratedHolder(f"K8up's {kind} Jobs", names.pods_of_job(job), (kind,))


def _draft(wanted: _Wanted, reader: Reader, defaults: Defaults) -> Draft:
    reference = wanted.found.reference
    name = f"k8up/{reference.namespace}/{reference.name}"
    backend: Backend | None = None
    problem: str | None = None
    try:
        backend = read_backend(
            wanted.backend,
            wanted.spec,
            reference.namespace,
            reader,
            endpoint=defaults.endpoint,
            bucket=defaults.bucket,
            defaults=defaults.variables,
        )
    except MissingObject as missing:
        problem = f"{reference}: {missing}"
    volume: MountedVolume | None = backend.volume if backend else None
    return Draft(
        name=name,
        source="k8up",
        owners=(reference,),
        annotations=wanted.found.annotations,
        location=backend.location if backend else None,
        volume=volume,
        variables=backend.variables if backend else {},
        insecure_tls=wanted.backend.get("insecureTLS") is True,
        generated=wanted.holders,
        namespaces=(reference.namespace,),
        state=RepositoryState.INCOMPLETE if problem else None,
        problem=problem,
    )
