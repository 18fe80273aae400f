"""Objects of any kind, and the keys of single Secrets and ConfigMaps, as plain values.

Kinds of custom resources are read at the newest version that the server serves, which it is asked
for once a group; a group or a kind that it does not know is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, Garbled, NotFound, Rejected, Right
from janitor.cluster.exchange import Request
from janitor.cluster.paging import Kind, list_all
from janitor.cluster.wire import WirePage

Content = dict[str, Any]
_Decoded = TypeVar("_Decoded")

_BUILT_IN = {"": "v1", "apps": "v1", "batch": "v1"}
"""Groups whose newest version every supported cluster serves."""
_VERSION = re.compile(r"v([1-9][0-9]{0,8})(?:(alpha|beta)([1-9][0-9]{0,8}))?")
_STAGES = {"": 2, "beta": 1, "alpha": 0}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_BULKY = "kubectl.kubernetes.io/last-applied-configuration"


class _WireVersion(msgspec.Struct):
    version: str


class _WireGroup(msgspec.Struct):
    """An APIGroup."""

    versions: list[_WireVersion]


class _WireResource(msgspec.Struct):
    name: str


class _WireResources(msgspec.Struct):
    """An APIResourceList."""

    resources: list[_WireResource]


class _WireKeys(msgspec.Struct, rename="camel"):
    """What a Secret (`data`, base64) or a ConfigMap (`data`, text; `binaryData`) holds."""

    data: dict[str, Any] | None = None
    binary_data: dict[str, bytes] | None = None


class _WireSecret(msgspec.Struct):
    data: dict[str, bytes] | None = None


# Made ready at import: threads share them.
_GROUP = msgspec.json.Decoder(_WireGroup)
_RESOURCES = msgspec.json.Decoder(_WireResources)
_SECRET = msgspec.json.Decoder(_WireSecret)
_CONFIG_MAP = msgspec.json.Decoder(_WireKeys)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_PAGE = msgspec.json.Decoder(WirePage[dict[str, Any]])


def newest_version(client: Client, group: str, plural: str) -> str | None:
    """The newest served version of a kind; None where it is not installed. Raises ClusterError."""
    if group in _BUILT_IN:
        return _BUILT_IN[group]
    right = Right("get", f"/apis/{group}", "base")
    try:
        answer = client.call(Request(right, "GET", "/apis/{group}", parts={"group": group}))
    except NotFound:
        return None
    versions = [each.version for each in _decoded(_GROUP, answer.body, right).versions]
    for version in sorted(versions, key=_priority, reverse=True):
        right = Right("get", f"/apis/{group}/{version}", "base")
        parts = {"group": group, "version": version}
        answer = client.call(Request(right, "GET", "/apis/{group}/{version}", parts=parts))
        resources = _decoded(_RESOURCES, answer.body, right).resources
        if any(resource.name == plural for resource in resources):
            return version
    return None


def list_objects(
    client: Client,
    *,
    right: Right,
    group: str,
    version: str,
    kind: str,
    selector: str = "",
    status: bool = False,
) -> tuple[Content, ...]:
    """All objects of a kind in the right's namespace, or everywhere. Raises ClusterError.

    Without their `status` unless it is asked for.
    """
    path, parts = _collection(right, group, version)
    query = (("labelSelector", selector),) if selector else ()
    request = Request(right, "GET", path, parts=parts, query=query)
    try:
        slim = _without_notes if status else _without_status
        return list_all(client, request, Kind(f"{kind}List", _PAGE, slim)).items
    except NotFound:
        return ()  # uninstalled since the server was asked


def get_object(client: Client, *, right: Right, group: str, version: str) -> Content | None:
    """The object that the right names; None where there is none. Raises ClusterError."""
    path, parts = _collection(right, group, version)
    name = _checked(right.name, right)
    try:
        answer = client.call(Request(right, "GET", f"{path}/{{name}}", {**parts, "name": name}))
    except NotFound:
        return None
    return _decoded(_OBJECT, answer.body, right)


def read_secret(client: Client, *, right: Right) -> Mapping[str, bytes]:
    """The keys of the Secret that the right names. Raises NotFound and other ClusterErrors."""
    return _decoded(_SECRET, _read(client, right), right).data or {}


def read_config_map(client: Client, *, right: Right) -> Mapping[str, bytes]:
    """The keys of the ConfigMap that the right names. Raises NotFound and other ClusterErrors."""
    keys = _decoded(_CONFIG_MAP, _read(client, right), right)
    texts = {
        key: value.encode("utf-8", "surrogatepass")
        for key, value in (keys.data or {}).items()
        if isinstance(value, str)
    }
    return texts | (keys.binary_data or {})


def _read(client: Client, right: Right) -> bytes:
    path, parts = _collection(right, "", "v1")
    name = _checked(right.name, right)
    return client.call(Request(right, "GET", f"{path}/{{name}}", {**parts, "name": name})).body


def _collection(right: Right, group: str, version: str) -> tuple[str, dict[str, str]]:
    plural = right.resource.partition(".")[0]
    parts = {"version": version, "plural": plural}
    root = "/api/{version}"
    if group:
        parts["group"] = group
        root = "/apis/{group}/{version}"
    if right.namespace is None:
        return f"{root}/{{plural}}", parts
    parts["namespace"] = _checked(right.namespace, right)
    return f"{root}/namespaces/{{namespace}}/{{plural}}", parts


def _checked(name: str | None, right: Right) -> str:
    """A name that somebody wrote into an object becomes a part of a path: only if it is a name."""
    if name is None or not _NAME.fullmatch(name):
        raise Rejected(
            f"A reference to one of the {right.resource} has a name that no object can have."
        )
    return name


def _decoded(decoder: msgspec.json.Decoder[_Decoded], body: bytes, right: Right) -> _Decoded:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _garbled(right) from None


def _garbled(right: Right) -> ClusterError:
    return Garbled(f"Asked to {right}, the API server sent something else, or only part of it.")


def _without_status(content: Content) -> Content:
    content.pop("status", None)
    return _without_notes(content)


def _without_notes(content: Content) -> Content:
    """Without what the server and kubectl note for themselves, which is most of an object."""
    metadata = content.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop(_BULKY, None)
    return content


def _priority(version: str) -> tuple[int, int, int, str]:
    """Kubernetes' own order: v2, v1, v1beta2, v1beta1, v1alpha1, and what is none of these."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (-1, 0, 0, version)
    return (_STAGES[found[2] or ""], int(found[1]), int(found[3] or 0), version)
