"""How a holder ended, in one word and one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from janitor.circumstances import ContainerStory, PodStory
from janitor.wording import Eviction, Shortage

_LONGEST_QUOTE = 300
_SIGKILL = 137
_ASKED = {130: "SIGINT or SIGTERM, which restic turns into it", 143: "SIGTERM"}
"""Exit codes of a process that was asked to end."""
_OFTEN = 2


class Kind(Enum):
    """What ended it. The rank says what tells more: the smaller, the more it explains."""

    SHORTAGE = 0
    OOM = 1
    PROBE = 2
    JOB_DEADLINE = 3
    POD_DEADLINE = 4
    PREEMPTED = 5
    DRAINED = 6
    NODE_REBOOTED = 7
    NODE_SHUTDOWN = 8
    TAINTED = 9
    NODE_GONE = 10
    NODE_OOM = 11
    EVICTED = 12
    CONTROLLER = 13
    NODE_NOT_READY = 14
    CORDONED = 15
    DELETED = 16
    KILLED = 17
    ENDED = 18
    BACKOFF = 19
    COMPLETED = 20

    @property
    def rank(self) -> int:
        """The smaller, the more it explains."""
        return self.value

    @property
    def by_signal(self) -> bool:
        """Whether restic was asked to end, by SIGTERM, before it was killed."""
        return self in _BY_SIGNAL


_BY_SIGNAL = frozenset(
    {
        Kind.SHORTAGE,
        Kind.PROBE,
        Kind.JOB_DEADLINE,
        Kind.POD_DEADLINE,
        Kind.PREEMPTED,
        Kind.DRAINED,
        Kind.NODE_SHUTDOWN,
        Kind.TAINTED,
        Kind.EVICTED,
        Kind.CONTROLLER,
        Kind.CORDONED,
        Kind.DELETED,
    }
)


@dataclass(frozen=True, slots=True)
class Death:
    """One way in which the holder may have ended, with what shows it."""

    kind: Kind
    name: str = ""
    """Of the container, the Node, the Job or the preemptor, by the kind; empty: not told."""
    pod: PodStory | None = None
    container: ContainerStory | None = None
    time: datetime | None = None
    eviction: Eviction | None = None
    quote: str = ""
    """The API server's own words, where they are not understood."""

    def sentence(self) -> str:
        """For people, with the time where one is known."""
        when = f" (at {self.time:%Y-%m-%d %H:%M:%SZ})" if self.time else ""
        return f"{_SENTENCES[self.kind](self)}{when}."

    @property
    def who(self) -> str:
        """The pod, as a subject."""
        return f"Pod {self.pod.namespace}/{self.pod.name}" if self.pod else "Its pod"

    @property
    def node(self) -> str:
        """The Node, as an object."""
        return f"the Node {self.name}" if self.name else "its Node"


def _shortage(death: Death) -> str:
    found = death.eviction
    assert found is not None  # noqa: S101 - of this kind it is always there
    who = f"{death.who} was evicted"
    match found.shortage:
        case Shortage.EMPTY_DIR:
            return f"{who}: its emptyDir {found.name!r} passed the sizeLimit of {found.limit}"
        case Shortage.CONTAINER_STORAGE:
            limit = f"the ephemeral-storage limit of {found.limit}"
            return f"{who}: container {found.name!r} passed {limit}"
        case Shortage.POD_STORAGE:
            return f"{who}: its containers passed their ephemeral-storage limit of {found.limit}"
    return f"{who}, since {death.node} ran low on {found.shortage.value}"


def _oom(death: Death) -> str:
    container = death.container
    if container is None:
        return f"{death.who} was OOM-killed"
    limit = f" at its memory limit of {container.memory_limit}" if container.memory_limit else ""
    if container.memory_limit is None:
        limit = " without a memory limit of its own: its pod's or its Node's memory was used up"
    often = f", {container.restarts} restarts so far" if container.restarts >= _OFTEN else ""
    return f"Container {container.name!r} of pod {_short(death)} was OOM-killed{limit}{often}"


def _short(death: Death) -> str:
    return f"{death.pod.namespace}/{death.pod.name}" if death.pod else "that is gone"


def _ended(death: Death) -> str:
    container = death.container
    assert container is not None  # noqa: S101 - of this kind it is always there
    who = f"Container {container.name!r} of pod {_short(death)}"
    if container.exit_code == _SIGKILL:
        return f"{who} was killed (SIGKILL, exit code 137)"
    if signal := _ASKED.get(container.exit_code or 0):
        return f"{who} was asked to end (exit code {container.exit_code}: {signal})"
    return f"{who} ended by itself with exit code {container.exit_code}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _quoted(death: Death) -> str:
    return f"{death.who} was evicted{_words(death)}"


def _killed(death: Death) -> str:
    return f"The kubelet ended a container of pod {_short(death)}{_words(death)}"


def _words(death: Death) -> str:
    words = " ".join(death.quote.split())[:_LONGEST_QUOTE].rstrip(".")
    return f": “{words}”" if words else ""


_SENTENCES: Mapping[Kind, Callable[[Death], str]] = {
    Kind.SHORTAGE: _shortage,
    Kind.OOM: _oom,
    Kind.PROBE: lambda d: (
        f"Container {d.name!r} of pod {_short(d)} was restarted: it failed its {d.quote} probe"
    ),
    Kind.JOB_DEADLINE: lambda d: f"Job {d.name} passed its activeDeadlineSeconds",
    Kind.POD_DEADLINE: lambda d: f"{d.who} passed its activeDeadlineSeconds",
    Kind.PREEMPTED: lambda d: f"{d.who} was preempted{f' by {d.name}' if d.name else ''}",
    Kind.DRAINED: lambda d: f"{d.who} was evicted by the Eviction API, as a drain does",
    Kind.NODE_REBOOTED: lambda d: f"{_capital(d.node)} was rebooted",
    Kind.NODE_SHUTDOWN: lambda d: f"{d.who} was ended, since {d.node} shut down or was lost",
    Kind.TAINTED: lambda d: (
        f"{d.who} was deleted for a NoExecute taint of {d.node} (one that is not ready or "
        "unreachable has one)"
    ),
    Kind.NODE_GONE: lambda d: f"{_capital(d.node)}, on which it ran, is gone from the cluster",
    Kind.NODE_OOM: lambda d: f"On {d.node} a process called restic was killed for lack of memory",
    Kind.EVICTED: _quoted,
    Kind.CONTROLLER: lambda d: f"{d.name} deleted its pod (scaled down, replaced or ended)",
    Kind.NODE_NOT_READY: lambda d: (
        f"{_capital(d.node)}, on which it ran, {'became' if d.time else 'is'} not ready"
    ),
    Kind.CORDONED: lambda d: (
        f"{d.who} was deleted while {d.node} was cordoned, as a drain does both"
    ),
    Kind.DELETED: lambda d: f"{d.who} was deleted; by whom the API does not tell",
    Kind.KILLED: _killed,
    Kind.ENDED: _ended,
    Kind.BACKOFF: lambda d: f"Job {d.name} reached its backoffLimit",
    Kind.COMPLETED: lambda d: f"Container {d.name!r} of pod {_short(d)} ended with exit code 0",
}
