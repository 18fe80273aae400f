"""Reading what tells how a holder died: the pod itself, where it still is, and Events about Jobs,
Nodes and whatever else had a hand in it. Events about pods are part of every observation.

It is asked for the holders of stale locks only, and is never a reason to fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from janitor.circumstances import Circumstances, ContainerStory, ObjectEvent, PodStory
from janitor.cluster.client import Client
from janitor.cluster.decode import event_time, timestamp
from janitor.cluster.errors import ClusterError, Denied
from janitor.cluster.paging import Kind, each_of, list_all, namespaced
from janitor.cluster.rights import to_list_events, to_list_pods
from janitor.cluster.wire import (
    Wire,
    WireCondition,
    WireContainer,
    WireEvent,
    WirePage,
    WirePodMeta,
    WireStatus,
    WireTerminated,
)

MOST_PODS = 25
"""So many pods are read again."""
_MOST_EVENTS = 5_000


class _Resources(Wire):
    limits: dict[str, Any] | None = None


class _Container(WireContainer):
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    resources: _Resources | None = None


class _EmptyDir(Wire):
    size_limit: str | None = None


class _Volume(Wire):
    name: str
    empty_dir: _EmptyDir | None = None


class _Spec(Wire):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    volumes: list[_Volume] | None = None
    node_name: str | None = None
    termination_grace_period_seconds: int | None = None


class _Condition(WireCondition):
    reason: str | None = None
    message: str | None = None


class _Status(Wire):
    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: list[_Condition] | None = None
    container_statuses: list[WireStatus] | None = None
    init_container_statuses: list[WireStatus] | None = None


class WireStory(Wire):
    """A v1 Pod, as far as its death is concerned."""

    metadata: WirePodMeta
    spec: _Spec
    status: _Status | None = None


def story_of(wire: WireStory) -> PodStory:
    """The pod in the words of circumstances.py."""
    meta, spec, status = wire.metadata, wire.spec, wire.status or _Status()
    disruption = next(
        (
            each
            for each in status.conditions or ()
            if each.type == "DisruptionTarget" and each.status == "True"
        ),
        _Condition(),
    )
    statuses = {
        each.name: each
        for each in (*(status.init_container_statuses or ()), *(status.container_statuses or ()))
    }
    owners = [each for each in meta.owner_references or () if each.controller]
    return PodStory(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        phase=status.phase or "",
        reason=status.reason or None,
        message=status.message or None,
        node=spec.node_name or "",
        deleted=timestamp(meta.deletion_timestamp),
        grace_seconds=spec.termination_grace_period_seconds,
        owner=f"{owners[0].kind} {owners[0].name}" if owners else "",
        disruption=disruption.reason or "",
        disrupted=timestamp(disruption.last_transition_time),
        disruption_message=disruption.message or "",
        empty_dirs=tuple(
            (volume.name, volume.empty_dir.size_limit or "")
            for volume in spec.volumes or ()
            if volume.empty_dir is not None
        ),
        containers=tuple(
            _container(each, statuses.get(each.name))
            for each in (*(spec.init_containers or ()), *(spec.containers or ()))
        ),
    )


def _container(spec: _Container, status: WireStatus | None) -> ContainerStory:
    ended = _last_end(status) if status else None
    limit = (spec.resources.limits or {}).get("memory") if spec.resources else None
    return ContainerStory(
        name=spec.name,
        image=spec.image or "",
        command=(*(spec.command or ()), *(spec.args or ())),
        memory_limit=None if limit is None else str(limit),
        restarts=status.restart_count if status else 0,
        reason=ended.reason if ended else None,
        exit_code=ended.exit_code if ended else None,
        started=timestamp(ended.started_at) if ended else None,
        finished=timestamp(ended.finished_at) if ended else None,
    )


def _last_end(status: WireStatus) -> WireTerminated | None:
    for state in (status.state, status.last_state):
        if state is not None and state.terminated is not None:
            return state.terminated
    return None


def object_event_of(wire: WireEvent) -> ObjectEvent | None:
    """The Event in the words of circumstances.py; None where it is about a pod, or nothing."""
    about = wire.involved_object or wire.regarding
    if about is None or not about.name or about.kind == "Pod":
        return None
    return ObjectEvent(
        kind=about.kind,
        namespace=about.namespace or wire.metadata.namespace,
        name=about.name,
        reason=wire.reason or "",
        message=wire.message or wire.note or "",
        time=event_time(wire),
    )


_PODS = Kind("PodList", msgspec.json.Decoder(WirePage[WireStory]), story_of)
_EVENTS = Kind("EventList", msgspec.json.Decoder(WirePage[WireEvent]), object_event_of)


def investigate(
    client: Client,
    pods: Collection[tuple[str, str]],
    namespaces: frozenset[str] | None,
    *,
    own: str | None = None,
) -> Circumstances:
    """What the API server still knows. Never raises; what it does not tell is missing.

    Args:
        client: of the API server.
        pods: namespace and name of each that may have held a lock.
        namespaces: where Events may be read; None: everywhere, by one list.
        own: the namespace of the janitor's pod, for what is said of a missing right.
    """
    events, missing = _events(client, namespaces, own)
    stories = _stories(client, sorted(pods)[:MOST_PODS], own)
    return Circumstances(tuple(stories), events, missing)


def _stories(
    client: Client, pods: Iterable[tuple[str, str]], own: str | None
) -> Iterable[PodStory]:
    for namespace, name in pods:
        right = to_list_pods(namespace, own)
        query = (("fieldSelector", f"metadata.name={name}"),)
        request = namespaced("pods", right, query=query, attempts=1)
        try:
            found = list_all(client, request, _PODS).items
        except ClusterError:
            return
        yield from (story for story in found if (story.namespace, story.name) == (namespace, name))


def _events(
    client: Client, namespaces: frozenset[str] | None, own: str | None
) -> tuple[tuple[ObjectEvent, ...], str | None]:
    found: list[ObjectEvent] = []
    missing: str | None = None
    for namespace in each_of(namespaces):
        right = to_list_events(namespace, own)
        query = (("fieldSelector", "involvedObject.kind!=Pod"),)
        request = namespaced("events", right, query=query, attempts=1)
        try:
            found += list_all(client, request, _EVENTS, at_most=_MOST_EVENTS - len(found)).items
        except Denied as error:
            missing = missing or str(error)
        except ClusterError as error:
            missing = str(error)
            break  # it would be waited for again each time
        if len(found) >= _MOST_EVENTS:
            break
    return tuple(found[:_MOST_EVENTS]), missing
