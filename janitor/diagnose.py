"""Why did the holder of a stale lock die, and what would keep it from happening again?

Pure. No cause is stated that the evidence does not show: what ended before the lock was written, or
belongs to a pod that came after it, is no evidence; and what has expired is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from janitor.advice import advice_for, prevention
from janitor.circumstances import Circumstances, ContainerStory, ObjectEvent, PodStory
from janitor.death import Death, Kind
from janitor.hostname import directory_of
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
from janitor.names import RANDOM_LENGTH, generated_base, has_random_suffix
from janitor.wording import (
    deleted_pod,
    eviction_of,
    failed_probe,
    node_of_schedule,
    oom_victim,
    preemptor,
    stopped_container,
)

_TOGETHER = timedelta(minutes=10)
"""What happens within it belongs to one death; what comes later, to the next pod of that name."""
_CORDON_TOLD = timedelta(minutes=1)
_BEGINS = frozenset({"Scheduled", "Pulling", "Pulled", "Created", "Started"})
"""Events of a pod that comes up. They may have expired: their lack shows nothing."""
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
    stories = case.stories()
    deaths = case.deaths(stories)
    if not deaths:
        return Diagnosis(case.unknown(stories))
    first = min((death.time for death in deaths if death.time is not None), default=None)
    close = [d for d in deaths if d.time is None or first is None or d.time - first <= _TOGETHER]
    death = min(close, key=lambda each: (each.kind.rank, each.time is None, each.time))
    advice = " ".join(filter(None, (advice_for(death, repository), prevention(death))))
    return Diagnosis(_told(death, len(stories)), advice or None)


def _told(death: Death, pods: int) -> str:
    """The cause; where several pods may have been the holder, that it is one of them."""
    if pods < 2 or death.pod is None:  # noqa: PLR2004 - one
        return death.sentence()
    return f"{death.sentence()} It is one of {pods} pods that may have been the holder."


@dataclass(frozen=True, slots=True)
class _Others:
    """Events about what is no pod, by whom they may have hit."""

    nodes: Mapping[str, list[ObjectEvent]]
    deletions: Mapping[tuple[str, str], list[ObjectEvent]]
    """By namespace and name of the pod that a controller deleted."""
    jobs: Mapping[tuple[str, str], list[ObjectEvent]]
    """By namespace and what the names of the Job's pods begin with."""


_OTHERS: WeakKeyDictionary[Circumstances, _Others] = WeakKeyDictionary()
"""One for each circumstances in use, which never change."""


def _others_of(circumstances: Circumstances) -> _Others:
    others = _OTHERS.get(circumstances)
    if others is None:
        nodes: dict[str, list[ObjectEvent]] = defaultdict(list)
        deletions: dict[tuple[str, str], list[ObjectEvent]] = defaultdict(list)
        jobs: dict[tuple[str, str], list[ObjectEvent]] = defaultdict(list)
        for event in circumstances.events:
            if event.kind == "Node":
                nodes[event.name].append(event)
            elif event.reason == "SuccessfulDelete":
                deletions[event.namespace, deleted_pod(event.message)].append(event)
            elif event.kind == "Job":
                jobs[event.namespace, generated_base(event.name)].append(event)
        others = _OTHERS[circumstances] = _Others(nodes, deletions, jobs)
    return others


