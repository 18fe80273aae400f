"""Owner objects, Secrets and ConfigMaps, through the reader that every source uses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from janitor.cluster.errors import Denied, Garbled
from janitor.discover.cluster_reader import ClusterReader
from janitor.discover.reader import MissingObject, ObjectKind
from janitor.model import ObjectReference

GROUP = "volsync.backube"
SOURCES = ObjectKind(GROUP, "ReplicationSource", "replicationsources", "discover-volsync")


@pytest.fixture
def reader(server, client_of) -> ClusterReader:
    return ClusterReader(client_of(server))


def paths(server) -> list[str]:
    return [request.path for request in server.requests]


def test_a_kind_that_is_not_installed_is_no_error(reader, server):
    """Else a cluster without VolSync could not switch the source on for when it comes."""
    assert reader.list(SOURCES) is None
    server.install(GROUP, "v1alpha1", "replicationdestinations", "ReplicationDestination")
    assert ClusterReader(reader._client).list(SOURCES) is None


def test_the_newest_served_version_is_read(reader, server):
    """Else an operator's upgrade would hide its repositories."""
    for version in ("v1alpha1", "v1beta2", "v1beta10", "v1"):
        server.install(GROUP, version, "others", "Other")
    for version in ("v1alpha1", "v1beta2", "v1beta10"):
        server.install(GROUP, version, "replicationsources", "ReplicationSource")
    server.add(GROUP, "replicationsources", "media", "plex", spec={"restic": {}})
    (found,) = reader.list(SOURCES)
    assert found.reference == ObjectReference(
        f"{GROUP}/v1beta10", "ReplicationSource", "media", "plex", "uid-media-plex"
    )
    assert found.content["spec"] == {"restic": {}}


def test_a_thousand_owners_cost_two_lists_and_one_read_for_each_secret(reader, server):
    """Else a sweep of a large cluster would be a load on its API server."""
    server.install(GROUP, "v1alpha1", "replicationsources", "ReplicationSource")
    for number in range(1000):
        server.add(GROUP, "replicationsources", "media", f"app-{number}")
        server.add_secret("media", f"secret-{number % 100}", RESTIC_PASSWORD="test")
    found = reader.list(SOURCES)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: reader.secret("media", f"secret-{n % 100}"), range(1000)))
    assert len(found) == len(reader.list(SOURCES)) == 1000
    collection = f"/apis/{GROUP}/v1alpha1/replicationsources"
    assert paths(server).count(collection) == 2
    assert sum("/secrets/" in path for path in paths(server)) == 100
    assert not any(path.endswith("/secrets") for path in paths(server))


def test_only_the_namespaces_that_are_named_are_read(reader, server):
    """Else a source with `namespaces` would need a ClusterRole."""
    server.install(GROUP, "v1alpha1", "replicationsources", "ReplicationSource")
    for namespace in ("media", "shop", "other"):
        server.add(GROUP, "replicationsources", namespace, "app")
    found = reader.list(SOURCES, ("media", "shop"))
    assert [each.reference.namespace for each in found] == ["media", "shop"]
    assert f"/apis/{GROUP}/v1alpha1/replicationsources" not in paths(server)


def test_what_the_server_notes_for_itself_is_dropped(reader, server):
    """Else ten thousand owners would be mostly managedFields in 192 MiB."""
    server.install(GROUP, "v1alpha1", "replicationsources", "ReplicationSource")
    bulky = {"kubectl.kubernetes.io/last-applied-configuration": "x" * 1000, "mine": "kept"}
    metadata = {"managedFields": [{"manager": "x"}], "annotations": bulky}
    server.add(GROUP, "replicationsources", "media", "app", metadata=metadata)
    (found,) = reader.list(SOURCES)
    assert found.annotations == {"mine": "kept"}
    assert "managedFields" not in found.content["metadata"]


def test_a_denied_list_names_the_right_and_what_grants_it(reader, server):
    """Else nobody knows what to apply."""
    server.install(GROUP, "v1alpha1", "replicationsources", "ReplicationSource")
    server.deny("list", "replicationsources")
    with pytest.raises(Denied) as caught:
        reader.list(SOURCES)
    assert str(caught.value) == (
        "The API server does not let the janitor list replicationsources.volsync.backube in all "
        "namespaces (403); k8s/components/discover-volsync grants it."
    )


def test_a_secret_is_read_byte_for_byte(reader, server):
    """Else a password that is not UTF-8, or ends in a newline, would not open its repository."""
    server.add_secret("media", "app", RESTIC_PASSWORD=b"\xff\x00\n", OTHER="x")
    assert reader.secret("media", "app")["RESTIC_PASSWORD"].encode() == b"\xff\x00\n"


def test_a_config_map_is_read_with_its_binary_data(reader, server):
    """Else a CA in a ConfigMap would be missing."""
    server.configmaps["media", "ca"] = {
        "kind": "ConfigMap",
        "metadata": {"resourceVersion": "1"},
        "data": {"ca.crt": "PEM"},
        "binaryData": {"bin": "AAE="},
    }
    keys = reader.config_map("media", "ca")
    assert {name: value.encode() for name, value in keys.items()} == {
        "ca.crt": b"PEM",
        "bin": b"\x00\x01",
    }


def test_a_missing_and_a_denied_secret_are_sentences(reader, server):
    """Else one broken owner would end the sweep of all."""
    server.deny("get", "secrets", "shop")
    for namespace, sentence, absent in (
        ("media", "there is no Secret media/app", True),
        (
            "shop",
            "the Secret shop/app cannot be read: The API server does not let the janitor get "
            "secrets app in namespace shop (403); k8s/components/discover-stash grants it.",
            False,
        ),
    ):
        with pytest.raises(MissingObject) as caught:
            reader.granted_by("discover-stash").secret(namespace, "app")
        assert (str(caught.value), caught.value.absent) == (sentence, absent)


@pytest.mark.parametrize(
    "name", ["..", "../../pods", "a/b", "", "A", "a" * 254, "x?watch=1", "%2e"]
)
def test_a_name_that_no_object_can_have_reaches_no_server(reader, server, name):
    """Else a hostile object would choose the path of a request."""
    with pytest.raises(MissingObject, match="has a name that no object can have"):
        reader.secret("media", name)
    with pytest.raises(MissingObject):
        reader.secret(name, "app")
    assert paths(server) == []


def test_what_is_no_secret_is_told_without_its_content(reader, server):
    """Else a broken answer could print what it holds."""
    server.add_secret("media", "app", a="b")
    server.fail_next("/api/v1/namespaces/media/secrets", body=b'{"data": {"a": "hunter2!"}}')
    with pytest.raises(MissingObject) as caught:
        reader.secret("media", "app")
    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value.__context__, Garbled)
    assert caught.value.__cause__ is None


def test_one_object_is_read_by_its_name(reader, server):
    """Else the workloads of a configured repository could not be found without a list."""
    server.install("batch", "v1", "cronjobs", "CronJob")
    server.add("batch", "cronjobs", "shop", "backup", spec={"schedule": "@daily"})
    kind = ObjectKind("batch", "CronJob", "cronjobs", "owners")
    found = reader.get(kind, "shop", "backup")
    assert str(found.reference) == "CronJob shop/backup"
    assert reader.get(kind, "shop", "other") is None
    assert not any(path == "/apis/batch" for path in paths(server))
