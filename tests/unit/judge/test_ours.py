"""Whose hostname is it? Each kind of evidence, what it needs, and what it does not suffice for."""

from __future__ import annotations

import pytest

from janitor.holder import fits
from janitor.model import HolderPattern, Judgement, Observation, Pod, Policy, Repository, Verdict

from .builders import (
    DAY,
    HOST,
    HOUR,
    LOCKED,
    NOBODYS,
    RANDOM,
    SECOND,
    ago,
    controlled,
    decide,
    ended,
    event,
    known,
    lock,
    node,
    observe,
    ours_by,
    pod,
    repository,
    running,
    verdict,
)

FOREIGN = Verdict.FOREIGN_HOST
ABSENT = Verdict.HOLDER_ABSENT
REPLACED = Verdict.HOLDER_REPLACED
BEFORE = LOCKED - HOUR
AFTER = LOCKED + HOUR
RESTARTED = running(AFTER, restarts=1)
EVERYWHERE = repository(namespaces=None)
SHARED = repository(shared=True)


def reborn(name: str = HOST, **more: object) -> Pod:
    """A candidate that cannot hold the lock, made before it: evidence, and no obstacle."""
    return pod(name, RESTARTED, **{"created": BEFORE, **more})  # type: ignore[arg-type]


def judged(hostname: str, cluster: Observation, of: Repository = NOBODYS) -> Judgement:
    """The judgement about the default lock under this hostname."""
    return decide(lock(hostname), cluster, of)


# --- pod -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hostname", "holder"),
    [
        ("shop-0", reborn("shop-0")),
        ("SHOP-0", reborn("shop-0")),
        ("nightly", reborn("shop-0", hostname="nightly")),
        ("nightly.lan", reborn("shop-0", hostname_override="nightly.lan")),
        ("shop-0.db.shop.svc.cluster.local", reborn("shop-0", fqdn=True)),
    ],
)
@pytest.mark.parametrize("of", [NOBODYS, EVERYWHERE])
def test_a_pod_older_than_the_lock_makes_it_ours(
    hostname: str, holder: Pod, of: Repository
) -> None:
    """A lock of a pod that stands before our eyes would be nobody's without a pattern."""
    judgement = judged(hostname, observe(holder), of)
    assert judgement.verdict == REPLACED
    assert ours_by(judgement) == "pod"


@pytest.mark.parametrize(
    "holder",
    [
        reborn("db", created=LOCKED),
        reborn("db", created=LOCKED + SECOND),
        reborn("db", created=AFTER),
        reborn("db", created=None),
        reborn("db", namespace="other"),
    ],
)
def test_a_pod_that_proves_nothing(holder: Pod) -> None:
    """A laptop's lock would be ours because a pod of its name was made later, or elsewhere."""
    assert judged("db", observe(holder)).verdict == FOREIGN


@pytest.mark.parametrize("hostname", ["db.local", "db.fritz.box"])
def test_the_first_label_is_evidence_only_for_a_fqdn_pod(hostname: str) -> None:
    """A laptop `db.local` would become ours because a pod `db` exists."""
    assert judged(hostname, observe(reborn("db"))).verdict == FOREIGN
    assert judged(hostname, observe(reborn("x", hostname="db"))).verdict == FOREIGN
    assert judged(hostname, observe(reborn("db", fqdn=True))).verdict == REPLACED


@pytest.mark.parametrize("turned", [1, -1])
def test_one_pod_that_proves_it_is_enough(turned: int) -> None:
    """A pod of the same hostname that is too young would hide the one that makes it ours."""
    pods = (reborn("db", created=AFTER), reborn("x", hostname="db"))[::turned]
    assert ours_by(judged("db", observe(*pods))) == "pod"


# --- event -----------------------------------------------------------------------------------

LONG = "shop-" + "a" * 57 + "-" + "b" * 17
DOTTED = "shop-" + "a" * 56 + ".-" + "b" * 17


@pytest.mark.parametrize(
    ("hostname", "about"),
    [
        (HOST, HOST),
        (HOST.upper(), HOST),
        (LONG[:62], LONG),
        (DOTTED[:61], DOTTED),
        ("db-0", "db-0"),
    ],
)
def test_an_event_about_the_pod_makes_it_ours(hostname: str, about: str) -> None:
    """A pod that is gone and of which only an Event speaks would be nobody's."""
    judgement = judged(hostname, observe(events=[event(about)]))
    assert judgement.verdict == ABSENT
    assert ours_by(judgement) == "event"


