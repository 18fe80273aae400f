"""What a person reads of a verdict: it names what decided, and nothing breaks its line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from janitor.model import Judgement, Observation, Policy, StoreClock, Unreadable

from .builders import (
    DAY,
    HOST,
    HOUR,
    LOCKED,
    MINUTE,
    NOBODYS,
    NOW,
    SECOND,
    ago,
    decide,
    ended,
    known,
    lock,
    observe,
    pod,
    repository,
    running,
    unopened,
    unreadable,
)

BEFORE = LOCKED - HOUR
AFTER = LOCKED + HOUR


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        (lambda: decide(unreadable("it is not JSON")), "It is not JSON."),
        (lambda: decide(unreadable("It is not JSON.")), "It is not JSON."),
        (lambda: decide(unreadable("the name is not hex...")), "The name is not hex."),
        (lambda: decide(unreadable("")), ""),
        (
            lambda: decide(lock(put_back=True)),
            "It was put back by hand and is kept until it goes by itself.",
        ),
        (
            lambda: decide(unopened()),
            "Every time at hand is younger than min_age; it was not opened.",
        ),
        (
            lambda: decide(lock(first_seen=None)),
            "No clock but the holder's says how old it is, and no state remembers it; it is judged "
            "once the same lock has been seen for 30m.",
        ),
        (
            lambda: decide(lock(first_seen=ago(5 * MINUTE))),
            "Seen unchanged for only 5m; it is judged once the same lock has been seen for 30m.",
        ),
        (
            lambda: decide(lock(modified=ago(5 * MINUTE), clock=StoreClock.WRITER)),
            "The store's time says written 5m ago, the lock itself 8h ago: the clocks differ by "
            "7h 55m, or a restic of 0.9.6 or older refreshes it.",
        ),
    ],
)
def test_about_clocks(judged: Callable[[], Judgement], sentence: str) -> None:
    """Whoever reads it could not see which clock keeps the lock, or for how long."""
    assert judged().detail == sentence


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(0), "0s"),
        (SECOND, "1s"),
        (59 * SECOND, "59s"),
        (29 * MINUTE + 59 * SECOND, "29m 59s"),
        (HOUR, "1h"),
        (HOUR + MINUTE + SECOND, "1h 1m"),
        (DAY + 3 * HOUR, "1d 3h"),
        (3 * DAY + 59 * SECOND, "3d 59s"),
        (-SECOND, "-1s"),
        (-90 * SECOND, "-1m 30s"),
    ],
)
def test_spans_have_two_units(age: timedelta, said: str) -> None:
    """An age would be wrong, or so exact that nobody can read it."""
    judgement = decide(lock(time=ago(age)), policy=Policy(min_age=5 * DAY))
    assert judgement.detail == f"It is {said} old; min_age is 5d."


def test_a_fast_clock_is_told_with_its_error() -> None:
    """Nobody could tell a clock that is minutes ahead from one of another time zone."""
    judgement = decide(lock(time=NOW + 2 * HOUR + 30 * MINUTE))
    assert judgement.detail == ("Its time is 2h 30m ahead of now: the holder's clock runs fast.")


HOLDING = "may hold it: container 'restic' is running since 2026-11-24T03:00:00Z, before the lock"
DEAD = ended(AFTER, "sidecar")


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        (observe(pod()), f"Pod shop/{HOST} {HOLDING} was written."),
        (observe(pod(HOST, DEAD, running(BEFORE))), f"Pod shop/{HOST} {HOLDING} was written."),
        (
            observe(pod(HOST, DEAD), pod(), pod("x", hostname=HOST)),
            f"Pod shop/{HOST} {HOLDING} was written (and 1 more pods may).",
        ),
        (
            observe(*(pod(f"x{n}", hostname=HOST) for n in range(3))),
            f"Pod shop/x0 {HOLDING} was written (and 2 more pods may).",
        ),
        (
            observe(replace(pod(), containers=())),
            f"Pod shop/{HOST} has no containers that could be asked.",
        ),
    ],
)
def test_about_the_pod_that_may_hold_it(cluster: Observation, sentence: str) -> None:
    """Whoever looks for the holder would be sent to another pod or container."""
    assert decide(observation=cluster).detail == sentence


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        (
            observe(namespaces=["web"], nodes=None),
            "Namespace 'shop' is out of sight: it was not listed.",
        ),
        (
            observe(namespaces=["web"], denied={"shop": "the right is missing (403)"}),
            "Namespace 'shop' is out of sight: the right is missing (403).",
        ),
        (observe(nodes=None), "Nodes are out of sight: they were not listed."),
        (
            observe(nodes=None, nodes_denied="the right is missing (403)"),
            "Nodes are out of sight: the right is missing (403).",
        ),
    ],
)
def test_about_what_is_out_of_sight(cluster: Observation, sentence: str) -> None:
    """Nobody could tell a missing right from a setting that leaves something out."""
    assert decide(observation=cluster).detail == sentence


def test_the_first_namespace_out_of_sight_is_told() -> None:
    """Each sweep would name another one."""
    of = repository("*", namespaces=("a", "b", "shop"))
    detail = decide(observation=observe(namespaces=["shop"]), of=of).detail
    assert detail == "Namespace 'a' is out of sight: it was not listed."


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        (
            lambda: decide(lock(""), of=NOBODYS),
            "It names no host, so nobody can vouch for its holder.",
        ),
        (
            lambda: decide(lock("laptop"), of=NOBODYS),
            "Nothing shows that 'laptop' is a host of this cluster; `holders` of the configuration "
            "would make it ours.",
        ),
        (
            lambda: decide(lock("laptop"), of=repository(shared=True)),
            "Nothing shows that 'laptop' is a host of this cluster; the repository is shared, so a "
            "name alone is no evidence.",
        ),
    ],
)
def test_about_a_foreign_host(judged: Callable[[], Judgement], sentence: str) -> None:
    """A person would be sent to a setting that changes nothing for this repository."""
    assert judged().detail == sentence


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        (
            lambda: decide(lock("worker-1")),
            "'worker-1' is the Node 'worker-1', which exists: a hostNetwork pod or a process on "
            "the host may hold it.",
        ),
        (
            lambda: decide(lock("worker-7"), nodes=known("worker-7", absent=MINUTE)),
            "'worker-7' is the Node 'worker-7', which has not been absent from the cluster for 30m "
            "yet.",
        ),
        (
            lambda: decide(lock("worker-7"), nodes=known("worker-7", absent=9 * HOUR)),
            "'worker-7' was the Node 'worker-7' and wrote the lock after it had left: the host "
            "lives on outside the cluster.",
        ),
        (
            lambda: decide(lock("worker-7"), nodes=known("worker-7", absent=2 * HOUR)),
            "'worker-7' was the Node 'worker-7', absent for 2h, and no pod has the name.",
        ),
        (
            lambda: decide(
                observation=observe(pod(HOST, running(AFTER, restarts=1), created=BEFORE))
            ),
            f"Pod shop/{HOST} carries '{HOST}', but what runs in it began after the lock was "
            "written, or what wrote it has ended.",
        ),
        (
            lambda: decide(
                observation=observe(pod(HOST, ended(AFTER), phase="Failed", reason="Evicted"))
            ),
            f"Pod shop/{HOST} (Evicted) has ended: nothing in it holds a lock.",
        ),
        (
            lambda: decide(
                observation=observe(
                    pod(HOST, ended(AFTER), phase="Failed"),
                    pod("x", ended(AFTER), hostname=HOST, phase="Succeeded", reason="Preempted"),
                )
            ),
            f"Pod shop/{HOST} (Failed) has ended: nothing in it holds a lock.",
        ),
        (decide, f"No pod has the name '{HOST}', and it is ours, by pattern."),
    ],
)
def test_about_a_holder_that_is_there_or_gone(
    judged: Callable[[], Judgement], sentence: str
) -> None:
    """The evidence in words would be another than the one that decided."""
    assert judged().detail == sentence


def test_what_comes_from_outside_stays_in_its_line() -> None:
    """A hostname or a reason with a line break would forge a line of the log, or hide one."""
    foreign = decide(lock("a\nb"), of=NOBODYS).detail
    assert foreign.startswith(r"Nothing shows that 'a\nb' is a host of this cluster;")
    assert "'büro'" in decide(lock("büro"), of=NOBODYS).detail
    dead = pod(HOST, ended(AFTER), phase="Failed", reason="Evi\x1b[2Kcted")
    assert r"('Evi\x1b[2Kcted') has ended" in decide(observation=observe(dead)).detail


def test_a_reason_that_was_never_read_is_told() -> None:
    """A lock that could not be decoded would be kept without saying why."""
    seen = lock(content=Unreadable("The SHA-256 is not the name."))
    assert decide(seen).detail == "The SHA-256 is not the name."
