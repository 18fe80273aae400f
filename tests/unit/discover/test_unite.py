"""One repository or two? What many owners of one place share, and what none may do to another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from janitor.discover.confine import Confines, confine
from janitor.discover.draft import MountedVolume
from janitor.discover.found import Found
from janitor.discover.mounts import Mount
from janitor.discover.unite import acquaint, unite
from janitor.model import HolderPattern, Policy, Repository, RepositoryState, Secret

from .drafts import draft


def found(*arguments, mounts: tuple[Mount, ...] = (), **fields: object) -> Found:
    return confine(draft(*arguments, **fields), Confines(mounts=mounts), Policy())


def names(united: tuple[Found, ...]) -> list[str]:
    return [each.repository.name for each in united]


def test_two_owners_of_one_place_are_one_repository():
    """Else every lock would be judged twice, once without the pods of the other namespace."""
    source = found(namespace="media", name="plex")
    destination = found(
        namespace="restore",
        name="plex-dst",
        annotations={
            "restic-janitor.io/min-age": "3h",
            "restic-janitor.io/holders": "nas",
        },
    )
    (one,) = unite([source, destination])
    assert one.repository.name == "volsync/media/plex"
    assert one.aliases == ("volsync/restore/plex-dst",)
    assert one.repository.namespaces == ("media", "restore")
    assert [owner.name for owner in one.repository.owners] == ["plex", "plex-dst"]
    assert len(one.repository.generated) == 2
    assert one.repository.holders == (HolderPattern("nas"),)
    assert one.repository.min_age == timedelta(hours=3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s3:https://s3.example.com/b/p", "s3:s3.example.com/b/p/"),
        ("s3:https://S3.example.com:443/b/p", "s3:https://s3.example.com/b/p"),
    ],
)
def test_places_are_compared_as_restic_reads_them(one, other):
    """Else a slash at the end would make two of one."""
    assert len(unite([found(one), found(other, name="b")])) == 1


def test_who_does_not_know_the_password_adds_no_holders():
    """Else a tenant could write another's location down, and have the locks of his laptops go."""
    theirs = found(namespace="shop", name="db")
    other = found(
        namespace="evil",
        name="x",
        variables={"RESTIC_PASSWORD": Secret("guessed")},
        annotations={"restic-janitor.io/holders": "laptop-*", "restic-janitor.io/ignore": "false"},
    )
    first, second = unite([theirs, other])
    assert first.repository.holders == ()
    assert first.repository.namespaces == ("shop",)
    assert first.repository.generated == theirs.repository.generated
    assert first.repository.watched == second.repository.watched == ("shop", "evil")


def test_configured_ones_keep_their_names():
    """Else an alert on a name that somebody wrote would never fire."""
    first = replace(found(), repository=Repository("a", namespaces=("x",)))
    second = replace(found(), repository=Repository("b", namespaces=("y",)))
    united = unite([first, second])
    assert names(united) == ["a", "b"]
    assert [each.repository.watched for each in united] == [("x", "y")] * 2


def test_a_discovered_one_joins_the_configured_one():
    """Else both would be swept."""
    configured = replace(found(), repository=Repository("a", namespaces=("x",)))
    (one,) = unite([configured, found()])
    assert one.repository.name == "a"
    assert one.aliases == ("volsync/media/plex",)
    assert one.repository.namespaces == ("x", "media")
    assert one.repository.owners


def test_twins_of_one_path_on_different_volumes_are_two():
    """Else Stash's /safe/data would be one repository in the whole cluster."""
    twins = [
        found("local:/safe/data", name=name, volume=MountedVolume("shop", f"claim:{name}"))
        for name in ("a", "b")
    ]
    assert names(unite(twins)) == ["volsync/media/a", "volsync/media/b"]
    mounts = (Mount("claim:shop/a", "/r/a"), Mount("claim:shop/b", "/r/b"))
    twins = [
        found(
            "local:/safe/data",
            name=name,
            volume=MountedVolume("shop", f"claim:{name}"),
            mounts=mounts,
        )
        for name in ("a", "b")
    ]
    assert len(unite(twins)) == 2


def test_an_owner_that_says_ignore_speaks_for_its_namespace():
    """Else the ReplicationDestination beside an ignored ReplicationSource would be swept."""
    ignored = found(annotations={"restic-janitor.io/ignore": "true"})
    beside = found(name="plex-dst", kind="ReplicationDestination")
    elsewhere = found(namespace="other", name="x")
    states = [each.state for each in unite([ignored, beside, elsewhere])]
    assert states == [RepositoryState.IGNORED, RepositoryState.IGNORED]
    states = [each.state for each in unite([ignored, elsewhere])]
    assert states == [RepositoryState.IGNORED, None]


def test_names_are_made_different():
    """Else what is remembered of one's locks would be taken for the other's."""
    source = found("s3:https://s3.example.com/a")
    destination = found("s3:https://s3.example.com/b", kind="ReplicationDestination")
    assert names(unite([source, destination])) == [
        "volsync/media/plex/replicationsource",
        "volsync/media/plex/replicationdestination",
    ]


# --- after they were opened -------------------------------------------------------------------


def test_copies_of_one_repository_share_their_holders():
    """Else a lock in a mirror would be a foreign host's."""
    mirror = found("s3:https://mirror.example.com/b", namespace="dr", name="mirror")
    original = found()
    known = acquaint([original, mirror])
    assert [each.repository.name for each in known] == ["volsync/media/plex", "volsync/dr/mirror"]
    assert all(len(each.repository.generated) == 2 for each in known)
    assert all(each.repository.namespaces == ("media", "dr") for each in known)


def test_an_id_can_be_forged_so_it_adds_no_holders_without_the_password():
    """Else a tenant could give his own repository another's ID, and have its locks go."""
    theirs = found()
    forged = found(
        "s3:https://evil.example.com/b",
        namespace="evil",
        name="x",
        variables={"RESTIC_PASSWORD": Secret("other")},
        annotations={"restic-janitor.io/holders": "laptop-*"},
    )
    first, _ = acquaint([theirs, forged])
    assert first.repository.holders == ()
    assert first.repository.namespaces == ("media",)
    assert first.repository.generated == theirs.repository.generated
    assert set(first.repository.watched or ()) == {"media", "evil"}


def test_ten_thousand_copies_are_acquainted_in_linear_time():
    """Else a bucket of copies would take hours."""
    many = [found(name=f"app-{number}") for number in range(3000)]
    known = acquaint(many)
    assert len(known[0].repository.generated) == 3000
    assert known[0].repository.generated is known[-1].repository.generated