@pytest.mark.parametrize(
    ("hostname", "about", "namespace"),
    [
        (HOST, HOST, "other"),
        ("db", "db-0", "shop"),
        ("db-0", "db", "shop"),
        ("db.local", "db", "shop"),
        ("", "", "shop"),
    ],
)
def test_an_event_that_proves_nothing(hostname: str, about: str, namespace: str) -> None:
    """An Event about another pod, or in another tenant's namespace, would make a lock ours."""
    cluster = observe(events=[event(about, namespace=namespace)])
    assert judged(hostname, cluster).verdict == FOREIGN


def test_an_event_anywhere_counts_where_nothing_is_declared() -> None:
    """Without declared namespaces every observed one is the repository's."""
    cluster = observe(events=[event(HOST, namespace="other")])
    assert ours_by(judged(HOST, cluster, EVERYWHERE)) == "event"


@pytest.mark.parametrize("namespaces", [("shop", "other"), ("other", "shop")])
def test_one_event_that_proves_it_is_enough(namespaces: tuple[str, ...]) -> None:
    """An Event of another tenant's pod would hide the one about ours."""
    cluster = observe(events=[event("db-0", namespace=one) for one in namespaces])
    assert ours_by(judged("db-0", cluster)) == "event"


# --- node ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostname", ["worker-7", "WORKER-7", "worker-7.example.net"])
def test_a_node_of_this_cluster_is_ours(hostname: str) -> None:
    """The lock of a Node that was removed from the cluster would be nobody's."""
    judgement = decide(lock(hostname), of=NOBODYS, nodes=known("worker-7", absent=2 * HOUR))
    assert judgement.verdict == Verdict.NODE_GONE
    assert ours_by(judgement) == "node"


# --- pattern ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "hostname", "fits"),
    [
        ("shop-backup-*", HOST, True),
        ("shop-backup-*", HOST.upper(), True),
        ("SHOP-Backup-*", HOST, True),
        ("shop-backup-?2x9k", HOST, True),
        ("shop-backup-" + RANDOM, HOST, True),
        ("shop-backup-" + RANDOM, "shop-backup-far-x2x9k", False),
        ("shop-backup-" + RANDOM, "shop-backup-x2x91", False),
        ("backup-*", HOST, False),
        ("shop-backup", HOST, False),
        ("shop-backup-x2x9", HOST, False),
        ("*", HOST, True),
        ("*", "", False),
        ("", "", False),
        ("db-*", "db-0.db.shop.svc", True),
        ("db-0", "db-0.db.shop.svc", False),
    ],
)
def test_a_pattern_must_fit_the_whole_hostname(pattern: str, hostname: str, fits: bool) -> None:
    """A pattern would take its neighbours' locks, or miss its own for their case."""
    judgement = judged(hostname, observe(), repository(pattern))
    assert judgement.verdict == (ABSENT if fits else FOREIGN)
    if fits:
        assert ours_by(judgement) in {"pattern", "owner"}


@pytest.mark.parametrize("patterns", [("shop-*", "db-*"), ("db-*", "shop-*")])
def test_one_pattern_that_fits_is_enough(patterns: tuple[str, ...]) -> None:
    """Only the first pattern of `holders` would count."""
    assert ours_by(judged(HOST, observe(), repository(*patterns))) == "pattern"


def test_an_empty_hostname_fits_no_pattern() -> None:
    """A pattern `*` would speak for a lock that names nobody."""
    assert not fits(HolderPattern("*"), "")


def test_a_configured_pattern_is_called_one() -> None:
    """The report would name another evidence than the user's own words."""
    assert ours_by(judged(HOST, observe(), repository("shop-*"))) == "pattern"


# --- family ----------------------------------------------------------------------------------

DB_0 = pod("db-0", created=ago(30 * DAY), owners=controlled("StatefulSet", "db"))


