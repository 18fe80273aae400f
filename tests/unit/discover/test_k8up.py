"""The source `k8up`: objects as K8up's users write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.discover.draft import Draft, MountedVolume
from janitor.discover.k8up import Defaults, find_k8up
from janitor.discover.kubestash import find_kubestash
from janitor.discover.stash import find_stash
from janitor.discover.volsync import find_volsync
from janitor.discover.workloads import find_workloads
from janitor.model import RepositoryState, Secret, SecretFile

from .fake_reader import FakeReader

PASSWORD = {"repoPasswordSecretRef": {"name": "repo", "key": "password"}}
S3 = {
    "endpoint": "https://s3.example.com",
    "bucket": "backups/shop",
    "accessKeyIDSecretRef": {"name": "keys", "key": "id"},
    "secretAccessKeySecretRef": {"name": "keys", "key": "secret"},
}


@pytest.fixture
def reader() -> FakeReader:
    reader = FakeReader()
    reader.add_secret("shop", "repo", password="word")
    reader.add_secret("shop", "keys", id="AKIA", secret="hunter2")
    return reader


def found(reader: FakeReader, **defaults: object) -> tuple[Draft, ...]:
    return find_k8up(reader, namespaces=None, each=map, defaults=Defaults(**defaults))


def claims(draft: Draft, hostname: str) -> set[tuple[str, ...]]:
    return {
        holder.containers for holder in draft.generated if re.fullmatch(holder.expression, hostname)
    }


def test_a_backup_is_a_repository(reader):
    """Else nobody with K8up is served."""
    reader.add("Backup", "shop", "db", {"backend": PASSWORD | {"s3": S3}})
    (draft,) = found(reader)
    assert draft.name == "k8up/shop/db"
    assert draft.location == "s3:https://s3.example.com/backups/shop"
    assert {name: value.reveal() for name, value in draft.variables.items()} == {
        "RESTIC_PASSWORD": "word",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
    }
    assert claims(draft, "backup-db-0-x2x9k") == {("backup",)}
    assert claims(draft, "backup-db-x2x9k") == {("backup",)}
    assert claims(draft, "backup-db-prebackup-x2x9k") == {("backup",)}
    assert claims(draft, "backup-db-far-0-x2x9k") == set()


@pytest.mark.parametrize("kind", ["Check", "Prune", "Archive", "Restore"])
def test_every_kind_is_one(reader, kind):
    """Else the lock of a prune that died would stay."""
    reader.add(kind, "shop", "db", {"backend": PASSWORD | {"s3": S3}})
    (draft,) = found(reader)
    assert claims(draft, f"{kind.lower()}-db-x2x9k") == {(kind.lower(),)}


def test_a_schedule_claims_what_its_objects_make(reader):
    """Else the locks of scheduled backups would be foreign hosts' once their objects are gone."""
    spec = {"backend": PASSWORD | {"s3": S3}, "backup": {"schedule": "@daily"}, "prune": {}}
    reader.add("Schedule", "shop", "nightly", spec)
    (draft,) = found(reader)
    assert claims(draft, "backup-nightly-backup-x2x9k-0-bcdfg") == {("backup",)}
    assert claims(draft, "prune-nightly-prune-x2x9k-bcdfg") == {("prune",)}
    assert claims(draft, "check-nightly-check-x2x9k-bcdfg") == set()


def test_a_long_schedule_is_shortened_as_k8up_does(reader):
    """Else the locks of whoever writes long names would be foreign hosts'."""
    name = "a-schedule-with-a-very-long-name-for-production-in-europe"
    reader.add("Schedule", "shop", name, {"backend": PASSWORD | {"s3": S3}, "prune": {}})
    (draft,) = found(reader)
    job = f"prune-{name[:51]}-prune-x2x9k"
    assert claims(draft, f"{job[:58]}bcdfg") == {("prune",)}


def test_jobs_of_a_schedule_with_another_backend_are_another_repository(reader):
    """Else an archive's repository would never be swept."""
    other = {"s3": S3 | {"bucket": "archive"}}
    spec = {"backend": PASSWORD | {"s3": S3}, "backup": {}, "archive": {"backend": other}}
    reader.add("Schedule", "shop", "nightly", spec)
    assert [draft.location for draft in found(reader)] == [
        "s3:https://s3.example.com/backups/shop",
        "s3:https://s3.example.com/archive",
    ]


