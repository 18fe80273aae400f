"""Bugs sown into the janitor: the histories find each of them.

A clause of the rule that another one covers in every history is not here; the mutation tests hold
those, one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from janitor import holder, hostname, judge, put_back, state
from janitor.cluster import observe
from janitor.model import Lock, Verdict
from janitor.state import Remembered
from tests.simulation.history import play

AT_MOST = 1500


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no(*_: Any, **__: Any) -> tuple[bool, str]:
    return False, "a bug"


def _no_margin(real: Callable[..., Any]) -> Callable[..., Any]:
    def running(container: Any, pod: Any, moment: Any) -> tuple[bool, str]:
        if container.started and container.started > moment.lock_time:
            return False, "a bug"
        answer: tuple[bool, str] = real(container, pod, moment)
        return answer

    return running


LIVE = "of the living"
STAYS = "stays"

BUGS: dict[str, tuple[object, str, Callable[[Any], Any], str]] = {
    "a pod that may hold it is overlooked": (judge, "_holder_alive", lambda _: _nothing, LIVE),
    "a Node that exists is overlooked": (judge, "_node_exists", lambda _: _nothing, LIVE),
    "hosts that are not ours are judged": (judge, "_foreign_host", lambda _: _nothing, LIVE),
    "no clock is asked": (
        judge,
        "_by_clocks",
        lambda real: (
            lambda question: None if isinstance(question.lock.content, Lock) else real(question)
        ),
        LIVE,
    ),
    "an ended container is always over": (holder, "_ended_may_hold", lambda _: _no, LIVE),
    "a container that was not seen to start never did": (
        holder,
        "_unstarted_may_hold",
        lambda _: _no,
        LIVE,
    ),
    "a Node vouches as soon as it is Ready": (
        holder,
        "_vouches",
        lambda _: lambda node, _: node.ready,
        LIVE,
    ),
    "the names of a hostNetwork pod's Node are not its own": (
        hostname,
        "_pod_hostnames",
        lambda _: lambda pod, _: hostname._own_hostnames(pod),
        LIVE,
    ),
    "the witness is not asked for": (
        observe.ApiCluster,
        "_look_for_own_pod",
        lambda _: _nothing,
        LIVE,
    ),
    "doubts about the cluster are dropped": (
        observe.ApiCluster,
        "_doubt",
        lambda _: _nothing,
        LIVE,
    ),
    "lists may be older than the witness": (observe._Floor, "rise", lambda _: _nothing, LIVE),
    "a lock that was put back is not marked": (
        put_back,
        "mark_put_back",
        lambda _: lambda state, *_, **__: state,
        "was put back",
    ),
    "everything is kept": (
        judge,
        "_holder_alive",
        lambda _: lambda _: (Verdict.HOLDER_ALIVE, "a bug"),
        STAYS,
    ),
    "first-seen times are forgotten": (
        state,
        "_remember",
        lambda _: lambda _, *, now, max_skew: Remembered(now),
        STAYS,
    ),
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bug", BUGS)
def test_the_histories_find_it(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a claim that the histories support is worth nothing."""
    owner, name, sow, sign = BUGS[bug]
    monkeypatch.setattr(owner, name, sow(getattr(owner, name)))
    found = (
        violation
        for seed in range(AT_MOST)
        for violation in play(seed).violations
        if sign in violation
    )
    assert next(found, None) is not None
