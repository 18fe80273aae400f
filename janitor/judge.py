"""When is a lock stale? The rule of docs/safety.md, and nothing else.

`judge` is a pure function of (lock, repository, cluster, state, policy, now). Its steps stand in
the order of the table of verdicts: the first that has something to say decides. Every step before
the last keeps the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from janitor.holder import Bounds, Candidate, Claim, candidates, claim, unobserved
from janitor.hostname import directory_of, existing_node, known_node, remembered_node
from janitor.model import (
    Judgement,
    KnownNode,
    Lock,
    Observation,
    Policy,
    Repository,
    SeenLock,
    StoreClock,
    Unreadable,
    Verdict,
)

_REPLACEABLE = frozenset(
    {
        Verdict.FOREIGN_HOST,
        Verdict.NODE_EXISTS,
        Verdict.HOLDER_ALIVE,
        Verdict.UNREADABLE,
        Verdict.IN_THE_FUTURE,
        Verdict.RECENTLY_WRITTEN,
    }
)
"""The verdicts that the opt-in `remove_unrefreshed_after` may replace."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One lock, and everything that its judgement may depend on."""

    lock: SeenLock
    repository: Repository
    observation: Observation
    nodes: Mapping[str, KnownNode]
    policy: Policy
    now: datetime

    @property
    def min_age(self) -> timedelta:
        return self.policy.min_age_of(self.repository)

    @property
    def max_skew(self) -> timedelta:
        return self.policy.max_skew

    @property
    def listed_nodes(self) -> Mapping[str, KnownNode]:
        """What is known of Nodes, where they were listed just now: else one that the state calls
        absent may have come back unseen.
        """
        if self.observation.nodes is None:
            return {}
        return {name: known for name, known in self.nodes.items() if known.vouched}


_Answer = tuple[Verdict, str]


def judge(
    lock: SeenLock,
    *,
    repository: Repository,
    observation: Observation,
    nodes: Mapping[str, KnownNode],
    policy: Policy,
    now: datetime,
) -> Judgement:
    """Decides about one lock.

    Args:
        lock: its content and everything known of its times.
        repository: whose holders are asked for, and its own ages.
        observation: the cluster, looked at after the lock was read.
        nodes: what the state knows of Nodes, by name, this observation included.
        policy: min_age, max_skew and the opt-in.
        now: the one time by which all ages are meant.

    Returns:
        The verdict, a sentence for a person, and the evidence as plain JSON values.
    """
    question = _Question(lock, repository, observation, nodes, policy, now)
    evidence = _clock_evidence(question)
    answer = _by_clocks(question)
    if answer is None and observation.doubt is not None:
        answer = Verdict.CLUSTER_UNKNOWN, observation.doubt
    if answer is None:
        assert isinstance(lock.content, Lock)  # noqa: S101 - _by_clocks answers for the others
        findings = _find(question, lock.content)
        answer = _by_cluster(question, findings)
        evidence |= _cluster_evidence(question, findings)
    verdict, detail = _unrefreshed(question, answer[0]) or answer
    return Judgement(verdict, _sentence(detail), evidence)


# --- the clocks ------------------------------------------------------------------------------


def _by_clocks(question: _Question) -> _Answer | None:
    """The verdicts that need no cluster; None where every clock says old and unchanged."""
    content = question.lock.content
    if isinstance(content, Unreadable):
        return Verdict.UNREADABLE, content.reason
    if question.lock.put_back:
        return Verdict.PUT_BACK, "it was put back by hand and is kept until it goes by itself"
    if content is None:
        return Verdict.TOO_YOUNG, "every time at hand is younger than min_age; it was not opened"
    return (
        _in_the_future(question, content)
        or _too_young(question, content)
        or _recently_written(question, content)
        or _awaiting_confirmation(question)
    )


def _in_the_future(question: _Question, content: Lock) -> _Answer | None:
    ahead = content.time - question.now
    if ahead <= question.max_skew:
        return None
    return (
        Verdict.IN_THE_FUTURE,
        f"its time is {_span(ahead)} ahead of now: the holder's clock runs fast",
    )


def _too_young(question: _Question, content: Lock) -> _Answer | None:
    age = question.now - content.time
    if age >= question.min_age:
        return None
    return Verdict.TOO_YOUNG, f"it is {_span(age)} old; min_age is {_span(question.min_age)}"


def _recently_written(question: _Question, content: Lock) -> _Answer | None:
    modified = question.lock.modified
    if modified is None or question.now - modified >= question.min_age:
        return None
    return (
        Verdict.RECENTLY_WRITTEN,
        f"the store's time says written {_span(question.now - modified)} ago, the lock itself "
        f"{_span(question.now - content.time)} ago: the clocks differ by "
        f"{_span(abs(modified - content.time))}, or a restic of 0.9.6 or older refreshes it",
    )


