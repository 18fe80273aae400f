"""`doctor` finds what is wrong with an installation, says what mends it, and touches nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from janitor.state import VERSION
from tests.apiserver import ApiServer
from tests.servers.process import free_ports
from tests.sweep.installation import Installation, old
from tests.sweep.pods import STATE, InAPod, by, in_a_pod

HOST = "shop-db-backup-29401-x2x9k"


@pytest.fixture
def pod(installation: Installation, tmp_path: Path) -> Iterator[InAPod]:
    """An installation where all is well, with a lock and without one."""
    installation.repository("shop-db").lock(time=old(), hostname=HOST)
    installation.repository("web")
    with in_a_pod(installation, tmp_path) as made:
        yield made


def everything(folder: Path) -> dict[str, str]:
    """Each file below it, by its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_good_installation_is_said_to_be_good_and_left_as_it_was(pod: InAPod) -> None:
    """Else the check is a risk itself, or nobody trusts it."""
    pod.installation.write_config()
    before = everything(pod.installation.folder)
    done = pod.doctor()
    assert (done.code, by(done, "warning", "problem")) == (0, []), done.out
    assert everything(pod.installation.folder) == before
    written = {(each.method, each.path) for each in pod.api.requests if each.method != "GET"}
    assert written == {("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")}
    assert not pod.api.written_events
    (sum_,) = done.of("doctor")
    assert sum_ == {
        "event": "doctor",
        "checks": len(done.of("check")),
        "warnings": 0,
        "problems": 0,
        "exit_code": 0,
    }
    said = {line["subject"]: line["detail"] for line in done.of("check")}
    assert "the password opens it; version 2, 1 lock" in said["shop-db"]
    assert "the password opens it; version 2, 0 locks" in said["web"]
    assert "the janitor's own pod janitor-1 is among them" in done.out


@pytest.mark.parametrize(
    ("denied", "status", "mend"),
    [
        (("list", "pods", None), "problem", "Apply k8s/base"),
        (("list", "nodes", None), "problem", "Add k8s/components/nodes to `components`"),
        (("list", "events", None), "warning", "Add k8s/components/events"),
        (("get", "configmaps", "janitor"), "problem", "Apply k8s/base"),
        (("update", "configmaps", "janitor"), "problem", "Apply k8s/base"),
        (("create", "events", "janitor"), "warning", "Apply k8s/base"),
    ],
)
def test_a_right_that_is_missing_is_named_with_what_grants_it(
    pod: InAPod, denied: tuple[str, str, str | None], status: str, mend: str
) -> None:
    """Else one has to find out by a sweep that keeps everything, at night."""
    pod.api.deny(*denied)
    done = pod.doctor()
    rights = [line for line in by(done, "warning", "problem") if line["check"] == "right"]
    (line,) = rights
    assert line["subject"].startswith(f"{denied[0]} {denied[1]}")
    assert line["status"] == status
    assert line["mend"].startswith(mend)
    assert done.code == (1 if status == "problem" else 0)


def test_narrow_namespaces_are_asked_one_by_one(pod: InAPod) -> None:
    """Else a namespaced installation is told to take a ClusterRole."""
    pod.installation.settings["observe"] = {"namespaces": ["shop"], "nodes": False}
    pod.api.deny("list", "pods", "shop")
    done = pod.doctor()
    problems = by(done, "problem")
    assert [line["subject"] for line in problems if line["check"] == "right"] == [
        "list pods in namespace shop"
    ]
    assert problems[0]["mend"] == (
        "Add k8s/components/namespaced/holders in a folder with `namespace: shop`."
    )
    assert "list pods in namespace janitor" in [line["subject"] for line in by(done, "ok")]
    assert not [line for line in done.of("check") if "nodes" in line["subject"]]


def test_who_may_not_ask_is_told_that(pod: InAPod) -> None:
    """Else a hardened cluster looks like a broken one."""
    pod.api.deny("create", "selfsubjectaccessreviews")
    done = pod.doctor()
    (line,) = by(done, "warning")
    assert (done.code, "it may not be asked what is granted" in line["detail"]) == (0, True)


def test_another_cluster_or_another_time_is_told(pod: InAPod) -> None:
    """Else every lock is kept as cluster-unknown, and nobody sees why."""
    pod.api.pods[0]["metadata"]["uid"] = "of another cluster"
    done = pod.doctor()
    (line,) = by(done, "problem")
    assert (done.code, line["check"]) == (1, "observation")
    assert "janitor-1 (UID uid-1) is not in the list of pods" in line["detail"]
    assert "downward API" in line["mend"]
    pod.api.pods[0]["metadata"]["uid"] = "uid-1"
    pod.api.date_skew = timedelta(hours=1)
    (line,) = [each for each in by(pod.doctor(), "problem") if each["check"] != "observation"]
    assert "clock" in line["detail"]
    assert "NTP" in line["mend"]


