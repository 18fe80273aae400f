"""May this container hold the lock? Every cell of the table, read off lock.time alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from janitor.model import (
    Container,
    ContainerKind,
    HolderPattern,
    Node,
    Pod,
    Policy,
    SeenLock,
    StoreClock,
    Verdict,
)

from .builders import (
    DAY,
    HOST,
    HOUR,
    LOCKED,
    MIN_AGE,
    NOW,
    SECOND,
    SKEW,
    decide,
    ended,
    lock,
    node,
    observe,
    ours_by,
    pod,
    repository,
    running,
    unstarted,
    verdict,
)

YES = Verdict.HOLDER_ALIVE
REPLACED = Verdict.HOLDER_REPLACED
TERMINATED = Verdict.HOLDER_TERMINATED
BEFORE = LOCKED - HOUR
AFTER = LOCKED + HOUR
SEEN = NOW - 7 * HOUR
"""When the default lock was seen first."""
HALF = timedelta(microseconds=500_000)
READY = (node(),)
NOT_READY = (node(ready=False), node("worker-2"))
INIT = ContainerKind.INIT


def word(
    holder: Pod, nodes: tuple[Node, ...] | None = NOT_READY, seen: SeenLock | None = None
) -> Verdict:
    """The verdict about the default lock when this is the only candidate."""
    policy = Policy(observe_nodes=nodes is not None)
    return verdict(seen, observe(holder, nodes=nodes), policy=policy)


def one(container: Container, **more: object) -> Pod:
    """A candidate with this one container."""
    return pod("shop-backup-x2x9k", container, **{"created": BEFORE, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize(
    "container",
    [
        ended(None),
        ended(BEFORE),
        ended(AFTER),
        ended(BEFORE, restarts=3),
        unstarted(),
        ended(None, code=0, kind=INIT, always=True),
        unstarted(kind=INIT),
    ],
)
def test_not_running_in_an_ended_pod(container: Container, phase: str) -> None:
    """A pod that is over would keep its lock for ever, for want of a time in its status."""
    assert word(one(container, phase=phase, created=None)) == TERMINATED


@pytest.mark.parametrize("phase", ["Running", "Pending", "Failed", "Succeeded", "Unknown"])
@pytest.mark.parametrize(
    ("since", "restarts", "created", "expected"),
    [
        (BEFORE, 0, BEFORE, YES),
        (BEFORE, 5, BEFORE, YES),
        (BEFORE, 5, AFTER, YES),
        (LOCKED - SECOND, 1, BEFORE, YES),
        (LOCKED, 1, BEFORE, YES),
        (LOCKED, 0, AFTER, YES),
        (LOCKED + SECOND, 1, BEFORE, REPLACED),
        (LOCKED + SECOND, 0, LOCKED + SECOND, REPLACED),
        (LOCKED + SECOND, 0, LOCKED, YES),
        (LOCKED + SECOND, 0, BEFORE, YES),
        (LOCKED + SECOND, 0, None, YES),
        (LOCKED + SECOND, 1, None, REPLACED),
        (LOCKED + SKEW, 0, BEFORE, YES),
        (LOCKED + SKEW + SECOND, 0, BEFORE, REPLACED),
        (LOCKED + SKEW + SECOND, 0, None, REPLACED),
        (None, 0, BEFORE, YES),
        (None, 7, AFTER, YES),
    ],
)
def test_running_since(
    since: datetime | None, restarts: int, created: datetime | None, expected: Verdict, phase: str
) -> None:
    """A running process that can have written the lock would lose it; or one that cannot keeps."""
    holder = one(running(since, restarts=restarts), created=created, phase=phase)
    assert word(holder, READY) == expected
    assert word(holder, NOT_READY) == expected
    assert word(holder, None) == expected


@pytest.mark.parametrize("nodes", [NOT_READY, None, (node("worker-2"),)])
@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (ended(LOCKED - SECOND), YES),
        (ended(LOCKED), YES),
        (ended(LOCKED + SECOND), TERMINATED),
        (ended(None), YES),
        (ended(None, code=0), YES),
        (ended(BEFORE, code=0), YES),
        (ended(BEFORE, restarts=4), YES),
        (ended(BEFORE, code=0, kind=INIT), TERMINATED),
        (ended(None, code=0, kind=INIT), TERMINATED),
        (ended(BEFORE, code=1, kind=INIT), YES),
        (ended(BEFORE, code=None, kind=INIT), YES),
        (ended(BEFORE, code=0, kind=INIT, always=True), YES),
        (ended(AFTER, code=1, kind=INIT, always=True), TERMINATED),
        (ended(BEFORE, kind=ContainerKind.EPHEMERAL), YES),
    ],
)
def test_ended_where_the_status_may_be_old(
    container: Container, expected: Verdict, nodes: tuple[Node, ...] | None
) -> None:
    """A restarted process on a node that no longer reports would lose its lock."""
    assert word(one(container), nodes) == expected


@pytest.mark.parametrize(
    "container",
    [ended(BEFORE), ended(None), ended(BEFORE, code=0, kind=INIT, always=True), ended(AFTER)],
)
def test_ended_on_a_ready_node(container: Container) -> None:
    """A status that is current would not be believed, and a dead holder be kept."""
    assert word(one(container), READY) == TERMINATED


@pytest.mark.parametrize(
    ("lasted", "expected"),
    [
        (MIN_AGE, TERMINATED),
        (MIN_AGE - SECOND, YES),
        (0 * SECOND, YES),
        (-MIN_AGE, YES),
        (None, YES),
    ],
)
def test_a_node_that_has_just_become_ready(lasted: timedelta | None, expected: Verdict) -> None:
    """A kubelet that was cut off says Ready first, and tells of a restarted holder after that."""
    back = (node("worker-1", ready_for=lasted),)
    assert word(one(ended(BEFORE)), back) == expected
    assert word(one(unstarted(), created=BEFORE), back).stale == (expected is not YES)


def test_a_node_that_is_no_longer_ready() -> None:
    """What a Node once vouched for would count for ever, though it was lost since."""
    lost = (node("worker-1", ready=False, ready_for=DAY), node("worker-2"))
    assert word(one(ended(BEFORE)), lost) == YES


@pytest.mark.parametrize(
    ("created", "nodes", "place", "expected"),
    [
        (BEFORE, NOT_READY, "worker-1", YES),
        (SEEN + SKEW, NOT_READY, "worker-1", YES),
        (SEEN + SKEW + SECOND, NOT_READY, "worker-1", REPLACED),
        (None, NOT_READY, "worker-1", YES),
        (BEFORE, READY, "worker-1", REPLACED),
        (None, READY, "worker-1", REPLACED),
        (BEFORE, NOT_READY, None, REPLACED),
        (BEFORE, None, "worker-1", YES),
        (BEFORE, None, None, REPLACED),
        (BEFORE, (node("worker-2"),), "worker-1", YES),
    ],
)
def test_never_started(
    created: datetime | None,
    nodes: tuple[Node, ...] | None,
    place: str | None,
    expected: Verdict,
) -> None:
    """A container whose start was never reported would lose its lock, or one to come keep it."""
    assert word(one(unstarted(), created=created, node=place, phase="Pending"), nodes) == expected


def test_a_pod_that_the_first_look_may_have_missed() -> None:
    """A holder whose clock is hours slow, on a node that no longer reports, would lose its lock."""
    holder = one(unstarted(), created=LOCKED + 2 * HOUR)
    assert word(holder, NOT_READY, seen=lock(first_seen=LOCKED + 3 * HOUR)) == YES
    assert word(holder, NOT_READY, seen=lock(first_seen=LOCKED + HOUR)) == REPLACED
    unknown = lock(first_seen=None, clock=StoreClock.SERVER, modified=LOCKED)
    assert word(holder, NOT_READY, seen=unknown) == YES


def test_times_are_compared_in_whole_seconds() -> None:
    """restic writes nanoseconds and the kubelet whole seconds: a holder's own start looks later."""
    seen = lock(time=LOCKED + HALF)
    assert word(one(running(LOCKED, restarts=1)), seen=seen) == YES
    assert word(one(running(LOCKED + SECOND, restarts=1)), seen=seen) == REPLACED
    assert word(one(ended(LOCKED + SECOND)), seen=seen) == TERMINATED
    assert word(one(ended(LOCKED)), seen=seen) == YES
    assert word(one(running(LOCKED + SKEW)), seen=seen) == YES
    assert word(one(running(LOCKED + SKEW + SECOND)), seen=seen) == REPLACED
    assert word(one(unstarted(), created=LOCKED + SKEW), seen=seen) == YES


