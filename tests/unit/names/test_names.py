"""The names that Kubernetes generates, and that nobody else's names are taken for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from janitor.model import OwnerReference, Pod
from janitor.names import fits_family, has_random_suffix

CREATED = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def minutes(moment: datetime) -> str:
    """As the CronJob controller writes it: whole minutes since the epoch."""
    return str(int(moment.timestamp()) // 60)


def owned(
    kind: str,
    owner: str,
    *,
    controller: bool = True,
    hostname: str | None = None,
    template_hash: str | None = None,
    created: datetime | None = CREATED,
    name: str = "",
) -> Pod:
    """A pod made by this controller."""
    return Pod(
        namespace="shop",
        name=name or generated(owner),
        uid="1",
        created=created,
        hostname=hostname,
        template_hash=template_hash,
        owners=(OwnerReference(kind=kind, name=owner, controller=controller),),
    )


def generated(owner: str, suffix: str = "x2x9k") -> str:
    """What the API server makes of `generateName: <owner>-`."""
    return (owner + "-")[:58] + suffix


@pytest.mark.parametrize("length", range(40, 64))
def test_job_of_any_length(length: int) -> None:
    """A long Job's pods would be nobody's, since their names are cut at 58 before the suffix."""
    job = ("volsync-src-" + "abcdefghij" * 6)[:length]
    pod = owned("Job", job)
    assert fits_family(generated(job, "7k2px"), pod)
    assert len(generated(job)) == min(length + 6, 63)


@pytest.mark.parametrize("length", [58, 60, 63])
def test_a_cut_job_name_has_no_dash_before_the_suffix(length: int) -> None:
    """A dash would be asked for that is not there; or one char too few would be accepted."""
    job = ("volsync-src-" + "abcdefghij" * 6)[:length]
    pod = owned("Job", job)
    assert fits_family(job[:58] + "7k2px", pod)
    assert not fits_family(job[:57] + "-7k2px", pod)
    assert not fits_family(job[:58] + "7k2p", pod)


@pytest.mark.parametrize(
    "hostname",
    [
        "volsync-src-app-far-7k2px",
        "volsync-src-app-far",
        "volsync-src-app",
        "volsync-src-app-",
        "volsync-src-app-7k2p",
        "volsync-src-app-7k2pxx",
        "volsync-src-app-7k2pa",
        "volsync-src-app-7k2p1",
        "volsync-src-app-7k2p-",
        "volsync-src-app7k2px",
        "xvolsync-src-app-7k2px",
        "volsync-src-app-0",
        "volsync-src-ap-7k2px",
        "",
    ],
)
def test_job_does_not_take_another_name(hostname: str) -> None:
    """`volsync-src-app` would take the pods of `volsync-src-app-far` and remove live locks."""
    assert not fits_family(hostname, owned("Job", "volsync-src-app"))


def test_far_is_taken_by_its_own_job() -> None:
    """The Job whose name is longer would lose its own pods."""
    assert fits_family("volsync-src-app-far-7k2px", owned("Job", "volsync-src-app-far"))


@pytest.mark.parametrize("before", [timedelta(0), timedelta(hours=2), timedelta(hours=23)])
@pytest.mark.parametrize("cronjob", ["backup", "shop-" + "b" * 40, "c" * 52])
def test_cronjob_has_every_other_run(cronjob: str, before: timedelta) -> None:
    """Yesterday's run of a CronJob would be nobody's as soon as its own pod is gone."""
    pod = owned("Job", f"{cronjob}-{minutes(CREATED - before)}")
    for days in (0, 1, 7, 40):
        other = f"{cronjob}-{minutes(CREATED - days * DAY)}"
        assert fits_family(generated(other, "7k2px"), pod), other


def test_cronjob_of_52_characters_is_cut_inside_the_minutes() -> None:
    """The Job has 61 characters, so the pod keeps five digits and no dash before its suffix."""
    cronjob = "c" * 52
    pod = owned("Job", f"{cronjob}-{minutes(CREATED)}")
    assert fits_family(f"{cronjob}-29870x2x9k", pod)
    assert not fits_family(f"{cronjob}-2987ax2x9k", pod)
    assert not fits_family(f"{'c' * 51}d-29870x2x9k", pod)


@pytest.mark.parametrize(
    "hostname",
    [
        "backup-far-29401234-7k2px",
        "backup-2940123-7k2px",
        "backup-294012345-7k2px",
        "backup-x9401234-7k2px",
        "backup-7k2px",
        "backups-29401234-7k2px",
        "backup-29401234",
    ],
)
def test_cronjob_does_not_take_another_name(hostname: str) -> None:
    """A neighbour whose name begins alike would be judged as this CronJob's."""
    assert not fits_family(hostname, owned("Job", f"backup-{minutes(CREATED)}"))


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("20261124", "a date"),
        ("12345678", "a number"),
        (minutes(CREATED - 3 * DAY), "three days before the pod"),
        (minutes(CREATED + timedelta(hours=2)), "after the pod"),
    ],
)
def test_digits_that_are_no_schedule(digits: str, why: str) -> None:
    """A Job named by hand with a date would make every other date's Job ours."""
    pod = owned("Job", f"backup-{digits}")
    assert fits_family(f"backup-{digits}-7k2px", pod), why
    assert not fits_family(f"backup-{minutes(CREATED - 5 * DAY)}-7k2px", pod), why
    assert not fits_family("backup-20261101-7k2px", pod), why


