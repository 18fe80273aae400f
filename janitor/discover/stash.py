"""Stash: its Repositories, and the pods that its invokers let run restic.

The objects are Stash's `stash.appscode.com`; how Jobs are called is its controller's
(`ValidNameWithPrefixNSuffix`: a name that is too long loses its middle). Jobs `stash-vs-*` take
snapshots of volumes and never run restic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from janitor import names
from janitor.discover.appscode_backend import (
    PROVIDERS,
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
from janitor.model import GeneratedHolder, RepositoryState, Secret

_COMPONENT = "discover-stash"
_GROUP = "stash.appscode.com"
_REPOSITORY = ObjectKind(_GROUP, "Repository", "repositories", _COMPONENT)
_INVOKERS = (
    ObjectKind(_GROUP, "BackupConfiguration", "backupconfigurations", _COMPONENT),
    ObjectKind(_GROUP, "BackupBatch", "backupbatches", _COMPONENT),
    ObjectKind(_GROUP, "RestoreSession", "restoresessions", _COMPONENT),
    ObjectKind(_GROUP, "RestoreBatch", "restorebatches", _COMPONENT),
)
_NAMESPACE = ObjectKind("", "Namespace", "namespaces", _COMPONENT)
KINDS = (_REPOSITORY, *_INVOKERS)
_SIDECARS = ("stash", "stash-init")
"""What Stash adds to a workload's own pods."""
_LONGEST = 63
_TIMESTAMP: names.Letters = names.DIGIT * 10
"""Seconds since 1970, as a BackupSession's name ends."""
_MOST_INDEX_DIGITS = 2
_WORKLOADS = {
    "Deployment": names.deployment_pods,
    "StatefulSet": names.statefulset_pods,
    "DaemonSet": names.daemonset_pods,
    "ReplicaSet": names.replicaset_pods,
    "ReplicationController": names.replicaset_pods,
}


def find_stash(
    reader: Reader, *, namespaces: tuple[str, ...] | None, each: Each
) -> tuple[Draft, ...]:
    """One for each Repository. Raises ClusterError."""
    repositories = reader.list(_REPOSITORY, namespaces) or ()
    users: dict[tuple[str, str], list[FoundObject]] = defaultdict(list)
    for kind in _INVOKERS if repositories else ():
        for invoker in reader.list(kind, namespaces) or ():
            users[_repository_of(invoker)].append(invoker)
    return tuple(
        each(
            lambda one: _draft(one, users[one.reference.namespace, one.reference.name], reader),
            repositories,
        )
    )


def _repository_of(invoker: FoundObject) -> tuple[str, str]:
    repository = mapping_at(invoker.content, "spec", "repository")
    namespace = text_at(repository, "namespace") or invoker.reference.namespace
    return namespace, text_at(repository, "name")


@dataclass(frozen=True, slots=True)
class _Opening:
    """Where a Repository is, and what opens it."""

    location: str
    variables: Mapping[str, Secret]
    volume: MountedVolume | None
    insecure_tls: bool


def _draft(one: FoundObject, users: list[FoundObject], reader: Reader) -> Draft:
    reference = one.reference
    opening: _Opening | None = None
    problem: str | None = None
    try:
        opening = _opening(one, reader)
    except MissingObject as missing:
        problem = f"{reference}: {missing}"
    allowed = [user for user in users if _may_use(one, user, reader)]
    return Draft(
        name=f"stash/{reference.namespace}/{reference.name}",
        source="stash",
        owners=(reference,),
        annotations=one.annotations,
        location=opening.location if opening else None,
        volume=opening.volume if opening else None,
        variables=opening.variables if opening else {},
        insecure_tls=opening.insecure_tls if opening else False,
        generated=tuple(holder for user in allowed for holder in _holders(user)),
        namespaces=_namespaces(one),
        state=RepositoryState.INCOMPLETE if problem else None,
        problem=problem,
    )


def _opening(one: FoundObject, reader: Reader) -> _Opening:
    """Raises MissingObject with a sentence that names the field or the Secret."""
    namespace, backend = one.reference.namespace, mapping_at(one.content, "spec", "backend")
    provider = next((each for each in PROVIDERS if backend.get(each) is not None), "")
    if not provider:
        raise MissingObject("its spec.backend names no provider")
    settings = mapping_at(backend, provider)
    location = location_of(provider, settings)
    secret = text_at(backend, "storageSecretName")
    if not secret:
        raise MissingObject("its spec.backend.storageSecretName is missing")
    return _Opening(
        location,
        variables_of(reader.secret(namespace, secret), provider, settings),
        volume_of(settings, namespace) if provider == "local" else None,
        insecure(settings),
    )


# --- whose pods -------------------------------------------------------------------------------


def _namespaces(one: FoundObject) -> tuple[str, ...] | None:
    """Where its holders may be: a policy for more than its own namespace means anywhere."""
    allowed = mapping_at(one.content, "spec", "usagePolicy", "allowedNamespaces")
    if text_at(allowed, "from") in ("All", "Selector"):
        return None
    return (one.reference.namespace,)


def _may_use(one: FoundObject, user: FoundObject, reader: Reader) -> bool:
    """A reference that the Repository does not allow makes no hostname ours."""
    policy = mapping_at(one.content, "spec", "usagePolicy")
    answer = allows(policy, one.reference.namespace, user.reference.namespace)
    if answer is not None:
        return answer
    found = reader.get(_NAMESPACE, "", user.reference.namespace)
    return found is not None and selects(policy, strings_at(found.content, "metadata", "labels"))


def _holders(user: FoundObject) -> Iterator[GeneratedHolder]:
    """The pods of its targets, and those of the Jobs that Stash makes for it."""
    spec, name = mapping_at(user.content, "spec"), user.reference.name.replace(".", "-")
    members = [each for each in list_at(spec, "members") if isinstance(each, Mapping)]
    for target in (spec, *members):
        yield from _of_target(mapping_at(target, "target", "ref"), user)
    restoring = user.reference.kind.startswith("Restore")
    for job in _restore_jobs(name) if restoring else _backup_jobs(name):
        yield GeneratedHolder(f"Jobs of {user.reference}", names.pods_of_job(job))


def _of_target(reference: Mapping[str, Any], user: FoundObject) -> Iterator[GeneratedHolder]:
    kind, name = text_at(reference, "kind"), text_at(reference, "name")
    if kind in _WORKLOADS and name:
        yield GeneratedHolder(
            f"{kind} {name} of {user.reference}", _WORKLOADS[kind](name), _SIDECARS
        )


def _backup_jobs(invoker: str) -> Iterator[names.Letters]:
    """`stash-backup-<BackupSession>-<index>`; a BackupSession is `<invoker>-<seconds>`."""
    session = (*names.letters(f"{invoker}-"), *_TIMESTAMP)[-_LONGEST:]
    for digits in range(1, _MOST_INDEX_DIGITS + 1):
        index = names.DIGIT * digits
        yield _shortened((*names.letters("stash-backup-"), *session, *names.letters("-"), *index))


def _restore_jobs(session: str) -> Iterator[names.Letters]:
    for digits in range(1, _MOST_INDEX_DIGITS + 1):
        yield _shortened((*names.letters(f"stash-restore-{session}-"), *names.DIGIT * digits))


def _shortened(name: names.Letters) -> names.Letters:
    """What is longer than a Job's name may be loses its middle."""
    if len(name) <= _LONGEST:
        return name
    return (*name[: (_LONGEST + 1) // 2], *name[len(name) - _LONGEST // 2 :])
