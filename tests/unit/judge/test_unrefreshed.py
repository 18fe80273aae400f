"""`unrefreshed`, the opt-in: which verdicts it replaces, which never, and what it needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from janitor.model import Policy, SeenLock, StoreClock, Verdict

from .builders import (
    DAY,
    HOUR,
    MINUTE,
    NOBODYS,
    NOW,
    OURS,
    SECOND,
    ago,
    decide,
    ended,
    lock,
    observe,
    pod,
    repository,
    unreadable,
    verdict,
)

WEEK = 7 * DAY
LONG_AGO = ago(8 * DAY)
OLD = {"time": ago(70 * DAY), "first_seen": LONG_AGO}
OPTED = Policy(remove_unrefreshed_after=WEEK)
ALIVE = observe(pod(created=ago(90 * DAY)))
LAPTOP = lock("old-laptop", **OLD)  # type: ignore[arg-type]
NODE = lock("worker-1", **OLD)  # type: ignore[arg-type]
HELD = lock(**OLD)  # type: ignore[arg-type]
BROKEN = unreadable(first_seen=LONG_AGO)
FUTURE = lock(time=NOW + DAY, first_seen=LONG_AGO)
FRESH = lock(modified=ago(MINUTE), clock=StoreClock.WRITER, **OLD)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "without"),
    [
        (LAPTOP, Verdict.FOREIGN_HOST),
        (lock("", **OLD), Verdict.FOREIGN_HOST),  # type: ignore[arg-type]
        (NODE, Verdict.NODE_EXISTS),
        (HELD, Verdict.HOLDER_ALIVE),
        (BROKEN, Verdict.UNREADABLE),
        (FUTURE, Verdict.IN_THE_FUTURE),
        (FRESH, Verdict.RECENTLY_WRITTEN),
    ],
)
def test_it_replaces_these(seen: SeenLock, without: Verdict) -> None:
    """The only way out for a decommissioned laptop would be closed, or open unasked."""
    assert verdict(seen, ALIVE) == without
    assert verdict(seen, ALIVE, policy=OPTED) == Verdict.UNREFRESHED


@pytest.mark.parametrize("seen", [LAPTOP, NODE, HELD, BROKEN, FUTURE, FRESH])
def test_it_needs_an_observation_that_can_be_trusted(seen: SeenLock) -> None:
    """A lock would be removed in a sweep that knows nothing of the cluster."""
    doubted = observe(pod(created=ago(90 * DAY)), doubt="no witness")
    assert not verdict(seen, doubted, policy=OPTED).stale


@pytest.mark.parametrize(
    ("first_seen", "expected"),
    [
        (None, Verdict.AWAITING_CONFIRMATION),
        (NOW - HOUR, Verdict.FOREIGN_HOST),
        (NOW - WEEK + SECOND, Verdict.FOREIGN_HOST),
        (NOW - WEEK, Verdict.UNREFRESHED),
        (NOW - 9 * WEEK, Verdict.UNREFRESHED),
    ],
)
def test_the_state_must_have_seen_it_that_long(
    first_seen: datetime | None, expected: Verdict
) -> None:
    """A clock that is not the janitor's own would age it."""
    seen = lock("old-laptop", time=ago(70 * DAY), first_seen=first_seen)
    assert verdict(seen, of=NOBODYS, policy=OPTED) == expected


def test_a_stores_clock_does_not_replace_the_state() -> None:
    """The janitor itself must have seen the same ID for that long."""
    seen = lock(
        "old-laptop",
        time=ago(70 * DAY),
        modified=ago(60 * DAY),
        clock=StoreClock.SERVER,
        first_seen=None,
    )
    assert verdict(seen, of=NOBODYS, policy=OPTED) == Verdict.FOREIGN_HOST


@pytest.mark.parametrize(
    "seen",
    [
        lock("old-laptop", put_back=True, **OLD),  # type: ignore[arg-type]
        unreadable(first_seen=LONG_AGO, put_back=True),
        lock("old-laptop", time=ago(MINUTE), first_seen=LONG_AGO),
        lock(content=None, first_seen=LONG_AGO),
        replace(BROKEN, stored=None),
    ],
)
def test_it_never_replaces_these(seen: SeenLock) -> None:
    """A lock that a person put back, that is young, or whose bytes nobody has, would be removed."""
    assert not verdict(seen, of=NOBODYS, policy=OPTED).stale


def test_it_never_replaces_not_observed() -> None:
    """A missing right would be worked around by removing."""
    cluster = observe(namespaces=["janitor"], denied={"shop": "pods is forbidden"})
    assert verdict(LAPTOP, cluster, NOBODYS, policy=OPTED) == Verdict.NOT_OBSERVED
    without_nodes = observe(nodes=None, nodes_denied="nodes is forbidden")
    assert verdict(LAPTOP, without_nodes, NOBODYS, policy=OPTED) == Verdict.NOT_OBSERVED


def test_a_living_pod_does_not_lift_not_observed() -> None:
    """A pod that may hold the lock would make it removable, where without the pod it was kept."""
    denied = {"web": "pods is forbidden"}
    of = repository("*", namespaces=("shop", "web"))
    living = pod(created=ago(90 * DAY))
    kept = verdict(HELD, observe(namespaces=["shop"], denied=denied), of, policy=OPTED)
    assert kept == Verdict.NOT_OBSERVED
    cluster = observe(living, namespaces=["shop"], denied=denied)
    assert not verdict(HELD, cluster, of, policy=OPTED).stale


def test_the_stronger_reason_is_told() -> None:
    """A holder that is known to be dead would be told as one that merely did not refresh."""
    assert verdict(HELD, policy=OPTED) == Verdict.HOLDER_ABSENT
    dead = observe(pod("shop-backup-x2x9k", ended(ago(DAY)), phase="Failed"))
    assert verdict(HELD, dead, policy=OPTED) == Verdict.HOLDER_TERMINATED


@pytest.mark.parametrize(
    ("of_policy", "of_repository", "expected"),
    [
        (None, None, Verdict.FOREIGN_HOST),
        (WEEK, None, Verdict.UNREFRESHED),
        (None, WEEK, Verdict.UNREFRESHED),
        (2 * WEEK, WEEK, Verdict.UNREFRESHED),
        (DAY, 2 * WEEK, Verdict.FOREIGN_HOST),
    ],
)
def test_the_repositorys_setting_wins(
    of_policy: timedelta | None, of_repository: timedelta | None, expected: Verdict
) -> None:
    """The setting of a repository would have no effect, or the option be on without it."""
    of = repository(remove_unrefreshed_after=of_repository)
    policy = Policy(remove_unrefreshed_after=of_policy)
    assert verdict(LAPTOP, of=of, policy=policy) == expected


def test_it_says_what_it_risks() -> None:
    """Whoever opted in could not see that a suspended process may still come back."""
    detail = decide(LAPTOP, of=OURS, policy=OPTED).detail
    assert "suspended" in detail
    assert "0.14" in detail
