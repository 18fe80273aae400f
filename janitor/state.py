"""What the janitor remembers from sweep to sweep: when it saw a lock first, and which Nodes.

One JSON document (docs/output.md, "State"). Pure: the document and its changes; where it is kept
is a `Shelf`'s business. A state that is there and cannot be read keeps every lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from janitor.model import KnownNode, LockID, Node, StateConflict, StateUnavailable

VERSION = 1
MAX_BYTES = 900_000
"""A ConfigMap holds 1 MiB in all."""
_FORGET_NODE_AFTER = timedelta(days=30)
_ATTEMPTS = 20
"""Eight janitors at once that all win before this one are still no failure."""
_PUT_BACK_LATELY = timedelta(hours=1)
_MEND = "it is left as it is; nothing is removed until it is mended, or deleted to start anew"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered of one lock."""

    first_seen: datetime
    put_back: bool = False


Locks = Mapping[LockID, Remembered]


@dataclass(frozen=True, slots=True)
class State:
    """The document: locks by repository, and Nodes, both by name."""

    repositories: Mapping[str, Locks] = field(default_factory=dict)
    nodes: Mapping[str, KnownNode] = field(default_factory=dict)
    cluster: str | None = None
    """Whose Nodes these are (`Observation.cluster`); None: there are none yet."""

    def put_back(self) -> frozenset[LockID]:
        """The locks that were put back by hand, under whatever name their repository had then.

        A discovered one's name may change with the objects around it; an ID is the SHA-256 of a
        lock, so that no other lock has it.
        """
        return frozenset(
            lock
            for locks in self.repositories.values()
            for lock, remembered in locks.items()
            if remembered.put_back
        )


Change = Callable[[State], State]


# --- changes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """The locks that one successful listing of a repository showed."""

    locks: tuple[LockID, ...]
    whole: bool = True
    """False where more are there than were taken: then nothing is known to have gone."""


def stamp(
    state: State, listings: Mapping[str, Listing], *, now: datetime, max_skew: timedelta
) -> State:
    """The state after these repositories, by name, were listed successfully.

    Every lock has a first-seen time, young ones included; an entry whose lock is no longer listed
    goes. `now` is the real clock, also when judging by a file.
    """
    repositories = dict(state.repositories)
    for name, listing in listings.items():
        known = repositories.pop(name, {})
        entries = {
            lock: entry
            for lock, entry in known.items()
            # One marked after this listing began is not there yet: it must not lose its mark.
            if not listing.whole or (entry.put_back and now - entry.first_seen < _PUT_BACK_LATELY)
        }
        for lock in listing.locks:
            entries[lock] = _remember(known.get(lock), now=now, max_skew=max_skew)
        if entries:
            repositories[name] = entries
    return replace(state, repositories=repositories)


def _remember(entry: Remembered | None, *, now: datetime, max_skew: timedelta) -> Remembered:
    """A first-seen time later than now + max_skew came from a wrong clock: it is stamped anew."""
    if entry is None:
        return Remembered(first_seen=now.replace(microsecond=0))
    if entry.first_seen > now + max_skew:
        return replace(entry, first_seen=now.replace(microsecond=0))
    return entry


def mark_put_back(state: State, repository: str, lock: LockID, *, now: datetime) -> State:
    """The state in which this lock was put back by hand: it is kept until it goes by itself."""
    locks = dict(state.repositories.get(repository, {}))
    locks[lock] = Remembered(now.replace(microsecond=0), put_back=True)
    return replace(state, repositories={**state.repositories, repository: locks})


def see_nodes(
    state: State, nodes: tuple[Node, ...], *, cluster: str | None, now: datetime
) -> State:
    """The state after a complete list of Nodes: who is there, who is absent, and since when.

    The memory belongs to the first cluster that was seen: another's Nodes would look gone. It
    passes to another only when nothing in it is younger than 30 days.
    """
    if cluster is None:
        return state
    if state.cluster not in (None, cluster):
        young = {
            name: memory
            for name, memory in state.nodes.items()
            if now - memory.last_seen < _FORGET_NODE_AFTER
        }
        if young:
            return replace(state, nodes=young)
        state = replace(state, nodes={})
    moment = now.replace(microsecond=0)
    known: dict[str, KnownNode] = {}
    for name, memory in state.nodes.items():
        if memory.last_seen >= moment:  # this list is older than what is known
            known[name] = memory
            continue
        absent_since = min(memory.absent_since or moment, moment)
        if moment - absent_since < _FORGET_NODE_AFTER:
            known[name] = replace(memory, absent_since=absent_since)
    for node in nodes:
        before = state.nodes[node.name].names if node.name in state.nodes else ()
        known[node.name] = KnownNode(tuple(dict.fromkeys((*node.names, *before)))[:16], moment)
    return replace(state, nodes=known, cluster=cluster)


def nodes_for(state: State, cluster: str | None) -> dict[str, KnownNode]:
    """What is known of Nodes, for judging by an observation of this cluster.

    Another cluster's, or those of nobody knows which, only ever keep a lock.
    """
    ours = cluster is not None and cluster == state.cluster
    return {name: replace(memory, vouched=ours) for name, memory in state.nodes.items()}


# --- the document ----------------------------------------------------------------------------


class _LockEntry(msgspec.Struct, omit_defaults=True):
    first_seen: datetime
    put_back: bool = False


