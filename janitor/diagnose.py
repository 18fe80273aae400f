"""Why did the holder of a stale lock die, and what would keep it from happening again?

Pure. No cause is stated that the evidence does not show: what ended before the lock was written, or
belongs to a pod that came after it, is no evidence; and what has expired is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from janitor.advice import advice_for, prevention
from janitor.circumstances import Circumstances, ContainerStory, ObjectEvent, PodStory
from janitor.death import Death, Kind
from janitor.model import (
    FailedRun,
    Judgement,
    Lock,
    Observation,
    PodEvent,
    Repository,
    SeenLock,
    Verdict,
)
from janitor.wording import eviction_of, failed_probe, names_pod, node_of_schedule, preemptor

_TOGETHER = timedelta(minutes=10)
"""What happens within it belongs to one death; what comes later, to the next pod of that name."""
_CORDON_TOLD = timedelta(minutes=1)
_OF_DISRUPTION = {
    "PreemptionByScheduler": Kind.PREEMPTED,
    "EvictionByEvictionAPI": Kind.DRAINED,
    "DeletionByTaintManager": Kind.TAINTED,
    "DeletionByPodGC": Kind.NODE_GONE,
    "TerminationByKubelet": Kind.NODE_SHUTDOWN,
}
_OF_JOB = {"DeadlineExceeded": Kind.JOB_DEADLINE, "BackoffLimitExceeded": Kind.BACKOFF}
_OF_NODE = {
    "Rebooted": Kind.NODE_REBOOTED,
    "NodeNotReady": Kind.NODE_NOT_READY,
    "RemovingNode": Kind.NODE_GONE,
    "DeletingNode": Kind.NODE_GONE,
    "Shutdown": Kind.NODE_SHUTDOWN,
    "SystemOOM": Kind.NODE_OOM,
    "OOMKilling": Kind.NODE_OOM,
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One sentence each."""

    cause: str
    advice: str | None = None
    failed: tuple[FailedRun, ...] = ()
    """The runs that failed on this lock, the earliest first."""
    failed_missing: str | None = None
    """Why not all of them are known."""


def diagnose(
    seen: SeenLock,
    judgement: Judgement,
    repository: Repository,
    *,
    observation: Observation,
    circumstances: Circumstances,
    max_skew: timedelta,
) -> Diagnosis | None:
    """The most telling cause; None for a lock that is not stale, or whose holder is not known."""
    if not judgement.verdict.stale or not isinstance(seen.content, Lock):
        return None
    case = _Case(seen.content, judgement, repository, observation, circumstances, max_skew)
    deaths = [*case.deaths()]
    if not deaths:
        return Diagnosis(case.unknown())
    timed = [death.time for death in deaths if death.time is not None]
    until = min(timed) + _TOGETHER if timed else None
    close = [d for d in deaths if d.time is None or until is None or d.time <= until]
    death = min(close, key=lambda each: (each.kind.rank, each.time is None, each.time))
    advice = " ".join(filter(None, (advice_for(death, repository), prevention(death))))
    return Diagnosis(death.sentence(), advice or None)