@pytest.mark.parametrize(
    ("hostname", "relative"),
    [
        ("db-1", DB_0),
        ("DB-1", DB_0),
        ("shop-7k2px", pod("shop-x2x9k", owners=controlled("Job", "shop"))),
        (
            "shop-7k2px",
            pod("shop-x2x9k", ended(AFTER), owners=controlled("Job", "shop"), phase="Succeeded"),
        ),
        ("agent-7k2px", pod("agent-x2x9k", owners=controlled("DaemonSet", "agent"))),
        (
            "web-bcdfghj-7k2px",
            pod(
                "web-6f7c9d8b5d-x2x9k",
                owners=controlled("ReplicaSet", "web-6f7c9d8b5d"),
                template_hash="6f7c9d8b5d",
            ),
        ),
    ],
)
def test_a_relative_in_view_makes_it_ours(hostname: str, relative: Pod) -> None:
    """The lock of a pod that is gone would be nobody's although its controller lives on."""
    judgement = judged(hostname, observe(relative))
    assert judgement.verdict == ABSENT
    assert ours_by(judgement) == "family"


def test_a_template_with_a_hostname_is_family() -> None:
    """A lock under a fixed hostname would be nobody's once its pod was made anew."""
    holder = pod(
        "shop-x2x9k", hostname="nightly", created=AFTER, owners=controlled("Workflow", "shop")
    )
    judgement = judged("nightly", observe(holder))
    assert judgement.verdict == REPLACED
    assert ours_by(judgement) == "family"


def test_family_needs_declared_namespaces() -> None:
    """Any StatefulSet `db` of the cluster would take another cluster's `db-1`."""
    assert judged("db-1", observe(DB_0), EVERYWHERE).verdict == FOREIGN
    assert judged("db-1", observe(DB_0), repository(namespaces=())).verdict == FOREIGN


def test_family_is_looked_for_in_the_declared_namespaces_only() -> None:
    """Another tenant's StatefulSet would make our repository's lock its own."""
    elsewhere = pod("db-0", namespace="other", owners=controlled("StatefulSet", "db"))
    assert judged("db-1", observe(elsewhere)).verdict == FOREIGN


@pytest.mark.parametrize("declared", [("shop", "web"), ("web", "shop")])
def test_a_relative_in_any_declared_namespace_makes_it_ours(declared: tuple[str, ...]) -> None:
    """Only the first namespace that a repository declares would count."""
    assert ours_by(judged("db-1", observe(DB_0), repository(namespaces=declared))) == "family"


@pytest.mark.parametrize("hostname", ["old-db-1", "db-1.lan", "db-1-old"])
def test_the_whole_hostname_must_be_the_familys(hostname: str) -> None:
    """Any name that merely contains a relative's would be ours."""
    assert judged(hostname, observe(DB_0)).verdict == FOREIGN


def test_family_needs_every_declared_namespace_listed() -> None:
    """A holder in a namespace that nobody looked into would be absent."""
    of = repository(namespaces=("shop", "unseen"))
    judgement = judged("db-1", observe(DB_0, namespaces=["shop", "janitor"]), of)
    assert judgement.verdict == Verdict.NOT_OBSERVED
    assert judgement.evidence["hostname_is_ours"] is None
    listed = observe(DB_0, namespaces=["shop", "unseen", "janitor"])
    assert judged("db-1", listed, of).verdict == ABSENT


# --- shared ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hostname", [HOST, "db-0"])
def test_a_shared_repository_needs_more_than_a_pattern(hostname: str) -> None:
    """The same manifests run elsewhere: that cluster's living holder would lose its lock."""
    assert judged(hostname, observe(), repository("*", shared=True)).verdict == FOREIGN


def test_a_shared_repository_needs_more_than_family() -> None:
    """The other cluster's `db-1` would be judged by our StatefulSet."""
    assert judged("db-1", observe(DB_0), SHARED).verdict == FOREIGN
    relative = pod("shop-x2x9k", owners=controlled("Job", "shop"))
    assert judged("shop-7k2px", observe(relative), SHARED).verdict == FOREIGN


@pytest.mark.parametrize(
    ("hostname", "holder"),
    [
        ("db-0", reborn("db-0", owners=controlled("StatefulSet", "db"))),
        ("shards-0", reborn("shards-0-x2x9k", hostname="shards-0", owners=controlled("Job", "s"))),
        ("nightly", reborn("shop-x2x9k", hostname="nightly")),
        ("nightly-7k2px", reborn("shop-x2x9k", hostname="nightly-7k2px")),
    ],
)
def test_a_shared_repository_and_a_pod_of_a_fixed_name(hostname: str, holder: Pod) -> None:
    """The other cluster has a pod of that hostname too, and it may be alive."""
    assert judged(hostname, observe(holder), SHARED).verdict == FOREIGN
    assert judged(hostname, observe(holder), NOBODYS).verdict == REPLACED


