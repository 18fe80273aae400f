"""The sources `stash` and `kubestash`: objects as their users write them."""

from __future__ import annotations

import re

import pytest

from janitor.discover.draft import Draft, MountedVolume
from janitor.discover.kubestash import find_kubestash
from janitor.discover.stash import find_stash
from janitor.model import RepositoryState, SecretFile

from .fake_reader import FakeReader


@pytest.fixture
def reader() -> FakeReader:
    reader = FakeReader()
    reader.add_secret("shop", "storage", RESTIC_PASSWORD="word", AWS_ACCESS_KEY_ID="id")
    return reader


def repository(reader: FakeReader, name: str = "db", namespace: str = "shop", **spec: object):
    backend = {
        "storageSecretName": "storage",
        "s3": {"endpoint": "s3.example.com", "bucket": "backups", "prefix": "/shop/db/"},
    }
    return reader.add("Repository", namespace, name, {"backend": backend, **spec})


def invoker(
    reader: FakeReader,
    kind: str = "BackupConfiguration",
    name: str = "db-backup",
    namespace: str = "shop",
    **spec: object,
):
    given = {
        "repository": {"name": "db", "namespace": "shop"},
        "target": {"ref": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}},
    }
    return reader.add(kind, namespace, name, given | spec)


def found(reader: FakeReader) -> tuple[Draft, ...]:
    return find_stash(reader, namespaces=None, each=map)


def claims(draft: Draft, hostname: str) -> set[tuple[str, ...]]:
    return {
        holder.containers for holder in draft.generated if re.fullmatch(holder.expression, hostname)
    }


def test_a_repository_and_its_backup_configuration(reader):
    """Else nobody with Stash is served."""
    repository(reader)
    invoker(reader)
    (draft,) = found(reader)
    assert draft.name == "stash/shop/db"
    assert draft.location == "s3:s3.example.com/backups/shop/db"
    assert draft.namespaces == ("shop",)
    assert draft.variables["RESTIC_PASSWORD"].reveal() == "word"


def test_the_names_of_its_pods(reader):
    """Else the locks of Stash's Jobs and sidecars would be foreign hosts'."""
    repository(reader)
    invoker(reader)
    invoker(reader, "RestoreSession", "db-restore")
    (draft,) = found(reader)
    assert claims(draft, "db-0") == {("stash", "stash-init")}
    assert claims(draft, "stash-backup-db-backup-1764200000-0-x2x9k") == {()}
    assert claims(draft, "stash-restore-db-restore-0-x2x9k") == {()}
    for other in ("db", "db-x", "stash-backup-other-1764200000-0-x2x9k", "stash-0"):
        assert claims(draft, other) == set()


def test_a_long_name_loses_its_middle_as_stash_cuts_it(reader):
    """Else the locks of whoever writes long names would be foreign hosts'."""
    name = "a-very-long-name-of-a-backup-configuration-in-production"
    repository(reader)
    invoker(reader, name=name)
    (draft,) = found(reader)
    session = f"{name}-1764200000"[-63:]
    job = f"stash-backup-{session}-0"
    cut = job[:32] + job[len(job) - 31 :]
    assert len(cut) == 63
    assert claims(draft, cut[:58] + "x2x9k") == {()}


def test_a_batch_has_many_targets(reader):
    """Else all but the first member's locks would stay."""
    repository(reader)
    members = [
        {"target": {"ref": {"kind": "Deployment", "name": "web"}}},
        {"target": {"ref": {"kind": "DaemonSet", "name": "agent"}}},
        {"target": {"ref": {"kind": "PersistentVolumeClaim", "name": "data"}}},
        "odd",
    ]
    invoker(reader, "BackupBatch", "all", target=None, members=members)
    (draft,) = found(reader)
    assert claims(draft, "web-7d9c8b7b9f-x2x9k") == {("stash", "stash-init")}
    assert claims(draft, "agent-x2x9k") == {("stash", "stash-init")}
    assert claims(draft, "stash-backup-all-1764200000-11-x2x9k") == {()}