@dataclass(frozen=True, slots=True)
class _Case:
    """One lock with everything that may tell of its holder's end."""

    lock: Lock
    judgement: Judgement
    repository: Repository
    observation: Observation
    circumstances: Circumstances
    max_skew: timedelta

    def deaths(self) -> Iterator[Death]:
        """Everything that could have ended it, in no order."""
        stories = self.stories()
        for story in stories:
            yield from _of_pod(story, self)
        pods = {story.name: story for story in stories}
        names = {self.lock.hostname.lower(), *pods}
        events = [event for event in self.observation.events if event.pod in names]
        spaces = self._namespaces(stories, events)
        events = [event for event in events if event.namespace in spaces]
        node = self.node(stories, events)
        for event in events:
            if self.after(event.time):
                for death in _of_event(event, pods.get(event.pod)):
                    yield self._by_a_drain(death, node)
        for other in self.circumstances.events:
            if self.after(other.time) and (other.kind == "Node" or other.namespace in spaces):
                yield from _of_other(other, names, node, pods)
        yield from self._of_node(node)

    def _namespaces(self, stories: list[PodStory], events: list[PodEvent]) -> frozenset[str]:
        """Where it was: pods of one name in several namespaces tell nothing of each other."""
        if stories:
            return frozenset(story.namespace for story in stories)
        declared = self.repository.namespaces
        told = {event.namespace for event in events}
        if declared is not None:
            told &= set(declared)
            if not told and len(declared) == 1:
                return frozenset(declared)
        return frozenset(told) if len(told) == 1 else frozenset()

    def stories(self) -> list[PodStory]:
        """The pods that may have been the holder: none that was made after the lock."""
        made = {str(each.get("uid")): each.get("created") for each in self._candidates()}
        latest = self.lock.time + self.max_skew
        return [
            story
            for story in self.circumstances.pods
            if story.uid in made and not _later(made[story.uid], latest)
        ]

    def counts(self, story: PodStory, container: ContainerStory) -> bool:
        """Whether the judgement asked this container."""
        for each in self._candidates():
            if each.get("uid") == story.uid:
                asked = {one.get("name") for one in _mappings(each.get("containers"))}
                return not asked or container.name in asked
        return False

    def _candidates(self) -> Iterator[Mapping[str, object]]:
        return _mappings(self.judgement.evidence.get("candidates"))

    def after(self, time: datetime | None) -> bool:
        """Whether it happened when the holder had written this lock, as far as clocks agree."""
        return time is not None and time >= self.lock.time - self.max_skew

    def node(self, stories: Iterable[PodStory], events: Iterable[PodEvent]) -> str | None:
        """The Node that the holder ran on; None where nothing says."""
        for story in stories:
            if story.node:
                return story.node
        for event in events:
            if event.reason == "Scheduled" and (node := node_of_schedule(event.message)):
                return node
        return None

    def _by_a_drain(self, death: Death, node: str | None) -> Death:
        """A deletion on a cordoned Node: which the kubelet tells within a minute, by an Event."""
        if death.kind is not Kind.DELETED or node is None or death.time is None:
            return death
        told = [
            (each.time, each.reason)
            for each in self.circumstances.events
            if (each.kind, each.name) == ("Node", node)
            and each.reason in ("NodeNotSchedulable", "NodeSchedulable")
            and each.time is not None
            and each.time <= death.time + _CORDON_TOLD
        ]
        if not told or max(told)[1] == "NodeSchedulable":
            return death
        return replace(death, kind=Kind.CORDONED, name=node)

    def _of_node(self, node: str | None) -> Iterator[Death]:
        there = {each.name: each for each in self.observation.nodes or ()}
        if self.judgement.verdict is Verdict.NODE_GONE:
            yield Death(Kind.NODE_GONE, node or self.lock.hostname)
        elif node is not None and self.observation.nodes is not None:
            if node not in there:
                yield Death(Kind.NODE_GONE, node)
            elif not there[node].ready:
                yield Death(Kind.NODE_NOT_READY, node)

    def unknown(self) -> str:
        """Why nothing can be said."""
        if self.circumstances.missing is not None:
            why = self.circumstances.missing
            return f"Unknown: Events, which would tell, could not be read: {why}"
        if self.stories():
            return "Unknown: its pod is still there and says nothing of how its restic ended."
        return (
            "Unknown: its pod is gone, and so is every Event that told of its end (Events expire, "
            "after an hour unless the API server keeps them longer)."
        )


# --- one source of evidence after the other -----------------------------------------------------


