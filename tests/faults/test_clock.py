"""The janitor's clock is set while a sweep runs: at each of its readings, forward and back.

The API server's clock is right all the time. A young lock whose holder lives where nobody sees it
is kept by its age alone: a sweep that believes a wrong clock takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.sweep.doubles import LONG_AGO, NOW, OURS, Clock, Scene, ScriptedCluster

MINUTE = timedelta(minutes=1)
NEVER = 1_000_000


@dataclass
class SetClock(Clock):
    """`time` is right; readings `at` to `until` are wrong by `by`."""

    at: int = NEVER
    until: int = NEVER
    by: timedelta = timedelta()
    readings: int = 0

    def __call__(self) -> datetime:
        self.readings += 1
        return self.time + (self.by if self.at <= self.readings < self.until else timedelta())


class HonestCluster(ScriptedCluster):
    """Compares the janitor's clock with the right time."""

    def check_clock(self, max_skew: timedelta) -> str | None:
        assert isinstance(self.clock, SetClock)
        self.diary.append("clock")
        apart = abs(self.clock() - self.clock.time)
        return None if apart <= max_skew else f"the clocks are {apart} apart"


@dataclass
class Story:
    """A scene with a dead holder's old lock, and a young one of a holder whom nobody sees."""

    scene: Scene
    clock: SetClock
    dead: str
    young: str

    def sweep(self, minutes: int) -> set[str]:
        """One sweep, so long after the first; returns the locks that are there after it."""
        self.clock.time = NOW + minutes * MINUTE
        self.clock.readings = 0
        self.scene.sweep()
        return set(self.scene.repositories["shop-db"].locks())


def story_in(base: Path) -> Story:
    base.mkdir()
    scene = Scene(base)
    shop = scene.repository()
    dead = shop.lock(time=LONG_AGO, hostname="shop-db-backup-29401-aaaaa")
    scene.remember()
    young = shop.lock(time=NOW - 5 * MINUTE, hostname=OURS)
    clock = SetClock()
    scene.clock = clock
    scene.cluster = HonestCluster(clock, diary=scene.diary)
    return Story(scene, clock, dead, young)


def readings_in(base: Path) -> int:
    """How often a sweep without a fault reads the clock."""
    story = story_in(base)
    assert story.sweep(0) == {story.young}
    assert story.clock.readings > 8
    return story.clock.readings


@pytest.mark.parametrize("minutes", [-1440, -120, -31, -6, -4, 4, 6, 31, 120, 1440])
def test_a_clock_that_is_set_costs_no_young_lock(minutes: int, tmp_path: Path) -> None:
    """Else a node that gets its time late removes the locks of whatever began just now."""
    for at in range(1, readings_in(tmp_path / "whole") + 1):
        story = story_in(tmp_path / str(at))
        story.clock.at, story.clock.by = at, minutes * MINUTE
        seen = [story.sweep(0)]
        story.clock.at = 1  # it stays wrong
        seen.append(story.sweep(10))
        story.clock.at = NEVER  # somebody sets it right
        seen.append(story.sweep(20))
        assert all(story.young in locks for locks in seen), f"gone by reading {at}"
        assert story.dead not in seen[-1], f"never removed, by reading {at}"
        assert story.sweep(55) | story.sweep(90) == set(), f"kept for ever, by reading {at}"


@pytest.mark.parametrize("minutes", [-120, 120])
def test_a_clock_that_is_wrong_for_a_moment_costs_no_young_lock(
    minutes: int, tmp_path: Path
) -> None:
    """Else a clock that steps there and back between the two comparisons costs a live lock."""
    whole = readings_in(tmp_path / "whole")
    for at in range(1, whole + 1):
        for until in range(at + 1, whole + 1):
            story = story_in(tmp_path / f"{at}-{until}")
            story.clock.at, story.clock.until, story.clock.by = at, until, minutes * MINUTE
            seen = [story.sweep(0)]
            story.clock.at = NEVER
            seen += [story.sweep(10), story.sweep(20)]
            assert all(story.young in locks for locks in seen), f"gone by readings {at} to {until}"
            assert story.dead not in seen[-1]
