"""VolSync: ReplicationSources and ReplicationDestinations that move by restic.

From VolSync's `mover/restic`: the Secret's variables reach restic by a list of their own, the Job
is `volsync-src-<name>`, or has the CRC-32 of the name where that is longer than 63.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from janitor import names
from janitor.discover.draft import Draft, MountedVolume
from janitor.discover.mounted_files import volume_source
from janitor.discover.reader import (
    Each,
    FoundObject,
    MissingObject,
    ObjectKind,
    Reader,
    list_at,
    mapping_at,
    text_at,
)
from janitor.discover.variables import VARIABLES, is_path
from janitor.model import GeneratedHolder, RepositoryState, Secret, SecretFile

_COMPONENT = "discover-volsync"
_GROUP = "volsync.backube"
_KINDS = {
    "src": ObjectKind(_GROUP, "ReplicationSource", "replicationsources", _COMPONENT),
    "dst": ObjectKind(_GROUP, "ReplicationDestination", "replicationdestinations", _COMPONENT),
}
KINDS = tuple(_KINDS.values())
_CONTAINERS = ("restic",)
_LONGEST_JOB = 63
_CONTENT = "GOOGLE_APPLICATION_CREDENTIALS"
"""VolSync mounts the key of this name as a file."""
_PASSED_ON = frozenset(name for name in VARIABLES if not is_path(name)) - {
    "RESTIC_PASSWORD_COMMAND",
    "RESTIC_KEY_HINT",
    "GOOGLE_ACCESS_TOKEN",
    "AWS_REGION",
} - {name for name in VARIABLES if name.startswith("MINIO_")} | {_CONTENT}
"""Of the Secret's keys, those that VolSync gives to restic."""


def find_volsync(
    reader: Reader, *, namespaces: tuple[str, ...] | None, each: Each
) -> tuple[Draft, ...]:
    """One for each ReplicationSource or ReplicationDestination with restic. Raises ClusterError."""
    found = [
        (direction, one)
        for direction, kind in _KINDS.items()
        for one in reader.list(kind, namespaces) or ()
        if mapping_at(one.content, "spec", "restic")
    ]
    return tuple(each(lambda pair: _draft(pair[0], pair[1], reader), found))


def job_name(direction: str, name: str) -> str:
    """The Job of a ReplicationSource (`src`) or ReplicationDestination (`dst`)."""
    job = f"volsync-{direction}-{name}"
    if len(job) <= _LONGEST_JOB:
        return job
    return f"volsync-{direction}-{zlib.crc32(name.encode()):08x}"


def _draft(direction: str, one: FoundObject, reader: Reader) -> Draft:
    reference, restic = one.reference, mapping_at(one.content, "spec", "restic")
    job = job_name(direction, reference.name)
    holder = GeneratedHolder(f"Job {reference.namespace}/{job}", names.job_pods(job), _CONTAINERS)
    location: str | None = None
    volume: MountedVolume | None = None
    variables: Mapping[str, Secret] = {}
    problem: str | None = None
    try:
        variables = _variables(one, restic, reader)
        location = variables["RESTIC_REPOSITORY"].reveal()
        volume = _volume(location, restic, reference.namespace)
    except MissingObject as missing:
        problem = str(missing)
    return Draft(
        name=f"volsync/{reference.namespace}/{reference.name}",
        source="volsync",
        owners=(reference,),
        annotations=one.annotations,
        location=location,
        volume=volume,
        variables=variables,
        generated=(holder,),
        namespaces=(reference.namespace,),
        state=RepositoryState.INCOMPLETE if problem else None,
        problem=problem,
    )


def _variables(one: FoundObject, restic: Mapping[str, object], reader: Reader) -> dict[str, Secret]:
    """What restic gets of the Secret. Raises MissingObject."""
    namespace, name = one.reference.namespace, text_at(restic, "repository")
    if not name:
        raise MissingObject(f"{one.reference} names no Secret in spec.restic.repository")
    keys = reader.secret(namespace, name)
    for needed in ("RESTIC_REPOSITORY", "RESTIC_PASSWORD"):
        if not keys.get(needed):
            raise MissingObject(
                f"the Secret {namespace}/{name}, which {one.reference} names, has no {needed}"
            )
    variables = {
        key: SecretFile(value.reveal()) if key == _CONTENT else value
        for key, value in keys.items()
        if key in _PASSED_ON or key.startswith("RCLONE_")
    }
    certificates = _custom_ca(namespace, mapping_at(restic, "customCA"), reader)
    return variables if certificates is None else variables | {"RESTIC_CACERT": certificates}


def _custom_ca(namespace: str, custom: Mapping[str, object], reader: Reader) -> SecretFile | None:
    """The certificates of `spec.restic.customCA`. Raises MissingObject."""
    secret, config_map = text_at(custom, "secretName"), text_at(custom, "configMapName")
    key = text_at(custom, "key")
    if not (secret or config_map):
        return None
    read, of = (reader.secret, secret) if secret else (reader.config_map, config_map)
    keys = read(namespace, of)
    if key not in keys:
        raise MissingObject(f"spec.restic.customCA: {namespace}/{of} has no key {key!r}")
    return SecretFile(keys[key].reveal())


def _volume(location: str, restic: Mapping[str, object], namespace: str) -> MountedVolume | None:
    """Of a local location: VolSync mounts `moverVolumes` at /mnt/<mountPath>."""
    path = location.removeprefix("local:")
    for mover in list_at(restic, "moverVolumes"):
        if not isinstance(mover, Mapping):
            continue
        at = f"/mnt/{text_at(mover, 'mountPath')}"
        if path == at or path.startswith(f"{at}/"):
            source = volume_source(mapping_at(mover, "volumeSource"), text_at(mover, "mountPath"))
            return MountedVolume(namespace, source, path=path.removeprefix(at).strip("/"))
    return None
