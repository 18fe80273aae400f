"""What machines read of a verdict: every time and every container that was looked at."""

from __future__ import annotations

from datetime import timedelta

from janitor.holder import Claim
from janitor.model import ContainerKind, Policy, StoreClock

from .builders import (
    EVIDENCE,
    HOST,
    HOUR,
    LOCKED,
    MINUTE,
    NOBODYS,
    ago,
    controlled,
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
    unstarted,
)

FRACTION = timedelta(microseconds=123_456)
"""restic writes nanoseconds; evidence is told in whole seconds."""


def test_every_clock_is_in_the_evidence() -> None:
    """Whoever doubts a removal could not see by which times it was done."""
    seen = lock(
        time=LOCKED + FRACTION,
        modified=ago(2 * HOUR) + FRACTION,
        clock=StoreClock.SERVER,
        first_seen=ago(HOUR),
    )
    evidence = decide(seen, policy=Policy(min_age=45 * MINUTE)).evidence
    assert evidence["clocks"] == {
        "now": "2026-11-24T12:00:00Z",
        "lock_time": "2026-11-24T04:00:00Z",
        "store_time": "2026-11-24T10:00:00Z",
        "store_clock": "server",
        "first_seen": "2026-11-24T11:00:00Z",
    }
    assert evidence["min_age_seconds"] == 45 * 60


def test_a_time_that_is_not_known_is_null() -> None:
    """A lock that nobody could read would have a time."""
    for seen in (unreadable(first_seen=None), unopened(None, StoreClock.NONE, None)):
        assert decide(seen).evidence == {
            "clocks": {
                "now": "2026-11-24T12:00:00Z",
                "lock_time": None,
                "store_time": None,
                "store_clock": "none",
                "first_seen": None,
            },
            "min_age_seconds": 1800,
        }


def test_every_candidate_and_container_is_in_the_evidence() -> None:
    """Whoever doubts a verdict could not see what the API showed when it was given."""
    holder = pod(
        HOST,
        ended(LOCKED + HOUR, "prepare", code=0, reason="Completed", kind=ContainerKind.INIT),
        running(LOCKED + 2 * HOUR, restarts=3, finished=LOCKED + HOUR),
        created=LOCKED - HOUR,
        reason="NodeLost",
        message="the node is gone",
        deleting=True,
    )
    relative = pod(
        "shop-db-0",
        unstarted("web"),
        created=None,
        hostname=HOST,
        phase="Pending",
        node=None,
        owners=controlled("StatefulSet", "shop-db"),
    )
    evidence = decide(observation=observe(holder, relative)).evidence
    assert evidence["observed"] == "2026-11-24T12:00:00Z"
    assert evidence["hostname_is_ours"] == "pod"
    assert evidence["candidates"] == [
        {
            "pod": f"shop/{HOST}",
            "uid": f"uid-shop-{HOST}",
            "created": "2026-11-24T03:00:00Z",
            "phase": "Running",
            "reason": "NodeLost",
            "message": "the node is gone",
            "deleting": True,
            "node": "worker-1",
            "containers": [
                {
                    "name": "prepare",
                    "state": "ended",
                    "started": None,
                    "finished": "2026-11-24T05:00:00Z",
                    "reason": "Completed",
                    "restarts": 0,
                    "may_hold": False,
                    "why": "ended at 2026-11-24T05:00:00Z, after the lock was written",
                },
                {
                    "name": "restic",
                    "state": "running",
                    "started": "2026-11-24T06:00:00Z",
                    "finished": "2026-11-24T05:00:00Z",
                    "reason": None,
                    "restarts": 3,
                    "may_hold": False,
                    "why": "running since 2026-11-24T06:00:00Z, after the lock was written",
                },
            ],
        },
        {
            "pod": "shop/shop-db-0",
            "uid": "uid-shop-shop-db-0",
            "created": None,
            "phase": "Pending",
            "reason": None,
            "message": None,
            "deleting": False,
            "node": None,
            "containers": [
                {
                    "name": "web",
                    "state": "never-started",
                    "started": None,
                    "finished": None,
                    "reason": None,
                    "restarts": 0,
                    "may_hold": False,
                    "why": "never started: the pod has no Node yet",
                },
            ],
        },
    ]


def test_the_evidence_of_a_doubt_has_no_cluster_in_it() -> None:
    """What was seen in an observation that cannot be trusted would look like evidence."""
    evidence = decide(observation=observe(pod(), doubt="no witness")).evidence
    assert evidence.keys() == {"clocks", "min_age_seconds"}


def test_the_words_of_whose_it_is() -> None:
    """Scripts that tell a seen pod from a mere name would meet a word they do not know."""
    assert {claim.value for claim in Claim} == EVIDENCE
    relative = pod("db-0", owners=controlled("StatefulSet", "db"))
    of = repository("laptop", namespaces=("shop",))
    assert decide(lock("laptop"), of=of).evidence["hostname_is_ours"] == "pattern"
    found = decide(lock("db-1"), observe(relative), NOBODYS)
    assert found.evidence["hostname_is_ours"] == "family"
    found = decide(lock("worker-7"), of=NOBODYS, nodes=known("worker-7", absent=2 * HOUR))
    assert found.evidence["hostname_is_ours"] == "node"
    assert decide(lock("laptop"), of=NOBODYS).evidence["hostname_is_ours"] is None