def test_no_schedule_without_the_time_of_creation() -> None:
    """Digits prove nothing about a CronJob when nothing says when the pod was made."""
    pod = owned("Job", f"backup-{minutes(CREATED)}", created=None)
    assert fits_family(f"backup-{minutes(CREATED)}-7k2px", pod)
    assert not fits_family(f"backup-{minutes(CREATED - DAY)}-7k2px", pod)


def test_indexed_job() -> None:
    """The holder of an Indexed Job would be nobody's: its hostname is not its pod's name."""
    pod = owned("Job", "shards", name="shards-0-x2x9k", hostname="shards-0")
    assert fits_family("shards-0", pod)
    assert fits_family("shards-3", pod)
    assert fits_family("shards-12", pod)
    assert not fits_family("shards-x", pod)
    assert not fits_family("shards-far-3", pod)


def test_a_job_without_indexes_has_no_indexed_names() -> None:
    """A StatefulSet's `shards-3` would be taken for the pod of a Job `shards`."""
    assert not fits_family("shards-3", owned("Job", "shards"))


HASH = "6f7c9d8b5d"


@pytest.mark.parametrize("other", ["bcdfgh", "7d9c8b5f4", "6f7c9d8b5d"])
def test_deployment_has_every_other_replicaset(other: str) -> None:
    """After a rollout the old ReplicaSet's holder would be nobody's."""
    pod = owned("ReplicaSet", f"web-{HASH}", template_hash=HASH)
    assert fits_family(f"web-{other}-7k2px", pod)


@pytest.mark.parametrize(
    "hostname",
    [
        "web-bcdfg-7k2px",
        "web-bcdfghjklmn-7k2px",
        "web-far-bcdfgh-7k2px",
        "web-7k2px",
        "web-0",
        f"web-{HASH}",
        f"web-{HASH}-7k2pa",
        f"far-{HASH}-7k2px",
    ],
)
def test_deployment_does_not_take_another_name(hostname: str) -> None:
    """A neighbour of the Deployment, whose name begins alike, would be judged as its own."""
    assert not fits_family(hostname, owned("ReplicaSet", f"web-{HASH}", template_hash=HASH))


@pytest.mark.parametrize("label", [None, "bcdfghjk"])
def test_replicaset_without_its_hash_has_only_its_own_pods(label: str | None) -> None:
    """A ReplicaSet made by hand would be taken for a Deployment's."""
    pod = owned("ReplicaSet", f"web-{HASH}", template_hash=label)
    assert fits_family(f"web-{HASH}-7k2px", pod)
    assert not fits_family("web-bcdfgh-7k2px", pod)


@pytest.mark.parametrize("length", [45, 46, 47, 48, 50, 57, 58, 60])
def test_long_deployment_is_cut_at_58(length: int) -> None:
    """The pods of a Deployment with a long name would be nobody's."""
    deployment = ("web-" + "abcdefghij" * 6)[:length]
    pod = owned("ReplicaSet", f"{deployment}-{HASH}", template_hash=HASH)
    assert fits_family(generated(f"{deployment}-{HASH}", "7k2px"), pod)
    assert fits_family(generated(f"{deployment}-7d9c8b5f4z", "7k2px"), pod)


