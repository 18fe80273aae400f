"""What the janitor remembers protects locks; losing it, or mixing it up, must not cost one."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from janitor.model import HolderPattern, Node, Policy, StateUnavailable, StoreClock
from janitor.put_back import PutBackError, Record, put_back
from janitor.state import decode, encode, mark_put_back, see_nodes
from janitor.sweep import Mode
from janitor.world import World
from tests.sweep.doubles import LONG_AGO, NOW, DiaryStore, MemoryShelf, Scene, Serial, observed

MINUTE = timedelta(minutes=1)


def with_server_clock(store: DiaryStore) -> None:
    """As S3: the store itself says how old a lock is, so no memory is needed for that."""
    store.clock_of_store = StoreClock.SERVER


def take_out(scene: Scene) -> tuple[Path, bytes]:
    """The one lock's file, gone, and what was in it."""
    path = next((scene.base / "shop-db" / "locks").iterdir())
    stored = path.read_bytes()
    path.unlink()
    return path, stored


def world(scene: Scene) -> World:
    return World(
        clock=scene.clock,
        pool=Serial(),
        open_store=scene._open,
        cluster=scene.cluster,
        shelf=scene.shelf,
    )


class BrokenShelf(MemoryShelf):
    """A state that cannot be had."""

    def read(self) -> tuple[str | None, object]:
        raise StateUnavailable("the API server answers 503")


def test_without_its_state_a_sweep_removes_nothing(scene: Scene) -> None:
    """Else a lock that somebody put back goes as soon as the API server hiccups."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.prepared["shop-db"] = with_server_clock
    scene.remember()
    assert scene.shelf is not None
    assert scene.shelf.text is not None
    scene.shelf.text = encode(mark_put_back(decode(scene.shelf.text), "shop-db", lock, now=NOW))
    told, _ = scene.sweep()
    assert told.verdicts == ["put-back"]
    scene.shelf = BrokenShelf()
    told, result = scene.sweep()
    assert shop.locks() == [lock]
    assert result.report.exit_code == 1
    assert "503" in told.said


def test_a_corrupt_state_does_not_make_a_node_that_reboots_gone(scene: Scene) -> None:
    """Else a backup on a host that has just left loses its lock."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO, hostname="worker-3")
    scene.prepared["shop-db"] = with_server_clock
    scene.remember()
    assert scene.shelf is not None
    assert scene.shelf.text is not None
    state = decode(scene.shelf.text)
    state = see_nodes(state, (Node("worker-3", ready=True),), cluster="a", now=NOW - 7 * MINUTE)
    scene.shelf.text = encode(see_nodes(state, (), cluster="a", now=NOW - 5 * MINUTE))
    pattern = (HolderPattern("worker-*"),)
    told, _ = scene.sweep(holders=pattern)
    assert told.verdicts == ["node-exists"]
    scene.shelf.text = "{"
    scene.sweep(holders=pattern)
    assert len(shop.locks()) == 1


def test_the_nodes_of_another_cluster_are_not_gone_from_this_one(scene: Scene) -> None:
    """Else one look by the wrong context makes that cluster's hosts ours, and then gone."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO, hostname="host-of-b")
    scene.remember()
    here = replace(observed(), nodes=(Node("host-of-a", ready=True),), cluster="a")
    there = replace(observed(), nodes=(Node("host-of-b", ready=True),), cluster="b")
    for look, mode in ((here, Mode.SWEEP), (there, Mode.DRY_RUN), (here, Mode.SWEEP)):
        scene.cluster.looks = [look]
        scene.sweep(mode=mode, holders=())
        scene.clock.time += 35 * MINUTE
    told, _ = scene.sweep(holders=())
    assert told.verdicts == ["foreign-host"]
    assert len(shop.locks()) == 1


def test_a_lock_put_back_while_a_sweep_is_under_way_keeps_its_mark(scene: Scene) -> None:
    """Else that sweep, which did not list it yet, forgets the mark, and a later one removes it."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()
    path, stored = take_out(scene)

    def rival() -> None:
        put_back(scene.found("shop-db"), Record(lock, stored), world=world(scene))
        os.utime(path, (scene.clock.time.timestamp(),) * 2)

    assert isinstance(scene.shelf, MemoryShelf)
    scene.shelf.rivals[:] = [lambda: None, rival]
    scene.sweep()
    for minutes in (5, 40):
        scene.clock.time = NOW + minutes * MINUTE
        told, _ = scene.sweep()
    assert told.verdicts == ["put-back"]
    assert shop.locks() == [lock]