def _awaiting_confirmation(question: _Question) -> _Answer | None:
    """A clock that is not the holder's must know this very ID for min_age: the store's own, or
    the janitor's.
    """
    known_for = unchanged(question.lock, question.now)
    if known_for is not None and known_for >= question.min_age:
        return None
    if known_for is None:
        said = "no clock but the holder's says how old it is, and no state remembers it"
    else:
        said = f"seen unchanged for only {_span(known_for)}"
    return (
        Verdict.AWAITING_CONFIRMATION,
        f"{said}; it is judged once the same lock has been seen for {_span(question.min_age)}",
    )


def unchanged(lock: SeenLock, now: datetime) -> timedelta | None:
    """How long this ID is known to exist by a clock that is not the holder's; None: unknown."""
    known = [lock.first_seen]
    if lock.clock is StoreClock.SERVER:
        known.append(lock.modified)
    return max((now - time for time in known if time is not None), default=None)


# --- the cluster -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the cluster says about the holder of one lock."""

    content: Lock
    candidates: tuple[Candidate, ...]
    claim: Claim | None


def _find(question: _Question, content: Lock) -> _Findings:
    repository, observation = question.repository, question.observation
    bounds = Bounds(question.min_age, question.max_skew, question.lock.first_seen)
    return _Findings(
        content,
        candidates(content, repository, observation, bounds),
        claim(content, repository, observation, question.listed_nodes),
    )


def _by_cluster(question: _Question, findings: _Findings) -> _Answer:
    """The verdicts about the holder; the last of them removes."""
    return (
        _node_exists(question, findings.content)
        or _holder_alive(findings)
        or _not_observed(question)
        or _foreign_host(question, findings)
        or _stale(question, findings)
    )


def _node_exists(question: _Question, content: Lock) -> _Answer | None:
    """Pods of the hostNetwork and processes on the host lock under the Node's name."""
    hostname = _quoted(content.hostname)
    node = existing_node(content.hostname, directory_of(question.observation))
    if node is not None:
        return (
            Verdict.NODE_EXISTS,
            f"{hostname} is the Node {_quoted(node)}, which exists: a hostNetwork pod or a process "
            "on the host may hold it",
        )
    lately = {
        name: known
        for name, known in question.nodes.items()
        if known.absent_since is None or question.now - known.absent_since < question.min_age
    }
    node = remembered_node(content.hostname, lately)
    if node is not None:
        return (
            Verdict.NODE_EXISTS,
            f"{hostname} is the Node {_quoted(node)}, which has not been absent from the cluster "
            f"for {_span(question.min_age)} yet",
        )
    outlived = {
        name: known
        for name, known in question.nodes.items()
        if known.absent_since is not None and content.time > known.absent_since + question.max_skew
    }
    node = remembered_node(content.hostname, outlived)
    if node is None:
        return None
    return (
        Verdict.NODE_EXISTS,
        f"{hostname} was the Node {_quoted(node)} and wrote the lock after it had left: the host "
        "lives on outside the cluster",
    )


def _holder_alive(findings: _Findings) -> _Answer | None:
    alive = [candidate for candidate in findings.candidates if candidate.may_hold]
    if not alive:
        return None
    candidate = alive[0]
    answer = next((answer for answer in candidate.answers if answer.may_hold), None)
    if answer is None:
        said = "has no containers that could be asked"
    else:
        said = f"may hold it: container {_quoted(answer.container.name)} is {answer.why}"
    more = f" (and {len(alive) - 1} more pods may)" if len(alive) > 1 else ""
    return Verdict.HOLDER_ALIVE, f"pod {_pod_name(candidate)} {said}{more}"


def _not_observed(question: _Question) -> _Answer | None:
    missing = unobserved(question.repository, question.observation)
    if missing:
        sentence = question.observation.denied.get(missing[0], "it was not listed")
        return Verdict.NOT_OBSERVED, f"namespace {_quoted(missing[0])} is out of sight: {sentence}"
    if question.policy.observe_nodes and question.observation.nodes is None:
        sentence = question.observation.nodes_denied or "they were not listed"
        return Verdict.NOT_OBSERVED, f"Nodes are out of sight: {sentence}"
    return None


def _foreign_host(question: _Question, findings: _Findings) -> _Answer | None:
    if findings.claim is not None:
        return None
    hostname = findings.content.hostname
    if not hostname:
        return Verdict.FOREIGN_HOST, "it names no host, so nobody can vouch for its holder"
    hint = (
        "the repository is shared, so a name alone is no evidence"
        if question.repository.shared
        else "`holders` of the configuration would make it ours"
    )
    return (
        Verdict.FOREIGN_HOST,
        f"nothing shows that {_quoted(hostname)} is a host of this cluster; {hint}",
    )