class _NodeEntry(msgspec.Struct):
    names: list[str]
    last_seen: datetime
    absent_since: datetime | None = None


class _Document(msgspec.Struct):
    version: int
    repositories: dict[str, dict[str, _LockEntry]] = {}
    nodes: dict[str, _NodeEntry] = {}
    cluster: str | None = None


class _Version(msgspec.Struct):
    version: int


_decode_document = msgspec.json.Decoder(_Document).decode
_decode_version = msgspec.json.Decoder(_Version).decode


def decode(text: str) -> State:
    """The state that a document holds.

    Raises:
        ValueError: it is not such a document, or of a newer version; one sentence.
    """
    try:
        version = _decode_version(text).version
        if version > VERSION:
            raise ValueError(
                f"the state is of version {version}, and this janitor writes version {VERSION}: "
                "it is left as it is; use the newer janitor, or remove the state to start anew"
            )
        document = _decode_document(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(f"the state is no JSON of version {VERSION} ({error}): {_MEND}") from None
    return _from_document(document)


def _from_document(document: _Document) -> State:
    times = [
        entry.first_seen for locks in document.repositories.values() for entry in locks.values()
    ]
    for node in document.nodes.values():
        times += [node.last_seen, *([node.absent_since] if node.absent_since else [])]
    if any(time.tzinfo is None for time in times):
        raise ValueError(f"the state has a time without a zone: {_MEND}")
    return State(
        repositories={
            name: {
                LockID(lock): Remembered(entry.first_seen, entry.put_back)
                for lock, entry in locks.items()
            }
            for name, locks in document.repositories.items()
        },
        nodes={
            name: KnownNode(tuple(entry.names), entry.last_seen, entry.absent_since)
            for name, entry in document.nodes.items()
        },
        cluster=document.cluster,
    )


def encode(state: State) -> str:
    """The document of a state, at most MAX_BYTES: beyond that the newest first-seen go first.

    A lock that was put back stays, whatever the size; Nodes go before them, longest absent first.
    """
    text = _encode_whole(state)
    if len(text) <= MAX_BYTES:
        return text.decode()
    kept = sorted(
        (
            (not entry.put_back, entry.first_seen, name, lock)
            for name, locks in state.repositories.items()
            for lock, entry in locks.items()
        ),
    )
    low, high = 0, len(kept)
    while low < high:  # the largest number of entries that still fits
        middle = (low + high + 1) // 2
        if len(_encode_whole(_only(state, kept[:middle]))) <= MAX_BYTES:
            low = middle
        else:
            high = middle - 1
    put_back = sum(not forgettable for forgettable, *_ in kept)
    if low < put_back:
        return _encode_whole(replace(_only(state, kept[:put_back]), nodes={})).decode()
    return _encode_whole(_only(state, kept[:low])).decode()


def _only(state: State, kept: list[tuple[bool, datetime, str, LockID]]) -> State:
    repositories: dict[str, dict[LockID, Remembered]] = {}
    for _, _, name, lock in kept:
        repositories.setdefault(name, {})[lock] = state.repositories[name][lock]
    return replace(state, repositories=repositories)


def _encode_whole(state: State) -> bytes:
    return msgspec.json.encode(
        _Document(
            VERSION,
            {
                name: {
                    lock: _LockEntry(entry.first_seen, entry.put_back)
                    for lock, entry in locks.items()
                }
                for name, locks in state.repositories.items()
            },
            {
                name: _NodeEntry(list(node.names), node.last_seen, node.absent_since)
                for name, node in state.nodes.items()
            },
            state.cluster,
        )
    )


# --- keeping it ------------------------------------------------------------------------------


class Shelf(Protocol):
    """Where the document is kept. Both methods may raise StateUnavailable."""

    def read(self) -> tuple[str | None, object]:
        """The document (None: there is none yet), and its version for `write`."""

    def write(self, text: str, version: object) -> None:
        """Replaces the document of that version; StateConflict where it is another by now."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The state as it was found, and what is wrong with it, in one sentence."""

    state: State
    problem: str | None = None


def load(shelf: Shelf | None) -> Loaded:
    """Reads the state; never raises. With a `problem` nothing may be removed: what cannot be read
    may mark a lock that was put back, or a Node that has only just gone.
    """
    if shelf is None:
        return Loaded(State())
    try:
        text, _ = shelf.read()
        return Loaded(State() if text is None else decode(text))
    except (StateUnavailable, ValueError) as error:
        return Loaded(State(), str(error))


def save(shelf: Shelf | None, change: Change) -> str | None:
    """Applies a change to the state that is on the shelf now, and writes it.

    Two janitors at once are harmless: whoever comes second applies its change to what the first
    wrote. A document that cannot be read is left as it is, since it may hold marks.

    Returns:
        None, or one sentence that says why nothing was kept.
    """
    if shelf is None:
        return None
    try:
        for attempt in range(_ATTEMPTS):
            text, version = shelf.read()
            before = State() if text is None else decode(text)
            after = encode(change(before))
            if attempt > 0 and after == text:
                return None  # written already, though the answer was lost: or by a rival, alike
            try:
                shelf.write(after, version)
            except StateConflict:
                continue
            return None
    except (StateUnavailable, ValueError) as error:
        return str(error)
    return f"the state was changed by others {_ATTEMPTS} times in a row: nothing was kept this time"
