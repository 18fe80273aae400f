"""Whose hostname is it, and which pod may hold the lock?

Pure. The rule is decision.md's, kept in docs/safety.md; the facts under it are the kubelet's
(how a pod's hostname is made, what a container's status means) and restic's (a lock carries the
kernel's nodename, and the time of its last refresh by the clock of that node).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from janitor.hostname import Directory, carries_for_sure, directory_of, known_node, pods_that_carry
from janitor.model import (
    Container,
    ContainerKind,
    ContainerState,
    GeneratedHolder,
    HolderPattern,
    KnownNode,
    Lock,
    Node,
    Observation,
    Pod,
    Repository,
)
from janitor.names import has_random_suffix


class Claim(StrEnum):
    """The evidence that makes a hostname ours to judge, strongest first."""

    POD = "pod"
    EVENT = "event"
    NODE = "node"
    OWNER = "owner"
    PATTERN = "pattern"
    FAMILY = "family"


@dataclass(frozen=True, slots=True)
class ContainerAnswer:
    """Whether one container may hold the lock, and why, in a few words."""

    container: Container
    may_hold: bool
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod that may carry the lock's hostname, with what each container that counts says."""

    pod: Pod
    answers: tuple[ContainerAnswer, ...]

    @property
    def may_hold(self) -> bool:
        """Any container may hold it; a pod without containers cannot be judged, so it may."""
        return not self.answers or any(answer.may_hold for answer in self.answers)

    @property
    def runs_on(self) -> bool:
        """Whether a container that counts runs, or has yet to start."""
        return any(
            answer.container.state is ContainerState.RUNNING
            or (answer.container.state is ContainerState.NEVER_STARTED and not self.pod.ended)
            for answer in self.answers
        )


# --- may it hold? ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the table of containers goes by, beside the lock's own time."""

    min_age: timedelta
    max_skew: timedelta
    first_seen: datetime | None
    """When the janitor saw the lock first. Unlike the lock's own time it can be compared with a
    pod's creation, whatever the holder's clock says."""


def candidates(
    lock: Lock, repository: Repository, observation: Observation, bounds: Bounds
) -> tuple[Candidate, ...]:
    """The pods that may carry the lock's hostname, each with its containers' answers.

    They are looked for in the namespaces that the repository declares or watches. A generated name
    with a random suffix is no coincidence, so a pod of exactly that name counts wherever it is: it
    can only keep the lock.
    """
    if not lock.hostname:
        return ()
    directory = directory_of(observation)
    named = named_containers(lock.hostname, repository)
    return tuple(
        Candidate(pod, _ask(lock, pod, observation, named, bounds))
        for pod in pods_that_carry(lock.hostname, directory)
        if _declared(pod.namespace, repository)
        or _watched(pod.namespace, repository)
        or _carries_random_name(pod, lock.hostname)
    )


def unobserved(repository: Repository, observation: Observation) -> tuple[str, ...]:
    """The namespaces in which this repository's holders may live and whose pods were not listed."""
    if repository.namespaces is None or repository.watched is None:
        return tuple(sorted(observation.denied))
    listed = observation.namespaces
    return tuple(
        namespace
        for namespace in (*repository.namespaces, *repository.watched)
        if namespace in observation.denied or (listed is not None and namespace not in listed)
    )


def _declared(namespace: str, repository: Repository) -> bool:
    return repository.namespaces is None or namespace in repository.namespaces


def _watched(namespace: str, repository: Repository) -> bool:
    return repository.watched is None or namespace in repository.watched


def _carries_random_name(pod: Pod, hostname: str) -> bool:
    return has_random_suffix(pod.name) and pod.name.lower() == hostname.lower()


def named_containers(hostname: str, repository: Repository) -> frozenset[str]:
    """The containers that run restic under this hostname; empty: all of them count.

    Every pattern that fits has its say, a person's or an owner's; one that fits and names none
    makes all count.
    """
    fitting: list[HolderPattern | GeneratedHolder] = [
        pattern for pattern in repository.holders if fits(pattern, hostname)
    ]
    fitting += (holder for holder in repository.generated if generates(holder, hostname))
    if not all(pattern.containers for pattern in fitting):
        return frozenset()
    return frozenset(name for pattern in fitting for name in pattern.containers)


def fits(pattern: HolderPattern, hostname: str) -> bool:
    """Whether the whole hostname fits the glob, whatever its case."""
    return bool(hostname) and fnmatchcase(hostname.lower(), pattern.name.lower())


def generates(holder: GeneratedHolder, hostname: str) -> bool:
    """Whether the owner's workload gives its pods this hostname."""
    return _compiled(holder.expression).fullmatch(hostname.lower()) is not None


@lru_cache(maxsize=1 << 16)
def _compiled(expression: str) -> re.Pattern[str]:
    """`re` itself remembers a few hundred: with more, each would be compiled for each lock."""
    return re.compile(expression)


def _ask(
    lock: Lock, pod: Pod, observation: Observation, named: frozenset[str], bounds: Bounds
) -> tuple[ContainerAnswer, ...]:
    """Asks each container that counts about its own incarnation."""
    node = directory_of(observation).nodes.get(pod.node or "")
    lock_time = lock.time + bounds.max_skew if pod.runtime_class else lock.time
    vouched = node is not None and _vouches(node, bounds.min_age)
    moment = _Moment(lock_time.replace(microsecond=0), bounds, vouched=vouched)
    return tuple(
        ContainerAnswer(container, *_may_hold(container, pod, moment))
        for container in _that_count(pod, named)
    )


