"""The order of work in a sweep is part of its safety."""

from __future__ import annotations

import json
from datetime import timedelta

from janitor.model import StateUnavailable
from janitor.sweep import Mode
from tests.sweep.doubles import LONG_AGO, NOW, OURS, Scene, alive, observed


def test_the_cluster_is_observed_after_every_lock_was_read(scene: Scene) -> None:
    """Else a holder that started in between looks absent."""
    for name in ("a", "b"):
        scene.repository(name).lock(time=LONG_AGO)
    scene.remember()
    scene.sweep()
    reads = [index for index, what in enumerate(scene.diary) if what in ("read", "key")]
    assert len([what for what in scene.diary if what == "read"]) == 2
    assert scene.diary.count("observe") == 1
    assert max(reads) < scene.diary.index("observe") < scene.diary.index("delete")


def test_the_state_is_saved_before_anything_is_deleted(scene: Scene) -> None:
    """Else a janitor that dies in its deletions forgets what it saw, again and again."""
    scene.repository().lock(time=LONG_AGO)
    scene.remember()
    scene.sweep()
    assert scene.diary.index("clock") < scene.diary.index("list")
    assert scene.diary.index("save") < scene.diary.index("delete")


def test_young_locks_cost_no_key_and_no_look_at_the_cluster(scene: Scene) -> None:
    """Else every sweep derives every key, and asks the API server although nothing is old."""
    scene.repository().lock(time=NOW - timedelta(minutes=10))
    told, result = scene.sweep()
    assert told.verdicts == ["too-young"]
    assert told.locks[0].content is None
    assert not {"keys", "key", "read", "observe"} & set(scene.diary)
    assert result.report.exit_code == 0


def test_one_old_lock_costs_a_look_and_the_young_one_is_not_read(scene: Scene) -> None:
    """Else the saving for young locks is lost as soon as one is old."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    shop.lock(time=NOW)
    scene.remember()
    told, _ = scene.sweep()
    assert scene.diary.count("read") == 1
    assert sorted(told.verdicts) == ["holder-absent", "too-young"]


def test_with_clocks_apart_nothing_is_stamped_or_judged(scene: Scene) -> None:
    """Else a janitor with a wrong clock removes live locks, or poisons the next sweep's times."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.remember()
    assert scene.shelf is not None
    before = scene.shelf.text
    shop.lock(time=LONG_AGO, pid=2)
    scene.cluster.apart = "the clocks are 20 minutes apart"
    told, result = scene.sweep()
    assert told.verdicts == ["cluster-unknown"] * 2
    assert scene.shelf.text == before
    assert len(shop.locks()) == 2
    assert not {"read", "observe", "delete"} & set(scene.diary)
    assert result.report.exit_code == 1
    assert "20 minutes apart" in told.said


def test_young_locks_are_stamped_too(scene: Scene) -> None:
    """Else a lock waits min_age twice until it is judged."""
    shop = scene.repository()
    lock = shop.lock(time=NOW)
    told, _ = scene.sweep()
    assert told.verdicts == ["too-young"]
    assert _first_seen(scene) == {lock: "2026-11-25T12:00:00Z"}
    scene.clock.time += timedelta(minutes=31)
    told, _ = scene.sweep()
    assert told.verdicts == ["holder-absent"]
    assert told.locks[0].removed


def test_without_a_second_clock_the_first_sweep_only_remembers(scene: Scene) -> None:
    """Else a lock is removed on the word of its holder's clock alone."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    told, result = scene.sweep()
    assert told.verdicts == ["awaiting-confirmation"]
    assert shop.locks() == [lock]
    assert result.report.exit_code == 0
    scene.clock.time += timedelta(minutes=29)
    assert scene.sweep()[0].verdicts == ["awaiting-confirmation"]
    scene.clock.time += timedelta(minutes=1)
    assert scene.sweep()[0].verdicts == ["holder-absent"]
    assert shop.locks() == []
    scene.sweep()
    assert _first_seen(scene) == {}


def test_a_refreshed_lock_starts_anew(scene: Scene) -> None:
    """Else first-seen follows the holder instead of the stored bytes, and a live lock ages."""
    shop = scene.repository()
    old = shop.lock(time=LONG_AGO)
    scene.remember()
    (scene.base / "shop-db" / "locks" / old).unlink()
    new = shop.lock(time=LONG_AGO, modified=LONG_AGO)
    told, _ = scene.sweep()
    assert told.verdicts == ["awaiting-confirmation"]
    assert set(_first_seen(scene)) == {new}


def test_a_state_of_a_newer_version_is_left_alone(scene: Scene) -> None:
    """Else a rollback destroys what the newer janitor remembers, put-back marks included."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    assert scene.shelf is not None
    scene.shelf.text = newer = '{"version": 2, "repositories": "something else"}'
    told, result = scene.sweep()
    assert scene.shelf.text == newer
    assert told.verdicts == ["awaiting-confirmation"]
    assert len(shop.locks()) == 1
    assert result.report.exit_code == 1
    assert "version 2" in str(result.report.detail)