@dataclass(frozen=True, slots=True)
class _Case:
    """One lock with everything that may tell of its holder's end."""

    lock: Lock
    judgement: Judgement
    repository: Repository
    observation: Observation
    circumstances: Circumstances
    max_skew: timedelta

    def deaths(self, stories: list[PodStory]) -> list[Death]:
        """Everything that could have ended it, in no order."""
        events = self._events(stories)
        node = self.node(stories, events)
        begun, ended = _begun(events), self._ended(stories)
        found = [
            death
            for death in self._told_by(stories, events, node)
            if death.time is None
            or (
                (begun is None or death.time >= begun)
                and (ended is None or death.time - ended <= self.max_skew)
            )
        ]
        # what a Node is by now is told where nothing else is: it may be so since later
        if not found or self.judgement.verdict is Verdict.NODE_GONE:
            found += self._of_node(node)
        return found

    def _told_by(
        self, stories: list[PodStory], events: list[PodEvent], node: str | None
    ) -> Iterator[Death]:
        for story in stories:
            yield from _of_pod(story, self)
        there = {(story.namespace, story.name): story for story in stories}
        for event in events:
            death = _of_event(event, there.get((event.namespace, event.pod)))
            if death is not None and self.after(event.time):
                yield self._by_a_drain(death, node)
        others = _others_of(self.circumstances)
        for other in others.nodes.get(node, ()) if node else ():
            if self.after(other.time):
                yield from _of_node_event(other, next(iter(stories), None))
        for place in self._places(stories, events):
            yield from self._of_controllers(place, there.get(place), others)

    def _of_controllers(
        self, place: tuple[str, str], story: PodStory | None, others: _Others
    ) -> Iterator[Death]:
        for event in others.deletions.get(place, ()):
            if self.after(event.time):
                yield Death(Kind.CONTROLLER, f"{event.kind} {event.name}", time=event.time)
        for event in others.jobs.get((place[0], _job_base(place[1])), ()):
            kind = _OF_JOB.get(event.reason)
            theirs = story is None or story.owner in ("", f"Job {event.name}")
            if kind is not None and theirs and self.after(event.time):
                yield Death(kind, event.name, time=event.time)

    # --- whose evidence it is -----------------------------------------------------------------

    def stories(self) -> list[PodStory]:
        """The pods that may have been the holder: none that was made after the lock; and of their
        containers those that the judgement asked.
        """
        told = {story.uid: story for story in self.circumstances.pods}
        return [
            self._counted(told.get(str(each.get("uid"))) or _story_of(each), each)
            for each in self._candidates()
            if not self.later(_time(each.get("created")))
        ]

    def _counted(self, story: PodStory, candidate: Mapping[str, object]) -> PodStory:
        asked = {one.get("name") for one in _mappings(candidate.get("containers"))}
        return replace(
            story,
            containers=tuple(each for each in story.containers if not asked or each.name in asked),
        )

    def _events(self, stories: list[PodStory]) -> list[PodEvent]:
        """Those about the holder's pod, of all about pods of its name."""
        events = directory_of(self.observation).events
        names = self._names() | {story.name.lower() for story in stories}
        found = list(dict.fromkeys(event for name in names for event in events.get(name, ())))
        spaces = self._namespaces(stories, found)
        return self._of_one_pod(stories, [each for each in found if each.namespace in spaces])

    def _of_one_pod(self, stories: list[PodStory], events: list[PodEvent]) -> list[PodEvent]:
        """Pods of one name follow each other, each with a UID of its own. What has none (the taint
        manager's) is taken until the next pod came.
        """
        nexts = [each for each in self._candidates() if self.later(_time(each.get("created")))]
        others = {str(each.get("uid")) for each in nexts}
        came = [time for each in nexts if (time := _time(each.get("created"))) is not None]
        begun: dict[str, datetime] = {}
        for event in events:
            if event.uid and event.reason in _BEGINS and event.time is not None:
                begun[event.uid] = min(event.time, begun.get(event.uid, event.time))
        came += filter(self.later, begun.values())
        until = min(came, default=None)
        own = {story.uid for story in stories} or self._own_uids(events, begun, others)
        return [
            event
            for event in events
            if event.uid in own
            or (not event.uid and (until is None or event.time is None or event.time < until))
        ]

    def _own_uids(
        self, events: list[PodEvent], begun: Mapping[str, datetime], others: set[str]
    ) -> set[str]:
        """Of the pods that are gone the one that began last before the lock; where none is known
        to have, the only one that may.
        """
        before = {uid for uid, time in begun.items() if not self.later(time)} - others
        if before:
            return {max(before, key=lambda uid: begun[uid])}
        left = {event.uid for event in events if event.uid and event.uid not in begun} - others
        return left if len(left) == 1 else set()

    def _names(self) -> set[str]:
        """The hostname as Events have it. A domain is dropped only where it is a cluster's own."""
        hostname = self.lock.hostname.lower()
        first, _, domain = hostname.partition(".")
        return {hostname, first} if ".svc." in f".{domain}." else {hostname}

    def _namespaces(self, stories: list[PodStory], events: list[PodEvent]) -> frozenset[str]:
        """Where it was: pods of one name in several namespaces tell nothing of each other."""
        if stories:
            return frozenset(story.namespace for story in stories)
        declared = self.repository.namespaces
        if declared is not None and len(declared) == 1:
            return frozenset(declared)
        told = {event.namespace for event in events}
        if declared is not None:
            told &= set(declared)
        return frozenset(told) if len(told) == 1 else frozenset()

    def _places(
        self, stories: list[PodStory], events: list[PodEvent]
    ) -> frozenset[tuple[str, str]]:
        """Namespace and name of each pod that may have been the holder."""
        if stories:
            return frozenset((story.namespace, story.name) for story in stories)
        if events:
            return frozenset((event.namespace, event.pod) for event in events)
        names = filter(None, self._names())
        return frozenset((space, name) for name in names for space in self._namespaces([], []))

    def _ended(self, stories: list[PodStory]) -> datetime | None:
        """When all that may have held it had ended, so that what came later did not do it."""
        ends = [
            each.finished if self.after(each.finished) else None
            for story in stories
            for each in story.containers
        ]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def _candidates(self) -> Iterator[Mapping[str, object]]:
        return _mappings(self.judgement.evidence.get("candidates"))

    def later(self, time: datetime | None) -> bool:
        """Whether it is later than the lock, as far as clocks agree."""
        return time is not None and time - self.lock.time > self.max_skew

    def after(self, time: datetime | None) -> bool:
        """Whether it happened when the holder had written this lock, as far as clocks agree."""
        return time is not None and time - self.lock.time >= -self.max_skew

    def wrote(self, container: ContainerStory) -> bool:
        """Whether the run that ended so may have written this lock."""
        return self.after(container.finished) and not self.later(container.started)

    # --- Nodes --------------------------------------------------------------------------------

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
        if death.kind is not Kind.DELETED or death.time is None or node is None:
            return death
        told = [
            (each.time, each.reason)
            for each in _others_of(self.circumstances).nodes.get(node, ())
            if each.reason in ("NodeNotSchedulable", "NodeSchedulable")
            and each.time is not None
            and each.time - death.time <= _CORDON_TOLD
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

    def unknown(self, stories: list[PodStory]) -> str:
        """Why nothing can be said."""
        if self.circumstances.missing is not None:
            why = self.circumstances.missing
            return f"Unknown: Events, which would tell, could not be read: {why}"
        if self.judgement.verdict is Verdict.UNREFRESHED:
            return (
                "Unknown: nothing shows which pod or host wrote it; it only was not refreshed for "
                "as long as `remove_unrefreshed_after` says."
            )
        if stories:
            return (
                "Unknown: its pod is still there and says nothing of how the run that wrote the "
                "lock ended."
            )
        return (
            "Unknown: its pod is gone, and no Event that is left tells of its end (Events expire, "
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
    if story.reason != "Evicted":
        yield from _disrupted(story)
    if story.deleted is not None:
        asked = _asked_to_end(story, story.deleted)
        if case.after(asked):
            yield Death(Kind.DELETED, pod=story, time=asked)
    for container in story.containers:
        if case.wrote(container):
            yield from _of_container(container, story)


def _begun(events: Iterable[PodEvent]) -> datetime | None:
    """When the pod came up, by its own Events: what was before did not end it."""
    times = [each.time for each in events if each.reason in _BEGINS and each.time is not None]
    return min(times, default=None)


def _asked_to_end(story: PodStory, deleted: datetime) -> datetime:
    """The API's time of a deletion is when the pod is to be gone: the grace period later."""
    try:
        return deleted - timedelta(seconds=story.grace_seconds or 0)
    except OverflowError:
        return deleted


def _disrupted(story: PodStory) -> Iterator[Death]:
    kind = _OF_DISRUPTION.get(story.disruption)
    if kind is not None:
        who = preemptor(story.disruption_message) if kind is Kind.PREEMPTED else story.node
        yield Death(kind, who, pod=story, time=story.disrupted)


def _of_container(container: ContainerStory, story: PodStory) -> Iterator[Death]:
    lost = ("ContainerStatusUnknown", "Unknown")  # a kubelet or a runtime that came back says so
    if container.reason == "OOMKilled":
        kind = Kind.OOM
    elif container.reason == "Completed" or container.exit_code == 0:
        kind = Kind.COMPLETED
    elif container.reason in lost or container.exit_code is None:
        return
    else:
        kind = Kind.ENDED
    yield Death(kind, container.name, pod=story, container=container, time=container.finished)


def _of_event(event: PodEvent, story: PodStory | None) -> Death | None:
    named = story or PodStory(event.namespace, event.pod)
    reason, message, time = event.reason, event.message, event.time
    if reason == "Evicted":
        return _evicted(named, message, time)
    if reason in ("Preempted", "Preempting"):
        return Death(Kind.PREEMPTED, preemptor(message), pod=named, time=time)
    if reason == "TaintManagerEviction" and "Cancelling" not in message:
        return Death(Kind.TAINTED, named.node, pod=named, time=time)
    if reason == "NodeNotReady":
        return Death(Kind.NODE_NOT_READY, named.node, time=time)
    if reason == "Killing":
        return _of_killing(event, named)
    if reason in ("OOMKilling", "OOMKilled"):
        return Death(Kind.OOM, pod=named, time=time)
    return None


def _of_killing(event: PodEvent, pod: PodStory) -> Death | None:
    """The kubelet kills containers one by one: what it says of one that was not asked tells
    nothing of restic.
    """
    probed, probe = failed_probe(event.message)
    stopped = stopped_container(event.message)
    asked = {container.name for container in pod.containers}
    if asked and (probed or stopped) and (probed or stopped) not in asked:
        return None
    if probed:
        return Death(Kind.PROBE, probed, pod=pod, time=event.time, quote=probe)
    kind = Kind.DELETED if stopped else Kind.KILLED
    return Death(kind, pod=pod, time=event.time, quote=event.message)


def _of_node_event(event: ObjectEvent, story: PodStory | None) -> Iterator[Death]:
    kind = _OF_NODE.get(event.reason)
    if kind is Kind.NODE_OOM and oom_victim(event.message) != "restic":
        return
    if kind is not None:
        yield Death(kind, event.name, pod=story, time=event.time)


def _evicted(story: PodStory, message: str, time: datetime | None) -> Death:
    found = eviction_of(message)
    kind = Kind.EVICTED if found is None else Kind.SHORTAGE
    return Death(kind, story.node, pod=story, time=time, eviction=found, quote=message)


# --- the evidence of the judgement ----------------------------------------------------------------


def _story_of(candidate: Mapping[str, object]) -> PodStory:
    """What the judgement saw of a pod that was not read again."""
    namespace, _, name = str(candidate.get("pod")).partition("/")
    return PodStory(
        namespace,
        name,
        uid=str(candidate.get("uid")),
        reason=_text(candidate.get("reason")) or None,
        message=_text(candidate.get("message")) or None,
        node=_text(candidate.get("node")),
        containers=tuple(
            ContainerStory(
                _text(each.get("name")),
                memory_limit="",
                reason=_text(each.get("reason")) or None,
                started=_time(each.get("started")),
                finished=_time(each.get("finished")),
            )
            for each in _mappings(candidate.get("containers"))
        ),
    )


def _job_base(pod: str) -> str:
    """What a Job's name must be turned to for this to be a pod of its; empty: of no Job."""
    return pod.lower()[:-RANDOM_LENGTH] if has_random_suffix(pod) else ""


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    for each in value if isinstance(value, list | tuple) else ():
        if isinstance(each, Mapping):
            yield each


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(stamp: object) -> datetime | None:
    """A time of the evidence (RFC 3339, whole seconds)."""
    try:
        time = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None