def test_a_clock_set_back_during_a_sweep_is_not_remembered(scene: Scene) -> None:
    """Else the next sweep takes every lock as seen for hours."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.cluster.apart_after = 1
    look = scene.cluster.check_clock

    def set_back(max_skew: timedelta) -> str | None:
        said = look(max_skew)
        if scene.diary.count("clock") == 1:
            scene.clock.time -= timedelta(hours=2)
        return said

    scene.cluster.check_clock = set_back  # type: ignore[method-assign]
    scene.sweep()
    scene.cluster.apart_after = None
    scene.clock.time = NOW + 5 * MINUTE
    told, _ = scene.sweep()
    assert told.verdicts == ["awaiting-confirmation"]
    assert len(shop.locks()) == 1


def test_a_lock_too_large_to_be_put_back_is_never_removed(scene: Scene) -> None:
    """Else `unrefreshed` deletes what nobody has a record of."""
    scene.repository()
    raw = os.urandom(2 << 20)
    path = scene.base / "shop-db" / "locks" / hashlib.sha256(raw).hexdigest()
    path.write_bytes(raw)
    os.utime(path, (LONG_AGO.timestamp(),) * 2)
    scene.remember(since=NOW - timedelta(days=30))
    told, _ = scene.sweep(policy=Policy(remove_unrefreshed_after=timedelta(days=1)))
    assert told.verdicts == ["unreadable"]
    assert path.exists()


@pytest.mark.parametrize("mtime", [NOW + timedelta(days=300), NOW - MINUTE])
def test_a_wrong_mtime_does_not_keep_an_unrefreshed_lock_for_ever(
    scene: Scene, mtime: datetime
) -> None:
    """Else the opt-in, the only way out, has no effect where a clock was wrong once."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember(since=NOW - timedelta(days=30))
    path = scene.base / "shop-db" / "locks" / lock
    os.utime(path, (mtime.timestamp(),) * 2)
    told, _ = scene.sweep(policy=Policy(remove_unrefreshed_after=timedelta(days=1)))
    assert told.verdicts[0] in ("unrefreshed", "recently-written")
    assert told.verdicts == ["unrefreshed"]


def test_a_fault_of_the_second_look_does_not_lose_what_was_removed(scene: Scene) -> None:
    """Else a removal is in no report, and its record nowhere."""
    shop = scene.repository()
    for pid in (1, 2):
        shop.lock(time=LONG_AGO, pid=pid)
    scene.remember()
    look = scene.cluster.observe

    def fails_later(*, namespaces: frozenset[str] | None, nodes: bool) -> object:
        if scene.cluster.asked:
            raise RuntimeError
        return look(namespaces=namespaces, nodes=nodes)

    scene.cluster.observe = fails_later  # type: ignore[assignment, method-assign]

    def wait(store: DiaryStore) -> None:
        def later(_: object) -> None:
            scene.clock.time += MINUTE

        store.after_delete = later

    scene.prepared["shop-db"] = wait
    told, result = scene.sweep()
    assert sorted(lock.removed for lock in told.locks) == [False, True]
    assert (result.report.removed, result.report.exit_code) == (1, 1)


def test_a_failed_second_mark_says_that_the_lock_is_there(scene: Scene) -> None:
    """Else the user puts it back again, or believes that nothing happened."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    _, stored = take_out(scene)

    class Once(MemoryShelf):
        def write(self, text: str, version: object) -> None:
            if self.version:
                raise StateUnavailable("503")
            super().write(text, version)

    scene.shelf = Once()
    with pytest.raises(PutBackError, match="the lock is back, but its mark may be lost"):
        put_back(scene.found("shop-db"), Record(lock, stored), world=world(scene))
    assert shop.locks() == [lock]