@pytest.mark.parametrize(
    ("container", "created", "expected"),
    [
        (running(LOCKED + SKEW, restarts=1), BEFORE, YES),
        (running(LOCKED + SKEW + SECOND, restarts=1), BEFORE, REPLACED),
        (running(LOCKED + SKEW + SECOND), LOCKED + SKEW, YES),
        (running(LOCKED + SKEW + SECOND), LOCKED + SKEW + SECOND, REPLACED),
        (running(LOCKED + 2 * SKEW), BEFORE, YES),
        (running(LOCKED + 2 * SKEW + SECOND), BEFORE, REPLACED),
        (ended(LOCKED + SKEW), BEFORE, YES),
        (ended(LOCKED + SKEW + SECOND), BEFORE, TERMINATED),
        (unstarted(), SEEN + SKEW, YES),
        (unstarted(), SEEN + SKEW + SECOND, REPLACED),
    ],
)
def test_a_sandbox_keeps_its_own_clock(
    container: Container, created: datetime, expected: Verdict
) -> None:
    """A restic in a virtual machine whose clock differs from its node's would lose its lock."""
    assert word(one(container, created=created, runtime_class="kata")) == expected


def test_max_skew_of_the_policy_counts() -> None:
    """The setting `max_skew` would have no effect on containers."""
    holder = observe(one(running(LOCKED + 11 * SECOND)))
    assert verdict(observation=holder, policy=Policy(max_skew=10 * SECOND)) == REPLACED
    assert verdict(observation=holder, policy=Policy(max_skew=11 * SECOND)) == YES


