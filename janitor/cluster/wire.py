"""What Kubernetes sends, cut down to the fields that the rule reads.

msgspec skips every field that no Struct names, so a pod of 9 KB costs about 30 microseconds. A
field that every server sends has no default: a page without it is no page.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

T = TypeVar("T")
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Wire(msgspec.Struct, rename="camel", gc=False):
    """JSON names are camelCase. None of these refers to itself, so the collector may skip them."""


class WireOwner(Wire):
    """`metadata.ownerReferences[]`."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class WireMeta(Wire):
    """`metadata` of an object."""

    name: Text
    namespace: str = ""
    uid: str = ""
    generate_name: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    owner_references: list[WireOwner] | None = None


class WirePodMeta(WireMeta, kw_only=True):
    """`metadata` of a Pod. One that does not say who it is could be anybody's."""

    namespace: Text
    uid: Text


class WireListMeta(Wire):
    """`metadata` of a list. `continue_` is empty on the last page."""

    resource_version: str = ""
    continue_: str | None = msgspec.field(default=None, name="continue")
    remaining_item_count: int | None = None


class WireRunning(Wire):
    """`state.running`."""

    started_at: str | None = None


class WireTerminated(Wire):
    """`state.terminated`; kubelets that lost the container send null times."""

    started_at: str | None = None
    finished_at: str | None = None
    exit_code: int | None = None
    reason: str | None = None


class WireWaiting(Wire):
    """`state.waiting`."""

    reason: str | None = None


class WireState(Wire):
    """`state` or `lastState`: at most one of its fields is set."""

    running: WireRunning | None = None
    terminated: WireTerminated | None = None
    waiting: WireWaiting | None = None


class WireStatus(Wire):
    """`status.containerStatuses[]` and its two sisters."""

    name: str
    state: WireState | None = None
    last_state: WireState | None = None
    restart_count: int = 0


class WireContainer(Wire):
    """`spec.containers[]` and its two sisters."""

    name: str
    restart_policy: str | None = None


class WirePodSpec(Wire):
    """`spec` of a Pod."""

    containers: list[WireContainer] | None = None
    init_containers: list[WireContainer] | None = None
    ephemeral_containers: list[WireContainer] | None = None
    node_name: str | None = None
    hostname: str | None = None
    hostname_override: str | None = None
    set_hostname_as_fqdn: bool | None = msgspec.field(default=None, name="setHostnameAsFQDN")
    host_network: bool | None = None
    runtime_class_name: str | None = None


class WireHostIP(Wire):
    """`status.hostIPs[]`."""

    ip: str = ""


class WirePodStatus(Wire):
    """`status` of a Pod."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    host_ip: str | None = msgspec.field(default=None, name="hostIP")
    host_ips: list[WireHostIP] | None = msgspec.field(default=None, name="hostIPs")
    container_statuses: list[WireStatus] | None = None
    init_container_statuses: list[WireStatus] | None = None
    ephemeral_container_statuses: list[WireStatus] | None = None


class WirePod(Wire):
    """A v1 Pod."""

    metadata: WirePodMeta
    spec: WirePodSpec
    status: WirePodStatus | None = None


class WireCondition(Wire):
    """`status.conditions[]` of a Node."""

    type: str = ""
    status: str = ""
    last_transition_time: str | None = None
    last_heartbeat_time: str | None = None


class WireAddress(Wire):
    """`status.addresses[]` of a Node."""

    address: str = ""


class WireNodeStatus(Wire):
    """`status` of a Node."""

    conditions: list[WireCondition] | None = None
    addresses: list[WireAddress] | None = None


class WireNode(Wire):
    """A v1 Node."""

    metadata: WireMeta
    status: WireNodeStatus | None = None


class WireReference(Wire):
    """What an Event is about."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class WireSeries(Wire):
    """An Event that was told more than once."""

    last_observed_time: str | None = None


class WireEvent(Wire):
    """An Event of either API: v1 says involvedObject and message, events.k8s.io/v1 says regarding
    and note.
    """

    metadata: WireMeta
    involved_object: WireReference | None = None
    regarding: WireReference | None = None
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    event_time: str | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    deprecated_first_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
    series: WireSeries | None = None


class WirePage(Wire, Generic[T]):
    """A list, or one page of it. A page without `items` is no page."""

    kind: str
    metadata: WireListMeta
    items: list[T] | None


class WireUnknownList(Wire):
    """A list of whatever `kubectl get -o json` was asked for, each item still as it was written."""

    kind: str = ""
    metadata: WireListMeta | None = None
    items: list[msgspec.Raw] | None = None


class WireKind(Wire):
    """Only what tells one item from another."""

    kind: str = ""
