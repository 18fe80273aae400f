"""The spelling of the configuration file: its keys and their types, and nothing else.

What the values must be is checked in configuration.py.
"""

from __future__ import annotations

import msgspec


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Unknown keys are mistakes, never ignored."""


class Observe(_Strict, frozen=True):
    """`observe`: which part of the cluster is looked at."""

    namespaces: str | tuple[str, ...] = "all"
    nodes: bool = True


class Holder(_Strict, frozen=True):
    """One entry of `holders` that names containers."""

    name: str
    containers: tuple[str, ...] | None = None


class SecretReference(_Strict, frozen=True):
    """One entry of `secrets`."""

    namespace: str
    name: str
    keys: dict[str, str] | None = None


class RepositoryEntry(_Strict, frozen=True):
    """One entry of `repositories`."""

    name: str
    location: str | None = None
    environment: str | tuple[str, ...] = ()
    variables: dict[str, str] = {}
    ssh: str | None = None
    holders: tuple[str | Holder, ...] = ()
    namespaces: tuple[str, ...] | None = None
    shared: bool = False
    min_age: str | None = None
    remove_unrefreshed_after: str | msgspec.UnsetType | None = msgspec.UNSET
    secrets: tuple[SecretReference, ...] = ()
    workloads: tuple[str, ...] = ()


class Volume(_Strict, frozen=True):
    """One entry of `volumes`."""

    path: str
    claim: str | None = None
    nfs: str | None = None


class Source(_Strict, frozen=True):
    """What every source of `discover` may say."""

    namespaces: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] | None = None
    pod_identity: bool = False


class K8upDefaults(_Strict, frozen=True):
    """What K8up's operator has in its own environment."""

    endpoint: str | None = None
    bucket: str | None = None
    environment: str | tuple[str, ...] = ()


class K8upSource(Source, frozen=True):
    """`discover.k8up`."""

    defaults: K8upDefaults | None = None


class WorkloadSource(Source, frozen=True):
    """`discover.workloads`."""

    selector: str | None = None


class Discover(_Strict, frozen=True):
    """`discover`: the sources that are switched on; one that is named without settings is, too."""

    stash: Source | msgspec.UnsetType | None = msgspec.UNSET
    kubestash: Source | msgspec.UnsetType | None = msgspec.UNSET
    volsync: Source | msgspec.UnsetType | None = msgspec.UNSET
    k8up: K8upSource | msgspec.UnsetType | None = msgspec.UNSET
    workloads: WorkloadSource | msgspec.UnsetType | None = msgspec.UNSET


class Document(_Strict, frozen=True):
    """The whole file."""

    min_age: str | None = None
    max_removals: int | None = None
    max_skew: str | None = None
    remove_unrefreshed_after: str | None = None
    allow_short_min_age: bool | None = None
    dry_run: bool | None = None
    metrics_file: str | None = None
    push_url: str | None = None
    observe: Observe = Observe()
    repositories: tuple[RepositoryEntry, ...] = ()
    discover: Discover | None = None
    volumes: tuple[Volume, ...] = ()
