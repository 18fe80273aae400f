"""One `backend` of K8up, as its operator makes restic's location and variables of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from janitor.discover.draft import MountedVolume
from janitor.discover.mounted_files import NotReadable, read_file, volume_at
from janitor.discover.reader import MissingObject, Reader, list_at, mapping_at, text_at
from janitor.discover.template import PodTemplate, environment_of
from janitor.discover.variables import is_path, is_restic_variable
from janitor.model import Secret, SecretFile

_ORDER = ("azure", "b2", "gcs", "local", "rest", "s3", "swift")
"""Where several are set, K8up takes the first of these."""
_REFERENCES = {
    "s3": {
        "accessKeyIDSecretRef": "AWS_ACCESS_KEY_ID",
        "secretAccessKeySecretRef": "AWS_SECRET_ACCESS_KEY",
    },
    "gcs": {
        "projectIDSecretRef": "GOOGLE_PROJECT_ID",
        "accessTokenSecretRef": "GOOGLE_ACCESS_TOKEN",
    },
    "azure": {
        "accountNameSecretRef": "AZURE_ACCOUNT_NAME",
        "accountKeySecretRef": "AZURE_ACCOUNT_KEY",
    },
    "b2": {"accountIDSecretRef": "B2_ACCOUNT_ID", "accountKeySecretRef": "B2_ACCOUNT_KEY"},
    "rest": {
        "userSecretRef": "RESTIC_REST_USERNAME",
        "passwordSecretReg": "RESTIC_REST_PASSWORD",
    },
}
_PASSWORD = {"repoPasswordSecretRef": "RESTIC_PASSWORD"}


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a repository is, and what opens it."""

    location: str
    variables: Mapping[str, Secret] = field(repr=False)
    volume: MountedVolume | None = None


def read_backend(
    backend: Mapping[str, Any],
    spec: Mapping[str, Any],
    namespace: str,
    reader: Reader,
    *,
    endpoint: str,
    bucket: str,
    defaults: Mapping[str, Secret],
) -> Backend:
    """The backend in restic's words. Raises MissingObject with a sentence that names the field."""
    template = PodTemplate(namespace, spec)
    container = {
        "envFrom": list(list_at(backend, "envFrom")),
        "volumeMounts": list(list_at(backend, "volumeMounts")),
    }
    kind = next((each for each in _ORDER if backend.get(each) is not None), "s3")
    settings = mapping_at(backend, kind)
    location = _location(kind, settings, endpoint, bucket)
    variables = dict(defaults) | _from_sources(container, template, reader)
    variables |= _referenced(backend, _PASSWORD, namespace, reader)
    variables |= _referenced(settings, _REFERENCES.get(kind, {}), namespace, reader)
    variables |= _certificates(mapping_at(backend, "tlsOptions"), container, template, reader)
    if "RESTIC_PASSWORD" not in variables:
        raise MissingObject(
            "spec.backend.repoPasswordSecretRef is missing; where the operator has the password in "
            "its own environment, give it by `discover.k8up.defaults.environment`"
        )
    volume = volume_at(location, container, template) if kind == "local" else None
    return Backend(location, variables, volume)


def _location(kind: str, settings: Mapping[str, Any], endpoint: str, bucket: str) -> str:
    match kind:
        case "s3":
            at = text_at(settings, "endpoint") or endpoint
            into = text_at(settings, "bucket") or bucket
            return f"s3:{_needed('s3.endpoint', at)}/{_needed('s3.bucket', into)}"
        case "gcs":
            return f"gs:{_needed('gcs.bucket', text_at(settings, 'bucket'))}:/"
        case "azure":
            container = _needed("azure.container", text_at(settings, "container"))
            return f"azure:{container}:{text_at(settings, 'path') or '/'}"
        case "b2":
            container = _needed("b2.bucket", text_at(settings, "bucket"))
            return f"b2:{container}:{text_at(settings, 'path')}"
        case "swift":
            container = _needed("swift.container", text_at(settings, "container"))
            return f"swift:{container}:{text_at(settings, 'path')}"
        case "rest":
            return f"rest:{_needed('rest.url', text_at(settings, 'url'))}"
        case _:
            return _needed("local.mountPath", text_at(settings, "mountPath"))


def _needed(place: str, value: str) -> str:
    if not value:
        mend = ""
        if place.startswith("s3."):
            mend = (
                "; where the operator has it in its own environment, give it by "
                f"`discover.k8up.defaults.{place.removeprefix('s3.')}`"
            )
        raise MissingObject(f"spec.backend.{place} is missing{mend}")
    return value


def _from_sources(
    container: Mapping[str, Any], template: PodTemplate, reader: Reader
) -> dict[str, Secret]:
    """Restic's variables that `envFrom` brings."""
    environment = environment_of(container, template, reader)
    if environment.missing:
        raise MissingObject(f"spec.backend.envFrom: {environment.missing[0]}")
    return {
        name: value
        for name, value in environment.values.items()
        if is_restic_variable(name) and not is_path(name)
    }


def _referenced(
    settings: Mapping[str, Any], fields: Mapping[str, str], namespace: str, reader: Reader
) -> dict[str, Secret]:
    """The values of Secret keys that the fields refer to."""
    found: dict[str, Secret] = {}
    for name, variable in fields.items():
        reference = mapping_at(settings, name)
        if not reference:
            continue
        of, key = text_at(reference, "name"), text_at(reference, "key")
        keys = reader.secret(namespace, of)
        if key not in keys:
            raise MissingObject(f"the Secret {namespace}/{of} has no key {key!r}, see {name}")
        found[variable] = keys[key]
    return found


def _certificates(
    options: Mapping[str, Any], container: Mapping[str, Any], template: PodTemplate, reader: Reader
) -> dict[str, Secret]:
    """The files of `tlsOptions`, by the backend's mounts; certificate and key go into one."""
    try:
        found: dict[str, Secret] = {}
        if path := text_at(options, "caCert"):
            found["RESTIC_CACERT"] = read_file(path, container, template, reader)
        client = [text_at(options, "clientCert"), text_at(options, "clientKey")]
        if all(client):
            pieces = [read_file(path, container, template, reader).reveal() for path in client]
            found["RESTIC_TLS_CLIENT_CERT"] = SecretFile("\n".join(pieces))
    except NotReadable as problem:
        raise MissingObject(f"a file of spec.backend.tlsOptions {problem}") from None
    return found