def test_now_says_nothing_about_a_container() -> None:
    """A holder that lives for a week would lose its lock merely because time passed."""
    for later in (timedelta(0), DAY, 365 * DAY):
        assert verdict(observation=observe(one(running(BEFORE))), now=NOW + later) == YES


@pytest.mark.parametrize("kind", list(ContainerKind))
def test_every_kind_of_container_counts(kind: ContainerKind) -> None:
    """restic in an init or ephemeral container would be overlooked."""
    holder = pod("shop-backup-x2x9k", running(AFTER, "web", restarts=1), running(BEFORE, kind=kind))
    assert word(holder) == YES


def test_one_container_that_may_is_enough() -> None:
    """A pod would be called dead although one of its containers runs since before the lock."""
    dead = [ended(AFTER, f"c{n}") for n in range(5)]
    assert word(pod("shop-backup-x2x9k", *dead)) == TERMINATED
    assert word(pod("shop-backup-x2x9k", *dead, running(BEFORE))) == YES
    assert word(pod("shop-backup-x2x9k", running(BEFORE), *dead)) == YES


def test_a_pod_without_containers_is_a_doubt() -> None:
    """A pod that could not be understood would be taken for one whose containers all say no."""
    strange = Pod(namespace="shop", name="shop-backup-x2x9k", uid="1", phase="Running")
    assert word(strange, READY) == YES


STASH = HolderPattern("shop-*", containers=("stash", "stash-init"))
OLD_APPLICATION = running(BEFORE, "application")


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ((OLD_APPLICATION, running(AFTER, "stash", restarts=1)), REPLACED),
        ((OLD_APPLICATION, ended(AFTER, "stash")), TERMINATED),
        ((OLD_APPLICATION, running(BEFORE, "stash")), YES),
        ((OLD_APPLICATION, ended(BEFORE, "stash-init", code=0, kind=INIT)), TERMINATED),
        ((OLD_APPLICATION, running(BEFORE, "stash-init", kind=INIT)), YES),
        ((OLD_APPLICATION,), YES),
        ((OLD_APPLICATION, running(BEFORE, "stash2")), YES),
        (
            (
                OLD_APPLICATION,
                ended(AFTER, "stash"),
                running(BEFORE, "debugger", kind=ContainerKind.EPHEMERAL),
            ),
            YES,
        ),
        (
            (
                OLD_APPLICATION,
                ended(AFTER, "stash"),
                ended(AFTER, "debugger", kind=ContainerKind.EPHEMERAL),
            ),
            TERMINATED,
        ),
        ((OLD_APPLICATION, running(BEFORE, "debugger", kind=ContainerKind.EPHEMERAL)), YES),
    ],
)
def test_a_pattern_names_the_containers(
    containers: tuple[Container, ...], expected: Verdict
) -> None:
    """The application beside the sidecar would keep every lock; or the sidecar not be asked."""
    holder = pod("shop-0", *containers, created=BEFORE)
    of = repository(STASH)
    assert verdict(lock("shop-0"), observe(holder, nodes=NOT_READY), of) == expected


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((STASH,), REPLACED),
        ((STASH, HolderPattern("other-*")), REPLACED),
        ((STASH, HolderPattern("SHOP-?", containers=("stash",))), REPLACED),
        ((STASH, HolderPattern("*-0")), YES),
        ((HolderPattern("*-0"), STASH), YES),
        ((STASH, HolderPattern("*", containers=("application",))), YES),
        ((HolderPattern("other-*", containers=("stash",)), HolderPattern("shop-0")), YES),
        ((HolderPattern("other-*", containers=("stash",)),), YES),
    ],
)
def test_every_pattern_that_fits_has_its_say(
    patterns: tuple[HolderPattern, ...], expected: Verdict
) -> None:
    """The first pattern alone would decide which containers run restic."""
    holder = pod("shop-0", OLD_APPLICATION, running(AFTER, "stash", restarts=1), created=BEFORE)
    assert verdict(lock("shop-0"), observe(holder), repository(*patterns)) == expected


