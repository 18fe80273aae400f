"""The files that a container would find: content of Secrets and ConfigMaps, by its mounts.

A path leads to the mount with the longest path that contains it. What lies on any other volume, or
in the image, cannot be read from here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from janitor.discover.draft import MountedVolume
from janitor.discover.reader import MissingObject, Reader, list_at, mapping_at, text_at
from janitor.discover.template import PodTemplate
from janitor.model import SecretFile

_KINDS = {
    "persistentVolumeClaim": "claimName",
    "hostPath": "path",
    "emptyDir": "",
    "csi": "driver",
}


class NotReadable(Exception):
    """A file of the container cannot be read from here; why, in a few words after its path."""


def read_file(
    path: str, container: Mapping[str, Any], template: PodTemplate, reader: Reader
) -> SecretFile:
    """The content of the file at this path of the container. Raises NotReadable."""
    mount, rest = _mount_of(path, container)
    if mount is None:
        raise NotReadable("is in the image, or nowhere")
    if "subPathExpr" in mount:
        raise NotReadable("is on a mount with subPathExpr, which only the running pod knows")
    inside = posixpath.normpath(posixpath.join("/", text_at(mount, "subPath"), rest)).lstrip("/")
    inside = inside.removeprefix("..data/")
    volume = _volume_of(mount, template)
    for source in _sources(volume):
        content = _content(source, inside, template.namespace, reader)
        if content is not None:
            return content
    raise NotReadable("is in no Secret or ConfigMap that is mounted there")


def volume_at(
    path: str, container: Mapping[str, Any], template: PodTemplate
) -> MountedVolume | None:
    """What is mounted where this folder of the container lies; None: nothing is."""
    mount, rest = _mount_of(path, container)
    if mount is None:
        return None
    source = volume_source(_volume_of(mount, template), text_at(mount, "name"))
    sub_path = text_at(mount, "subPath") or text_at(mount, "subPathExpr")
    return MountedVolume(template.namespace, source, sub_path, rest)


def volume_source(volume: Mapping[str, Any], name: str) -> str:
    """What tells this volume apart from others: see MountedVolume."""
    nfs = mapping_at(volume, "nfs")
    if nfs:
        return f"nfs:{text_at(nfs, 'server')}:{text_at(nfs, 'path')}"
    for kind, key in _KINDS.items():
        if kind in volume:
            of = text_at(volume, kind, key) if key else name
            return f"claim:{of}" if kind == "persistentVolumeClaim" else f"{kind}:{of}"
    kinds = [key for key in volume if key != "name"]
    return f"{kinds[0] if kinds else 'volumeClaimTemplate'}:{name}"


def _mount_of(path: str, container: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The mount that contains the path, and the path below it."""
    whole = posixpath.normpath(posixpath.join("/", text_at(container, "workingDir"), path))
    best: Mapping[str, Any] | None = None
    longest, rest = "", ""
    for mount in list_at(container, "volumeMounts"):
        if not isinstance(mount, Mapping):
            continue
        at = posixpath.normpath(posixpath.join("/", text_at(mount, "mountPath")))
        inside = whole == at or whole.startswith(at.rstrip("/") + "/")
        if inside and len(at) > len(longest):
            best, longest = mount, at
            rest = whole[len(at) :].strip("/")
    return best, rest


def _volume_of(mount: Mapping[str, Any], template: PodTemplate) -> Mapping[str, Any]:
    name = text_at(mount, "name")
    for volume in list_at(template.spec, "volumes"):
        if isinstance(volume, Mapping) and text_at(volume, "name") == name:
            return volume
    return {}


def _sources(volume: Mapping[str, Any]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """The Secrets and ConfigMaps of a volume; of a projected one the last first, which wins."""
    if secret := mapping_at(volume, "secret"):
        return (("secret", {"name": text_at(secret, "secretName")} | dict(secret)),)
    if config_map := mapping_at(volume, "configMap"):
        return (("configMap", config_map),)
    found = [
        (kind, mapping_at(source, kind))
        for source in list_at(volume, "projected", "sources")
        if isinstance(source, Mapping)
        for kind in ("secret", "configMap")
        if mapping_at(source, kind)
    ]
    return tuple(reversed(found))


def _content(
    source: tuple[str, Mapping[str, Any]], inside: str, namespace: str, reader: Reader
) -> SecretFile | None:
    """The content of the file `inside`, if it comes from this source. Raises NotReadable."""
    kind, reference = source
    items = [each for each in list_at(reference, "items") if isinstance(each, Mapping)]
    keys = {posixpath.normpath(text_at(each, "path")): text_at(each, "key") for each in items}
    key = keys.get(inside) if items else inside
    if key is None:
        return None
    read = reader.secret if kind == "secret" else reader.config_map
    try:
        found = read(namespace, text_at(reference, "name")).get(key)
    except MissingObject as problem:
        raise NotReadable(f"cannot be read: {problem}") from None
    return None if found is None else SecretFile(found.reveal())
