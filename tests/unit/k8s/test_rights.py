"""What the manifests grant, against what the program asks the API server for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
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
    return granted_by(overlay(name))


def granted_by(objects: tuple[dict, ...]) -> set[Right]:
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
        if request.path == "/version" or re.fullmatch("/apis/[^/]+(/[^/]+)?", request.path):
            continue  # what is served is open to every account, too
        prefix, *rest = request.path.strip("/").split("/")
        group = "" if prefix == "api" else rest[0]
        rest = rest[1:] if prefix == "api" else rest[2:]
        namespace = rest[1] if rest[0] == "namespaces" and len(rest) > len(("ns", "x")) else None
        resource, *name = rest[2:] if namespace else rest
        named = name[0] if name and resource == "configmaps" and namespace == OWN else None
        rights.add((group, resource, request.verb, named, namespace))
    # A right in all namespaces is one in each.
    return {each for each in rights if each[4] is None or (*each[:4], None) not in rights}


def asked(server: ApiServer) -> set[Right]:
    """Every right that `doctor` asked for."""
    return {
        (
            each["group"],
            each["resource"],
            each["verb"],
            each["name"] or None,
            each["namespace"] or None,
        )
        for each in server.reviews
    }


@pytest.fixture
def repository(tmp_path):
    """A repository with one lock, whose holder was killed long ago."""
    with tarfile.open(DATA) as archive:
        archive.extractall(tmp_path, filter="data")
    (found,) = tmp_path.rglob("r019-v2")
    return found


def sweep(
    tmp_path: Path,
    repository: Path,
    observe: str,
    *,
    text: str = "",
    name: str = "shop",
    prepare: Callable[[ApiServer], None] = lambda _: None,
) -> ApiServer:
    """Runs the program, which removes that lock and says so, and then its doctor; returns what
    recorded the requests of the first and the reviews of the second.
    """
    (lock,) = (repository / "locks").iterdir()
    seen = '{"version": 1, "repositories": {"%s": {"%s": {"first_seen": "%s"}}}, "nodes": {}}'
    configuration = tmp_path / "janitor.yaml"
    configured = (
        f"repositories: [{{name: shop, location: '{repository}', holders: [{HOLDER}],"
        f" namespaces: [shop], environment: '{tmp_path}/secrets'}}]\n"
    )
    configuration.write_text(f"observe: {observe}\n{text or configured}")
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
            "data": {"state.json": seen % (name, lock.name, LONG_AGO)},
        }
    )
    prepare(server)
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

        def run(command: str) -> str:
            program = [sys.executable, "-c", AS_IN_A_POD, str(tmp_path), command]
            done = subprocess.run(
                [*program, "--config", configuration],
                env=environment,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            assert done.returncode == 0, done.stderr + done.stdout
            return done.stdout

        said = run("sweep")
        requests = tuple(server.requests)
        run("doctor")
    server.requests[:] = requests
    assert not lock.exists(), said
    return server


def test_cluster_wide_rights_are_those_that_are_used(tmp_path, repository):
    """Otherwise the janitor could do more than it needs, or would fail where it is installed."""
    server = sweep(tmp_path, repository, "{namespaces: all, nodes: true}")
    assert granted("production") == used(server) == asked(server)


def test_namespaced_rights_are_those_that_are_used(tmp_path, repository):
    """Otherwise an installation without ClusterRoles could do too much, or too little."""
    server = sweep(tmp_path, repository, "{namespaces: [shop], nodes: false}")
    assert granted("namespaced") == used(server) == asked(server)


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
    tmp_path.mkdir(exist_ok=True)
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
CLAIM = {"persistentVolumeClaim": {"claimName": "backups"}}
NOTES = {"annotations": {"restic-janitor.io/holders": HOLDER}}
SELECTOR = {"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}}


def of_stash(server: ApiServer) -> None:
    """A Repository on a claim; a BackupConfiguration of another namespace uses it."""
    group = "stash.appscode.com"
    for kind in ("BackupConfiguration", "RestoreSession"):
        server.install(group, "v1beta1", f"{kind.lower()}s", kind)
    for kind in ("BackupBatch", "RestoreBatch"):
        server.install(group, "v1beta1", f"{kind.lower()}es", kind)
    server.install(group, "v1alpha1", "repositories", "Repository")
    server.install(group, "v1beta1", "backupsessions", "BackupSession")
    backend = {"storageSecretName": "restic", "local": {"mountPath": "/safe/data", **CLAIM}}
    spec = {"backend": backend, "usagePolicy": SELECTOR}
    server.add(group, "repositories", "shop", "db", metadata=NOTES, spec=spec)
    used_by = {"repository": {"name": "db", "namespace": "shop"}}
    server.add(group, "backupconfigurations", "web", "db", spec=used_by)


def of_kubestash(server: ApiServer) -> None:
    group = "storage.kubestash.com"
    server.install(group, "v1alpha1", "backupstorages", "BackupStorage")
    server.install("core.kubestash.com", "v1alpha1", "backupsessions", "BackupSession")
    server.install(group, "v1alpha1", "repositories", "Repository")
    local = {"provider": "local", "local": {"mountPath": "/x", **CLAIM}}
    spec = {"storage": local, "usagePolicy": SELECTOR}
    server.add(group, "backupstorages", "shop", "main", spec=spec)
    for namespace, name in (("shop", "db"), ("web", "other")):
        server.add(
            group,
            "repositories",
            namespace,
            name,
            metadata=NOTES,
            spec={
                "storageRef": {"name": "main", "namespace": "shop"},
                "encryptionSecret": {"name": "restic", "namespace": "shop"},
            },
            status={"componentPaths": ["."] if name == "db" else ["web"]},
        )


def of_volsync(server: ApiServer) -> None:
    group = "volsync.backube"
    server.install(group, "v1alpha1", "replicationsources", "ReplicationSource")
    server.install(group, "v1alpha1", "replicationdestinations", "ReplicationDestination")
    restic = {
        "repository": "restic",
        "customCA": {"configMapName": "ca", "key": "ca"},
        "moverVolumes": [{"mountPath": "nas", "volumeSource": CLAIM}],
    }
    spec = {"restic": restic}
    server.add(group, "replicationsources", "shop", "db", metadata=NOTES, spec=spec)


def of_k8up(server: ApiServer) -> None:
    group = "k8up.io"
    for kind in ("Schedule", "Backup", "Check", "Prune", "Archive", "Restore"):
        server.install(group, "v1", f"{kind.lower()}s", kind)
    backend = {
        "repoPasswordSecretRef": {"name": "restic", "key": "RESTIC_PASSWORD"},
        "local": {"mountPath": "/repo"},
        "volumeMounts": [{"name": "v", "mountPath": "/repo"}],
    }
    spec = {"backend": backend, "volumes": [{"name": "v", **CLAIM}], "backup": {}}
    server.add(group, "schedules", "shop", "db", metadata=NOTES, spec=spec)


def of_workloads(server: ApiServer) -> None:
    for group, kinds in (
        ("batch", ("CronJob", "Job")),
        ("apps", ("Deployment", "StatefulSet", "DaemonSet")),
    ):
        for kind in kinds:
            server.install(group, "v1", f"{kind.lower()}s", kind)
    container = {
        "name": "restic",
        "envFrom": [{"secretRef": {"name": "restic"}}, {"configMapRef": {"name": "ca"}}],
        "volumeMounts": [{"name": "v", "mountPath": "/mnt/nas"}],
    }
    spec = {"containers": [container], "volumes": [{"name": "v", **CLAIM}]}
    template = {"template": {"spec": spec}}
    labels = {"labels": {"restic-janitor.io/discover": "true"}}
    server.add("apps", "statefulsets", "shop", "db", metadata=NOTES | labels, spec=template)


def prepared(source: str) -> Callable[[ApiServer], None]:
    def prepare(server: ApiServer) -> None:
        keys = {"RESTIC_REPOSITORY": "/mnt/nas", "RESTIC_PASSWORD": "test"}
        server.add_secret("shop", "restic", **keys)
        server.namespaces["web"] = {"a": "b"}
        server.put_configmap(
            {"metadata": {"name": "ca", "namespace": "shop"}, "data": {"ca": "PEM"}}
        )
        globals()[f"of_{source}"](server)

    return prepare


@pytest.mark.parametrize("source", SOURCES)
def test_a_sources_rights_are_those_that_are_used(tmp_path, repository, source):
    """Otherwise a source could read more than it needs, or would fail where it is installed.

    The Event about the removal regards the owner object, in its namespace.
    """
    name = f"{source}/shop/db"
    if source == "kubestash":
        name += "/."
    server = sweep(
        tmp_path,
        repository,
        "{namespaces: all, nodes: true}",
        text=f"discover: {{{source}: {{}}}}\n"
        f"volumes: [{{claim: shop/backups, path: '{repository}'}}]\n",
        name=name,
        prepare=prepared(source),
    )
    objects = with_components(tmp_path / "overlay", f"discover-{source}")
    rights = granted_by(objects)
    needed = {each if each[4] in (None, OWN) else (*each[:4], None) for each in used(server)}
    needed.discard(("events.k8s.io", "events", "create", None, OWN))
    rights.discard(("events.k8s.io", "events", "create", None, OWN))
    assert rights == needed
    assert asked(server) - {("events.k8s.io", "events", "create", None, OWN)} == needed
    ((namespace, _),) = server.written_events
    (event,) = server.written_events.values()
    assert (namespace, event["reason"]) == ("shop", "StaleLockRemoved")
    assert (event["regarding"]["name"], event["regarding"]["uid"]) == ("db", "uid-shop-db")


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
