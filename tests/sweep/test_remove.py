"""A lock is deleted only after a second judgement, one by one, and what is said of it is true."""

from __future__ import annotations

import base64
import gc
import hashlib
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from janitor.model import LockID, Observation, Policy
from janitor.remove import Sight
from janitor.store.errors import Gone, Refused, Unreachable
from janitor.store.port import Listing
from janitor.sweep import Mode
from tests.sweep.doubles import LONG_AGO, NOW, DiaryStore, Scene, alive, observed

SECRET_TEXT = "hunter2-in-an-exception"
HELD = "shop-db-backup-29402-abcde"
"""The hostname of another holder of ours."""


def test_a_lock_of_a_dead_holder_goes_with_its_record(scene: Scene) -> None:
    """Else nothing is ever removed, or a removal cannot be undone."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()
    told, result = scene.sweep()
    assert shop.locks() == []
    (report,) = told.locks
    assert (report.lock, report.removed, report.judgement.verdict.value) == (
        lock,
        True,
        "holder-absent",
    )
    assert report.record is not None
    assert hashlib.sha256(report.record).hexdigest() == lock
    assert (result.report.exit_code, result.report.removed, result.report.kept) == (0, 1, 0)
    assert scene.stores["shop-db"].closed


def test_a_pod_that_appears_between_survey_and_removal_keeps_its_lock(scene: Scene) -> None:
    """Else a holder that the first look missed loses its lock."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.remember()
    scene.cluster.looks = [observed(), observed(alive())]
    _age_the_first_look(scene)
    told, result = scene.sweep()
    assert len(shop.locks()) == 1
    assert told.verdicts == ["holder-alive"]
    assert not told.locks[0].removed
    assert result.report.exit_code == 0


@pytest.mark.parametrize(("seconds", "looks"), [(9, 1), (10, 1), (11, 2), (-1, 2)])
def test_an_observation_serves_for_ten_seconds(scene: Scene, seconds: int, looks: int) -> None:
    """Else a lock is removed by an old look, or by one from before the clock was set back."""
    scene.repository().lock(time=LONG_AGO)
    scene.remember()
    _age_the_first_look(scene, seconds)
    told, _ = scene.sweep()
    assert scene.cluster.asked == looks
    assert told.locks[0].removed


def test_a_lock_that_was_kept_at_first_is_left_for_the_next_sweep(scene: Scene) -> None:
    """Else a lock goes that the circuit breaker did not count, and that no survey called stale."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    held = shop.lock(time=LONG_AGO, hostname=HELD)
    scene.remember()
    scene.cluster.looks = [observed(alive(HELD)), observed()]
    _age_the_first_look(scene)
    told, result = scene.sweep()
    assert shop.locks() == [held]
    reports = {report.lock: report for report in told.locks}
    assert reports[held].judgement.verdict.value == "holder-alive"
    assert (result.report.removed, result.report.kept) == (1, 1)


def test_a_lock_that_is_kept_costs_no_second_listing(scene: Scene) -> None:
    """Else a repository whose locks are all kept is listed twice in every sweep."""
    scene.repository().lock(time=LONG_AGO)
    scene.remember()
    scene.cluster.looks = [observed(), observed(alive())]
    _age_the_first_look(scene)
    told, _ = scene.sweep()
    assert told.verdicts == ["holder-alive"]
    assert scene.diary.count("list") == 1


@pytest.mark.parametrize("first", [0, 1])
def test_a_look_that_fails_unforeseen_keeps_what_is_left(scene: Scene, first: int) -> None:
    """Else what was removed before it is not told as removed, or a lock goes by an older look."""
    shop = scene.repository()
    for pid in (1, 2):
        shop.lock(time=LONG_AGO, pid=pid)
    scene.remember()
    before = shop.locks()
    observe = scene.cluster.observe

    def look(**asked: object) -> object:
        if scene.cluster.asked:
            raise ValueError(SECRET_TEXT)
        seen = observe(**asked)  # type: ignore[arg-type]
        scene.clock.time += timedelta(seconds=0 if first else 60)
        return seen

    def wait(_: LockID) -> None:
        scene.clock.time += timedelta(seconds=60)

    scene.cluster.observe = look  # type: ignore[assignment, method-assign]
    scene.prepared["shop-db"] = lambda store: setattr(store, "after_delete", wait)
    told, result = scene.sweep()
    assert [report.lock for report in told.locks if report.removed] == before[:first]
    assert shop.locks() == before[first:]
    kept = [report for report in told.locks if not report.removed]
    assert all("please report" in str(report.detail) for report in kept)
    assert SECRET_TEXT not in told.said
    assert (result.report.removed, result.report.exit_code) == (first, 1)


def test_two_threads_share_one_look() -> None:
    """Else sixteen repositories ask the API server sixteen times for the same ten seconds."""
    meeting = Barrier(2)

    class Cluster:
        asked = 0

        def observe(self, **_: object) -> Observation:
            self.asked += 1
            with suppress(BrokenBarrierError):
                meeting.wait(timeout=0.5)  # for another thread that asks meanwhile
            return observed()

    cluster = Cluster()
    world = SimpleNamespace(clock=lambda: NOW, cluster=cluster)
    old = replace(observed(), taken=NOW - timedelta(minutes=1))
    sight = Sight(world, old, None, nodes=True)  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: sight.fresh(), range(2))
    assert cluster.asked == 1
    assert first is second


def test_one_look_is_let_go_before_the_next_is_taken(scene: Scene) -> None:
    """Else a large cluster's pods are held two and three times while a slow store removes."""
    looks: list[weakref.ref[Observation]] = []
    held: list[int] = []
    observe = scene.cluster.observe

    def look(**asked: Any) -> Observation:
        held.append(sum(each() is not None for each in looks))
        found = observe(**asked)
        looks.append(weakref.ref(found))
        return found

    scene.cluster.observe = look  # type: ignore[method-assign]
    shop = scene.repository()
    for pid in range(3):
        shop.lock(time=LONG_AGO, pid=pid)
    scene.remember()

    def take_long(_: LockID) -> None:
        scene.clock.time += timedelta(seconds=11)

    scene.prepared["shop-db"] = lambda store: setattr(store, "after_delete", take_long)
    gc.disable()
    try:
        scene.sweep()
    finally:
        gc.enable()
    assert shop.locks() == []
    assert held == [0] * 3


