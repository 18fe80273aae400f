"""How the hostnames of pods and Nodes are made, and how a lock's hostname is compared with them.

Pure. A lock carries the kernel's nodename. The kubelet makes a pod's hostname of
`hostnameOverride`, `spec.hostname` or the pod's name, cut to 63 characters; a hostNetwork pod and
a process on the host have the Node's. Candidates are compared liberally, since an extra one only
keeps a lock; what makes a host ours is compared strictly.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

from janitor.model import KnownNode, Node, Observation, Pod, PodEvent
from janitor.names import family_patterns

_Item = TypeVar("_Item")

_HOSTNAME_LENGTH = 63
"""The kubelet cuts a pod's hostname to so many characters (`truncatePodHostnameIfNeeded`)."""


@dataclass(frozen=True, slots=True)
class Directory:
    """An observation, arranged by hostname so that thousands of locks can be looked up."""

    nodes: Mapping[str, Node]
    pods: Mapping[str, tuple[Pod, ...]]
    """Lower-cased hostname to the pods that may see it."""
    events: Mapping[str, tuple[PodEvent, ...]]
    """Lower-cased hostname to the Events about a pod of that name."""
    families: Mapping[str, frozenset[str]]
    """Namespace to the patterns of names that the controllers of its pods generate."""
    host_names: Mapping[str, str]
    """Every form of every name of a Node, lower-cased, to that Node's name."""


_DIRECTORIES: WeakKeyDictionary[Observation, Directory] = WeakKeyDictionary()
"""One for each observation in use. An observation never changes, so neither does its directory."""


def directory_of(observation: Observation) -> Directory:
    """The observation's directory, made at its first use."""
    directory = _DIRECTORIES.get(observation)
    if directory is None:
        directory = _DIRECTORIES[observation] = _arrange(observation)
    return directory


def _arrange(observation: Observation) -> Directory:
    nodes = {node.name: node for node in observation.nodes or ()}
    pods: dict[str, list[Pod]] = {}
    families: dict[str, set[str]] = defaultdict(set)
    for pod in observation.pods:
        names = _pod_hostnames(pod, nodes)
        for form in {form for name in names for form in _label_forms(name)}:
            pods.setdefault(form, []).append(pod)
        families[pod.namespace].update(family_patterns(pod))
    events: dict[str, list[PodEvent]] = {}
    for event in observation.events:
        for name in {event.pod.lower(), as_kubelet(event.pod).lower()}:
            events.setdefault(name, []).append(event)
    return Directory(
        nodes=nodes,
        pods=_frozen(pods),
        events=_frozen(events),
        families={namespace: frozenset(patterns) for namespace, patterns in families.items()},
        host_names=_forms_of({node.name: node.names for node in nodes.values()}),
    )


def _frozen(found: dict[str, list[_Item]]) -> Mapping[str, tuple[_Item, ...]]:
    """Each list as a tuple, in place: of a large cluster, another mapping would be 15 MB more."""
    frozen = cast("dict[str, Sequence[_Item]]", found)
    for name, items in frozen.items():
        frozen[name] = tuple(items)
    return cast("Mapping[str, tuple[_Item, ...]]", frozen)


def pods_that_carry(hostname: str, directory: Directory) -> tuple[Pod, ...]:
    """The pods that may carry the hostname: both are compared whole and by their first label."""
    found = {id(pod): pod for form in forms(hostname) for pod in directory.pods.get(form, ())}
    return tuple(found.values())


def carries_for_sure(pod: Pod, hostname: str) -> bool:
    """Strict enough to call a host ours: a laptop `db.local` is not, because a pod `db` exists.

    It is sure where the whole hostname is the pod's, or its first label where the pod has a
    domain appended (`setHostnameAsFQDN`). The Node's names of a hostNetwork pod are the Node's.
    """
    sought = forms(hostname) if pod.fqdn else (hostname.lower(),)
    return any(name in sought for name in _own_hostnames(pod))


def forms(hostname: str) -> tuple[str, ...]:
    """The two forms in which a hostname is compared, lower-cased: whole and its first label.

    The API does not show the domain that `setHostnameAsFQDN` with a subdomain appends.
    """
    lowered = _lower(hostname)
    return tuple(dict.fromkeys((lowered, lowered.split(".", 1)[0])))


def as_kubelet(name: str) -> str:
    """The hostname that the kubelet makes of a name."""
    return name[:_HOSTNAME_LENGTH].rstrip("-.")


def _own_hostnames(pod: Pod) -> Iterator[str]:
    for name in (pod.hostname_override, pod.hostname, pod.name):
        if name:
            lowered = _lower(name)
            yield lowered
            if (cut := as_kubelet(lowered)) != lowered:
                yield cut


def _pod_hostnames(pod: Pod, nodes: Mapping[str, Node]) -> Iterator[str]:
    """Every hostname, lower-cased, that this pod's processes might see."""
    yield from _own_hostnames(pod)
    if pod.host_network:
        node = nodes.get(pod.node or "")
        for name in (pod.node, *pod.host_addresses, *(node.names if node else ())):
            if name:
                yield name.lower()


# --- Nodes -----------------------------------------------------------------------------------


def existing_node(hostname: str, directory: Directory) -> str | None:
    """The Node in view that this hostname may be, compared liberally on both sides."""
    return _node_among(hostname, directory.host_names)


def remembered_node(hostname: str, known: Mapping[str, KnownNode]) -> str | None:
    """The remembered Node that this hostname may be, compared liberally on both sides."""
    return _node_among(
        hostname, _forms_of({name: (name, *memory.names) for name, memory in known.items()})
    )


def known_node(hostname: str, known: Mapping[str, KnownNode]) -> str | None:
    """The Node of this cluster, by the state's memory, that this hostname is.

    Strict: the hostname whole, or its first label, is one of the Node's whole names.
    """
    sought = _label_forms(hostname) if hostname else ()
    for name, memory in known.items():
        if any(other.lower() in sought for other in (name, *memory.names)):
            return name
    return None


def _node_among(hostname: str, host_names: Mapping[str, str]) -> str | None:
    sought = _label_forms(hostname) if hostname else ()
    return next((host_names[form] for form in sought if form in host_names), None)


def _forms_of(names_of: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {
        form: node
        for node, names in names_of.items()
        for name in names
        for form in _label_forms(name)
    }


def _label_forms(name: str) -> tuple[str, ...]:
    """A name whole and as first label, lower-cased; an address only whole."""
    if not (name[:1].isdigit() or ":" in name):
        return forms(name)  # most are no address, and finding out would cost as much as all else
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return forms(name)
    return (_lower(name),)


def _lower(name: str) -> str:
    """The name itself where it is lower-cased already, which it nearly always is: not one more."""
    lowered = name.lower()
    return name if lowered == name else lowered