def test_a_broken_state_keeps_everything_until_it_is_mended(scene: Scene) -> None:
    """Else half a state forgets which lock was put back by hand, and that one is removed."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()
    assert scene.shelf is not None
    assert scene.shelf.text is not None
    scene.shelf.text = scene.shelf.text[:-10]
    told, result = scene.sweep()
    assert told.verdicts == ["awaiting-confirmation"]
    broken = scene.shelf.text
    for _ in range(3):
        scene.clock.time += timedelta(minutes=30)
        told, result = scene.sweep()
        assert shop.locks() == [lock]
        assert result.report.exit_code == 1
        assert "mended" in told.said
    assert scene.shelf.text == broken
    scene.shelf.text = None
    scene.sweep()
    scene.clock.time += timedelta(minutes=30)
    _, result = scene.sweep()
    assert (result.report.removed, result.report.exit_code) == (1, 0)


def test_a_state_that_cannot_be_kept_is_told_and_nothing_else_fails(scene: Scene) -> None:
    """Else a full disk stops the removal of locks that are known to be stale."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.remember()

    def refuse(text: str, version: object) -> None:
        raise StateUnavailable("the state file cannot be written: no space left on device")

    assert scene.shelf is not None
    scene.shelf.write = refuse  # type: ignore[method-assign]
    _, result = scene.sweep()
    assert shop.locks() == []
    assert result.report.exit_code == 1
    assert "no space left" in str(result.report.detail)


def test_the_mark_of_a_lock_that_was_put_back_outlives_sweeps(scene: Scene) -> None:
    """Else a lock that a person restored goes again in the next sweep."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()
    assert scene.shelf is not None
    document = json.loads(scene.shelf.text or "")
    document["repositories"]["shop-db"][lock]["put_back"] = True
    scene.shelf.text = json.dumps(document)
    for _ in range(3):
        told, result = scene.sweep()
        assert told.verdicts == ["put-back"]
        assert (result.report.stale, result.report.exit_code) == (0, 0)
        scene.clock.time += timedelta(hours=1)
    assert shop.locks() == [lock]


def test_a_live_holder_keeps_its_lock_however_old(scene: Scene) -> None:
    """Else the product does what it must never do."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO, hostname=OURS)
    scene.remember()
    scene.cluster.looks = [observed(alive())]
    for days in (0, 1, 30):
        scene.clock.time = NOW + timedelta(days=days)
        told, _ = scene.sweep()
        assert told.verdicts == ["holder-alive"]
    assert shop.locks() == [lock]


def test_a_dry_run_remembers_as_a_sweep_does(scene: Scene) -> None:
    """Else a week of dry runs never shows what would be removed."""
    scene.repository().lock(time=LONG_AGO)
    scene.sweep(mode=Mode.DRY_RUN)
    scene.clock.time += timedelta(minutes=30)
    told, _ = scene.sweep(mode=Mode.DRY_RUN)
    assert told.verdicts == ["holder-absent"]
    assert not told.locks[0].removed


def test_a_failed_listing_forgets_nothing(scene: Scene) -> None:
    """Else an outage of a store resets every first-seen time."""
    lock = scene.repository().lock(time=LONG_AGO)
    scene.remember()
    before = _first_seen(scene)
    scene.prepared["shop-db"] = lambda store: setattr(store, "listing_fault", OSError("gone"))
    scene.sweep()
    assert _first_seen(scene) == before == {lock: "2026-11-25T04:00:00Z"}


def _first_seen(scene: Scene) -> dict[str, str]:
    assert scene.shelf is not None
    repositories = json.loads(scene.shelf.text or "")["repositories"]
    return {
        lock: entry["first_seen"]
        for locks in repositories.values()
        for lock, entry in locks.items()
    }


def test_a_clock_that_was_set_during_the_sweep_removes_nothing(scene: Scene) -> None:
    """Else a jump of the clock between the comparison and the removal makes every lock old."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.remember()
    scene.cluster.apart_after = 1
    told, result = scene.sweep()
    assert told.verdicts == ["holder-absent"]
    assert len(shop.locks()) == 1
    assert "delete" not in scene.diary
    assert result.report.exit_code == 1


def test_a_cluster_that_cannot_be_asked_is_told_even_without_locks(scene: Scene) -> None:
    """Else nobody learns of it before the first lock, when it is too late."""
    scene.repository()
    scene.cluster.apart = "the API server refused the connection"
    told, result = scene.sweep()
    assert "refused the connection" in told.said
    assert result.report.exit_code == 0
