"""What an API server still tells of a pod's end, and that its silence is no failure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from janitor.circumstances import ContainerStory, ObjectEvent
from janitor.cluster import investigate
from tests.apiserver import event, pod

WHEN = "2026-11-24T03:02:00Z"
DIED = datetime(2026, 11, 24, 3, 2, tzinfo=UTC)
NAME = "backup-29401-x2x9k"
PODS = frozenset({("shop", NAME)})


def dead() -> dict:
    """A pod with everything that may tell."""
    made = pod(NAME, phase="Failed", containers=("restic", "app"))
    made["metadata"] |= {
        "deletionTimestamp": WHEN,
        "ownerReferences": [
            {"kind": "Other", "name": "x"},
            {"kind": "Job", "name": "backup-29401", "controller": True},
        ],
    }
    made["spec"] |= {
        "terminationGracePeriodSeconds": 7,
        "volumes": [
            {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "tmp", "emptyDir": {}},
            {"name": "data", "hostPath": {"path": "/x"}},
        ],
        "initContainers": [{"name": "first"}],
    }
    made["spec"]["containers"][0] |= {
        "image": "restic/restic:0.16.4",
        "command": ["sh", "-c"],
        "args": ["restic backup"],
        "resources": {"limits": {"memory": "512Mi", "cpu": 1}},
    }
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": WHEN}}
    made["status"] |= {
        "reason": "Evicted",
        "message": "words",
        "conditions": [
            {"type": "Ready", "status": "False"},
            {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "TerminationByKubelet",
                "message": "more words",
                "lastTransitionTime": WHEN,
            },
        ],
        "containerStatuses": [
            {"name": "restic", "restartCount": 3, "state": {"waiting": {}}, "lastState": ended},
            {"name": "app", "restartCount": 0, "state": {"running": {}}},
        ],
        "initContainerStatuses": [{"name": "first", "state": ended}],
    }
    return made


def test_a_pod_is_told_with_everything_that_its_end_left(server, client_of):
    """Else the advice could not name the container, its limit or its owner."""
    server.pods = [pod("web-1"), dead(), dead() | {"metadata": dead()["metadata"] | {"name": "b"}}]
    (story,) = investigate.investigate(client_of(server), PODS, None).pods
    assert (story.namespace, story.name, story.phase) == ("shop", NAME, "Failed")
    assert (story.reason, story.message, story.node) == ("Evicted", "words", "worker-1")
    assert (story.deleted, story.grace_seconds, story.owner) == (DIED, 7, "Job backup-29401")
    assert (story.disruption, story.disrupted) == ("TerminationByKubelet", DIED)
    assert story.disruption_message == "more words"
    assert story.empty_dirs == (("cache", "1Gi"), ("tmp", ""))
    first, restic, app = story.containers
    assert (first.name, first.reason, first.finished) == ("first", "OOMKilled", DIED)
    assert restic == ContainerStory(
        "restic",
        image="restic/restic:0.16.4",
        command=("sh", "-c", "restic backup"),
        memory_limit="512Mi",
        restarts=3,
        reason="OOMKilled",
        exit_code=137,
        finished=DIED,
    )
    assert app == ContainerStory("app")
    asked = [each for each in server.requests if each.path.endswith("/pods")]
    assert [(each.path, each.query["fieldSelector"]) for each in asked] == [
        ("/api/v1/namespaces/shop/pods", f"metadata.name={NAME}")
    ]


def test_events_about_whatever_is_no_pod_are_told(server, client_of):
    """Else a Job's deadline and a Node's reboot would stay unknown."""
    server.events = [event("gone-1"), event("backup-29401", reason="DeadlineExceeded", kind="Job")]
    found = investigate.investigate(client_of(server), (), None)
    (told,) = found.events
    assert told == ObjectEvent(
        "Job",
        "shop",
        "backup-29401",
        "DeadlineExceeded",
        "DeadlineExceeded backup-29401",
        told.time,
    )
    assert told.time is not None
    assert found.missing is None
    (request,) = server.requests
    assert request.path == "/api/v1/events"
    assert request.query["fieldSelector"] == "involvedObject.kind!=Pod"


def test_named_namespaces_are_asked_one_by_one(server, client_of):
    """Else an installation without a ClusterRole would learn nothing."""
    investigate.investigate(client_of(server), (), frozenset({"b", "a"}))
    assert [request.path for request in server.requests] == [
        "/api/v1/namespaces/a/events",
        "/api/v1/namespaces/b/events",
    ]


@pytest.mark.parametrize("status", [403, 500, 200])
def test_silence_is_no_failure(server, client_of, status):
    """Else a sweep would fail for want of an explanation."""
    if status == 403:
        server.deny("list", "events")
    else:
        body = b"nonsense" if status == 200 else b""
        for _ in range(9):
            server.fail_next("/api/v1/events", status=status, **({"body": body} if body else {}))
    server.pods = [dead()]
    found = investigate.investigate(client_of(server), PODS, None)
    assert found.events == ()
    assert found.missing
    assert [story.name for story in found.pods] == [NAME]


def test_a_pod_that_may_not_be_read_is_just_not_told(server, client_of):
    """Else one refusal would cost the sweep."""
    server.deny("list", "pods", "shop")
    server.pods = [dead()]
    assert investigate.investigate(client_of(server), PODS, None).pods == ()


def test_only_so_many_are_read(server, client_of, monkeypatch):
    """Else a thousand stale locks would be a thousand requests."""
    monkeypatch.setattr(investigate, "MOST_PODS", 3)
    pods = {("shop", f"backup-{number}") for number in range(9)}
    investigate.investigate(client_of(server), pods, None)
    assert len([each for each in server.requests if each.path.endswith("/pods")]) == 3