def test_named_containers_are_asked_whatever_the_evidence() -> None:
    """A hostname that is ours by its own pod would be judged without the pattern's containers."""
    holder = pod("shop-0", OLD_APPLICATION, running(AFTER, "stash", restarts=1), created=BEFORE)
    judgement = decide(lock("shop-0"), observe(holder), repository(STASH))
    assert judgement.verdict == REPLACED
    assert ours_by(judgement) == "pod"
    shared = repository(STASH, shared=True)
    assert verdict(lock("shop-0"), observe(holder), shared) == Verdict.FOREIGN_HOST


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ((one(ended(AFTER)), one(running(AFTER, restarts=1), uid="2")), REPLACED),
        ((one(running(AFTER, restarts=1), uid="2"), one(ended(AFTER))), REPLACED),
        ((one(ended(AFTER)), one(ended(AFTER), uid="2")), TERMINATED),
        ((one(ended(AFTER)), one(running(BEFORE), uid="2")), YES),
        ((one(running(BEFORE), uid="2"), one(ended(AFTER))), YES),
        ((pod(HOST, ended(AFTER, "a"), running(AFTER, restarts=1), created=BEFORE),), REPLACED),
        ((pod(HOST, running(AFTER, restarts=1), ended(AFTER, "a"), created=BEFORE),), REPLACED),
    ],
)
def test_several_candidates(pods: tuple[Pod, ...], expected: Verdict) -> None:
    """One dead candidate would outvote a living one, or the name of the verdict be random."""
    assert verdict(observation=observe(*pods)) == expected


@pytest.mark.parametrize(
    ("container", "phase", "expected"),
    [
        (running(AFTER, restarts=1), "Running", REPLACED),
        (running(AFTER, restarts=1), "Failed", REPLACED),
        (unstarted(), "Pending", REPLACED),
        (unstarted(), "Failed", TERMINATED),
        (ended(AFTER), "Running", TERMINATED),
        (ended(AFTER), "Failed", TERMINATED),
    ],
)
def test_replaced_or_terminated(container: Container, phase: str, expected: Verdict) -> None:
    """The report would say that a new process runs where none does."""
    assert word(one(container, phase=phase), READY) == expected


def test_only_containers_that_count_make_it_replaced() -> None:
    """An application that runs on would make a dead sidecar look replaced."""
    holder = pod("shop-0", OLD_APPLICATION, ended(AFTER, "stash"), created=BEFORE)
    assert verdict(lock("shop-0"), observe(holder), repository(STASH)) == TERMINATED


@pytest.mark.parametrize("deleting", [True, False])
def test_terminating_changes_nothing(deleting: bool) -> None:
    """A pod in its grace period may still be writing."""
    assert word(one(running(BEFORE), deleting=deleting)) == YES
    assert word(one(running(AFTER, restarts=1), deleting=deleting)) == REPLACED


@pytest.mark.parametrize(
    ("container", "more", "why"),
    [
        (running(None), {}, "since when is not known"),
        (running(AFTER, restarts=1), {}, "after the lock was written"),
        (running(LOCKED + SECOND, restarts=1), {"created": AFTER}, "restarted after the lock"),
        (running(LOCKED + SECOND), {"created": AFTER}, "in a pod created after the lock"),
        (running(LOCKED + SECOND), {}, "too close to the lock's time"),
        (running(BEFORE), {}, "before the lock was written"),
        (ended(AFTER), {}, "after the lock was written"),
        (ended(BEFORE), {}, "its Node is Ready"),
        (ended(BEFORE, code=0, kind=INIT), {"node": "worker-9"}, "init container that has compl"),
        (ended(BEFORE), {"node": "worker-9"}, "by a status that may be out of date"),
        (ended(BEFORE), {"phase": "Failed"}, "the pod has failed"),
        (unstarted(), {"created": AFTER}, "its Node is Ready"),
        (unstarted(), {"created": AFTER, "node": None}, "the pod has no Node yet"),
        (
            unstarted(),
            {"created": SEEN + HOUR, "node": "worker-9"},
            "in a pod created after the lock was seen",
        ),
        (unstarted(), {"node": "worker-9"}, "by a status that may be out of date"),
    ],
)
def test_every_answer_gives_its_reason(
    container: Container, more: dict[str, object], why: str
) -> None:
    """The evidence would name another row of the table than the one that decided."""
    evidence = decide(observation=observe(one(container, **more))).evidence
    (candidate,) = evidence["candidates"]  # type: ignore[misc]
    (answer,) = candidate["containers"]
    assert why in answer["why"]
