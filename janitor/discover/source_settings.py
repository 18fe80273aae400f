"""`discover` and `volumes` of the configuration: checked, and in the words of those who read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from janitor.discover.mistakes import Mistakes
from janitor.discover.mounts import Mount
from janitor.discover.names import check_namespaces, is_object_name, read_paths
from janitor.discover.schema import Discover, K8upSource, Source, Volume, WorkloadSource

DEFAULT_SELECTOR = "restic-janitor.io/discover=true"
_ENDPOINT = re.compile(r"[A-Za-z0-9.*?\[\]:-]{1,253}")
_LONGEST_SELECTOR = 1000
_SELECTOR = re.compile(r"[A-Za-z0-9._/=!,() -]+")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source that is switched on."""

    name: str
    namespaces: tuple[str, ...] | None = None
    """None: all."""
    endpoints: tuple[str, ...] | None = None
    """The servers that its repositories may lead to, as globs; None: any."""
    pod_identity: bool = False
    selector: str = DEFAULT_SELECTOR
    """workloads: a label selector, as kubectl takes it."""
    endpoint: str = ""
    bucket: str = ""
    environment: tuple[Path, ...] = ()
    """k8up: what its operator fills in from its own environment."""


def read_sources(
    discover: Discover | None, path: str, folder: Path, mistakes: Mistakes
) -> tuple[SourceSettings, ...]:
    """The sources that the file names, in the order of schema.py; paths in it begin at `folder`."""
    if discover is None:
        return ()
    return tuple(
        _read_source(name, source, f"{path}.{name}", folder, mistakes)
        for name in discover.__struct_fields__
        if not isinstance(source := getattr(discover, name), msgspec.UnsetType)
    )


def _read_source(
    name: str, source: Source | None, path: str, folder: Path, mistakes: Mistakes
) -> SourceSettings:
    if source is None:
        return SourceSettings(name)
    if source.namespaces is not None:
        check_namespaces(source.namespaces, f"{path}.namespaces", mistakes)
    _check_endpoints(source.endpoints, f"{path}.endpoints", mistakes)
    settings = SourceSettings(name, source.namespaces, source.endpoints, source.pod_identity)
    if isinstance(source, WorkloadSource) and source.selector is not None:
        _check_selector(source.selector, f"{path}.selector", mistakes)
        settings = replace(settings, selector=source.selector)
    if isinstance(source, K8upSource) and source.defaults is not None:
        defaults = source.defaults
        environment = defaults.environment
        settings = replace(
            settings,
            endpoint=defaults.endpoint or "",
            bucket=defaults.bucket or "",
            environment=read_paths(environment, folder, f"{path}.defaults.environment", mistakes),
        )
    return settings


def _check_endpoints(endpoints: tuple[str, ...] | None, path: str, mistakes: Mistakes) -> None:
    if endpoints == ():
        mistakes.add(path, "is an empty list: name a server, or leave the key out for all.")
    for index, endpoint in enumerate(endpoints or ()):
        if not _ENDPOINT.fullmatch(endpoint):
            mistakes.add(
                f"{path}[{index}]",
                "must be a host, host:port or a glob of these, without https:// and any path.",
            )


def _check_selector(selector: str, path: str, mistakes: Mistakes) -> None:
    if not _SELECTOR.fullmatch(selector) or len(selector) > _LONGEST_SELECTOR:
        mistakes.add(path, "must be a label selector as kubectl takes it, such as `backup=restic`.")


def read_mounts(volumes: tuple[Volume, ...], path: str, mistakes: Mistakes) -> tuple[Mount, ...]:
    """Where the volumes of discovered local repositories are mounted in the janitor's pod."""
    return tuple(
        mount
        for index, volume in enumerate(volumes)
        if (mount := _read_mount(volume, f"{path}[{index}]", mistakes)) is not None
    )


def _read_mount(volume: Volume, path: str, mistakes: Mistakes) -> Mount | None:
    if not volume.path.startswith("/") or ".." in volume.path.split("/"):
        mistakes.add(f"{path}.path", "must be the folder's absolute path in the janitor's pod.")
    if (volume.claim is None) == (volume.nfs is None):
        mistakes.add(path, 'needs one of `claim: namespace/name` and `nfs: "server:/path"`.')
        return None
    if volume.claim is not None:
        namespace, _, name = volume.claim.partition("/")
        if not (is_object_name(namespace) and is_object_name(name)):
            mistakes.add(f"{path}.claim", "must be the claim's `namespace/name`.")
        return Mount(f"claim:{volume.claim}", volume.path)
    server, _, export = (volume.nfs or "").rpartition(":/")
    if not server:
        mistakes.add(f"{path}.nfs", "must be `server:/path`.")
    return Mount(f"nfs:{server}:/{export}", volume.path)
