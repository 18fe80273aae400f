"""The verdicts about clocks: a lock must be old by the holder's clock and by another one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from janitor.model import Policy, StoreClock, Verdict

from .builders import (
    DAY,
    HOUR,
    MIN_AGE,
    MINUTE,
    NOW,
    SECOND,
    SKEW,
    ago,
    decide,
    lock,
    observe,
    pod,
    repository,
    unopened,
    unreadable,
    verdict,
)

STALE = Verdict.HOLDER_ABSENT
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize("reason", ["The SHA-256 is not the name.", "Zero-length, ignored."])
def test_unreadable_gives_its_reason(reason: str) -> None:
    """A person could not tell a truncated lock from an empty one."""
    judgement = decide(unreadable(reason))
    assert judgement.verdict == Verdict.UNREADABLE
    assert reason in judgement.detail


def test_put_back_is_kept_however_old() -> None:
    """A lock that a person restored would be removed again by the next sweep."""
    assert verdict(lock(put_back=True)) == Verdict.PUT_BACK


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (NOW + SKEW + SECOND, Verdict.IN_THE_FUTURE),
        (NOW + SKEW + MICROSECOND, Verdict.IN_THE_FUTURE),
        (NOW + SKEW, Verdict.TOO_YOUNG),
        (NOW + SECOND, Verdict.TOO_YOUNG),
        (NOW, Verdict.TOO_YOUNG),
        (NOW - MIN_AGE + SECOND, Verdict.TOO_YOUNG),
        (NOW - MIN_AGE + MICROSECOND, Verdict.TOO_YOUNG),
        (NOW - MIN_AGE, STALE),
        (NOW - MIN_AGE - SECOND, STALE),
    ],
)
def test_age_by_the_holders_clock(time: datetime, expected: Verdict) -> None:
    """A lock would be judged before min_age, or a wrong clock would not be called one."""
    assert verdict(lock(time=time)) == expected


def test_max_skew_of_the_policy_counts() -> None:
    """The setting `max_skew` would have no effect on locks of the future."""
    policy = Policy(max_skew=10 * SECOND)
    assert verdict(lock(time=NOW + 11 * SECOND), policy=policy) == Verdict.IN_THE_FUTURE


def test_unopened_is_too_young() -> None:
    """A lock whose every time is young would be called something else than young."""
    assert verdict(unopened()) == Verdict.TOO_YOUNG
    assert verdict(unopened(None, StoreClock.NONE)) == Verdict.TOO_YOUNG


@pytest.mark.parametrize("clock", [StoreClock.SERVER, StoreClock.WRITER])
@pytest.mark.parametrize(
    ("modified", "young"),
    [
        (NOW + HOUR, True),
        (NOW, True),
        (NOW - MIN_AGE + SECOND, True),
        (NOW - MIN_AGE, False),
        (NOW - DAY, False),
    ],
)
def test_a_young_time_of_the_store_keeps(
    clock: StoreClock, modified: datetime, young: bool
) -> None:
    """A live restic with a wrong clock would lose its lock although the file is fresh."""
    expected = Verdict.RECENTLY_WRITTEN if young else STALE
    assert verdict(lock(modified=modified, clock=clock)) == expected


@pytest.mark.parametrize(
    ("clock", "modified", "first_seen", "expected"),
    [
        (StoreClock.SERVER, NOW - HOUR, None, STALE),
        (StoreClock.SERVER, NOW - HOUR, NOW, STALE),
        (StoreClock.SERVER, NOW - MIN_AGE, None, STALE),
        (StoreClock.SERVER, None, None, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.SERVER, None, NOW - MINUTE, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.SERVER, None, NOW - HOUR, STALE),
        (StoreClock.WRITER, NOW - DAY, None, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.WRITER, NOW - DAY, NOW - MIN_AGE + SECOND, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.WRITER, NOW - DAY, NOW - MIN_AGE, STALE),
        (StoreClock.NONE, None, None, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.NONE, None, NOW + SECOND, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.NONE, None, NOW - MIN_AGE + SECOND, Verdict.AWAITING_CONFIRMATION),
        (StoreClock.NONE, None, NOW - MIN_AGE, STALE),
    ],
)
def test_a_second_clock_must_have_seen_it(
    clock: StoreClock, modified: datetime | None, first_seen: datetime | None, expected: Verdict
) -> None:
    """One clock alone, the holder's, would be enough to remove a lock."""
    assert verdict(lock(modified=modified, clock=clock, first_seen=first_seen)) == expected


@pytest.mark.parametrize(
    ("of_policy", "of_repository", "expected"),
    [
        (HOUR, None, Verdict.TOO_YOUNG),
        (MINUTE, 2 * HOUR, Verdict.TOO_YOUNG),
        (DAY, 30 * MINUTE, STALE),
    ],
)
def test_min_age_of_the_repository_wins(
    of_policy: timedelta, of_repository: timedelta | None, expected: Verdict
) -> None:
    """The setting `min_age` of a repository would have no effect."""
    of = repository("shop-backup-*", min_age=of_repository)
    seen = lock(time=ago(45 * MINUTE), first_seen=ago(45 * MINUTE))
    assert verdict(seen, of=of, policy=Policy(min_age=of_policy)) == expected


def test_min_age_of_the_repository_binds_every_clock() -> None:
    """A repository's min_age would bind the holder's clock only."""
    of = repository("shop-backup-*", min_age=2 * HOUR)
    server = lock(modified=ago(HOUR), clock=StoreClock.SERVER)
    assert verdict(server, of=of) == Verdict.RECENTLY_WRITTEN
    assert verdict(lock(first_seen=ago(HOUR)), of=of) == Verdict.AWAITING_CONFIRMATION


UNKNOWN = observe(doubt="the pod list broke off")
ALIVE = observe(pod())


def test_the_verdicts_about_clocks_come_in_order() -> None:
    """Two verdicts fit, and the later one would be told: scripts and alerts hang on the word."""
    future, young = NOW + HOUR, ago(MINUTE)
    fresh = {"modified": ago(MINUTE), "clock": StoreClock.WRITER}
    assert verdict(unreadable(put_back=True)) == Verdict.UNREADABLE
    assert verdict(unreadable(), UNKNOWN) == Verdict.UNREADABLE
    assert verdict(lock(time=future, put_back=True)) == Verdict.PUT_BACK
    assert verdict(lock(time=young, put_back=True)) == Verdict.PUT_BACK
    assert verdict(lock(content=None, put_back=True)) == Verdict.PUT_BACK
    assert verdict(lock(time=future, **fresh)) == Verdict.IN_THE_FUTURE
    assert verdict(lock(time=future), UNKNOWN) == Verdict.IN_THE_FUTURE
    assert verdict(lock(time=young, **fresh)) == Verdict.TOO_YOUNG
    assert verdict(lock(time=young, first_seen=None)) == Verdict.TOO_YOUNG
    assert verdict(lock(time=young), UNKNOWN) == Verdict.TOO_YOUNG
    assert verdict(lock(first_seen=None, **fresh)) == Verdict.RECENTLY_WRITTEN
    assert verdict(lock(**fresh), UNKNOWN) == Verdict.RECENTLY_WRITTEN
    assert verdict(lock(first_seen=None), UNKNOWN) == Verdict.AWAITING_CONFIRMATION
    assert verdict(lock(first_seen=None), ALIVE) == Verdict.AWAITING_CONFIRMATION
    assert verdict(lock(time=young), ALIVE) == Verdict.TOO_YOUNG
