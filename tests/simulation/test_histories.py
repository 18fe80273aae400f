"""The claims of docs/safety.md, on made-up histories within its assumptions.

`make prove` plays a million; here are some of them.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.history import play
from tests.simulation.prove import play_some
from tests.simulation.story import story

HISTORIES = int(os.environ.get("SIMULATION_HISTORIES", "2000"))
PARTS = 40


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_live_lock_is_never_removed_and_a_dead_one_in_the_end(part: int) -> None:
    """Else a running backup is damaged in silence, or a person has to unlock by hand."""
    number = HISTORIES // PARTS
    count = play_some(part * number, number)
    assert not count.failed, "\n".join(story(count.failed[0]))


def test_histories_are_about_something() -> None:
    """Else the claims hold because nothing ever happens."""
    count = play_some(0, 100)
    assert count.removed > 20
    assert count.exposed > 200


def test_a_seed_is_a_history() -> None:
    """Else a failure that was found once cannot be looked at."""
    first, second = play(7, telling=True), play(7, telling=True)
    assert first.story == second.story
    assert len(first.story) > 10
