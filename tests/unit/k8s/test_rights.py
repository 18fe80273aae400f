"""What the manifests grant, against what the program asks the API server for."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.apiserver import ApiServer, node, pod
from tests.servers.certificates import make_certificates

from .rendering import K8S, OVERLAYS, of_kind, overlay, rendered

OWN = "restic-janitor"
DATA = Path(__file__).resolve().parents[2] / "data" / "restic-repositories.tar.gz"
LONG_AGO = "2026-11-25T02:00:00Z"
HOLDER = "vm"
"""The hostname in the lock of the repository `r019-v2`."""

AS_IN_A_POD = """
import sys
from pathlib import Path
from janitor.cli import main
from janitor.cluster import connect

connect.connect.__kwdefaults__["account"] = Path(sys.argv.pop(1))
sys.exit(main())
"""
"""The program, with the service account mounted elsewhere than in a real pod."""

Right = tuple[str, str, str, str | None, str | None]
"""API group, resource, verb, the object's name where it is named, namespace (None: all)."""


def granted(name: str) -> set[Right]:
    """Every right that an overlay gives to the janitor."""
    objects = overlay(name)
    rights = set()
    for role in of_kind(objects, "Role", "ClusterRole"):
        namespace = role["metadata"].get("namespace")
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        for each in rule.get("resourceNames", [None]):
                            rights.add((group, resource, verb, each, namespace))
    return rights


def used(server: ApiServer) -> set[Right]:
    """Every right that the recorded requests needed; /version is open to every account."""
    rights = set()
    for request in server.requests:
        if request.path == "/version":
            continue
        prefix, *rest = request.path.strip("/").split("/")
        group = "" if prefix == "api" else rest[0]
        rest = rest[1:] if prefix == "api" else rest[2:]
        namespace = rest[1] if rest[0] == "namespaces" else None
        resource, *name = rest[2:] if namespace else rest
        rights.add((group, resource, request.verb, name[0] if name else None, namespace))
    # A right in all namespaces is one in each.
    return {each for each in rights if each[4] is None or (*each[:4], None) not in rights}


@pytest.fixture
def repository(tmp_path):
    """A repository with one lock, whose holder was killed long ago."""
    with tarfile.open(DATA) as archive:
        archive.extractall(tmp_path, filter="data")
    (found,) = tmp_path.rglob("r019-v2")
    return found