@pytest.mark.parametrize(("hostname", "fits"), [("db-0", True), ("db-1", True), ("db-12", True)])
def test_statefulset(hostname: str, fits: bool) -> None:
    """A StatefulSet that was scaled down would leave locks that nobody owns."""
    assert fits_family(hostname, owned("StatefulSet", "db", name="db-0")) == fits


@pytest.mark.parametrize(
    "hostname", ["db", "db-", "db-x", "db-backup-0", "dbs-0", "db-7k2px", "db-0-0", "db--1"]
)
def test_statefulset_does_not_take_another_name(hostname: str) -> None:
    """`db` would take the pods of the StatefulSet `db-backup`."""
    assert not fits_family(hostname, owned("StatefulSet", "db", name="db-0"))


def test_daemonset() -> None:
    """A DaemonSet's earlier pods would be nobody's."""
    pod = owned("DaemonSet", "node-backup")
    assert fits_family("node-backup-7k2px", pod)
    assert not fits_family("node-backup-far-7k2px", pod)
    assert not fits_family("node-backup-0", pod)
    assert not fits_family("node-backup-bcdfgh-7k2px", pod)


@pytest.mark.parametrize("length", [57, 58, 63])
def test_long_daemonset_is_cut_at_58(length: int) -> None:
    """A DaemonSet with a long name would have no pods of its own."""
    name = ("node-" + "abcdefghij" * 6)[:length]
    assert fits_family(generated(name, "7k2px"), owned("DaemonSet", name))


@pytest.mark.parametrize("kind", ["Job", "ReplicaSet", "StatefulSet", "DaemonSet", "Workflow"])
def test_spec_hostname_of_an_owned_pod(kind: str) -> None:
    """A template that sets the hostname would make its workload's locks nobody's."""
    pod = owned(kind, "backups", hostname="nightly")
    assert fits_family("nightly", pod)
    assert not fits_family("nightly-2", pod)


def test_a_pod_that_nobody_controls_has_no_family() -> None:
    """A pod made by hand, or an owner that is no controller, says nothing about other names."""
    free = Pod(namespace="shop", name="backup-x2x9k", uid="1", created=CREATED, hostname="nightly")
    assert not fits_family("backup-7k2px", free)
    assert not fits_family("nightly", free)
    loose = owned("Job", "backup", controller=False, hostname="nightly")
    assert not fits_family("backup-7k2px", loose)
    assert not fits_family("nightly", loose)


@pytest.mark.parametrize("kind", ["Node", "Workflow", "VirtualMachineInstance"])
def test_an_unknown_controller_generates_nothing(kind: str) -> None:
    """A static pod is owned by its Node: no rule says how such controllers name their pods."""
    pod = owned(kind, "worker-1", name="etcd-worker-1")
    for hostname in ("worker-1-7k2px", "worker-1-0", "worker-1"):
        assert not fits_family(hostname, pod)


def test_only_the_controller_counts_among_several_owners() -> None:
    """An owner beside the controller would lend its names to a pod that it did not make."""
    pod = Pod(
        namespace="shop",
        name="backup-x2x9k",
        uid="1",
        created=CREATED,
        owners=(
            OwnerReference(kind="StatefulSet", name="db"),
            OwnerReference(kind="Job", name="backup", controller=True),
        ),
    )
    assert fits_family("backup-7k2px", pod)
    assert not fits_family("db-0", pod)


@pytest.mark.parametrize(
    "name",
    ["shop-backup-x2x9k", "a-bcdfg", "a" * 58 + "x2x9k", "a" * 57 + "-x2x9k", "db-0-29456"],
)
def test_random_suffix(name: str) -> None:
    """A generated name would be taken for one that two clusters can have at once."""
    assert has_random_suffix(name)


@pytest.mark.parametrize(
    "name",
    [
        "db-0",
        "backups",
        "shop-backup",
        "shop-backup-x2x9",
        "shop-backup-x2x9ka",
        "shop-backup-x2x9a",
        "shop-backup-x2x91",
        "shop-backup-x2-9k",
        "shopx2x9k",
        "a" * 57 + "x2x9k",
        "a" * 59 + "x2x9k",
        "x2x9k",
        "",
    ],
)
def test_no_random_suffix(name: str) -> None:
    """A fixed name would be taken for a generated one, and another cluster's lock be removed."""
    assert not has_random_suffix(name)
