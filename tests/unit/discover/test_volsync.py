"""The source `volsync`: objects as VolSync's users write them."""

from __future__ import annotations

import re

import pytest

from janitor.discover.draft import MountedVolume
from janitor.discover.volsync import find_volsync, job_name
from janitor.model import RepositoryState, SecretFile

from .fake_reader import FakeReader

SECRET = {
    "RESTIC_REPOSITORY": "s3:https://s3.example.com/plex",
    "RESTIC_PASSWORD": "word",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
}


@pytest.fixture
def reader() -> FakeReader:
    reader = FakeReader()
    reader.add_secret("media", "plex-restic", **SECRET)
    reader.objects = {"ReplicationSource": [], "ReplicationDestination": []}
    return reader


def source(reader: FakeReader, name: str = "plex", **restic: object):
    spec = {"sourcePVC": name, "restic": {"repository": "plex-restic", **restic}}
    return reader.add("ReplicationSource", "media", name, spec)


def found(reader: FakeReader):
    return find_volsync(reader, namespaces=None, each=map)


def test_a_replication_source_is_a_repository(reader):
    """Else nobody with VolSync is served."""
    source(reader)
    (draft,) = found(reader)
    assert (draft.name, draft.location) == ("volsync/media/plex", SECRET["RESTIC_REPOSITORY"])
    assert {name: value.reveal() for name, value in draft.variables.items()} == SECRET
    assert draft.namespaces == ("media",)
    assert draft.generated[0].containers == ("restic",)
    assert re.fullmatch(draft.generated[0].expression, "volsync-src-plex-x2x9k")
    assert not re.fullmatch(draft.generated[0].expression, "volsync-src-plex-far-x2x9k")


def test_a_destination_is_one_too(reader):
    """Else a restore that died would block the next backup for ever."""
    spec = {"restic": {"repository": "plex-restic"}}
    reader.add("ReplicationDestination", "media", "plex-dst", spec)
    (draft,) = found(reader)
    assert re.fullmatch(draft.generated[0].expression, "volsync-dst-plex-dst-x2x9k")


def test_a_long_name_is_hashed_as_volsync_does(reader):
    """Else the locks of whoever writes long names would be foreign hosts'."""
    assert job_name("src", "a" * 51) == "volsync-src-" + "a" * 51
    assert job_name("src", "a" * 52) == "volsync-src-b6af0329"
    assert len(job_name("src", "b" * 52)) == len("volsync-src-") + 8


def test_other_movers_are_passed_over(reader):
    """Else a cluster with Kopia would fail every night."""
    reader.add("ReplicationSource", "media", "a", {"kopia": {"repository": "x"}})
    reader.add("ReplicationSource", "media", "b", {"rsyncTLS": {}})
    assert found(reader) == ()


def test_only_what_volsync_passes_on_reaches_restic(reader):
    """Else a key that VolSync ignores would lead the janitor to another place."""
    reader.add_secret(
        "media",
        "plex-restic",
        **SECRET,
        RESTIC_PASSWORD_FILE="/etc/passwd",
        RESTIC_PASSWORD_COMMAND="id",
        AWS_SHARED_CREDENTIALS_FILE="/x",
        OTHER="y",
        RCLONE_CONFIG_X_TYPE="s3",
        GOOGLE_APPLICATION_CREDENTIALS='{"type": "service_account"}',
    )
    source(reader)
    (draft,) = found(reader)
    assert set(draft.variables) == {
        *SECRET,
        "RCLONE_CONFIG_X_TYPE",
        "GOOGLE_APPLICATION_CREDENTIALS",
    }
    assert isinstance(draft.variables["GOOGLE_APPLICATION_CREDENTIALS"], SecretFile)


def test_a_custom_ca(reader):
    """Else nobody with a CA of their own is served."""
    reader.config_maps["media", "ca"] = {"pem": SecretFile("PEM")}
    source(reader, customCA={"configMapName": "ca", "key": "pem"})
    reader.add_secret("media", "ca", pem="PEM2")
    source(reader, "second", customCA={"secretName": "ca", "key": "pem"})
    first, second = found(reader)
    assert first.variables["RESTIC_CACERT"] == SecretFile("PEM")
    assert second.variables["RESTIC_CACERT"] == SecretFile("PEM2")


def test_a_mover_volume_is_a_local_repositorys(reader):
    """Else a NAS that VolSync mounts would be a folder of the janitor's."""
    reader.add_secret("media", "plex-restic", **SECRET | {"RESTIC_REPOSITORY": "/mnt/nas/plex"})
    claim = {"persistentVolumeClaim": {"claimName": "backups"}}
    source(reader, moverVolumes=[{"mountPath": "nas", "volumeSource": claim}])
    (draft,) = found(reader)
    assert draft.volume == MountedVolume("media", "claim:backups", path="plex")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (None, "there is no Secret media/plex-restic"),
        (
            {"RESTIC_PASSWORD": "word"},
            "the Secret media/plex-restic, which ReplicationSource media/plex names, has no "
            "RESTIC_REPOSITORY",
        ),
    ],
)
def test_a_broken_one_is_a_sentence(reader, keys, sentence):
    """Else one missing Secret would end the sweep of all."""
    del reader.secrets["media", "plex-restic"]
    if keys is not None:
        reader.add_secret("media", "plex-restic", **keys)
    source(reader)
    (draft,) = found(reader)
    assert (draft.state, draft.problem) == (RepositoryState.INCOMPLETE, sentence)


def test_a_secret_of_another_namespace_cannot_be_named(reader):
    """A hostile object must not make the janitor read another namespace's Secret."""
    reader.add("ReplicationSource", "evil", "x", {"restic": {"repository": "plex-restic"}})
    (draft,) = found(reader)
    assert draft.problem == "there is no Secret evil/plex-restic"
    assert "Secret media/plex-restic" not in reader.asked
