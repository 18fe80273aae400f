"""From what Kubernetes sends to the words of the model.

The decision in every doubtful place is the same: what cannot be understood may hold a lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from sys import intern
from typing import Annotated

import msgspec

from janitor.cluster.wire import (
    WireCondition,
    WireContainer,
    WireEvent,
    WireNode,
    WireNodeStatus,
    WirePod,
    WirePodStatus,
    WireState,
    WireStatus,
    WireTerminated,
)
from janitor.model import (
    Container,
    ContainerKind,
    ContainerState,
    Node,
    OwnerReference,
    Pod,
    PodEvent,
)

_RFC3339: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(
    Annotated[datetime, msgspec.Meta(tz=True)]
)


@lru_cache(maxsize=4096)
def timestamp(text: str | None) -> datetime | None:
    """The time in UTC; None where it is missing, has no zone or cannot be read."""
    if not text:
        return None
    try:
        return _RFC3339.decode(f'"{text}"').astimezone(UTC)
    except (msgspec.DecodeError, ValueError, OverflowError):
        return None


def pod_of(wire: WirePod) -> Pod:
    """The pod in the words of the model. Words that many pods have are kept once, which is a
    quarter of what 100,000 pods take.
    """
    meta, spec, status = wire.metadata, wire.spec, wire.status or WirePodStatus()
    addresses = _distinct((status.host_ip, *(entry.ip for entry in status.host_ips or ())))
    return Pod(
        namespace=intern(meta.namespace),
        name=meta.name,
        uid=meta.uid,
        created=timestamp(meta.creation_timestamp),
        generate_name=intern(meta.generate_name),
        phase=intern(status.phase or "Unknown"),
        reason=status.reason or None,
        message=status.message or None,
        deleting=meta.deletion_timestamp is not None,
        node=intern(spec.node_name) if spec.node_name else None,
        hostname=spec.hostname or None,
        hostname_override=spec.hostname_override or None,
        fqdn=bool(spec.set_hostname_as_fqdn),
        host_network=bool(spec.host_network),
        host_addresses=addresses,
        runtime_class=spec.runtime_class_name or None,
        template_hash=intern((meta.labels or {}).get("pod-template-hash") or "") or None,
        owners=_owners(
            tuple(
                (owner.kind, owner.name, bool(owner.controller))
                for owner in meta.owner_references or ()
            )
        ),
        containers=(
            *_containers(ContainerKind.INIT, spec.init_containers, status.init_container_statuses),
            *_containers(ContainerKind.ORDINARY, spec.containers, status.container_statuses),
            *_containers(
                ContainerKind.EPHEMERAL,
                spec.ephemeral_containers,
                status.ephemeral_container_statuses,
            ),
        ),
    )


@lru_cache(maxsize=1024)
def _owners(owners: tuple[tuple[str, str, bool], ...]) -> tuple[OwnerReference, ...]:
    """The pods of one owner share it: they stand together in a list."""
    return tuple(
        OwnerReference(kind=kind, name=name, controller=controller)
        for kind, name, controller in owners
    )


def node_of(wire: WireNode) -> Node:
    """The Node in the words of the model. Ready is only what says Ready: True."""
    status = wire.status or WireNodeStatus()
    conditions = [each for each in status.conditions or () if each.type == "Ready"]
    ready = [condition.status for condition in conditions] == ["True"]
    return Node(
        name=wire.metadata.name,
        ready=ready,
        ready_for=_lasted(conditions[0]) if ready else None,
        hostname_label=(wire.metadata.labels or {}).get("kubernetes.io/hostname") or None,
        addresses=_distinct(tuple(entry.address for entry in status.addresses or ())),
    )


def _lasted(condition: WireCondition) -> timedelta | None:
    """The kubelet writes both times, by its own clock, which may be hours off."""
    since = timestamp(condition.last_transition_time)
    last = timestamp(condition.last_heartbeat_time)
    return None if since is None or last is None else last - since


def event_of(wire: WireEvent) -> PodEvent | None:
    """The Event in the words of the model; None where it is not about a Pod."""
    about = wire.involved_object or wire.regarding
    if about is None or about.kind != "Pod" or not about.name:
        return None
    return PodEvent(
        namespace=about.namespace or wire.metadata.namespace,
        pod=about.name,
        reason=wire.reason or "",
        message=wire.message or wire.note or "",
        time=event_time(wire),
        uid=about.uid,
    )


def event_time(wire: WireEvent) -> datetime | None:
    """When it was told last; the two APIs and their ages use six fields for it."""
    texts = (
        wire.series.last_observed_time if wire.series else None,
        wire.last_timestamp,
        wire.deprecated_last_timestamp,
        wire.event_time,
        wire.first_timestamp,
        wire.deprecated_first_timestamp,
        wire.metadata.creation_timestamp,
    )
    return max(filter(None, map(timestamp, texts)), default=None)


@lru_cache(maxsize=1024)
def _distinct(texts: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(intern(text) for text in texts if text))


def _containers(
    kind: ContainerKind, specs: list[WireContainer] | None, statuses: list[WireStatus] | None
) -> Iterable[Container]:
    by_name: dict[str, WireStatus] = {}
    for status in statuses or ():
        # Two statuses of one name contradict each other: nothing is understood then.
        by_name[status.name] = WireStatus(status.name) if status.name in by_name else status
    for spec in specs or ():
        always = kind is ContainerKind.INIT and spec.restart_policy == "Always"
        yield _container(spec.name, kind, by_name.pop(spec.name, None), restart_always=always)
    for name, status in by_name.items():
        # A container that the kubelet reports and the spec does not name: it can only keep a lock.
        yield _container(name, kind, status, restart_always=False)


def _container(
    name: str, kind: ContainerKind, status: WireStatus | None, *, restart_always: bool
) -> Container:
    if status is None:
        return Container(name=name, kind=kind, restart_always=restart_always)
    state, ended = _state(status)
    reason = ended.reason if ended else None
    if not reason and status.state and status.state.waiting:
        reason = status.state.waiting.reason
    running = status.state.running if status.state else None
    return Container(
        name=intern(name),
        kind=kind,
        state=state,
        started=timestamp(running.started_at) if running else None,
        finished=timestamp(ended.finished_at) if ended else None,
        exit_code=ended.exit_code if ended else None,
        reason=reason or None,
        restart_count=status.restart_count,
        restart_always=restart_always,
    )


def _state(status: WireStatus) -> tuple[ContainerState, WireTerminated | None]:
    """The state, and the last incarnation that ended. Anything but exactly one understood state
    counts as running at an unknown time, which may hold every lock.
    """
    now, before = status.state or WireState(), status.last_state or WireState()
    if now.running is not None:
        return ContainerState.RUNNING, before.terminated
    if now.terminated is not None and now.waiting is None and _readable(now.terminated):
        return ContainerState.ENDED, now.terminated
    if now.waiting is not None and now.terminated is None:
        if before.terminated is not None and _readable(before.terminated):
            return ContainerState.ENDED, before.terminated
        if before == WireState():
            restarted = status.restart_count > 0
            return ContainerState.ENDED if restarted else ContainerState.NEVER_STARTED, None
    return ContainerState.RUNNING, before.terminated


def _readable(ended: WireTerminated) -> bool:
    """False where a time is there and cannot be read; a missing one is normal (NodeLost)."""
    return not ended.finished_at or timestamp(ended.finished_at) is not None