def test_doubt_in_the_second_look_keeps_the_lock(scene: Scene) -> None:
    """Else an API server that fails in the middle of a sweep costs a live holder its lock."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.remember()
    scene.cluster.looks = [observed(), observed(doubt="the API server answered 503")]
    _age_the_first_look(scene)
    told, result = scene.sweep()
    assert len(shop.locks()) == 1
    assert told.verdicts == ["cluster-unknown"]
    assert result.report.exit_code == 1


def test_a_deletion_that_worked_but_was_answered_500_is_a_removal(scene: Scene) -> None:
    """Else its record is lost, and a person looks for a lock that is not there."""
    scene.repository().lock(time=LONG_AGO)
    scene.remember()

    def fail(_: LockID) -> None:
        raise Unreachable("the server answered 500")

    scene.prepared["shop-db"] = lambda store: setattr(store, "after_delete", fail)
    told, result = scene.sweep()
    assert told.locks[0].removed
    assert told.locks[0].record
    assert told.locks[0].detail is None
    assert result.report.exit_code == 0


def test_a_deletion_that_was_answered_ok_but_did_nothing_is_a_failure(scene: Scene) -> None:
    """Else backups stay blocked while the janitor says that all is well."""
    shop = scene.repository()
    for pid in (1, 2):
        shop.lock(time=LONG_AGO, pid=pid)
    scene.remember()
    scene.prepared["shop-db"] = lambda store: setattr(store, "lies", True)
    told, result = scene.sweep()
    assert len(shop.locks()) == 2
    for lock in told.locks:
        assert not lock.removed
        assert lock.record is None
        assert "lists it still" in str(lock.detail)
    assert (result.report.removed, result.report.exit_code) == (0, 1)


def test_a_deletion_that_cannot_be_confirmed_is_told_as_it_was_answered(scene: Scene) -> None:
    """Else a store that fails after a deletion makes the record of what is gone be lost."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()

    def break_down(_: LockID) -> None:
        scene.stores["shop-db"].listing_fault = Unreachable("the server answers no more")

    scene.prepared["shop-db"] = lambda store: setattr(store, "after_delete", break_down)
    told, result = scene.sweep()
    assert shop.locks() == []
    assert [(each.lock, each.removed) for each in told.locks] == [(lock, True)]
    assert told.locks[0].record
    assert (result.report.removed, result.report.exit_code) == (1, 0)


