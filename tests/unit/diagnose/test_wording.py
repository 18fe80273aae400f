"""The sentences of the kubelet, the scheduler and the controllers, as they wrote them."""

from __future__ import annotations

import pytest

from janitor.wording import (
    Eviction,
    Shortage,
    deleted_pod,
    eviction_of,
    failed_probe,
    node_of_schedule,
    oom_victim,
    preemptor,
    restic_version,
    shell_without_exec,
    stopped_container,
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
        ("Container restic failed liveness probe, will be restarted", ("restic", "liveness")),
        ("Container restic failed startup probe, will be restarted", ("restic", "startup")),
        ("Stopping container restic", ("", "")),
    ],
)
def test_whose_probe_failed(message: str, container: tuple[str, str]) -> None:
    """Else a probe's kill would be told as a deletion."""
    assert failed_probe(message) == container


@pytest.mark.parametrize(
    ("message", "container"),
    [
        ("Stopping container restic", "restic"),
        (" Stopping container restic\n", "restic"),
        ("Container restic definition changed, will be restarted", ""),
        ("FailedPostStartHook", ""),
    ],
)
def test_which_container_was_stopped(message: str, container: str) -> None:
    """Else a changed image would be told as a deletion."""
    assert stopped_container(message) == container


@pytest.mark.parametrize(
    ("message", "process"),
    [
        ("System OOM encountered, victim process: restic, pid: 12", "restic"),
        ("Memory cgroup out of memory: Killed process 999 (java) total-vm:1kB", "java"),
        ("Out of memory: Killed process 12 (restic-exporter) total-vm:1kB", "restic-exporter"),
        ("System OOM encountered", ""),
    ],
)
def test_which_process_the_kernel_killed(message: str, process: str) -> None:
    """Else any process's end is told as restic's."""
    assert oom_victim(message) == process


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
    ("message", "pod"),
    [
        ("Deleted pod: web-0", "web-0"),
        ("delete Pod web-0 in StatefulSet web successful", "web-0"),
        ("Deleted pod: web-0.example", "web-0.example"),
        ("Deleted pod: web-0 and more", ""),
        ("web-0", ""),
    ],
)
def test_which_pod_a_controller_deleted(message: str, pod: str) -> None:
    """Else another pod's end would be taken for the holder's."""
    assert deleted_pod(message) == pod


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
        ("example.com/restic-exporter:0.6", None),
    ],
)
def test_the_version_in_an_images_name(image: str, version: tuple[int, int] | None) -> None:
    """Else a version would be blamed that is not restic's."""
    assert restic_version(image) == version


@pytest.mark.parametrize(
    ("command", "shell"),
    [
        (("sh", "-c", "restic backup /data"), None),  # put in the shell's place
        (("sh", "-c", "restic backup /data; date"), "sh"),
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
