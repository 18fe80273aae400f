"""The sentences of the kubelet, the scheduler and the controllers, as they wrote them."""

from __future__ import annotations

import pytest

from janitor.wording import (
    Eviction,
    Shortage,
    eviction_of,
    failed_probe,
    names_pod,
    node_of_schedule,
    preemptor,
    restic_version,
    shell_without_exec,
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            'Usage of EmptyDir volume "tmp-dir" exceeds the limit "1Gi". ',
            Eviction(Shortage.EMPTY_DIR, "tmp-dir", "1Gi"),
        ),
        (
            'Container restic exceeded its local ephemeral storage limit "100Mi". ',
            Eviction(Shortage.CONTAINER_STORAGE, "restic", "100Mi"),
        ),
        (
            "Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ",
            Eviction(Shortage.POD_STORAGE, "", "2Gi"),
        ),
        (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 92216Ki. "
            "Container restic was using 512Mi, request is 0, has larger consumption of memory. ",
            Eviction(Shortage.MEMORY),
        ),
        (
            "The node was low on resource: [MemoryPressure].",
            Eviction(Shortage.MEMORY),
        ),
        (
            "The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: "
            "9Gi. Container restic was using 4Gi, request is 0.",
            Eviction(Shortage.DISK),
        ),
        ("The node had condition: [DiskPressure]. ", Eviction(Shortage.DISK)),
        ("Pod The node had condition: [MemoryPressure]. ", Eviction(Shortage.MEMORY)),
        ("The node was low on resource: inodes.", Eviction(Shortage.INODES)),
        ("The node was low on resource: pids. ", Eviction(Shortage.PIDS)),
        ("Something that a later kubelet says.", None),
        ("", None),
        ('Usage of EmptyDir volume "\n\x1b[31m" exceeds', None),
    ],
)
def test_what_a_pod_was_evicted_for(message: str, expected: Eviction | None) -> None:
    """Else the advice would name the wrong field, or none."""
    assert eviction_of(message) == expected


@pytest.mark.parametrize(
    ("message", "container"),
    [
        ("Container restic failed liveness probe, will be restarted", "restic"),
        ("Container restic failed startup probe, will be restarted", "restic"),
        ("Stopping container restic", ""),
    ],
)
def test_whose_probe_failed(message: str, container: str) -> None:
    """Else a probe's kill would be told as a deletion."""
    assert failed_probe(message) == container


@pytest.mark.parametrize(
    ("message", "who"),
    [
        ("Preempted by pod 7d5c on node worker-1", "7d5c"),
        ("Preempted by default/high-x2x9k on node worker-1", "default/high-x2x9k"),
        ("Preempted by a pod 1f0c-77 on node kind-worker", "1f0c-77"),
        ("Preempted in order to admit critical pod", ""),
    ],
)
def test_who_preempted(message: str, who: str) -> None:
    """Else nobody would know whom to ask."""
    assert preemptor(message) == who


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Deleted pod: web-0", True),
        ("delete Pod web-0 in StatefulSet web successful", True),
        ("Deleted pod: web-01", False),
        ("Deleted pod: my-web-0", False),
        ("Deleted pod: web-0.example", False),
    ],
)
def test_which_pod_a_controller_deleted(message: str, named: bool) -> None:
    """Else another pod's end would be taken for the holder's."""
    assert names_pod(message, "web-0") is named


def test_the_node_that_a_pod_was_assigned_to() -> None:
    """Else a vanished pod's Node would never be known."""
    assert node_of_schedule("Successfully assigned shop/web-0 to worker-1") == "worker-1"
    assert node_of_schedule("0/3 nodes are available") is None


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("restic/restic:0.16.4", (0, 16)),
        ("registry.example.com:5000/tools/restic:v0.17.0", (0, 17)),
        ("ghcr.io/restic/restic@sha256:00", None),
        ("restic/restic:latest", None),
        ("example.com/restic/other:1.2", None),
        ("stashed/stash:v0.34.0", None),
    ],
)
def test_the_version_in_an_images_name(image: str, version: tuple[int, int] | None) -> None:
    """Else a version would be blamed that is not restic's."""
    assert restic_version(image) == version


@pytest.mark.parametrize(
    ("command", "shell"),
    [
        (("sh", "-c", "restic backup /data"), "sh"),
        (("/bin/bash", "-ec", "set -e\nrestic backup /data\nrestic forget"), "bash"),
        (("sh", "-c", "exec restic backup /data"), None),
        (("sh", "-c", "trap 'kill $p' TERM; restic backup & p=$!; wait"), None),
        (("sh", "-c", "echo hello"), None),
        (("restic", "backup", "/data"), None),
        ((), None),
    ],
)
def test_a_shell_that_keeps_the_signal(command: tuple[str, ...], shell: str | None) -> None:
    """Else people would never learn why restic 0.17 leaves its lock all the same."""
    assert shell_without_exec(command) == shell
