"""One look at a whole cluster through its API server.

The order is the janitor's own pod, Nodes, Events, pods, and it is part of the safety:

- The own pod is the witness: a list that shows it is of this cluster, and not from before the
  janitor's start. No later list may be older than that one, by its resourceVersion, which counts
  the changes of the whole cluster. Events are exempt: they may be kept in a store of their own.
- A Node that says Ready vouches that the statuses of its pods are current. It must therefore be
  read before them: a Node that comes back between the two readings would otherwise vouch for
  statuses of the time when it was away. A Node that goes away in between only keeps more locks,
  and one that comes in between is not known to be Ready yet.
- A pod that appears after the pods were read cannot hold a lock that was read before. One that
  goes away in between is seen as it is. So the youngest reading is that of the pods, and `taken`
  is the time of its last page.
- Events only say that a pod of that name was here once. They may be older than the pods.
"""

from __future__ import annotations

import email.utils
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

from janitor.circumstances import Circumstances
from janitor.cluster.client import Client
from janitor.cluster.decode import event_of, node_of, pod_of
from janitor.cluster.errors import ClusterError, Denied, Garbled, Right
from janitor.cluster.exchange import Answer, Request
from janitor.cluster.failures import failed_runs
from janitor.cluster.investigate import investigate
from janitor.cluster.paging import Kind, each_of, list_all, namespaced
from janitor.cluster.rights import to_list_events, to_list_pods
from janitor.cluster.wire import WireEvent, WireNode, WirePage, WirePod
from janitor.model import Node, Observation, Pod, PodEvent

_PODS = Kind("PodList", msgspec.json.Decoder(WirePage[WirePod]), pod_of)
_NODES = Kind("NodeList", msgspec.json.Decoder(WirePage[WireNode]), node_of)
_EVENTS = Kind("EventList", msgspec.json.Decoder(WirePage[WireEvent]), event_of)
_RIGHT_TO_NODES = Right("list", "nodes", "nodes")
_MOST_EVENTS = 10_000
_ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class OwnPod:
    """The janitor's own pod, from the downward API."""

    namespace: str
    name: str
    uid: str


@dataclass(slots=True)
class _Floor:
    """The highest resourceVersion so far: what was there then is there in every later list."""

    version: int = 0

    def rise(self, version: str, right: Right) -> None:
        """Raises Garbled for a list that is older. One without a number is not compared."""
        if not version.isdecimal():
            return
        if int(version) < self.version:
            raise Garbled(
                f"Asked to {right}, the API server showed an older state of the cluster than it "
                "had shown a moment before."
            )
        self.version = int(version)


@dataclass(slots=True)
class _Pods:
    """What became of listing the pods, namespace by namespace."""

    listed: list[Pod] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)
    denied: dict[str, str] = field(default_factory=dict)
    completed: datetime | None = None


