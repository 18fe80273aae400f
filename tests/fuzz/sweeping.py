"""The very sweep, on a repository, a state and a cluster that were all planted."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from janitor.cluster.observe import ApiCluster
from janitor.explain import explain
from janitor.model import Policy, StoreClock, Verdict
from janitor.report.explanation import explanation
from janitor.report.lines import json_line
from janitor.report.printers import TablePrinter
from janitor.state import decode
from janitor.world import World
from tests.forge import Forged, compress, name_of
from tests.fuzz import seeds
from tests.fuzz.kubernetes import OWN_POD, FakeClient
from tests.fuzz.mutations import TIMES, damaged, documents
from tests.fuzz.target import Target
from tests.sweep.doubles import LONG_AGO, NOW, Collected, DiaryStore, Scene, Serial, scene_in

_UNEXPECTED = "an unexpected fault in the janitor itself"


def check_sweep(value: tuple[list[bytes], bytes | None, bytes, bool]) -> None:
    """A sweep ends with a report that can be printed, and deletes only what it has a record of."""
    locks, state, pods, unrefreshed = value
    with tempfile.TemporaryDirectory() as folder, scene_in(Path(folder)) as scene:
        furnish(scene, locks, state, pods)
        before = _files(Path(folder))
        policy = Policy(remove_unrefreshed_after=Policy().min_age if unrefreshed else None)
        _explained(scene, policy)
        told, result = scene.sweep(policy=policy)
        assert _UNEXPECTED not in told.said, told.said
        assert result.report.exit_code in (0, 1)
        _printed(told)
        gone = {name: raw for name, raw in before.items() if name not in _files(Path(folder))}
        removed = {f"shop-db/locks/{lock.lock}": lock.record for lock in told.locks if lock.removed}
        assert gone == removed
        assert all(lock.judgement.verdict.stale for lock in told.locks if lock.removed)
        if gone:
            assert _readable(state)


def furnish(scene: Scene, locks: list[bytes], state: bytes | None, pods: bytes) -> None:
    seeds.repository_at(scene.base / "shop-db")
    scene.repositories["shop-db"] = Forged(keys=seeds.KEYS, path=scene.base / "shop-db")
    for stored in locks:
        (scene.base / "shop-db" / "locks" / name_of(stored)).write_bytes(stored)
    for path in (scene.base / "shop-db" / "locks").iterdir():
        os.utime(path, (LONG_AGO.timestamp(),) * 2)
    scene.prepared["shop-db"] = _with_its_own_clock
    scene.remember()
    if state is not None:
        assert scene.shelf is not None
        scene.shelf.text = state.decode("utf-8", "replace")
    nodes = json.dumps(seeds.page("NodeList", seeds.NODES)).encode()
    events = json.dumps(seeds.page("EventList", seeds.EVENTS)).encode()
    client: Any = FakeClient(nodes=(nodes,), events=(events,), pods=(pods,), version=(b"{}",))
    scene.cluster = ApiCluster(  # type: ignore[assignment]  # the real one
        client, clock=lambda: NOW, own_pod=OWN_POD
    )


def _with_its_own_clock(store: DiaryStore) -> None:
    """As S3: so no memory is needed to know that a lock is old."""
    store.clock_of_store = StoreClock.SERVER


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _explained(scene: Scene, policy: Policy) -> None:
    world = World(
        clock=scene.clock,
        pool=Serial(),
        open_store=scene._open,
        cluster=scene.cluster,
        shelf=scene.shelf,
    )
    explained = explain(scene.found("shop-db"), world=world, policy=policy)
    for lock in explained.locks:
        page = explanation(lock, explained.repository)
        assert "\x1b" not in page
        page.encode("utf-8", "surrogateescape")


def _printed(told: Collected) -> None:
    """Both outputs can be written; what is not ASCII in a lock stays out of the JSON."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    table = TablePrinter(stream)
    for each in (*told.locks, *told.repositories, *told.sums):
        line = json_line(each)
        assert line.isascii()
        json.loads(line)
    for lock in told.locks:
        table.lock(lock)
    for repository in told.repositories:
        table.repository(repository)
    for total in told.sums:
        table.sweep(total)
    table.finish()
    assert all(lock.judgement.verdict is not Verdict.RELEASED for lock in told.locks)


def _readable(state: bytes | None) -> bool:
    try:
        decode("{}" if state is None else state.decode("utf-8", "replace"))
    except ValueError:
        return state is None
    return True


_LOCKS = documents([seeds.LOCK], [seeds.HOST, "gone-x2x9k", "worker-1", "", *TIMES])
_STORED = st.one_of(
    _LOCKS.map(lambda plain: seeds.sealed(b"\x02" + compress(plain))),
    _LOCKS.map(seeds.sealed),
    _LOCKS.map(seeds.sealed).flatmap(damaged),
)
_DEFAULT = seeds.sealed(b"\x02" + compress(json.dumps(seeds.LOCK).encode()))
_STATE = json.loads(json.dumps(seeds.STATE).replace(seeds.IDS[0], name_of(_DEFAULT)))
_PODS = seeds.page("PodList", [seeds.PODS[0], seeds.PODS[2]])
_WORDS = (*seeds.WORDS, name_of(_DEFAULT), *TIMES)

TARGETS = (
    Target(
        "sweep",
        st.tuples(
            st.lists(_STORED, max_size=2),
            st.none() | documents([_STATE], _WORDS),
            documents([_PODS], _WORDS),
            st.booleans(),
        ),
        check_sweep,
        examples=150,
    ),
)
