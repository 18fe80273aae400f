"""The backends of Stash's Repositories and KubeStash's BackupStorages: restic's location of each.

Both have the same fields and the same keys in their Secrets; KubeStash adds a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from janitor.discover.draft import MountedVolume
from janitor.discover.mounted_files import volume_source
from janitor.discover.reader import MissingObject, mapping_at, text_at
from janitor.discover.variables import is_path, is_restic_variable
from janitor.model import Secret, SecretFile

PROVIDERS = ("local", "s3", "gcs", "azure", "swift", "b2", "rest")

_RENAMED = {
    "REST_SERVER_USERNAME": "RESTIC_REST_USERNAME",
    "REST_SERVER_PASSWORD": "RESTIC_REST_PASSWORD",
}
_FILES = {
    "CA_CERT_DATA": "RESTIC_CACERT",
    "GOOGLE_SERVICE_ACCOUNT_JSON_KEY": "GOOGLE_APPLICATION_CREDENTIALS",
}
"""Keys that hold the content of a file."""


def location_of(provider: str, settings: Mapping[str, Any], *, below: str = "") -> str:
    """The location, `below` a path in it. Raises MissingObject naming the field that is missing."""
    path = _joined(text_at(settings, "prefix"), below)
    match provider:
        case "local":
            return f"local:/{_joined(_needed(settings, 'local.mountPath'), below)}"
        case "s3":
            bucket = _needed(settings, "s3.bucket")
            endpoint = text_at(settings, "endpoint") or "s3.amazonaws.com"
            return f"s3:{endpoint}/{_joined(bucket, path)}"
        case "gcs":
            return f"gs:{_needed(settings, 'gcs.bucket')}:/{path}"
        case "azure":
            return f"azure:{_needed(settings, 'azure.container')}:/{path}"
        case "swift":
            return f"swift:{_needed(settings, 'swift.container')}:/{path}"
        case "b2":
            return f"b2:{_needed(settings, 'b2.bucket')}:/{path}"
        case "rest":
            return f"rest:{_needed(settings, 'rest.url')}"
        case _:
            raise MissingObject(f"its provider is none of {', '.join(PROVIDERS)}")


def volume_of(settings: Mapping[str, Any], namespace: str, *, below: str = "") -> MountedVolume:
    """Of a local backend: the volume source stands beside `mountPath` and `subPath`."""
    volume = {key: value for key, value in settings.items() if key not in ("mountPath", "subPath")}
    return MountedVolume(
        namespace, volume_source(volume, "local"), text_at(settings, "subPath"), below.strip("/")
    )


def variables_of(
    keys: Mapping[str, Secret], provider: str, settings: Mapping[str, Any]
) -> dict[str, Secret]:
    """Restic's variables, from the keys of a storage Secret and the backend's fields."""
    variables: dict[str, Secret] = {}
    for key, value in keys.items():
        if key in _FILES:
            variables[_FILES[key]] = SecretFile(value.reveal())
        elif key in _RENAMED:
            variables[_RENAMED[key]] = value
        elif is_restic_variable(key) and not is_path(key):
            variables[key] = value
    if provider == "s3" and (region := text_at(settings, "region")):
        variables["AWS_DEFAULT_REGION"] = Secret(region)
    if provider == "azure" and (account := text_at(settings, "storageAccount")):
        variables["AZURE_ACCOUNT_NAME"] = Secret(account)
    for name in ("RESTIC_REPOSITORY", "RESTIC_PASSWORD_COMMAND"):
        variables.pop(name, None)
    return variables


def insecure(settings: Mapping[str, Any]) -> bool:
    """Whether the backend accepts any certificate."""
    return settings.get("insecureTLS") is True


def allows(policy: Mapping[str, Any], owner: str, other: str) -> bool | None:
    """Whether a `usagePolicy` lets the other namespace use it; None: that takes its labels."""
    if owner == other:
        return True
    allowed = mapping_at(policy, "allowedNamespaces")
    match text_at(allowed, "from"):
        case "All":
            return True
        case "Selector":
            return None
        case _:
            return False


def selects(policy: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether the policy's selector selects a namespace with these labels.

    Anything but `matchLabels` and the four operators of `matchExpressions` selects nothing.
    """
    selector = mapping_at(policy, "allowedNamespaces", "selector")
    wanted = mapping_at(selector, "matchLabels")
    expressions = selector.get("matchExpressions") or []
    if not (wanted or expressions) or not isinstance(expressions, list):
        return False
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        isinstance(each, Mapping) and _holds(each, labels) for each in expressions
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = text_at(expression, "key"), expression.get("values") or []
    match text_at(expression, "operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def _joined(*parts: str) -> str:
    return "/".join(filter(None, (part.strip("/") for part in parts)))


def _needed(settings: Mapping[str, Any], place: str) -> str:
    value = text_at(settings, place.partition(".")[2])
    if not value:
        raise MissingObject(f"its {place} is missing")
    return value