class ApiCluster:
    """A cluster behind an API server. No method raises: a doubt is a value, in a sentence.

    With `own_pod` it runs in a pod of that cluster, which is the witness: a list that lacks it is
    no list of this cluster.
    """

    def __init__(
        self, client: Client, *, clock: Callable[[], datetime], own_pod: OwnPod | None = None
    ) -> None:
        self._client = client
        self._clock = clock
        self._own_pod = own_pod

    def now(self) -> datetime:
        """The janitor's clock."""
        return self._clock()

    def check_clock(self, max_skew: timedelta) -> str | None:
        """One sentence of doubt, or None where both clocks agree within `max_skew`."""
        right = Right("get", "/version", "base")
        try:
            answer = self._client.call(Request(right, "GET", "/version"))
        except ClusterError as error:
            return str(error)
        served = _date(answer.date)
        if served is None:
            return (
                "The API server's answer carries no Date, so the janitor's clock could not be "
                "compared with it."
            )
        apart = _apart(answer, served)
        if apart <= max_skew:
            return None
        return (
            f"The janitor's clock and the API server's may be {apart.total_seconds():.0f} seconds "
            f"apart, and max_skew is {max_skew.total_seconds():.0f} seconds."
        )

    def observe(self, *, namespaces: frozenset[str] | None, nodes: bool) -> Observation:
        """Lists everything anew; what may not be concluded is in the observation's words."""
        wanted = namespaces
        if wanted is not None and self._own_pod is not None:
            wanted = wanted | {self._own_pod.namespace}
        node_list: tuple[Node, ...] | None = None
        nodes_denied: str | None = None
        events: tuple[PodEvent, ...] = ()
        pods = _Pods()
        floor = _Floor()
        try:
            self._look_for_own_pod(floor, everywhere=wanted is None)
            if nodes:
                node_list, nodes_denied = self._nodes(floor)
            events = self._events(wanted)
            self._list_pods(wanted, pods, floor)
            doubt = self._doubt(pods.listed, node_list, everywhere=wanted is None)
        except ClusterError as error:
            doubt = str(error)
        return Observation(
            taken=pods.completed or self._clock(),
            pods=tuple(pods.listed),
            nodes=node_list,
            events=events,
            namespaces=None if wanted is None else frozenset(pods.namespaces),
            denied=pods.denied,
            nodes_denied=nodes_denied,
            doubt=doubt,
            cluster=self._client.identity,
        )

    def investigate(
        self,
        pods: Collection[tuple[str, str]],
        *,
        namespaces: frozenset[str] | None,
        sources: Mapping[str, frozenset[str] | None],
    ) -> Circumstances:
        """See `Cluster.investigate`."""
        own = self._own_pod.namespace if self._own_pod else None
        failures, missing = failed_runs(self._client, sources, namespaces, own=own)
        known = investigate(self._client, pods, namespaces, own=own)
        return replace(known, failures=failures, failures_missing=missing)

    def _look_for_own_pod(self, floor: _Floor, *, everywhere: bool) -> None:
        if self._own_pod is None:
            return
        component = "base" if everywhere else "namespaced"
        right = Right("list", "pods", component, namespace=self._own_pod.namespace)
        query = (("fieldSelector", f"metadata.name={self._own_pod.name}"),)
        listed = list_all(self._client, namespaced("pods", right, query=query), _PODS)
        if all(pod.uid != self._own_pod.uid for pod in listed.items):
            raise Garbled(self._no_witness())
        floor.rise(listed.version, right)

    def _nodes(self, floor: _Floor) -> tuple[tuple[Node, ...] | None, str | None]:
        request = Request(_RIGHT_TO_NODES, "GET", "/api/v1/nodes")
        try:
            listed = list_all(self._client, request, _NODES)
        except Denied as error:
            return None, str(error)
        floor.rise(listed.version, request.right)
        return listed.items, None

    def _events(self, namespaces: frozenset[str] | None) -> tuple[PodEvent, ...]:
        """What may be read of them, each list asked for once: they are evidence, never a doubt."""
        found: list[PodEvent] = []
        own = self._own_pod.namespace if self._own_pod else None
        for namespace in each_of(namespaces):
            right = to_list_events(namespace, own)
            query = (("fieldSelector", "involvedObject.kind=Pod"),)
            request = namespaced("events", right, query=query, attempts=1)
            try:
                listed = list_all(self._client, request, _EVENTS, at_most=_MOST_EVENTS - len(found))
            except Denied:
                continue
            except ClusterError:
                break
            found.extend(listed.items)
            if len(found) >= _MOST_EVENTS:
                break
        return tuple(found[:_MOST_EVENTS])

    def _list_pods(self, namespaces: frozenset[str] | None, pods: _Pods, floor: _Floor) -> None:
        own = self._own_pod.namespace if self._own_pod else None
        for namespace in each_of(namespaces):
            right = to_list_pods(namespace, own)
            try:
                listed = list_all(self._client, namespaced("pods", right), _PODS)
            except Denied as error:
                if namespace is None or namespace == own:
                    raise
                pods.denied[namespace] = str(error)
                continue
            floor.rise(listed.version, right)
            pods.listed.extend(listed.items)
            pods.completed = listed.completed
            if namespace is not None:
                pods.namespaces.add(namespace)

    def _no_witness(self) -> str:
        own = self._own_pod
        assert own is not None  # noqa: S101 - asked for only where there is one
        return (
            f"The janitor's own pod {own.namespace}/{own.name} (UID {own.uid}) is not in the "
            "list of pods, so that list is not of this cluster or not current."
        )

    def _doubt(
        self, pods: list[Pod], nodes: tuple[Node, ...] | None, *, everywhere: bool
    ) -> str | None:
        own = self._own_pod
        if own is not None and all(pod.uid != own.uid for pod in pods):
            return self._no_witness()
        if own is None and everywhere and all(pod.phase != "Running" for pod in pods):
            return "Not one pod of the whole cluster is Running: that is no cluster to judge by."
        if nodes is not None and not any(node.ready for node in nodes):
            return "Not one Node is Ready: no status of a pod is current."
        return None


def rights_to_observe(
    own_pod: OwnPod | None, namespaces: frozenset[str] | None, *, nodes: bool
) -> Iterator[Right]:
    """What an observation of these namespaces (None: all) asks for. Events are evidence that it can
    do without.
    """
    own = own_pod.namespace if own_pod else None
    for namespace in each_of(namespaces):
        yield to_list_pods(namespace, own)
    if nodes:
        yield _RIGHT_TO_NODES
    for namespace in each_of(namespaces):
        yield to_list_events(namespace, own)


def _date(header: str | None) -> datetime | None:
    """An HTTP date, which has whole seconds."""
    if not header:
        return None
    try:
        date = email.utils.parsedate_to_datetime(header)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _apart(answer: Answer, served: datetime) -> timedelta:
    """The most that the clocks may differ by: the server looked at its own at some time while the
    request was on its way, and cut what it saw to the second.
    """
    return max(answer.received - served, served - answer.sent + _ONE_SECOND)
