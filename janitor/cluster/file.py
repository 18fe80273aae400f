"""A cluster as `kubectl get pods,nodes -A -o json` wrote it down.

The file is one look at one time, so that time is `now` for every age. What the file does not show
must never look absent: a file of one namespace says nothing about the others, and a page says
nothing about the pages after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from janitor.circumstances import Circumstances, ObjectEvent, PodStory
from janitor.cluster.decode import event_of, event_time, node_of, pod_of, timestamp
from janitor.cluster.errors import BadClusterFile
from janitor.cluster.investigate import WireStory, object_event_of, story_of
from janitor.cluster.wire import (
    WireEvent,
    WireKind,
    WireMeta,
    WireNode,
    WirePod,
    WireStatus,
    WireUnknownList,
)
from janitor.model import Node, Observation, Pod, PodEvent

COMMAND = "kubectl get pods,nodes -A -o json"
_LARGEST = 1 << 30
_LISTS = ("List", "PodList")
_TOLERATED = timedelta(minutes=5)
"""A node's clock may be that far ahead of the one here."""
_LONGEST_SILENCE = timedelta(minutes=30)
"""Kubelets renew their Node's heartbeat every five minutes."""

_LIST: msgspec.json.Decoder[WireUnknownList] = msgspec.json.Decoder(WireUnknownList)
_KIND: msgspec.json.Decoder[WireKind] = msgspec.json.Decoder(WireKind)
_POD: msgspec.json.Decoder[WirePod] = msgspec.json.Decoder(WirePod)
_STORY: msgspec.json.Decoder[WireStory] = msgspec.json.Decoder(WireStory)
_NODE: msgspec.json.Decoder[WireNode] = msgspec.json.Decoder(WireNode)
_EVENT: msgspec.json.Decoder[WireEvent] = msgspec.json.Decoder(WireEvent)

_Wire = TypeVar("_Wire")


@dataclass(slots=True)
class _Content:
    """What is in the file."""

    pods: list[Pod] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    events: list[PodEvent] = field(default_factory=list)
    stories: list[PodStory] = field(default_factory=list)
    others: list[ObjectEvent] = field(default_factory=list)
    newest: datetime | None = None
    """The newest time of anything in it."""
    heartbeat: datetime | None = None
    """The newest of a Node."""

    def saw(self, *times: datetime | None) -> None:
        """Keeps the newest time."""
        self.newest = max(filter(None, (self.newest, *times)), default=None)


class FileCluster:
    """Judges by a file. Reading it raises BadClusterFile, in one sentence with the mend.

    `observed_at` is when the file was made, with a zone; without it, the newest time inside is
    taken. `clock` is the real one: neither may be later.
    """

    def __init__(
        self, path: Path, *, observed_at: datetime | None, clock: Callable[[], datetime]
    ) -> None:
        self._path = path
        self._content = _read(path)
        self._taken = _time_of(path, self._content, observed_at, clock())

    def now(self) -> datetime:
        """The time of the file."""
        return self._taken

    def check_clock(self, max_skew: timedelta) -> str | None:  # noqa: ARG002 - the port's
        """A file has no clock to compare."""
        return None

    def observe(self, *, namespaces: frozenset[str] | None, nodes: bool) -> Observation:
        """The same look every time, cut down to what was asked for."""
        pods = self._content.pods
        listed = tuple(self._content.nodes) if nodes and self._content.nodes else None
        return Observation(
            taken=self._taken,
            pods=tuple(pod for pod in pods if namespaces is None or pod.namespace in namespaces),
            nodes=listed,
            events=tuple(
                event
                for event in self._content.events
                if namespaces is None or event.namespace in namespaces
            ),
            namespaces=namespaces,
            nodes_denied=(
                f"There are no Nodes in {self._path}: make it with `{COMMAND}`."
                if nodes and listed is None
                else None
            ),
            doubt=self._doubt(namespaces, listed),
        )

    def investigate(
        self,
        pods: Collection[tuple[str, str]],
        *,
        namespaces: frozenset[str] | None,
        sources: Mapping[str, frozenset[str] | None],  # noqa: ARG002 - no file has their objects
    ) -> Circumstances:
        """What the file has of it."""
        content = self._content
        return Circumstances(
            tuple(each for each in content.stories if (each.namespace, each.name) in pods),
            tuple(
                event
                for event in content.others
                if namespaces is None or event.namespace in namespaces
            ),
            None if content.events or content.others else f"there are no Events in {self._path}",
        )

    def _doubt(
        self, namespaces: frozenset[str] | None, nodes: tuple[Node, ...] | None
    ) -> str | None:
        if all(pod.phase != "Running" for pod in self._content.pods):
            return f"Not one pod in {self._path} is Running: that is no cluster to judge by."
        seen = {pod.namespace for pod in self._content.pods}
        if len(seen) == 1 and (namespaces is None or not namespaces <= seen):
            # kubectl does not write down what it was asked for, and with -A there is kube-system.
            return (
                f"All pods in {self._path} are of the namespace {min(seen)}, as if it had been "
                f"made without -A: make it with `{COMMAND}`, or name that namespace alone in "
                "observe.namespaces."
            )
        if nodes is not None and not any(node.ready for node in nodes):
            return f"Not one Node in {self._path} is Ready: no status of a pod is current."
        heartbeat = self._content.heartbeat
        if heartbeat is not None and self._taken - heartbeat > _LONGEST_SILENCE:
            return (
                f"No Node in {self._path} was heard of in the 30 minutes before "
                f"{self._taken:%Y-%m-%dT%H:%M:%SZ}, so the file is probably older than that: name "
                "the right time with --observed-at."
            )
        return None