def test_no_api_server_is_one_problem_and_not_ten(pod: InAPod) -> None:
    """Else the one cause is lost among its consequences."""
    (closed,) = free_ports(1)
    done = pod.doctor(KUBERNETES_SERVICE_PORT=str(closed))
    checks = [line["check"] for line in by(done, "problem")]
    assert (done.code, checks) == (1, ["API server and clocks", "state"]), done.out
    assert "kubectl get --raw /readyz" in by(done, "problem")[0]["mend"]
    assert [line["check"] for line in by(done, "ok")].count("repository") == 2


def test_what_is_wrong_with_a_repository_is_told_without_a_lock(pod: InAPod) -> None:
    """Else a wrong password shows on the first night on which a lock is old."""
    installation = pod.installation
    (installation.folder / "secrets" / "web" / "RESTIC_PASSWORD").write_text("Canary")
    (closed,) = free_ports(1)
    installation.configure("rest", f"rest:http://127.0.0.1:{closed}/", RESTIC_PASSWORD="Canary")
    installation.configure("gone", "/not/there", RESTIC_PASSWORD="Canary")
    installation.configure("bare", str(installation.folder / "repositories" / "shop-db"))
    done = pod.doctor()
    said = {line["subject"]: line["detail"] for line in by(done, "problem")}
    assert said["web"].startswith("it is wrong-password: the password does not open its one key")
    assert said["rest"].startswith("it is unreachable: ")
    assert said["gone"].startswith("it is not-mounted: ")
    assert said["bare"].startswith("it is incomplete: there is no RESTIC_PASSWORD")
    assert "Canary" not in done.out + done.err
    assert len(said) == 4
    assert all(line["mend"] for line in by(done, "problem"))
    only = pod.doctor("--repository", "we*")
    assert [line["subject"] for line in by(only, "problem")] == ["web"]


def test_a_repository_whose_holders_nobody_named_is_a_warning(pod: InAPod) -> None:
    """Else its locks are kept for ever, and the janitor seems to do nothing."""
    pod.installation.entries["web"]["holders"] = []
    (line,) = by(pod.doctor(), "warning")
    assert (line["check"], line["subject"]) == ("holders", "web")
    assert "`holders`" in line["mend"]


def test_the_state_is_read_and_not_mended(pod: InAPod) -> None:
    """Else what a newer janitor remembers is lost, or a missing one is found out at night."""
    newer = json.dumps({"version": VERSION + 1})
    pod.api.put_configmap(
        {"kind": "ConfigMap", "metadata": dict(STATE), "data": {"state.json": newer}}
    )
    (line,) = by(pod.doctor(), "problem")
    assert (line["check"], f"version {VERSION + 1}" in line["detail"]) == ("state", True)
    (line,) = by(pod.doctor("--state", "configmap:other"), "problem")
    assert "There is no ConfigMap janitor/other" in line["detail"]
    (line,) = by(pod.doctor("--state", "none"), "problem")
    assert "has no clock of its own, and nothing is remembered" in line["detail"]


def test_a_dry_run_and_a_source_that_cannot_be_read_are_told(pod: InAPod) -> None:
    """Else one waits for removals that never come."""
    pod.installation.settings["discover"] = {"stash": {}}
    pod.api.install("stash.appscode.com", "v1alpha1", "repositories", "Repository")
    pod.api.deny("list", "repositories")
    done = pod.doctor(JANITOR_DRY_RUN="true")
    (warning,) = by(done, "warning")
    assert (warning["check"], "dry_run is on" in warning["detail"]) == ("configuration", True)
    right, source = by(done, "problem")
    assert right["subject"] == "list repositories.stash.appscode.com in all namespaces"
    assert right["mend"].startswith("Add k8s/components/discover-stash to `components`")
    assert (source["check"], source["subject"]) == ("source", "stash")
    assert "k8s/components/discover-stash grants it" in source["detail"]
    assert "take `discover.stash` out" in source["mend"]


