"""What is read of runs that failed on a lock, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from janitor.cluster import failures
from janitor.cluster.client import Client
from janitor.cluster.failures import failed_runs, rights_to_failures
from janitor.cluster.investigate import investigate
from tests.apiserver import ApiServer, pod

Tell = Callable[..., list[tuple[str, str, str]]]
WORDS = "lock was created at 2026-11-24 01:02:03 (2h0m1.5s ago)\nstorage ID 5f3c01aa"
STASH, KUBESTASH, VOLSYNC, K8UP = (
    "stash.appscode.com",
    "core.kubestash.com",
    "volsync.backube",
    "k8up.io",
)


def session(server: ApiServer, name: str, status: dict[str, Any], group: str = STASH) -> None:
    version = "v1beta1" if group == STASH else "v1alpha1"
    server.install(group, version, "backupsessions", "BackupSession")
    made = server.add(group, "backupsessions", "shop", name, status=status)
    made["metadata"]["creationTimestamp"] = "2026-11-25T02:00:00Z"


@pytest.fixture
def told(client_of: Callable[..., Client]) -> Callable[..., list[tuple[str, str, str]]]:
    """Kind, name and time of each run that is found."""

    def tell(server: ApiServer, **sources: frozenset[str] | None) -> list[tuple[str, str, str]]:
        found, missing = failed_runs(client_of(server), sources, None)
        assert missing is None
        return [(run.kind, run.name, f"{run.time:%d %H:%M}" if run.time else "") for run in found]

    return tell


def test_stash_keeps_it_in_the_hosts_of_a_session(server: ApiServer, told: Tell) -> None:
    """Else the sessions that failed are not told."""
    error = {"targets": [{"stats": [{"hostname": "host-0", "phase": "Failed", "error": WORDS}]}]}
    session(server, "db-1", error)
    session(server, "db-2", {"targets": [{"stats": [{"error": "no space left"}]}]})
    policy = {"type": "RetentionPolicyApplied", "status": "False", "message": WORDS}
    session(
        server, "db-3", {"conditions": [policy | {"lastTransitionTime": "2026-11-26T03:04:05Z"}]}
    )
    assert told(server, stash=None) == [
        ("BackupSession", "db-1", "25 02:00"),
        ("BackupSession", "db-3", "26 03:04"),
    ]
    assert told(server, stash=frozenset({"media"})) == []
    assert told(server) == []


def test_kubestash_volsync_and_k8up(server: ApiServer, told: Tell) -> None:
    """Else their users see less."""
    session(server, "db-1", {"snapshots": [{"error": WORDS}]}, KUBESTASH)
    server.install(VOLSYNC, "v1alpha1", "replicationsources", "ReplicationSource")
    for name, result in (("failed", "Failed"), ("went-on", "Successful")):
        mover = {"latestMoverStatus": {"result": result, "logs": f"backup\n{WORDS}"}}
        made = server.add(VOLSYNC, "replicationsources", "shop", name, status=mover)
        made["metadata"]["creationTimestamp"] = "2024-01-01T00:00:00Z"
    server.install(K8UP, "v1", "prunes", "Prune")
    server.add(K8UP, "prunes", "shop", "prune-1", status={"conditions": [{"message": WORDS}]})
    assert told(server, kubestash=None) == [("BackupSession", "db-1", "25 02:00")]
    # made years before it failed: the time is not told
    assert told(server, volsync=None) == [("ReplicationSource", "failed", "")]
    assert [each[:2] for each in told(server, k8up=None)] == [("Prune", "prune-1")]


def failed(name: str, message: str, owner: str = "") -> dict[str, Any]:
    made = pod(name, phase="Failed")
    ended = {"exitCode": 11, "message": message, "finishedAt": "2026-11-25T02:00:09Z"}
    made["status"]["containerStatuses"][0]["state"] = {"terminated": ended}
    if owner:
        made["metadata"]["ownerReferences"] = [{"kind": "Job", "name": owner, "controller": True}]
    return made


def test_a_pods_last_message_is_told_as_its_jobs(server: ApiServer, told: Tell) -> None:
    """Else plain CronJobs tell nothing."""
    server.pods = [failed("b-1-x", WORDS, "b-1"), failed("alone", WORDS), failed("other", "no")]
    assert told(server) == [("Job", "b-1", "25 02:00"), ("Pod", "alone", "25 02:00")]
    (request,) = server.requests
    assert request.query["fieldSelector"] == "status.phase=Failed"


LATER = "2026-11-25T03:00:00Z"


def test_each_end_of_each_container_is_read(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else a pod with a helper container, or one that was restarted, tells nothing."""
    many = failed("many", "helper: no", "b-1")
    owners = many["metadata"]["ownerReferences"]
    owners.insert(0, {"kind": "Backup", "name": "not-in-control"})
    (helper,) = many["status"]["containerStatuses"]
    many["status"]["containerStatuses"] = [
        helper,
        {"name": "restic", "state": {"running": {}}, "lastState": _ended(f"first\n{WORDS}")},
        {"name": "again", "state": _ended("second: already locked", LATER)},
        {"name": "silent", "state": _ended(None, "2026-11-25T09:00:00Z")},
    ]
    early = failed("early", "no")
    early["status"]["containerStatuses"] = None
    early["status"]["initContainerStatuses"] = [
        {"name": "wait", "state": _ended("fine")},
        {"name": "init", "state": {"terminated": {"exitCode": 1, "message": WORDS}}},
    ]
    none = pod("none", phase="Failed")
    none.pop("status")
    server.pods = [many, early, none]
    found, _ = failed_runs(client_of(server), {}, None)
    assert [(run.kind, run.namespace, run.name, run.time, run.words) for run in found] == [
        (
            "Job",
            "shop",
            "b-1",
            datetime(2026, 11, 25, 3, tzinfo=UTC),
            f"{WORDS}\nalready locked",
        ),
        ("Pod", "shop", "early", None, WORDS),
    ]