def test_a_shared_repository_and_a_generated_name() -> None:
    """No other cluster has a pod of that very name: keeping its lock would be for nothing."""
    judgement = judged(HOST, observe(reborn()), SHARED)
    assert judgement.verdict == REPLACED
    assert ours_by(judgement) == "pod"
    judgement = judged(HOST, observe(events=[event(HOST)]), SHARED)
    assert judgement.verdict == ABSENT
    assert ours_by(judgement) == "event"


def test_a_shared_repository_and_an_event_of_a_fixed_name() -> None:
    """The other cluster has a `db-0` as well."""
    assert judged("db-0", observe(events=[event("db-0")]), SHARED).verdict == FOREIGN


def test_a_shared_repository_and_a_node() -> None:
    """The other cluster may well have a Node `worker-7` too, and that one may live."""
    memory = known("worker-7", absent=2 * HOUR)
    assert verdict(lock("worker-7"), of=SHARED, nodes=memory) == FOREIGN
    assert verdict(lock("worker-7"), of=NOBODYS, nodes=memory) == Verdict.NODE_GONE


def test_a_shared_repository_and_an_event_of_a_name_that_was_cut() -> None:
    """The random suffix fell victim to the cut: the other cluster's pod has the same hostname."""
    cluster = observe(events=[event(LONG + "-x2x9k")])
    assert judged(LONG[:62], cluster, SHARED).verdict == FOREIGN
    assert judged(LONG[:62], cluster, NOBODYS).verdict == ABSENT


# --- the strongest names it ------------------------------------------------------------------


def test_the_strongest_evidence_is_named() -> None:
    """The verdict would rest on a name although something was seen."""
    of = repository("*")
    relative = reborn("db-0", owners=controlled("StatefulSet", "db"))
    events = [event("db-0")]
    assert ours_by(judged("db-0", observe(relative, events=events), of)) == "pod"
    assert ours_by(judged("db-0", observe(events=events), of)) == "event"
    memory = known("db-1", absent=2 * HOUR)
    judgement = decide(lock("db-1"), observe(DB_0, events=[event("db-1")]), of, nodes=memory)
    assert ours_by(judgement) == "event"
    assert ours_by(decide(lock("db-1"), observe(DB_0), of, nodes=memory)) == "node"
    assert ours_by(judged("db-1", observe(DB_0), of)) == "pattern"
    assert ours_by(judged("db-1", observe(DB_0), NOBODYS)) == "family"


@pytest.mark.parametrize("of", [NOBODYS, EVERYWHERE, SHARED, repository("*"), repository("")])
def test_an_empty_hostname_is_nobodys(of: Repository) -> None:
    """A lock without a hostname would be removed though nobody can say whose it is."""
    cluster = observe(
        reborn(hostname=""), DB_0, events=[event("")], nodes=[node(), node("w2", hostname_label="")]
    )
    assert verdict(lock(""), cluster, of, nodes=known("worker-7", "", absent=HOUR)) == FOREIGN


def test_with_nodes_unread_a_nodes_own_name_is_nobodys() -> None:
    """A Node may have come back since it was missed, and its host processes with it."""
    memory = known("worker-7", absent=2 * HOUR)
    policy = Policy(observe_nodes=False)
    found = decide(lock("worker-7"), observe(nodes=None), NOBODYS, nodes=memory, policy=policy)
    assert not found.verdict.stale


def test_a_host_network_pod_does_not_make_its_node_ours() -> None:
    """With Nodes unread, any process of that host would lose its lock once the pod has ended."""
    policy = Policy(observe_nodes=False)
    holder = pod(
        "agent-x2x9k",
        ended(AFTER),
        created=BEFORE,
        phase="Failed",
        node="worker-7",
        host_network=True,
    )
    found = decide(lock("worker-7"), observe(holder, nodes=None), NOBODYS, policy=policy)
    assert not found.verdict.stale


def test_containers_of_a_pattern_do_not_matter_for_whose_it_is() -> None:
    """A pattern with containers would not make its hostnames ours."""
    of = repository(HolderPattern("shop-*", containers=("stash",)))
    assert ours_by(judged(HOST, observe(), of)) == "pattern"