def test_a_source_that_finds_nothing_is_told(pod: InAPod) -> None:
    """Else a label that was forgotten looks like a night without locks."""
    pod.installation.settings["discover"] = {"workloads": {}, "k8up": {"namespaces": ["shop"]}}
    done = pod.doctor()
    nothing = [line for line in by(done, "warning") if line["check"] == "source"]
    assert [line["subject"] for line in nothing] == ["k8up", "workloads"]
    assert "do they carry the label?" in nothing[0]["mend"]
    assert done.code == 0
    part = pod.doctor("--repository", "web")
    assert not [line for line in by(part, "warning") if line["check"] == "source"]


def test_secrets_may_be_granted_by_name(pod: InAPod) -> None:
    """Else who keeps the janitor from the whole cluster's Secrets is told to let it in."""
    pod.installation.settings["discover"] = {"volsync": {"namespaces": ["shop"]}}
    pod.api.deny("get", "secrets", "shop")
    done = pod.doctor()
    assert not [line for line in by(done, "problem", "warning") if line["check"] == "right"]
    (line,) = (each for each in by(done, "ok") if each["subject"].startswith("get secrets"))
    assert "not granted for every name" in line["detail"]


def test_a_state_file_that_cannot_be_written_is_told(pod: InAPod) -> None:
    """Else each night's first sight of a lock is forgotten, and none is ever old enough."""
    path = pod.folder / "not" / "there" / "state.json"
    (line,) = by(pod.doctor("--state", str(path)), "problem")
    assert (line["check"], str(path) in line["detail"]) == ("state", True)
    assert "let this user write in it" in line["mend"]
    assert not path.parent.exists()


def test_a_person_sees_faults_and_mends(pod: InAPod) -> None:
    """Else at 3 a.m. the one line that matters is not found."""
    pod.api.deny("list", "nodes")
    pod.installation.configure("gone", "/not/\x1b[2Jthere", RESTIC_PASSWORD="x")
    done = pod.doctor(output="table", COLUMNS="80")
    assert done.code == 1
    assert max(map(len, done.out.splitlines())) <= 80
    assert "\x1b" not in done.out
    lines = done.out.splitlines()
    (right,) = (number for number, line in enumerate(lines) if "right list nodes" in line)
    assert lines[right].startswith("PROBLEM  right list nodes: Not granted: without it nobody")
    assert lines[right + 2].strip().startswith("Mend: Add k8s/components/nodes to `components`")
    assert lines[-1].startswith("2 problems and 0 warnings in ")


def test_on_a_laptop_it_says_what_a_sweep_would_not_do(installation: Installation) -> None:
    """Else a person takes a sweep that only reports for one that finds nothing."""
    installation.repository("shop-db")
    done = installation.run("doctor", cluster=False)
    (line,) = by(done, "problem")
    assert (done.code, line["check"]) == (1, "API server")
    assert "`--context NAME`" in line["mend"]


def test_a_wrong_configuration_is_exit_code_2(pod: InAPod) -> None:
    """Else it would be checked by what it does not say."""
    pod.installation.settings["min_ages"] = "1h"
    done = pod.doctor()
    assert (done.code, "min_ages" in done.err) == (2, True)


Asked = set[tuple[str, str, str | None]]


def used(api: ApiServer) -> Asked:
    """What the requests needed: verb, resource, namespace (None: all)."""
    found: Asked = set()
    for request in api.requests:
        parts = request.path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        if rest and rest[0] != "selfsubjectaccessreviews":
            namespace = rest[1] if rest[0] == "namespaces" else None
            found.add((request.verb, rest[2] if namespace else rest[0], namespace))
    return {each for each in found if each[2] is None or (*each[:2], None) not in found}


@pytest.mark.parametrize("namespaces", ["all", ["shop"]])
def test_it_asks_for_what_a_sweep_uses(pod: InAPod, namespaces: str | list[str]) -> None:
    """Else an installation is called good, and its first sweep is refused."""
    installation = pod.installation
    installation.settings["observe"] = {"namespaces": namespaces}
    (lock,) = (installation.folder / "repositories" / "shop-db" / "locks").iterdir()
    installation.remember(("shop-db", lock.name))
    state = {"state.json": installation.state.read_text()}
    pod.api.put_configmap({"kind": "ConfigMap", "metadata": dict(STATE), "data": state})
    swept = pod.run("sweep")
    assert [line["removed"] for line in swept.of("lock")] == [True], swept.out
    needed = used(pod.api)
    pod.api.requests.clear()
    pod.doctor()
    asked: Asked = set()
    for request in pod.api.requests:
        if request.body is not None:
            each = request.body["spec"]["resourceAttributes"]
            asked.add((each["verb"], each["resource"], each["namespace"] or None))
    assert asked == needed
