"""Bugs sown into the janitor: the histories find each of them.

A clause of the rule that another one covers in every history is not here; the mutation tests hold
those, one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from janitor import holder, judge, put_back, state
from janitor.cluster import observe
from janitor.model import Policy, Verdict
from janitor.state import Remembered
from tests.simulation.history import play

AT_MOST = 5000


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no(*_: Any, **__: Any) -> tuple[bool, str]:
    return False, "a bug"


Sowing = tuple[object, str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Bug:
    """What is put in the place of what, and by which word its violation is known."""

    sown: tuple[Sowing, ...]
    sign: str = "of the living"
    hint: int = 0
    """The seed that found it first, where few do: the search begins there."""


BUGS = {
    "a pod that may hold it is overlooked": Bug(((judge, "_holder_alive", lambda _: _nothing),)),
    "a Node that exists is overlooked": Bug(((judge, "_node_exists", lambda _: _nothing),)),
    "hosts that are not ours are judged": Bug(((judge, "_foreign_host", lambda _: _nothing),)),
    "no age is asked for": Bug(
        ((Policy, "min_age_of", lambda _: lambda policy, repository: timedelta(0)),)
    ),
    "an ended container is always over": Bug(((holder, "_ended_may_hold", lambda _: _no),)),
    "a container that was not seen to start never did": Bug(
        ((holder, "_unstarted_may_hold", lambda _: _no),)
    ),
    "a Node vouches as soon as it is Ready": Bug(
        ((holder, "_vouches", lambda _: lambda node, _: node.ready),)
    ),
    "there is no witness": Bug(
        (
            (observe.ApiCluster, "_look_for_own_pod", lambda _: _nothing),
            (observe.ApiCluster, "_doubt", lambda _: _nothing),
        ),
    ),
    "lists may be older than the witness": Bug(
        ((observe._Floor, "rise", lambda _: _nothing),), hint=800
    ),
    "a lock that was put back is not marked": Bug(
        ((put_back, "mark_put_back", lambda _: lambda state, *_, **__: state),),
        "was put back",
    ),
    "everything is kept": Bug(
        ((judge, "_holder_alive", lambda _: lambda _: (Verdict.HOLDER_ALIVE, "a bug")),),
        "stays",
    ),
    "first-seen times are forgotten": Bug(
        ((state, "_remember", lambda _: lambda _, *, now, max_skew: Remembered(now)),),
        "stays",
    ),
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", BUGS)
def test_the_histories_find_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a claim that the histories support is worth nothing."""
    bug = BUGS[name]
    for owner, attribute, sow in bug.sown:
        monkeypatch.setattr(owner, attribute, sow(getattr(owner, attribute)))
    found = (
        seed
        for seed in (bug.hint, *range(AT_MOST))
        if any(bug.sign in violation for violation in play(seed).violations)
    )
    assert next(found, None) is not None
