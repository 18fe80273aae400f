"""Which pods may carry a hostname: liberally, since an extra candidate only keeps."""

from __future__ import annotations

import pytest

from janitor.model import KnownNode, Pod, Policy, Repository, Verdict

from .builders import (
    HOUR,
    NOW,
    ago,
    ended,
    known,
    lock,
    node,
    observe,
    pod,
    repository,
    verdict,
)

ALIVE = Verdict.HOLDER_ALIVE
ABSENT = Verdict.HOLDER_ABSENT
EVERYTHING = repository("*")
"""Any hostname is ours, so that only the candidates decide."""
LONG = "shop-" + "a" * 57 + "-" + "b" * 17
DOTTED = "shop-" + "a" * 56 + ".-" + "b" * 17


@pytest.mark.parametrize(
    ("hostname", "holder"),
    [
        ("shop-0", pod("shop-0")),
        ("SHOP-0", pod("shop-0")),
        ("shop-0.shop.default.svc.cluster.local", pod("shop-0")),
        ("shop-0.shop", pod("shop-0", fqdn=True)),
        ("Shop-0.Shop.Default.Svc", pod("shop-0", fqdn=True)),
        ("nightly", pod("shop-6f7c9d8b5d-x2x9k", hostname="nightly")),
        ("Nightly", pod("shop-6f7c9d8b5d-x2x9k", hostname="nightly")),
        ("nightly.example.net", pod("shop-6f7c9d8b5d-x2x9k", hostname="nightly")),
        ("nightly", pod("shop-0", hostname_override="nightly")),
        ("nightly.example.net", pod("shop-0", hostname_override="nightly.example.net")),
        ("nightly", pod("shop-0", hostname_override="nightly.example.net")),
        ("shop.v1", pod("shop.v1")),
        ("shop-0", pod("shop-0", hostname="nightly")),
        (LONG[:62], pod(LONG)),
        (LONG, pod(LONG)),
        (DOTTED[:61], pod(DOTTED)),
        ("nightly", pod(LONG, hostname="nightly")),
    ],
)
def test_may_carry(hostname: str, holder: Pod) -> None:
    """A living pod would be overlooked because its hostname is written in another way."""
    assert verdict(lock(hostname), observe(holder), EVERYTHING) == ALIVE


@pytest.mark.parametrize(
    ("hostname", "holder"),
    [
        ("shop-0", pod("shop-00")),
        ("shop-0", pod("shop")),
        ("shop", pod("shop-0")),
        ("shop-0", pod("other-0", node="shop-0")),
        ("shop-0.example.net", pod("example")),
    ],
)
def test_does_not_carry(hostname: str, holder: Pod) -> None:
    """Every dead holder would be kept alive by a pod that only looks like it."""
    assert verdict(lock(hostname), observe(holder), EVERYTHING) == ABSENT


def test_a_pod_that_says_no_hostname_carries_no_empty_one() -> None:
    """A lock without a hostname would be given to some pod."""
    for strange in (pod(hostname=""), pod(hostname_override=".nightly")):
        assert verdict(lock(""), observe(strange), EVERYTHING) == Verdict.FOREIGN_HOST


HOST_POD = pod("node-backup-x2x9k", node="worker-9", host_network=True)


@pytest.mark.parametrize("hostname", ["worker-9", "WORKER-9", "worker-9.example.net"])
def test_host_network_carries_its_nodes_name(hostname: str) -> None:
    """With Nodes unread, a hostNetwork pod's lock would be taken for nobody's."""
    policy = Policy(observe_nodes=False)
    seen = lock(hostname)
    alive = observe(HOST_POD, nodes=None)
    assert verdict(seen, alive, EVERYTHING, policy=policy) == ALIVE


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::7"])
def test_host_network_carries_its_nodes_addresses(address: str) -> None:
    """A Node that is named by its address would be overlooked."""
    policy = Policy(observe_nodes=False)
    holder = pod(
        "node-backup-x2x9k",
        node="worker-9",
        host_network=True,
        host_addresses=("10.1.2.3", "fd00::7"),
    )
    alive = observe(holder, nodes=None)
    assert verdict(lock(address), alive, EVERYTHING, policy=policy) == ALIVE


def test_an_address_is_matched_whole() -> None:
    """Every address of a /8 would be the same Node."""
    holder = pod("x-x2x9k", node="worker-9", host_network=True, host_addresses=("10.1.2.3",))
    policy = Policy(observe_nodes=False)
    for hostname in ("10.9.9.9", "10", "10.1.2.30"):
        seen = lock(hostname)
        assert verdict(seen, observe(holder, nodes=None), EVERYTHING, policy=policy) == ABSENT


def test_without_host_network_the_node_lends_no_name() -> None:
    """Any pod on a Node would keep the locks that were made under the Node's name."""
    holder = pod("web-x2x9k", node="worker-9")
    policy = Policy(observe_nodes=False)
    seen = lock("worker-9")
    assert verdict(seen, observe(holder, nodes=None), EVERYTHING, policy=policy) == ABSENT