@pytest.mark.parametrize(
    ("policy", "namespaces", "claimed"),
    [
        (None, ("shop",), False),
        ({"allowedNamespaces": {"from": "Same"}}, ("shop",), False),
        ({"allowedNamespaces": {"from": "All"}}, None, True),
        (
            {"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"t": "a"}}}},
            None,
            True,
        ),
        (
            {"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"t": "b"}}}},
            None,
            False,
        ),
        ({"allowedNamespaces": {"from": "Selector"}}, None, False),
    ],
)
def test_a_reference_from_another_namespace(reader, policy, namespaces, claimed):
    """A reference that the Repository does not allow must not make a hostname ours."""
    repository(reader, usagePolicy=policy)
    reader.add("Namespace", "", "web", labels={"t": "a"})
    invoker(reader, namespace="web")
    (draft,) = found(reader)
    assert draft.namespaces == namespaces
    assert bool(claims(draft, "db-0")) is claimed


@pytest.mark.parametrize(
    ("backend", "location"),
    [
        ({"gcs": {"bucket": "b", "prefix": "p/q"}}, "gs:b:/p/q"),
        ({"gcs": {"bucket": "b"}}, "gs:b:/"),
        ({"azure": {"container": "c", "prefix": "/p"}}, "azure:c:/p"),
        ({"swift": {"container": "c", "prefix": "p"}}, "swift:c:/p"),
        ({"b2": {"bucket": "bucket", "prefix": "p"}}, "b2:bucket:/p"),
        ({"rest": {"url": "http://rest:8000/x"}}, "rest:http://rest:8000/x"),
        ({"s3": {"bucket": "b"}}, "s3:s3.amazonaws.com/b"),
    ],
)
def test_every_backend_as_stash_writes_it(reader, backend, location):
    """Else a Repository on that backend would be looked for elsewhere."""
    repository(reader, backend={"storageSecretName": "storage", **backend})
    (draft,) = found(reader)
    assert (draft.problem, draft.location) == (None, location)


def test_the_keys_that_hold_files(reader):
    """Else a CA and a service account would be paths that are nowhere."""
    reader.add_secret(
        "shop",
        "storage",
        RESTIC_PASSWORD="word",
        CA_CERT_DATA="PEM",
        GOOGLE_SERVICE_ACCOUNT_JSON_KEY="{}",
        REST_SERVER_USERNAME="me",
        RESTIC_CACERT="/etc/passwd",
        RESTIC_REPOSITORY="s3:evil/x",
        OTHER="x",
    )
    repository(reader)
    (draft,) = found(reader)
    assert dict(draft.variables) == {
        "RESTIC_PASSWORD": draft.variables["RESTIC_PASSWORD"],
        "RESTIC_CACERT": SecretFile("PEM"),
        "GOOGLE_APPLICATION_CREDENTIALS": SecretFile("{}"),
        "RESTIC_REST_USERNAME": draft.variables["RESTIC_REST_USERNAME"],
    }


def test_a_local_backend_tells_its_volume(reader):
    """Stash's guides all use /safe/data: the volume tells them apart."""
    local = {"mountPath": "/safe/data", "subPath": "db", "nfs": {"server": "nas", "path": "/p"}}
    repository(reader, backend={"storageSecretName": "storage", "local": local})
    (draft,) = found(reader)
    assert draft.location == "local:/safe/data"
    assert draft.volume == MountedVolume("shop", "nfs:nas:/p", "db")


@pytest.mark.parametrize(
    ("backend", "sentence"),
    [
        ({}, "its spec.backend names no provider"),
        ({"s3": {}}, "its s3.bucket is missing"),
        ({"s3": {"bucket": "b"}}, "its spec.backend.storageSecretName is missing"),
        ({"s3": {"bucket": "b"}, "storageSecretName": "no"}, "there is no Secret shop/no"),
        ({"s3": 3, "storageSecretName": "no"}, "its s3.bucket is missing"),
    ],
)
def test_a_broken_repository_is_a_sentence(reader, backend, sentence):
    """Else one broken Repository would end the sweep of all."""
    repository(reader, backend=backend)
    (draft,) = found(reader)
    assert draft.state is RepositoryState.INCOMPLETE
    assert draft.problem == f"Repository shop/db: {sentence}"


def test_a_thousand_repositories_cost_one_list_of_each_kind(reader):
    """Else a sweep of a large cluster would be a load on its API server."""
    for number in range(1000):
        repository(reader, f"db-{number}")
    found(reader)
    assert {count for asked, count in reader.asked.items() if asked.startswith("list")} == {1}


# --- KubeStash --------------------------------------------------------------------------------


def storage(reader: FakeReader, namespace: str = "backup", **spec: object):
    given = {
        "storage": {
            "provider": "s3",
            "s3": {
                "endpoint": "s3.example.com",
                "bucket": "b",
                "prefix": "p",
                "secretName": "storage",
                "insecureTLS": True,
            },
        }
    }
    reader.add_secret(namespace, "storage", AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="key")
    return reader.add("BackupStorage", namespace, "main", given | spec)


def kube_repository(reader: FakeReader, *paths: object, **spec: object):
    reader.add_secret("shop", "encryption", RESTIC_PASSWORD="word")
    given = {
        "storageRef": {"name": "main", "namespace": "backup"},
        "path": "/shop/db",
        "encryptionSecret": {"name": "encryption", "namespace": "shop"},
    }
    status = {"componentPaths": list(paths)}
    return reader.add("Repository", "shop", "db", given | spec, status=status)


ALL = {"allowedNamespaces": {"from": "All"}}


def kube(reader: FakeReader) -> tuple[Draft, ...]:
    return find_kubestash(reader, namespaces=None, each=map)


def test_each_component_is_a_repository(reader):
    """Else only one of many restic repositories would be swept."""
    storage(reader, usagePolicy=ALL)
    kube_repository(reader, "dump", "pods/db-0")
    assert [(draft.name, draft.location, draft.insecure_tls) for draft in kube(reader)] == [
        ("kubestash/shop/db/dump", "s3:s3.example.com/b/p/shop/db/dump", True),
        ("kubestash/shop/db/pods/db-0", "s3:s3.example.com/b/p/shop/db/pods/db-0", True),
    ]
    assert kube(reader)[0].variables["RESTIC_PASSWORD"].reveal() == "word"


@pytest.mark.parametrize(
    ("policy", "spec", "sentence"),
    [
        (None, {}, "BackupStorage backup/main does not allow the namespace shop"),
        (ALL, {"storageRef": {"name": "no", "namespace": "backup"}}, "no BackupStorage backup/no"),
        (
            ALL,
            {"encryptionSecret": {"name": "root", "namespace": "kube-system"}},
            "is in the namespace kube-system, which is neither",
        ),
        (ALL, {"encryptionSecret": {"name": "no"}}, "there is no Secret shop/no"),
    ],
)
def test_a_reference_that_is_not_allowed_reads_nothing(reader, policy, spec, sentence):
    """A hostile Repository must not make the janitor read another namespace's Secret."""
    storage(reader, usagePolicy=policy)
    kube_repository(reader, "dump", **spec)
    (draft,) = kube(reader)
    assert draft.state is RepositoryState.INCOMPLETE
    assert sentence in draft.problem
    assert not any("kube-system" in asked for asked in reader.asked)


def test_a_new_repository_is_told_and_a_hostile_path_is_none(reader):
    """Else a Repository of today would be a failure, or `..` would leave the storage."""
    storage(reader, usagePolicy=ALL)
    kube_repository(reader, "../../other", 3, "", "x" * 1000, "a\nb")
    (draft,) = kube(reader)
    assert "names no component path yet" in draft.problem
