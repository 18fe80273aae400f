"""One entry of `repositories`: checked, and turned into the words of model.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec

from janitor.discover.durations import DurationError, parse_duration
from janitor.discover.mistakes import Mistakes, nearest, shown_name
from janitor.discover.names import (
    check_namespaces,
    check_repository_name,
    is_object_name,
    read_holder,
    read_paths,
)
from janitor.discover.schema import Holder, RepositoryEntry, SecretReference
from janitor.discover.settings import duration_problem
from janitor.discover.variables import VARIABLES, is_restic_variable, is_secret
from janitor.model import HolderPattern, Policy, Repository
from janitor.store.errors import BadLocation
from janitor.store.location import Location, parse_location

WORKLOADS = ("CronJob", "Job", "Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True)
class ConfiguredRepository:
    """A repository as the file describes it, before its credentials are read."""

    repository: Repository
    location: Location | None = None
    """None: RESTIC_REPOSITORY in its environment says where it is."""
    sources: tuple[Path, ...] = ()
    """`environment`: folders and env files, the later win."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    ssh: Path | None = None
    """A folder as `~/.ssh` is."""
    secrets: tuple[SecretReference, ...] = ()
    """Read by the API, after `sources` and before `variables`."""
    workloads: tuple[tuple[str, str], ...] = ()
    """Kind and name, in the repository's namespaces."""
    place: str = ""
    """The key's path in the file, for sentences."""

    @property
    def key_that_reads_the_cluster(self) -> str:
        """The key by which it needs an API server; empty: by none."""
        if self.secrets:
            return f"{self.place}.secrets"
        return f"{self.place}.workloads" if self.workloads else ""


def read_entry(
    entry: RepositoryEntry, path: str, folder: Path, policy: Policy, mistakes: Mistakes
) -> ConfiguredRepository:
    """Checks one entry, whose relative `environment` paths begin at `folder`."""
    check_repository_name(entry.name, f"{path}.name", mistakes)
    location = _location(entry, path, mistakes)
    repository = Repository(
        name=entry.name,
        location="" if location is None else location.shown,
        holders=_holders(entry, path, mistakes),
        namespaces=_namespaces(entry, path, policy, mistakes),
        shared=entry.shared,
        min_age=_duration("min_age", entry.min_age, path, policy, mistakes),
        remove_unrefreshed_after=_unrefreshed_after(entry, path, policy, mistakes),
    )
    return ConfiguredRepository(
        repository,
        location,
        read_paths(entry.environment, folder, f"{path}.environment", mistakes),
        _variables(entry, path, mistakes),
        _ssh(entry, folder, path, mistakes),
        _secrets(entry, path, mistakes),
        _workloads(entry, path, mistakes),
        path,
    )


def _ssh(entry: RepositoryEntry, folder: Path, path: str, mistakes: Mistakes) -> Path | None:
    if entry.ssh is None:
        return None
    if not entry.ssh or not entry.ssh.isprintable():
        mistakes.add(f"{path}.ssh", "must be the path of a folder as ~/.ssh is.")
    return folder / entry.ssh


def _secrets(entry: RepositoryEntry, path: str, mistakes: Mistakes) -> tuple[SecretReference, ...]:
    for index, secret in enumerate(entry.secrets):
        place = f"{path}.secrets[{index}]"
        if not is_object_name(secret.namespace):
            mistakes.add(f"{place}.namespace", "must be the name of a namespace.")
        if not is_object_name(secret.name):
            mistakes.add(f"{place}.name", "must be the name of a Secret.")
        for name in secret.keys or {}:
            if not is_restic_variable(name):
                mistakes.add(
                    f"{place}.keys",
                    f"{shown_name(name)} is no variable that restic reads{_hint(name)}; write "
                    "`variable: key`.",
                )
    return entry.secrets


def _workloads(
    entry: RepositoryEntry, path: str, mistakes: Mistakes
) -> tuple[tuple[str, str], ...]:
    """`Kind/name`, each in the namespaces that the entry names."""
    found: list[tuple[str, str]] = []
    for index, written in enumerate(entry.workloads):
        kind, _, name = written.partition("/")
        if kind not in WORKLOADS or not is_object_name(name):
            mistakes.add(
                f"{path}.workloads[{index}]",
                f"must be `Kind/name`, where the kind is one of {', '.join(WORKLOADS)}.",
            )
        found.append((kind, name))
    if found and not entry.namespaces:
        mistakes.add(
            f"{path}.workloads", "needs `namespaces` beside it: where the workloads are looked for."
        )
    return tuple(found)


def _location(entry: RepositoryEntry, path: str, mistakes: Mistakes) -> Location | None:
    if entry.location is None:
        return None
    try:
        return parse_location(entry.location)
    except BadLocation as error:
        mistakes.add(f"{path}.location", f"{error}.")
        return None


def _holders(entry: RepositoryEntry, path: str, mistakes: Mistakes) -> tuple[HolderPattern, ...]:
    patterns: list[HolderPattern] = []
    for index, holder in enumerate(entry.holders):
        place = f"{path}.holders[{index}]"
        if isinstance(holder, Holder):
            patterns.append(read_holder(holder.name, holder.containers, place, mistakes))
        else:
            patterns.append(read_holder(holder, None, place, mistakes))
    return tuple(patterns)


def _namespaces(
    entry: RepositoryEntry, path: str, policy: Policy, mistakes: Mistakes
) -> tuple[str, ...] | None:
    if entry.namespaces is None:
        return None
    check_namespaces(entry.namespaces, f"{path}.namespaces", mistakes)
    observed = policy.observe_namespaces
    for index, namespace in enumerate(entry.namespaces):
        if observed is not None and namespace not in observed:
            mistakes.add(
                f"{path}.namespaces[{index}]",
                "is not in `observe.namespaces`, so its pods would never be seen: add it there.",
            )
    return entry.namespaces


def _duration(
    key: str, text: str | None, path: str, policy: Policy, mistakes: Mistakes
) -> timedelta | None:
    if text is None:
        return None
    try:
        duration = parse_duration(text)
    except DurationError as error:
        mistakes.add(f"{path}.{key}", f"{error}.")
        return None
    problem = duration_problem(key, duration, allow_short=policy.allow_short_min_age)
    if problem is not None:
        mistakes.add(f"{path}.{key}", problem)
    return duration


def _unrefreshed_after(
    entry: RepositoryEntry, path: str, policy: Policy, mistakes: Mistakes
) -> timedelta | None:
    after = entry.remove_unrefreshed_after
    if isinstance(after, msgspec.UnsetType):
        return None
    if after is None and policy.remove_unrefreshed_after is not None:
        mistakes.add(
            f"{path}.remove_unrefreshed_after",
            "cannot switch off what the top level switches on: set it for each repository instead.",
        )
    return _duration("remove_unrefreshed_after", after, path, policy, mistakes)


def _variables(entry: RepositoryEntry, path: str, mistakes: Mistakes) -> Mapping[str, str]:
    for name, value in entry.variables.items():
        shown = shown_name(name)
        place = f"{path}.variables"
        if not is_restic_variable(name):
            mistakes.add(place, f"{shown} is no variable that restic reads{_hint(name)}.")
        elif is_secret(name):
            mistakes.add(
                place,
                f"{shown} is a secret, and this file is no place for one: write it into a file "
                "that `environment` names.",
            )
        elif "\0" in value:
            mistakes.add(place, f"{shown} holds a NUL byte, which no environment variable can.")
    return entry.variables


def _hint(name: str) -> str:
    hint = nearest(name, VARIABLES)
    return f": {hint.rstrip('?')}" if hint.startswith("did") else ""