@pytest.mark.parametrize(
    ("of", "holder", "expected"),
    [
        (repository("*"), pod("postgres-0", namespace="shop"), ALIVE),
        (repository("*"), pod("postgres-0", namespace="other"), ABSENT),
        (repository("*", namespaces=("a", "b")), pod("postgres-0", namespace="b"), ALIVE),
        (repository("*", namespaces=("a", "b")), pod("postgres-0", namespace="c"), ABSENT),
        (repository("*", namespaces=None), pod("postgres-0", namespace="other"), ALIVE),
    ],
)
def test_candidates_are_in_the_declared_namespaces(
    of: Repository, holder: Pod, expected: Verdict
) -> None:
    """Another tenant's pod of the same name would keep a dead one's lock, or ours be left out."""
    assert verdict(lock("postgres-0"), observe(holder), of) == expected


OPERATOR = "stash-operator-6f7c9d8b5d-x2x9k"


@pytest.mark.parametrize(
    ("hostname", "name"),
    [(OPERATOR, OPERATOR), (OPERATOR.upper(), OPERATOR), ("stash-x2x9k", "Stash-x2x9k")],
)
def test_a_generated_name_is_looked_for_everywhere(hostname: str, name: str) -> None:
    """The operator's own pod, in its own namespace, would lose its lock while it runs."""
    holder = pod(name, namespace="stash")
    assert verdict(lock(hostname), observe(holder), EVERYTHING) == ALIVE


def test_a_pod_elsewhere_never_makes_the_host_ours() -> None:
    """A pod outside the declared namespaces would be evidence that a lock is ours."""
    holder = pod(OPERATOR, ended(ago(HOUR)), namespace="stash", phase="Failed")
    assert verdict(lock(OPERATOR), observe(holder), repository()) == Verdict.FOREIGN_HOST
    living = pod(OPERATOR, namespace="stash")
    assert verdict(lock(OPERATOR), observe(living), repository()) == ALIVE


def test_elsewhere_only_the_whole_generated_name_counts() -> None:
    """Another tenant's `spec.hostname` would keep our lock for ever."""
    for holder in (
        pod("web-x2x9k", namespace="other", hostname="nightly-7k2px"),
        pod("nightly", namespace="other"),
    ):
        assert verdict(lock("nightly"), observe(holder), EVERYTHING) == ABSENT
        assert verdict(lock("nightly-7k2px"), observe(holder), EVERYTHING) == ABSENT


WORKER = node(
    "worker-1.example.net", hostname_label="worker-one", addresses=("10.1.2.3", "fd00::7")
)


@pytest.mark.parametrize(
    "hostname",
    [
        "worker-1.example.net",
        "Worker-1.Example.NET",
        "worker-1",
        "worker-1.other.lan",
        "worker-one",
        "worker-one.example.net",
        "10.1.2.3",
        "fd00::7",
    ],
)
def test_a_node_that_exists(hostname: str) -> None:
    """A host process, or a hostNetwork pod, would lose the lock that it holds under its Node."""
    cluster = observe(nodes=[WORKER])
    assert verdict(lock(hostname), cluster, EVERYTHING) == Verdict.NODE_EXISTS


@pytest.mark.parametrize(
    "hostname", ["worker-2", "example", "10", "10.1", "10.1.2.4", "fd00", "worker"]
)
def test_not_that_node(hostname: str) -> None:
    """A name or address that is no Node's would be kept for ever."""
    cluster = observe(nodes=[WORKER])
    assert verdict(lock(hostname), cluster, EVERYTHING) == ABSENT


@pytest.mark.parametrize("hostname", ["worker-7", "worker-7.example.net", "10.7.7.7", "WORKER-7"])
def test_a_node_that_the_state_remembers(hostname: str) -> None:
    """A Node that restarts, and is away for minutes, would lose its locks."""
    memory = known("worker-7", "10.7.7.7", absent=10 * (HOUR / 60))
    assert verdict(lock(hostname), of=EVERYTHING, nodes=memory) == Verdict.NODE_EXISTS


def test_a_remembered_node_that_nobody_missed_exists() -> None:
    """Without today's Node list a Node would be gone at once."""
    memory = {"worker-7": KnownNode(names=("worker-7",), last_seen=NOW - HOUR)}
    policy = Policy(observe_nodes=False)
    seen = lock("worker-7")
    found = verdict(seen, observe(nodes=None), EVERYTHING, nodes=memory, policy=policy)
    assert found == Verdict.NODE_EXISTS


def test_a_node_in_the_list_exists_whatever_the_state_says() -> None:
    """A Node that came back would be gone because of what was remembered."""
    memory = known("worker-1", absent=10 * HOUR)
    assert verdict(lock("worker-1"), of=EVERYTHING, nodes=memory) == Verdict.NODE_EXISTS