def sweep(tmp_path: Path, repository: Path, observe: str) -> ApiServer:
    """Runs the program, which removes that lock and says so; returns what recorded its requests."""
    (lock,) = (repository / "locks").iterdir()
    seen = '{"version": 1, "repositories": {"shop": {"%s": {"first_seen": "%s"}}}, "nodes": {}}'
    configuration = tmp_path / "janitor.yaml"
    configuration.write_text(
        f"observe: {observe}\n"
        f"repositories: [{{name: shop, location: '{repository}', holders: [{HOLDER}],"
        f" namespaces: [shop], environment: '{tmp_path}/secrets'}}]\n"
    )
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "RESTIC_PASSWORD").write_text("test")
    certificates = make_certificates(tmp_path / "tls")
    server = ApiServer(tls=(certificates.certificate, certificates.key))
    server.pods = [pod("other"), pod("restic-janitor-1", namespace=OWN)]
    server.nodes = [node()]
    server.put_configmap(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "restic-janitor-state", "namespace": OWN},
            "data": {"state.json": seen % (lock.name, LONG_AGO)},
        }
    )
    (tmp_path / "ca.crt").write_bytes(certificates.authority.read_bytes())
    (tmp_path / "token").write_text("a token")
    with server.running():
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "POD_NAMESPACE": OWN,
            "POD_NAME": "restic-janitor-1",
            "POD_UID": server.pods[1]["metadata"]["uid"],
        }
        done = subprocess.run(
            [sys.executable, "-c", AS_IN_A_POD, str(tmp_path), "sweep", "--config", configuration],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr + done.stdout
    assert not lock.exists(), done.stdout
    return server


def test_cluster_wide_rights_are_those_that_are_used(tmp_path, repository):
    """Otherwise the janitor could do more than it needs, or would fail where it is installed."""
    server = sweep(tmp_path, repository, "{namespaces: all, nodes: true}")
    assert granted("production") == used(server)


def test_namespaced_rights_are_those_that_are_used(tmp_path, repository):
    """Otherwise an installation without ClusterRoles could do too much, or too little."""
    server = sweep(tmp_path, repository, "{namespaces: [shop], nodes: false}")
    assert granted("namespaced") == used(server)


@pytest.mark.parametrize("name", OVERLAYS)
def test_rights_are_narrow(name):
    """Otherwise a stolen token could read Secrets, or delete and change what it likes."""
    for group, resource, verb, each, namespace in granted(name):
        assert "*" not in (group, resource, verb)
        assert resource not in ("secrets", "pods/exec", "pods/log")
        assert verb in ("get", "list", "create", "update")
        if verb in ("create", "update"):
            assert namespace == OWN or name == "e2e"
        if verb in ("get", "update"):
            assert each == "restic-janitor-state"


def test_every_component_keeps_to_it():
    """Otherwise a component that no overlay uses would bring a right nobody looked at."""
    for folder in (K8S / "components").iterdir():
        text = "".join(file.read_text() for file in folder.rglob("*.yaml"))
        for word in ("'*'", '"*"', "[*]", "delete]", "deletecollection", "watch"):
            assert word not in text, f"{word} in {folder.name}"
    assert rendered(K8S / "base")


@pytest.mark.parametrize(
    "folder", sorted(file.parent for file in (K8S / "components").rglob("kustomization.yaml"))
)
def test_secrets_are_only_got_and_only_where_the_component_says_so(folder):
    """Otherwise a source that is switched on could list what opens the whole cluster."""
    names = folder.relative_to(K8S / "components").parts
    rules = [
        rule
        for file in folder.glob("*.yaml")
        for each in yaml.safe_load_all(file.read_text())
        for rule in each.get("rules", ())
        if "secrets" in rule["resources"]
    ]
    allowed = names == ("secrets",) or (
        names[0].startswith("discover-") and names[1:] != ("named",)
    )
    assert bool(rules) is allowed
    for rule in rules:
        assert rule["verbs"] == ["get"]
        assert names != ("secrets",) or rule["resourceNames"]


def with_components(tmp_path: Path, *components: str) -> tuple[dict, ...]:
    """An overlay of a user's own beside the checkout."""
    relative = f"{'../' * (len(tmp_path.resolve().parts) - 1)}{str(K8S).lstrip('/')}"
    paths = ", ".join(f"{relative}/components/{each}" for each in components)
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{relative}/overlays/production]\ncomponents: [{paths}]\n"
        f"transformers: [into-namespace.yaml]\n"
    )
    transformer = (K8S / "overlays" / "production" / "into-namespace.yaml").read_text()
    (tmp_path / "into-namespace.yaml").write_text(transformer)
    return rendered(tmp_path)


SOURCES = ("stash", "kubestash", "volsync", "k8up", "workloads")


def test_all_sources_render_together_and_are_bound(tmp_path):
    """Otherwise the second source that is switched on would be refused by kustomize."""
    components = [f"discover-{source}" for source in SOURCES]
    objects = with_components(tmp_path, *components, "owners")
    for each in objects:
        kubernetes_validate.validate(each, "1.36", strict=True)
    roles = {each["metadata"]["name"] for each in of_kind(objects, "ClusterRole")}
    bindings = of_kind(objects, "ClusterRoleBinding")
    assert roles == {each["roleRef"]["name"] for each in bindings}
    assert {each["subjects"][0].get("namespace") for each in bindings} == {OWN}
    for source in SOURCES:
        assert f"restic-janitor-discover-{source}-secrets" in roles


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_by_name_reads_no_secret(tmp_path, source):
    """Otherwise there would be no way to switch a source on without the whole cluster's Secrets."""
    objects = with_components(tmp_path, f"discover-{source}/named")
    rules = [rule for role in of_kind(objects, "ClusterRole") for rule in role["rules"]]
    assert not any("secrets" in rule["resources"] for rule in rules)


def test_a_namespace_of_its_own_needs_no_cluster_role(tmp_path):
    """Otherwise a tenant could not let the janitor find the repositories of one namespace."""
    relative = f"{'../' * (len(tmp_path.resolve().parts) - 1)}{str(K8S).lstrip('/')}"
    (tmp_path / "kustomization.yaml").write_text(
        "namespace: shop\nresources: ["
        + ", ".join(f"{relative}/components/discover-{source}/namespace" for source in SOURCES)
        + f", {relative}/components/secrets]\n"
    )
    objects = rendered(tmp_path)
    assert {each["kind"] for each in objects} == {"Role", "RoleBinding"}
    assert {each["metadata"]["namespace"] for each in objects} == {"shop"}