def _ended(message: str | None, finished: str = "2026-11-25T02:00:09Z") -> dict[str, Any]:
    return {"terminated": {"exitCode": 11, "message": message, "finishedAt": finished}}


def test_each_of_several_namespaces_is_asked(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else an installation without ClusterRoles is told of one namespace alone."""
    server.install(STASH, "v1beta1", "backupsessions", "BackupSession")
    for namespace in ("shop", "web", "other"):
        status = {"error": WORDS}
        server.add(STASH, "backupsessions", namespace, f"in-{namespace}", status=status)
    server.pods = [failed("alone", WORDS)]
    two = frozenset({"shop", "web"})
    found, missing = failed_runs(client_of(server), {"stash": two}, two)
    assert missing is None
    assert [(run.namespace, run.name) for run in found] == [
        ("shop", "alone"),
        ("shop", "in-shop"),
        ("web", "in-web"),
    ]
    asked = [request.path for request in server.requests if "backupsessions" in request.path]
    assert asked == [
        f"/apis/{STASH}/v1beta1/namespaces/{each}/backupsessions" for each in ("shop", "web")
    ]


def test_what_is_refused_first_is_told_and_the_rest_is_read(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else the sentence names another right than the first that is missing."""
    for group, version, plural, kind in (
        (K8UP, "v1", "backups", "Backup"),
        (K8UP, "v1", "checks", "Check"),
        (STASH, "v1beta1", "backupsessions", "BackupSession"),
    ):
        server.install(group, version, plural, kind)
        server.add(group, plural, "shop", plural, status={"message": "the storage ID 5f3c01aa"})
    server.deny("list", "pods", "shop")
    server.deny("list", "backups", "shop")
    only = frozenset({"shop"})
    found, missing = failed_runs(client_of(server), {"stash": only, "k8up": only, "x": only}, only)
    assert [run.name for run in found] == ["checks", "backupsessions"]
    assert missing == (
        "The API server does not let the janitor list pods in namespace shop (403); "
        "k8s/components/namespaced/holders grants it."
    )


@pytest.mark.parametrize(("own", "folder"), [("shop", "namespaced"), ("web", "namespaced/holders")])
def test_what_grants_a_right_depends_on_where_the_janitor_runs(
    server: ApiServer, client_of: Callable[..., Client], own: str, folder: str
) -> None:
    """Else one applies for the janitor's own namespace what is for the holders', in vain."""
    server.deny("list", "pods", "shop")
    server.deny("list", "events", "shop")
    only = frozenset({"shop"})
    _, runs = failed_runs(client_of(server), {}, only, own=own)
    events = investigate(client_of(server), (), only, own=own).missing
    for missing in (runs, events):
        assert missing is not None
        assert missing.endswith(f"k8s/components/{folder} grants it.")


def test_a_source_that_is_taken_away_meanwhile_has_no_runs(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else its end looks like a fault of the janitor's."""
    server.install(STASH, "v1beta1", "backupsessions", "BackupSession")
    path = f"/apis/{STASH}/v1beta1/namespaces/shop/backupsessions"
    server.fail_next(path, status=404, times=1)
    server.add(STASH, "backupsessions", "web", "in-web", status={"error": WORDS})
    found, missing = failed_runs(
        client_of(server), {"stash": frozenset({"shop", "web"})}, frozenset({"shop"})
    )
    assert ([run.name for run in found], missing) == (["in-web"], None)


@pytest.mark.parametrize("key", ["lastTransitionTime", "lastUpdateTime", "completionTime"])
def test_the_time_beside_the_words_is_told(server: ApiServer, told: Tell, key: str) -> None:
    """Else one reads when the object was made, not when it failed."""
    told_twice = [
        {"message": WORDS, key: "2026-11-26T03:04:05Z"},
        {"message": WORDS, key: "2026-11-26T01:00:00Z"},
        {"x": [{"message": "already locked"}, {"message": "lock was created at"}]},
    ]
    session(server, "db-1", {"conditions": told_twice})
    assert told(server, stash=None) == [("BackupSession", "db-1", "26 03:04")]


def test_objects_without_the_usual_parts(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else one odd object hides every other."""
    for status in ({"error": WORDS}, {"error": 5, "times": [None, {"completionTime": 5}]}):
        session(server, f"odd-{len(status)}", status)
    for stored in server.objects[STASH, "backupsessions"]:
        stored["metadata"] = {}
    found, _ = failed_runs(client_of(server), {"stash": None}, None)
    assert [(run.namespace, run.name, run.time, run.words) for run in found] == [
        ("", "", None, WORDS)
    ]


def test_rights(server: ApiServer) -> None:
    """Else `doctor` and the manifests do not speak of what is asked."""
    two = frozenset({"shop", "web"})
    assert [str(each) for each in rights_to_failures("stash", two)] == [
        "list backupsessions.stash.appscode.com in namespace shop",
        "list backupsessions.stash.appscode.com in namespace web",
    ]
    assert {each.granted_by for each in rights_to_failures("stash", two)} == {
        "k8s/components/discover-stash/namespace"
    }
    assert [each.granted_by for each in rights_to_failures("k8up", None)] == [
        "k8s/components/discover-k8up"
    ] * 3
    assert not list(rights_to_failures("workloads", None))


def test_what_is_not_installed_or_not_granted_is_no_failure(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else a right that is missing ends the sweep, or hides what else is known."""
    server.install(STASH, "v1beta1", "backupsessions", "BackupSession")
    server.deny("list", "backupsessions")
    server.pods = [failed("alone", WORDS)]
    found, missing = failed_runs(client_of(server), {"stash": None, "k8up": None}, None)
    assert [run.name for run in found] == ["alone"]
    assert missing is not None
    assert "list backupsessions.stash.appscode.com in all namespaces" in missing
    assert "k8s/components/discover-stash grants it" in missing


def test_a_server_that_fails_is_asked_once(
    server: ApiServer, client_of: Callable[..., Client]
) -> None:
    """Else each list is waited for in turn, and the Job ends before anything is removed."""
    server.install(STASH, "v1beta1", "backupsessions", "BackupSession")
    server.fail_next("/api/v1/pods", status=503, times=9)
    found, missing = failed_runs(client_of(server), {"stash": None, "k8up": None}, None)
    assert (found, len(server.requests)) == ((), 1)
    assert missing is not None


def test_hostile_statuses_are_bounded(
    server: ApiServer, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one object takes the memory of all."""
    monkeypatch.setattr(failures, "_LONGEST", 100)
    deep: Any = WORDS
    for _ in range(60):
        deep = {"x": [deep]}
    session(server, "deep", {"deep": deep})
    session(server, "long", {"a": [WORDS * 1000] * 10, "b": 1, "c": None})
    session(server, "odd", {"conditions": [{"lastTransitionTime": "yesterday", "message": WORDS}]})
    session(server, "late", {"error": f"{'x' * 1000}\n{WORDS}"})
    found, _ = failed_runs(client_of(server), {"stash": None}, None)
    bounded = [(run.name, len(run.words) <= 100) for run in found]
    assert bounded == [("long", True), ("odd", True), ("late", True)]
    assert found[2].words == WORDS
    assert found[1].time == datetime(2026, 11, 25, 2, tzinfo=UTC)
