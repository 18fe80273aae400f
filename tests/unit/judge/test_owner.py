"""What an owner's workload calls its pods, and the namespaces that are only watched."""

from __future__ import annotations

import pytest

from janitor.model import GeneratedHolder, Verdict
from janitor.names import cronjob_pods, statefulset_pods

from .builders import (
    HOUR,
    LOCKED,
    ago,
    decide,
    ended,
    known,
    lock,
    observe,
    ours_by,
    pod,
    repository,
    running,
    verdict,
)

ABSENT, FOREIGN, ALIVE = Verdict.HOLDER_ABSENT, Verdict.FOREIGN_HOST, Verdict.HOLDER_ALIVE
CRONJOB = GeneratedHolder("CronJob shop/nightly", cronjob_pods("nightly"), ("restic",))
DATABASE = GeneratedHolder("StatefulSet shop/db", statefulset_pods("db"), ("stash", "stash-init"))
OWNED = repository(generated=(DATABASE, CRONJOB))
AFTER, BEFORE = LOCKED + HOUR, LOCKED - HOUR


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("nightly-29401234-x2x9k", ABSENT),
        ("NIGHTLY-29401234-x2x9k", ABSENT),
        ("db-0", ABSENT),
        ("db-12", ABSENT),
        ("nightly-far-29401234-x2x9k", FOREIGN),
        ("my-nightly-29401234-x2x9k", FOREIGN),
        ("nightly-29401234-x2x9k.lan", FOREIGN),
        ("db", FOREIGN),
        ("", FOREIGN),
    ],
)
def test_a_name_that_the_owners_workload_gives_is_ours(hostname: str, expected: Verdict) -> None:
    """A backup that a discovered owner started, and that is gone, would keep its lock for ever;
    or another's host would be taken for it.
    """
    judgement = decide(lock(hostname), observe(), OWNED)
    assert judgement.verdict == expected
    if expected is ABSENT:
        assert ours_by(judgement) == "owner"


def test_an_owner_is_stronger_than_a_pattern_and_weaker_than_a_node() -> None:
    """The evidence that the verdict names would not be the strongest."""
    both = repository("db-*", generated=(DATABASE,))
    assert ours_by(decide(lock("db-0"), observe(), both)) == "owner"
    nodes = known("db-0", absent=24 * HOUR)
    assert ours_by(decide(lock("db-0"), observe(), both, nodes=nodes)) == "node"


def test_in_a_shared_repository_an_owners_name_is_no_evidence() -> None:
    """The other cluster runs the same manifests: its living pod would lose its lock."""
    shared = repository(generated=(DATABASE,), shared=True)
    assert verdict(lock("db-0"), observe(), shared) == FOREIGN


def test_only_the_owners_containers_are_asked() -> None:
    """A sidecar that was killed beside a database that runs on would keep its lock."""
    holder = pod("db-0", running(BEFORE, "db"), running(AFTER, "stash", restarts=1), created=BEFORE)
    assert verdict(lock("db-0"), observe(holder), OWNED) == Verdict.HOLDER_REPLACED
    other = GeneratedHolder("Job shop/other", cronjob_pods("other"))
    beside = repository(generated=(other, DATABASE))
    assert verdict(lock("db-0"), observe(holder), beside) == Verdict.HOLDER_REPLACED
    every = repository(generated=(GeneratedHolder("x", statefulset_pods("db")),))
    assert verdict(lock("db-0"), observe(holder), every) == ALIVE


def test_an_owner_and_a_person_both_have_their_say() -> None:
    """A pattern without containers, or one with others, would be left out."""
    holder = pod("db-0", running(BEFORE, "db"), running(AFTER, "stash", restarts=1), created=BEFORE)
    for patterns in (("db-*",), ("db-?", "db-*")):
        both = repository(*patterns, generated=(DATABASE,))
        assert verdict(lock("db-0"), observe(holder), both) == ALIVE
    other = GeneratedHolder("y", statefulset_pods("db"), ("db",))
    assert verdict(lock("db-0"), observe(holder), repository(generated=(DATABASE, other))) == ALIVE


# --- watched ----------------------------------------------------------------------------------

WATCHING = repository("db-*", watched=("web", "media"))
EVERYWHERE = repository("db-*", watched=None)


@pytest.mark.parametrize(
    ("of", "namespace", "expected"),
    [
        (WATCHING, "web", ALIVE),
        (WATCHING, "media", ALIVE),
        (WATCHING, "other", ABSENT),
        (EVERYWHERE, "other", ALIVE),
        (repository("db-*"), "web", ABSENT),
    ],
)
def test_a_pod_in_a_watched_namespace_may_hold(of, namespace: str, expected: Verdict) -> None:
    """Another owner of the same place would lose the lock of its living backup."""
    assert verdict(lock("db-0"), observe(pod("db-0", namespace=namespace)), of) == expected


def test_a_pod_in_a_watched_namespace_makes_nothing_ours() -> None:
    """Whoever writes another's location down would make that one's laptops his own."""
    dead = pod("laptop", ended(ago(HOUR)), namespace="web", phase="Failed", created=BEFORE)
    for of in (repository(watched=("web",)), repository(watched=None)):
        assert verdict(lock("laptop"), observe(dead), of) == FOREIGN


def test_a_watched_namespace_that_cannot_be_seen_keeps_the_lock() -> None:
    """Its living pod, unseen, would lose its lock."""
    denied = {"web": "403"}
    assert verdict(lock("db-0"), observe(denied=denied), WATCHING) == Verdict.NOT_OBSERVED
    assert verdict(lock("db-0"), observe(denied=denied), EVERYWHERE) == Verdict.NOT_OBSERVED
    seen = observe(namespaces=("shop", "web"))
    assert verdict(lock("db-0"), seen, WATCHING) == Verdict.NOT_OBSERVED
    assert verdict(lock("db-0"), seen, repository("db-*", watched=("web",))) == ABSENT
