"""KubeStash: each component path of a Repository is a restic repository of its own.

The objects are `storage.kubestash.com`: a Repository lies in a BackupStorage, perhaps of another
namespace that allows it. What KubeStash calls its Jobs is not published, so no hostname is ours by
its name: a pod in view, an Event, or `holders` tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from janitor.cluster.errors import ClusterError
from janitor.discover.appscode_backend import (
    allows,
    insecure,
    location_of,
    selects,
    variables_of,
    volume_of,
)
from janitor.discover.draft import Draft, MountedVolume
from janitor.discover.reader import (
    Each,
    FoundObject,
    MissingObject,
    ObjectKind,
    Reader,
    list_at,
    mapping_at,
    strings_at,
    text_at,
)
from janitor.model import RepositoryState, Secret

_COMPONENT = "discover-kubestash"
_GROUP = "storage.kubestash.com"
_STORAGE = ObjectKind(_GROUP, "BackupStorage", "backupstorages", _COMPONENT)
_REPOSITORY = ObjectKind(_GROUP, "Repository", "repositories", _COMPONENT, with_status=True)
_NAMESPACE = ObjectKind("", "Namespace", "namespaces", _COMPONENT)
KINDS = (_STORAGE, _REPOSITORY)
_LONGEST_PATH = 500
"""Characters; it becomes a part of the repository's name."""

_Storages = Mapping[tuple[str, str], FoundObject]


def find_kubestash(
    reader: Reader, *, namespaces: tuple[str, ...] | None, each: Each
) -> tuple[Draft, ...]:
    """One for each component path of each Repository. Raises ClusterError."""
    repositories = reader.list(_REPOSITORY, namespaces) or ()
    storages = {
        (one.reference.namespace, one.reference.name): one
        for one in (reader.list(_STORAGE, namespaces) or () if repositories else ())
    }
    drafts = each(lambda one: _drafts(one, storages, reader), repositories)
    return tuple(draft for some in drafts for draft in some)


@dataclass(frozen=True, slots=True)
class _Opening:
    """What all components of a Repository share."""

    provider: str
    settings: Mapping[str, Any]
    storage: FoundObject
    variables: Mapping[str, Secret]


def _drafts(one: FoundObject, storages: _Storages, reader: Reader) -> tuple[Draft, ...]:
    paths = [each for each in list_at(one.content, "status", "componentPaths") if _is_path(each)]
    if not paths:
        said = "its status names no component path yet: nothing has been backed up into it"
        return (_draft(one, "", None, f"{one.reference}: {said}"),)
    try:
        opening = _opening(one, storages, reader)
    except (MissingObject, ClusterError) as problem:
        sentence = f"{one.reference}: {problem}"
        return tuple(_draft(one, path, None, sentence) for path in paths)
    return tuple(_draft(one, path, opening, None) for path in paths)


def _is_path(path: object) -> bool:
    return (
        isinstance(path, str)
        and bool(path.strip("/"))
        and ".." not in path.split("/")
        and path.isprintable()
        and len(path) <= _LONGEST_PATH
    )


def _draft(one: FoundObject, path: str, opening: _Opening | None, problem: str | None) -> Draft:
    reference = one.reference
    component = path.strip("/")
    location: str | None = None
    volume: MountedVolume | None = None
    if opening is not None:
        below = "/".join(filter(None, (text_at(one.content, "spec", "path").strip("/"), component)))
        try:
            location = location_of(opening.provider, opening.settings, below=below)
        except MissingObject as missing:
            problem = f"{opening.storage.reference}: {missing}"
        if opening.provider == "local":
            namespace = opening.storage.reference.namespace
            volume = volume_of(opening.settings, namespace, below=below)
    return Draft(
        name="/".join(filter(None, ("kubestash", reference.namespace, reference.name, component))),
        source="kubestash",
        owners=(reference,),
        annotations=one.annotations,
        location=location,
        volume=volume,
        variables=opening.variables if opening else {},
        insecure_tls=insecure(opening.settings) if opening else False,
        namespaces=(reference.namespace,),
        state=RepositoryState.INCOMPLETE if problem else None,
        problem=problem,
    )


def _opening(one: FoundObject, storages: _Storages, reader: Reader) -> _Opening:
    """Raises MissingObject, or ClusterError where a namespace's labels cannot be read."""
    own = one.reference.namespace
    reference = mapping_at(one.content, "spec", "storageRef")
    place = text_at(reference, "namespace") or own, text_at(reference, "name")
    storage = storages.get(place)
    if storage is None:
        raise MissingObject(f"there is no BackupStorage {'/'.join(place)}, see spec.storageRef")
    if not _allowed(storage, own, reader):
        raise MissingObject(
            f"{storage.reference} does not allow the namespace {own} (its spec.usagePolicy)"
        )
    spec = mapping_at(storage.content, "spec", "storage")
    provider = text_at(spec, "provider")
    settings = mapping_at(spec, provider)
    variables: dict[str, Secret] = {}
    if secret := text_at(settings, "secretName"):
        keys = reader.secret(storage.reference.namespace, secret)
        variables = variables_of(keys, provider, settings)
    variables["RESTIC_PASSWORD"] = _password(one, storage, reader)
    return _Opening(provider, settings, storage, variables)


def _allowed(storage: FoundObject, namespace: str, reader: Reader) -> bool:
    policy = mapping_at(storage.content, "spec", "usagePolicy")
    answer = allows(policy, storage.reference.namespace, namespace)
    if answer is not None:
        return answer
    found = reader.get(_NAMESPACE, "", namespace)
    return found is not None and selects(policy, strings_at(found.content, "metadata", "labels"))


def _password(one: FoundObject, storage: FoundObject, reader: Reader) -> Secret:
    """From the encryption Secret, in the Repository's namespace or its storage's, and no other:
    anybody may write a Repository.
    """
    own = one.reference.namespace
    reference = mapping_at(one.content, "spec", "encryptionSecret")
    namespace, name = text_at(reference, "namespace") or own, text_at(reference, "name")
    if namespace not in (own, storage.reference.namespace):
        raise MissingObject(
            f"spec.encryptionSecret is in the namespace {namespace}, which is neither the "
            "Repository's nor its BackupStorage's: it is not read; name the repository in the "
            "configuration"
        )
    keys = reader.secret(namespace, name)
    if "RESTIC_PASSWORD" not in keys:
        raise MissingObject(f"the Secret {namespace}/{name} has no RESTIC_PASSWORD")
    return keys["RESTIC_PASSWORD"]