def test_a_lock_beyond_what_a_listing_holds_is_not_taken_for_gone(scene: Scene) -> None:
    """Else a deletion that failed counts as done because a huge folder is listed in part."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()

    def fail(_: LockID) -> None:
        store = scene.stores["shop-db"]
        store.list_locks = lambda *, at_most: Listing((), beyond=1)  # type: ignore[method-assign]
        raise Refused("the server refuses")

    scene.prepared["shop-db"] = lambda store: setattr(store, "before_delete", fail)
    told, result = scene.sweep()
    assert shop.locks() == [lock]
    assert (told.locks[0].removed, told.locks[0].detail) == (False, "the server refuses")
    assert result.report.exit_code == 1


def test_a_holder_that_lets_go_meanwhile_is_success(scene: Scene) -> None:
    """Else a backup that ends during a sweep raises an alarm, or counts as a removal."""
    scene.repository().lock(time=LONG_AGO)
    scene.remember()

    def go(lock: LockID) -> None:
        raise Gone(f"{lock} is not there")

    scene.prepared["shop-db"] = lambda store: setattr(store, "before_delete", go)
    told, result = scene.sweep()
    assert told.verdicts == ["released"]
    assert not told.locks[0].removed
    assert (result.report.removed, result.report.exit_code) == (0, 0)


def test_a_refusal_is_told_with_its_reason(scene: Scene) -> None:
    """Else nobody learns that the credentials may not delete."""
    scene.repository().lock(time=LONG_AGO)
    scene.remember()
    scene.prepared["shop-db"] = lambda store: setattr(store, "before_delete", _refuse)
    told, result = scene.sweep()
    assert "object lock until 2027" in str(told.locks[0].detail)
    assert told.locks[0].judgement.verdict.stale
    assert result.report.exit_code == 1
    assert [each.failed for each in told.repositories] == [True]


@pytest.mark.parametrize("where", ["list", "delete"])
def test_one_repository_never_stops_the_others(scene: Scene, where: str) -> None:
    """Else one bad store, or a fault of the janitor's own, leaves every other backup blocked; and
    what is in an unexpected exception, perhaps a password, must not be shown.
    """
    for name in ("a", "b", "c"):
        scene.repository(name).lock(time=LONG_AGO)
    scene.remember()

    def fail(_: LockID) -> None:
        raise ValueError(SECRET_TEXT)

    def prepare(store: DiaryStore) -> None:
        if where == "list":
            store.listing_fault = ValueError(SECRET_TEXT)
        else:
            store.before_delete = fail

    scene.prepared["b"] = prepare
    told, result = scene.sweep()
    left = [name for name, each in scene.repositories.items() if each.locks()]
    assert left == ["b"]
    assert SECRET_TEXT not in told.said
    assert "please report" in told.said
    assert [each.failed for each in told.repositories] == [False, True, False]
    assert result.report.exit_code == 1


def test_a_fault_after_a_removal_does_not_lose_its_record(scene: Scene) -> None:
    """Else a lock that was removed is reported as still there, and cannot be put back."""
    shop = scene.repository()
    for pid in (1, 2):
        shop.lock(time=LONG_AGO, pid=pid)
    scene.remember()
    first, second = shop.locks()

    def fail_the_second(lock: LockID) -> None:
        if lock == second:
            raise ValueError(SECRET_TEXT)

    scene.prepared["shop-db"] = lambda store: setattr(store, "before_delete", fail_the_second)
    told, result = scene.sweep()
    reports = {report.lock: report for report in told.locks}
    assert reports[LockID(first)].removed
    assert reports[LockID(first)].record
    assert not reports[LockID(second)].removed
    assert SECRET_TEXT not in told.said
    assert (result.report.removed, result.report.exit_code) == (1, 1)


@pytest.mark.parametrize(("holders", "removed"), [(50, 50), (51, 0)])
def test_too_many_dead_holders_at_once_remove_nothing(
    scene: Scene, holders: int, removed: int
) -> None:
    """Else a broken cluster view empties every repository; at exactly the bound it still works."""
    shop = scene.repository()
    for number in range(holders):
        shop.lock(time=LONG_AGO, hostname=f"shop-db-backup-29401-{number:05}")
    scene.remember()
    told, result = scene.sweep()
    assert len(shop.locks()) == holders - removed
    assert result.report.removed == removed
    assert result.report.exit_code == (0 if removed else 1)
    if not removed:
        assert "--max-removals 51" in str(result.report.detail)
        assert all("nothing was removed" in str(lock.detail) for lock in told.locks)


def test_the_locks_of_one_holder_count_once(scene: Scene) -> None:
    """Else a prune and a backup of one dead pod trip the circuit breaker."""
    shop = scene.repository()
    for pid in range(3):
        shop.lock(time=LONG_AGO, pid=pid)
    scene.remember()
    _, result = scene.sweep(policy=Policy(max_removals=1))
    assert result.report.removed == 3


def test_one_hostname_in_two_repositories_counts_twice(scene: Scene) -> None:
    """Else the bound is not what the documents say."""
    for name in ("a", "b"):
        scene.repository(name).lock(time=LONG_AGO)
    scene.remember()
    _, result = scene.sweep(policy=Policy(max_removals=1))
    assert (result.report.removed, result.report.exit_code) == (0, 1)


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.LIST])
def test_a_dry_run_removes_nothing_and_every_line_says_so(scene: Scene, mode: Mode) -> None:
    """Else somebody's first careful look is not careful."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    shop.lock(time=NOW, hostname="shop-db-backup-29402-abcde")
    scene.remember()
    before = scene.tree()
    told, result = scene.sweep(mode=mode)
    assert scene.tree() == before
    assert "delete" not in scene.diary
    assert all(lock.dry_run and not lock.removed for lock in told.locks)
    assert result.report.dry_run
    assert (result.report.stale, result.report.removed) == (1, 0)