def _of_pod(story: PodStory, case: _Case) -> Iterator[Death]:
    message = story.message or story.disruption_message
    if story.reason == "Evicted":
        yield _evicted(story, message, story.disrupted)
    elif story.reason == "DeadlineExceeded":
        yield Death(Kind.POD_DEADLINE, pod=story)
    elif story.reason in ("NodeLost", "NodeShutdown", "Shutdown", "Terminated"):
        yield Death(Kind.NODE_SHUTDOWN, story.node, pod=story)
    elif story.reason in ("Preempting", "Preempted"):
        yield Death(Kind.PREEMPTED, preemptor(message), pod=story)
    if story.disruption and story.reason != "Evicted":
        yield from _disrupted(story)
    for container in story.containers:
        if case.counts(story, container) and case.after(container.finished):
            yield from _of_container(container, story)


def _disrupted(story: PodStory) -> Iterator[Death]:
    kind = _OF_DISRUPTION.get(story.disruption)
    if kind is not None:
        who = preemptor(story.disruption_message) if kind is Kind.PREEMPTED else story.node
        yield Death(kind, who, pod=story, time=story.disrupted)


def _of_container(container: ContainerStory, story: PodStory) -> Iterator[Death]:
    if container.reason == "OOMKilled":
        kind = Kind.OOM
    elif container.reason == "Completed" or container.exit_code == 0:
        kind = Kind.COMPLETED
    elif container.reason == "ContainerStatusUnknown" or container.exit_code is None:
        return
    else:
        kind = Kind.ENDED
    yield Death(kind, container.name, pod=story, container=container, time=container.finished)


def _of_event(event: PodEvent, story: PodStory | None) -> Iterator[Death]:
    named = story or PodStory(event.namespace, event.pod)
    reason, message, time = event.reason, event.message, event.time
    if reason == "Evicted":
        yield _evicted(named, message, time)
    elif reason in ("Preempted", "Preempting"):
        yield Death(Kind.PREEMPTED, preemptor(message), pod=named, time=time)
    elif reason == "TaintManagerEviction" and "Cancelling" not in message:
        yield Death(Kind.TAINTED, named.node, pod=named, time=time)
    elif reason == "NodeNotReady":
        yield Death(Kind.NODE_NOT_READY, named.node, time=time)
    elif reason == "Killing":
        probed = failed_probe(message)
        kind = Kind.PROBE if probed else Kind.DELETED
        yield Death(kind, probed, pod=named, time=time)
    elif reason in ("OOMKilling", "OOMKilled"):
        yield Death(Kind.OOM, pod=named, time=time)


def _of_other(
    event: ObjectEvent, pods: set[str], node: str | None, stories: Mapping[str, PodStory]
) -> Iterator[Death]:
    if event.kind == "Node":
        if event.name == node:
            yield from _of_node_event(event, stories)
    elif event.reason == "SuccessfulDelete":
        if any(names_pod(event.message, pod) for pod in pods):
            yield Death(Kind.CONTROLLER, f"{event.kind} {event.name}", time=event.time)
    elif (
        event.kind == "Job"
        and (kind := _OF_JOB.get(event.reason))
        and any(pod.rpartition("-")[0] == event.name for pod in pods)
    ):
        yield Death(kind, event.name, time=event.time)


def _of_node_event(event: ObjectEvent, stories: Mapping[str, PodStory]) -> Iterator[Death]:
    if event.reason == "SystemOOM" and "restic" not in event.message:
        return
    if kind := _OF_NODE.get(event.reason):
        pod = next(iter(stories.values()), None)
        yield Death(kind, event.name, pod=pod, time=event.time)


def _evicted(story: PodStory, message: str, time: datetime | None) -> Death:
    found = eviction_of(message)
    kind = Kind.EVICTED if found is None else Kind.SHORTAGE
    return Death(kind, story.node, pod=story, time=time, eviction=found, quote=message)


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    for each in value if isinstance(value, list | tuple) else ():
        if isinstance(each, Mapping):
            yield each


def _later(stamp: object, than: datetime) -> bool:
    """Whether a time of the evidence (RFC 3339, whole seconds) is later."""
    try:
        return isinstance(stamp, str) and datetime.fromisoformat(stamp) > than
    except ValueError:
        return False
