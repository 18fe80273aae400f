"""The state, wherever it is kept, and the record of a removed lock."""

from __future__ import annotations

import base64
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from janitor.judge import judge
from janitor.model import (
    ListedLock,
    LockID,
    Node,
    Observation,
    Policy,
    Repository,
    StoreClock,
)
from janitor.put_back import PutBackError, read_record
from janitor.report.lines import one_line
from janitor.state import (
    MAX_BYTES,
    Listing,
    State,
    decode,
    encode,
    load,
    mark_put_back,
    nodes_for,
    see_nodes,
    stamp,
)
from janitor.state_file import FileShelf
from janitor.survey import see
from tests.forge import name_of
from tests.fuzz import seeds
from tests.fuzz.mutations import TIMES, documents, texts
from tests.fuzz.sentences import check_sentence
from tests.fuzz.target import Target

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SKEW = timedelta(minutes=5)
_NODES = (Node("worker-1", ready=True, addresses=("10.0.0.1",)),)


def check_state(raw: bytes) -> None:
    """A state is refused in a line, or everything that a sweep does with it works."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        path.write_bytes(raw)
        loaded = load(FileShelf(path))
        if loaded.problem is not None:
            assert loaded.state == State()
            check_sentence(loaded.problem)
            return
        text, _ = FileShelf(path).read()
    assert text is not None
    assert decode(text) == loaded.state
    _used(loaded.state)


def _used(state: State) -> None:
    same = decode(encode(state))
    assert same.repositories == state.repositories
    for name, locks in state.repositories.items():
        judged = stamp(state, {name: Listing(tuple(locks))}, now=NOW, max_skew=SKEW)
        for lock in locks:
            seen = see(ListedLock(lock, None, None), StoreClock.NONE, locks[lock])
            verdict = judge(
                seen,
                repository=Repository(name),
                observation=Observation(taken=NOW, doubt="nobody asked"),
                nodes=nodes_for(state, "a"),
                policy=Policy(),
                now=NOW,
            )
            one_line({"lock": lock, "evidence": verdict.evidence, "detail": verdict.detail})
        kept = {lock for lock, entry in locks.items() if entry.put_back}
        after = judged.repositories.get(name, {})
        assert {lock for lock, entry in after.items() if entry.put_back} == kept
    for cluster in ("a", "b", None):
        state = see_nodes(state, _NODES, cluster=cluster, now=NOW)
    state = mark_put_back(state, "shop-db", LockID(seeds.IDS[2]), now=NOW)
    text = encode(state)
    assert decode(text).repositories["shop-db"][LockID(seeds.IDS[2])].put_back
    assert len(text) < MAX_BYTES


def check_record(text: str) -> None:
    """A record is the bytes that it names, or it is refused in a line."""
    try:
        record = read_record(text)
    except PutBackError as error:
        check_sentence(error)
        return
    assert record.stored


_STORED = seeds.sealed(b"{}")
_LINE = {
    "event": "lock",
    "repository": "shop-db",
    "lock": name_of(_STORED),
    "record": base64.b64encode(_STORED).decode(),
}
_LINES = documents([_LINE], [_LINE["record"], _LINE["lock"]])
_RECORDS = st.one_of(
    _LINES.map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    texts([_LINE["record"]], ["=", "==", "-", "_", "\n", " ", "{", "é"]),
)

TARGETS = (
    Target("state", documents([seeds.STATE], [*seeds.IDS, *TIMES]), check_state),
    Target("record", _RECORDS, check_record, examples=100),
)