def _vouches(node: Node, min_age: timedelta) -> bool:
    """Whether the statuses of this Node's pods are current.

    A kubelet that was cut off says Ready first and tells what became of its pods some seconds
    later: a Node that has only just become Ready vouches for nothing yet.
    """
    return node.ready and node.ready_for is not None and node.ready_for >= min_age


def _that_count(pod: Pod, named: frozenset[str]) -> tuple[Container, ...]:
    """The named containers and the ephemeral ones; all, where the pod has none of the named."""
    if not any(container.name in named for container in pod.containers):
        return pod.containers
    return tuple(
        container
        for container in pod.containers
        if container.name in named or container.kind is ContainerKind.EPHEMERAL
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the containers of one pod are asked about."""

    lock_time: datetime
    """In whole seconds, like the kubelet's times; later by max_skew in a sandbox that keeps its
    own clock (`runtimeClassName`)."""
    bounds: Bounds
    vouched: bool
    """The pod's Node has been Ready for so long that its status is current."""


def _may_hold(container: Container, pod: Pod, moment: _Moment) -> tuple[bool, str]:
    """The table of docs/safety.md, "Candidate holders", one row for each state."""
    match container.state:
        case ContainerState.RUNNING:
            return _running_may_hold(container, pod, moment)
        case _ if pod.ended:
            return False, f"not running, and the pod has {pod.phase.lower()}"
        case ContainerState.ENDED:
            return _ended_may_hold(container, moment)
        case ContainerState.NEVER_STARTED:
            return _unstarted_may_hold(pod, moment)


def _running_may_hold(container: Container, pod: Pod, moment: _Moment) -> tuple[bool, str]:
    """Kubelet and restic read the same node's clock: a process begun at S stamps S or later."""
    started = container.started
    if started is None:
        return True, "running, since when is not known"
    since = f"running since {started:%Y-%m-%dT%H:%M:%SZ}"
    if started > moment.lock_time + moment.bounds.max_skew:
        return False, f"{since}, after the lock was written"
    if started > moment.lock_time:
        if container.restart_count > 0:
            return False, f"{since}, restarted after the lock was written"
        if pod.created is not None and pod.created > moment.lock_time:
            return False, f"{since}, in a pod created after the lock was written"
        return True, f"{since}, too close to the lock's time for clocks that may differ"
    return True, f"{since}, before the lock was written"


def _ended_may_hold(container: Container, moment: _Moment) -> tuple[bool, str]:
    finished = container.finished
    if finished is not None and finished > moment.lock_time:
        return False, f"ended at {finished:%Y-%m-%dT%H:%M:%SZ}, after the lock was written"
    if moment.vouched:
        return False, "ended, and its Node is Ready, so this is current"
    once = container.kind is ContainerKind.INIT and not container.restart_always
    if once and container.exit_code == 0:
        return False, "an init container that has completed"
    return True, "ended before the lock was written, by a status that may be out of date"


def _unstarted_may_hold(pod: Pod, moment: _Moment) -> tuple[bool, str]:
    if moment.vouched:
        return False, "never started, and its Node is Ready, so this is current"
    if pod.node is None:
        return False, "never started: the pod has no Node yet"
    seen = moment.bounds.first_seen
    if pod.created is not None and seen is not None and pod.created > seen + moment.bounds.max_skew:
        return False, "never started, in a pod created after the lock was seen"
    return True, "not started by a status that may be out of date"


# --- whose hostname? -------------------------------------------------------------------------


def claim(
    lock: Lock,
    repository: Repository,
    observation: Observation,
    known: Mapping[str, KnownNode],
) -> Claim | None:
    """The strongest evidence that the lock's hostname is ours to judge; None: it is foreign.

    `known` is what the state remembers of Nodes. Nodes, patterns and families are only names: where
    another cluster runs the same manifests against this repository, they are no evidence.
    """
    hostname = lock.hostname
    if not hostname:
        return None
    directory = directory_of(observation)
    if _claimed_by_pod(lock, repository, directory):
        return Claim.POD
    if _claimed_by_event(hostname, repository, directory):
        return Claim.EVENT
    if repository.shared:
        return None
    if known_node(hostname, known) is not None:
        return Claim.NODE
    if any(generates(holder, hostname) for holder in repository.generated):
        return Claim.OWNER
    if any(fits(pattern, hostname) for pattern in repository.holders):
        return Claim.PATTERN
    if _claimed_by_family(hostname, repository, observation, directory):
        return Claim.FAMILY
    return None


def _claimed_by_pod(lock: Lock, repository: Repository, directory: Directory) -> bool:
    """A candidate pod, created before the lock, is in view.

    In a shared repository the other cluster has an ordinal, an index or a fixed hostname too; a
    random suffix it has not.
    """
    return any(
        pod.created is not None
        and pod.created < lock.time
        and _declared(pod.namespace, repository)
        and carries_for_sure(pod, lock.hostname)
        and (not repository.shared or _carries_random_name(pod, lock.hostname))
        for pod in pods_that_carry(lock.hostname, directory)
    )


def _claimed_by_event(hostname: str, repository: Repository, directory: Directory) -> bool:
    """An Event in a candidate namespace is about a Pod whose nodename that would be."""
    return any(
        _declared(event.namespace, repository)
        and (not repository.shared or has_random_suffix(hostname))
        for event in directory.events.get(hostname.lower(), ())
    )


def _claimed_by_family(
    hostname: str, repository: Repository, observation: Observation, directory: Directory
) -> bool:
    """A controller of a pod in view gives such names.

    It counts only where the repository declares its namespaces and all of them were listed.
    """
    if repository.namespaces is None or unobserved(repository, observation):
        return False
    return any(
        re.fullmatch(pattern, hostname.lower()) is not None
        for namespace in repository.namespaces
        for pattern in directory.families.get(namespace, ())
    )