@pytest.mark.parametrize(
    ("backend", "location"),
    [
        ({"gcs": {"bucket": "b"}}, "gs:b:/"),
        ({"azure": {"container": "c"}}, "azure:c:/"),
        ({"azure": {"container": "c", "path": "p"}}, "azure:c:p"),
        ({"b2": {"bucket": "bucket", "path": "p"}}, "b2:bucket:p"),
        ({"swift": {"container": "c", "path": "/p"}}, "swift:c:/p"),
        ({"rest": {"url": "http://rest:8000/x"}}, "rest:http://rest:8000/x"),
        ({"s3": S3, "azure": {"container": "c"}}, "azure:c:/"),
    ],
)
def test_every_backend_as_k8up_writes_it(reader, backend, location):
    """Else a backend would be looked for elsewhere, or the second of two would count."""
    reader.add("Backup", "shop", "db", {"backend": PASSWORD | backend})
    (draft,) = found(reader)
    assert (draft.problem, draft.location) == (None, location)


def test_what_the_operator_has_in_its_environment(reader):
    """Else those who set BACKUP_GLOBAL... once would be told as incomplete for ever."""
    reader.add("Backup", "shop", "db", {"backend": {"s3": {"bucket": "b"}}})
    (draft,) = found(reader)
    assert draft.state is RepositoryState.INCOMPLETE
    assert "spec.backend.s3.endpoint is missing" in draft.problem
    assert "discover.k8up.defaults.endpoint" in draft.problem
    variables = {"RESTIC_PASSWORD": Secret("global")}
    (draft,) = found(reader, endpoint="s3.example.com", variables=variables)
    assert (draft.problem, draft.location) == (None, "s3:s3.example.com/b")
    assert draft.variables["RESTIC_PASSWORD"].reveal() == "global"


def test_files_come_through_the_mounts(reader):
    """Else nobody with a CA of their own is served."""
    reader.add_secret("shop", "tls", ca="PEM", crt="CERT", key="KEY")
    backend = PASSWORD | {
        "s3": S3,
        "tlsOptions": {
            "caCert": "/tls/ca",
            "clientCert": "/tls/crt",
            "clientKey": "/tls/key",
        },
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
    }
    volumes = [{"name": "tls", "secret": {"secretName": "tls"}}]
    reader.add("Backup", "shop", "db", {"backend": backend, "volumes": volumes})
    (draft,) = found(reader)
    assert draft.variables["RESTIC_CACERT"] == SecretFile("PEM")
    assert draft.variables["RESTIC_TLS_CLIENT_CERT"] == SecretFile("CERT\nKEY")


def test_a_local_backend_tells_its_volume(reader):
    """Else two namespaces' /repo would be one repository."""
    backend = PASSWORD | {
        "local": {"mountPath": "/repo"},
        "volumeMounts": [{"name": "v", "mountPath": "/repo"}],
    }
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "backups"}}]
    reader.add("Backup", "shop", "db", {"backend": backend, "volumes": volumes})
    (draft,) = found(reader)
    assert draft.volume == MountedVolume("shop", "claim:backups")


def test_a_missing_key_is_named(reader):
    """Else a person has to compare two manifests to find it."""
    backend = {"repoPasswordSecretRef": {"name": "repo", "key": "no"}, "s3": S3}
    reader.add("Backup", "shop", "db", {"backend": backend})
    (draft,) = found(reader)
    assert draft.problem == (
        "Backup shop/db: the Secret shop/repo has no key 'no', see repoPasswordSecretRef"
    )


# --- whatever anybody may write -----------------------------------------------------------------

WORDS = [
    "backend", "s3", "local", "gcs", "bucket", "endpoint", "prefix", "storageSecretName",
    "repository", "restic", "customCA", "key", "name", "namespace", "target", "ref", "kind",
    "members", "storageRef", "encryptionSecret", "usagePolicy", "allowedNamespaces", "from",
    "selector", "matchExpressions", "backup", "prune", "envFrom", "volumeMounts", "tlsOptions",
    "repoPasswordSecretRef", "jobTemplate", "spec", "template", "containers", "env", "storage",
    "provider", "path", "moverVolumes", "mountPath",
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "..", "All", "Selector"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=25,
)
KINDS = [
    "Repository", "BackupConfiguration", "BackupBatch", "RestoreSession", "BackupStorage",
    "ReplicationSource", "Schedule", "Backup", "CronJob", "StatefulSet",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KINDS), ANYTHING, min_size=1), ANYTHING)
def test_no_object_is_a_crash(specs, status):
    """A broken owner object is a repository with a state and a sentence, never an exception."""
    reader = FakeReader()
    for kind, spec in specs.items():
        labels = {"restic-janitor.io/discover": "true"}
        reader.add(kind, "shop", "x", spec, status=status, labels=labels)
    for find in (find_stash, find_kubestash, find_volsync):
        find(reader, namespaces=None, each=map)
    found(reader)
    find_workloads(reader, namespaces=None, selector="restic-janitor.io/discover=true", each=map)