# --- reading ---------------------------------------------------------------------------------


def _read(path: Path) -> _Content:
    raw = _json(path)
    try:
        whole = _LIST.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadClusterFile(_not_json(path, raw, str(error))) from None
    if whole.kind not in _LISTS or whole.items is None:
        raise BadClusterFile(
            f"{path} is no list of pods and Nodes: make it with `{COMMAND} > FILE`."
        )
    if whole.metadata is not None and whole.metadata.continue_:
        raise BadClusterFile(
            f"{path} is only the first page of a list: make it with `{COMMAND} > FILE`."
        )
    content = _Content()
    for position, item in enumerate(whole.items):
        try:
            # The items of a PodList, as the API itself serves it, do not say what they are.
            kind = _KIND.decode(item).kind or ("Pod" if whole.kind == "PodList" else "")
            _take(content, kind, item)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadClusterFile(
                f"In {path}, items[{position}] is not what Kubernetes writes: make the file anew "
                f"with `{COMMAND} > FILE`."
            ) from None
    return content


def _json(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadClusterFile(f"{path} is larger than {_LARGEST >> 30} GiB.")
        raw = path.read_bytes()
    except OSError as error:
        raise BadClusterFile(f"{path} cannot be read: {error.strerror}.") from None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        # What PowerShell's `>` makes of any output.
        return raw.decode("utf-16", "replace").encode("utf-8", "replace")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _not_json(path: Path, raw: bytes, error: str) -> str:
    start = raw[:256].lstrip()
    if not start:
        what = "is empty"
    elif start.startswith((b"apiVersion:", b"items:", b"kind:", b"---")):
        what = "is YAML, and JSON is needed"
    elif start.startswith((b"NAME", b"No resources")):
        what = "is kubectl's table, and JSON is needed"
    elif not start.startswith(b"{"):
        what = "is no JSON"
    elif "trailing" in error:
        what = "holds more than one JSON document: one command must list both"
    elif "truncated" in error:
        what = "ends in the middle"
    else:
        what = "is not what kubectl writes"
    return f"{path} {what}: make it with `{COMMAND} > FILE`."


def _take(content: _Content, kind: str, item: msgspec.Raw) -> None:
    """Puts one item where it belongs; kinds that were listed along with them are left out."""
    if kind == "Pod":
        pod = _POD.decode(item)
        content.pods.append(pod_of(pod))
        if _something_ended(content.pods[-1]):
            content.stories.append(story_of(_STORY.decode(item)))
        content.saw(_created(pod.metadata), *_container_times(pod))
    elif kind == "Node":
        node = _NODE.decode(item)
        content.nodes.append(node_of(node))
        conditions = (node.status.conditions if node.status else None) or ()
        beats = [timestamp(condition.last_heartbeat_time) for condition in conditions]
        content.heartbeat = max(filter(None, (content.heartbeat, *beats)), default=None)
        content.saw(_created(node.metadata), *beats)
    elif kind == "Event":
        event = _EVENT.decode(item)
        about = event_of(event)
        if about is not None:
            content.events.append(about)
        elif (other := object_event_of(event)) is not None:
            content.others.append(other)
        content.saw(event_time(event))


def _something_ended(pod: Pod) -> bool:
    """Whether it can tell of an end; most pods just run."""
    return (
        pod.phase != "Running"
        or pod.deleting
        or any(each.finished is not None or each.restart_count for each in pod.containers)
    )


def _created(metadata: WireMeta) -> datetime | None:
    return timestamp(metadata.creation_timestamp)


def _container_times(pod: WirePod) -> Iterable[datetime | None]:
    """Starts and ends. Never the deletionTimestamp: that one lies ahead."""
    status = pod.status
    if status is None:
        return
    sisters: tuple[list[WireStatus] | None, ...] = (
        status.container_statuses,
        status.init_container_statuses,
        status.ephemeral_container_statuses,
    )
    for statuses in sisters:
        for each in statuses or ():
            if each.state and each.state.running:
                yield timestamp(each.state.running.started_at)
            if each.state and each.state.terminated:
                yield timestamp(each.state.terminated.finished_at)


# --- its time --------------------------------------------------------------------------------


def _time_of(
    path: Path, content: _Content, observed_at: datetime | None, real: datetime
) -> datetime:
    newest = content.newest
    if observed_at is None:
        if newest is None:
            raise BadClusterFile(
                f"There is no time in {path} to judge by: say with --observed-at when it was made."
            )
        if newest > real + _TOLERATED:
            raise BadClusterFile(
                f"The newest time in {path}, {_text(newest)}, has not come yet by the clock here: "
                "say with --observed-at when it was made."
            )
        return min(newest, real)
    if observed_at.tzinfo is None:
        raise BadClusterFile("--observed-at needs a zone, for example 2026-11-24T01:02:03Z.")
    taken = observed_at.astimezone(UTC)
    if taken > real:
        raise BadClusterFile(f"--observed-at {_text(taken)} has not come yet by the clock here.")
    if newest is not None and newest > taken + _TOLERATED:
        raise BadClusterFile(
            f"{path} was made after --observed-at {_text(taken)}: there is {_text(newest)} in it."
        )
    return taken


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
