"""Where the volumes of discovered local repositories are mounted in the janitor's own pod."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from janitor.discover.draft import MountedVolume
from janitor.store.location import Location, parse_location


@dataclass(frozen=True, slots=True)
class Mount:
    """One entry of `volumes`."""

    source: str
    """`claim:<namespace>/<name>` or `nfs:<server>:<path>`."""
    path: str
    """Where it is mounted here."""


def mounted_path(
    volume: MountedVolume | None, mounts: Sequence[Mount]
) -> tuple[Location | None, str | None]:
    """The repository's folder here; or None, with the sentence that says how to mount it."""
    if volume is None:
        return None, (
            "its path lies on no volume, so it is gone with its container: nothing can be mounted"
        )
    inside = _joined(volume.sub_path, volume.path)
    if inside is None:
        return None, "its path leaves its volume by `..`, which is not followed"
    for mount in mounts:
        below = _below(volume, mount)
        if below is not None:
            folder = posixpath.join(mount.path, *filter(None, (below, inside)))
            return parse_location(f"local:{folder}"), None
    return None, _mend(volume)


def _below(volume: MountedVolume, mount: Mount) -> str | None:
    """Where the volume's root lies under what the mount shows; None: it is another volume."""
    kind, _, rest = volume.source.partition(":")
    if kind == "claim":
        return "" if mount.source == f"claim:{volume.namespace}/{rest}" else None
    if kind != "nfs":
        return None
    server, _, export = rest.partition(":")
    other, _, mounted = mount.source.removeprefix("nfs:").partition(":")
    if not mount.source.startswith("nfs:") or server.lower() != other.lower():
        return None
    export, mounted = posixpath.normpath(export), posixpath.normpath(mounted)
    if export == mounted:
        return ""
    inside = export.removeprefix(mounted.rstrip("/") + "/")
    return None if inside == export or inside.startswith("..") else inside


def _joined(*parts: str) -> str | None:
    joined = posixpath.normpath(posixpath.join("/", *(part.strip("/") for part in parts)))
    if any(piece == ".." for part in parts for piece in part.split("/")):
        return None
    return joined.strip("/")


def _mend(volume: MountedVolume) -> str:
    kind, _, rest = volume.source.partition(":")
    if kind == "claim":
        return (
            f"it lies on the claim {volume.namespace}/{rest}, which is not mounted here: install "
            f"a janitor in the namespace {volume.namespace} with k8s/components/volume and add "
            f"`volumes: [{{claim: {volume.namespace}/{rest}, path: /repos/{rest}}}]`"
        )
    if kind == "nfs":
        return (
            f"it lies on the NFS export {rest}, which is not mounted here: mount it and add "
            f'`volumes: [{{nfs: "{rest}", path: /repos/nfs}}]`'
        )
    return (
        f"it lies on a volume ({volume.source}) that cannot be mounted by its name: name its "
        "folder under `repositories`"
    )