def test_list_remembers_nothing(scene: Scene) -> None:
    """Else a person's look counts as a sweep's, from a machine with another clock."""
    scene.repository().lock(time=LONG_AGO)
    scene.sweep(mode=Mode.LIST)
    assert scene.shelf is not None
    assert scene.shelf.text is None


def test_nothing_but_the_judged_lock_ever_changes(scene: Scene) -> None:
    """Else the janitor harms a repository."""
    shop = scene.repository()
    (scene.base / "shop-db" / "data" / "00").mkdir()
    (scene.base / "shop-db" / "data" / "00" / "pack").write_bytes(b"what is worth keeping")
    gone = shop.lock(time=LONG_AGO)
    shop.lock(time=LONG_AGO, hostname="a-laptop")
    shop.lock(time=NOW)
    shop.put_lock(b"no lock at all", modified=LONG_AGO)
    (scene.base / "shop-db" / "locks" / f"{gone}-tmp-1").write_bytes(b"left by a crash")
    scene.remember()
    before = scene.tree()
    scene.sweep()
    after = scene.tree()
    assert before.keys() - after.keys() == {f"shop-db/locks/{gone}"}
    assert all(after[name] == before[name] for name in after)


def test_a_signal_ends_the_removals_and_the_rest_is_told(scene: Scene) -> None:
    """Else a pod that is told to stop is killed in the middle and reports nothing."""
    shop = scene.repository()
    for pid in (1, 2):
        shop.lock(time=LONG_AGO, pid=pid)
    held = shop.lock(time=LONG_AGO, hostname=HELD)
    scene.remember()
    scene.cluster.looks = [observed(alive(HELD))]
    numbers = {"sent": 0}
    scene.prepared["shop-db"] = lambda store: setattr(
        store, "after_delete", lambda _: numbers.update(sent=15)
    )
    scene.signal = lambda: numbers["sent"]
    told, result = scene.sweep()
    assert len(shop.locks()) == 2
    assert sorted(lock.removed for lock in told.locks) == [False, False, True]
    stopped = [lock for lock in told.locks if "told to stop" in str(lock.detail)]
    assert len(stopped) == 1
    assert stopped[0].lock != held
    assert result.report.exit_code == 143


def test_only_what_would_have_gone_is_told_as_left_by_the_signal(scene: Scene) -> None:
    """Else a lock that is kept for its living holder looks as if it only lacked the time."""
    shop = scene.repository()
    held = shop.lock(time=LONG_AGO, hostname=HELD)
    stale = shop.lock(time=LONG_AGO)
    scene.remember()
    numbers = {"sent": 0}
    scene.signal = lambda: numbers["sent"]
    first = scene.cluster.observe

    def observe(**asked: object) -> object:
        numbers["sent"] = 15
        return first(**asked)  # type: ignore[arg-type]

    scene.cluster.looks = [observed(alive(HELD))]
    scene.cluster.observe = observe  # type: ignore[assignment, method-assign]
    told, result = scene.sweep()
    details = {report.lock: report.detail for report in told.locks}
    assert details[held] is None
    assert "told to stop" in str(details[stale])
    assert (result.report.removed, result.report.exit_code) == (0, 143)


def test_the_bytes_are_logged_before_the_deletion(
    scene: Scene,
) -> None:
    """Else a janitor that dies right after its deletion leaves nothing to put back."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    stored = (scene.base / "shop-db" / "locks" / lock).read_bytes()
    scene.remember()
    seen: list[int] = []
    with capture_logs() as logged:
        scene.prepared["shop-db"] = lambda store: setattr(
            store, "before_delete", lambda _: seen.append(len(logged))
        )
        scene.sweep()
    assert seen == [1]
    assert logged[0] == {
        "event": "removing",
        "log_level": "info",
        "repository": "shop-db",
        "lock": lock,
        "verdict": "holder-absent",
        "record": base64.b64encode(stored).decode(),
    }


def _refuse(_: LockID) -> None:
    raise Refused("the server refuses: object lock until 2027")


def _age_the_first_look(scene: Scene, seconds: int = 60) -> None:
    """Lets time pass between the survey's look and the first deletion."""
    first = scene.cluster.observe

    def observe(**asked: object) -> object:
        look = first(**asked)  # type: ignore[arg-type]
        if scene.cluster.asked == 1:
            scene.clock.time += timedelta(seconds=seconds)
        return look

    scene.cluster.observe = observe  # type: ignore[assignment, method-assign]