def _stale(question: _Question, findings: _Findings) -> _Answer:
    """Everything holds: the holder is gone. The word names the strongest evidence."""
    hostname = _quoted(findings.content.hostname)
    found = findings.candidates
    replaced = next((candidate for candidate in found if candidate.runs_on), None)
    if replaced is not None:
        return (
            Verdict.HOLDER_REPLACED,
            f"pod {_pod_name(replaced)} carries {hostname}, but what runs in it began after the "
            "lock was written, or what wrote it has ended",
        )
    if found:
        phase = found[0].pod.reason or found[0].pod.phase
        return (
            Verdict.HOLDER_TERMINATED,
            f"pod {_pod_name(found[0])} ({_bare(phase)}) has ended: nothing in it holds a lock",
        )
    node = known_node(findings.content.hostname, question.listed_nodes)
    absent_since = question.nodes[node].absent_since if node is not None else None
    if node is not None and absent_since is not None:
        return (
            Verdict.NODE_GONE,
            f"{hostname} was the Node {_quoted(node)}, absent for "
            f"{_span(question.now - absent_since)}, and no pod has the name",
        )
    return (
        Verdict.HOLDER_ABSENT,
        f"no pod has the name {hostname}, and it is ours, by {findings.claim}",
    )


# --- the opt-in ------------------------------------------------------------------------------


def _unrefreshed(question: _Question, verdict: Verdict) -> _Answer | None:
    """The only way out for hosts that no cluster can vouch for: the same ID, seen for so long."""
    after = question.policy.unrefreshed_after_of(question.repository)
    first_seen = question.lock.first_seen
    if after is None or first_seen is None or verdict not in _REPLACEABLE:
        return None
    if question.lock.put_back or question.lock.stored is None:  # it could not be put back
        return None
    if question.observation.doubt is not None:
        return None
    if _not_observed(question) is not None or question.now - first_seen < after:
        return None
    return (
        Verdict.UNREFRESHED,
        f"would be {verdict}, but the same lock has been seen unrefreshed for "
        f"{_span(question.now - first_seen)} (remove_unrefreshed_after is {_span(after)}); a "
        "process suspended for longer, with restic 0.14 or older, would go on writing without it",
    )


# --- evidence --------------------------------------------------------------------------------


def _clock_evidence(question: _Question) -> dict[str, object]:
    """Every time that was looked at, as plain JSON values."""
    lock, content = question.lock, question.lock.content
    return {
        "clocks": {
            "now": _stamp(question.now),
            "lock_time": _stamp(content.time) if isinstance(content, Lock) else None,
            "store_time": _stamp(lock.modified),
            "store_clock": lock.clock.value,
            "first_seen": _stamp(lock.first_seen),
        },
        "min_age_seconds": int(question.min_age.total_seconds()),
    }


def _cluster_evidence(question: _Question, findings: _Findings) -> dict[str, object]:
    """What the cluster showed of the holder, as plain JSON values."""
    return {
        "observed": _stamp(question.observation.taken),
        "hostname_is_ours": None if findings.claim is None else findings.claim.value,
        "candidates": [_candidate_evidence(candidate) for candidate in findings.candidates],
    }


def _candidate_evidence(candidate: Candidate) -> dict[str, object]:
    pod = candidate.pod
    return {
        "pod": f"{pod.namespace}/{pod.name}",
        "uid": pod.uid,
        "created": _stamp(pod.created),
        "phase": pod.phase,
        "reason": pod.reason,
        "message": pod.message,
        "deleting": pod.deleting,
        "node": pod.node,
        "containers": [
            {
                "name": answer.container.name,
                "state": answer.container.state.value,
                "started": _stamp(answer.container.started),
                "finished": _stamp(answer.container.finished),
                "reason": answer.container.reason,
                "restarts": answer.container.restart_count,
                "may_hold": answer.may_hold,
                "why": answer.why,
            }
            for answer in candidate.answers
        ],
    }


def _pod_name(candidate: Candidate) -> str:
    return f"{candidate.pod.namespace}/{candidate.pod.name}"


def _sentence(clause: str) -> str:
    """The clause as a whole sentence; those of other parts already are."""
    return f"{clause[:1].upper()}{clause[1:].rstrip('.')}." if clause else clause


def _bare(text: str) -> str:
    """A word from outside, in one line whatever it contains."""
    return text if text.isprintable() else ascii(text)


def _quoted(text: str) -> str:
    """A name from outside, in one line whatever it contains."""
    return ascii(text) if not text.isprintable() else f"'{text}'"


def _stamp(time: datetime | None) -> str | None:
    return None if time is None else time.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _span(duration: timedelta) -> str:
    """A duration in its two largest units, as people say it."""
    seconds = int(duration.total_seconds())
    if seconds < 0:
        return f"-{_span(-duration)}"
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
