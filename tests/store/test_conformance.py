"""What every store must do, shown on real servers with repositories and locks of real restic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from janitor.model import LockID, StoreClock
from janitor.store.errors import Gone, NoRepository, NotMounted, Refused, TooLarge, Unauthorized
from janitor.store.port import Layout, Store
from tests.servers.real_restic import RealRestic
from tests.store.places import Bucket, Container, Folders, Place, Tree, copied, for_restic, opened


def an_id(text: str) -> LockID:
    """Some lock's name."""
    return LockID(hashlib.sha256(text.encode()).hexdigest())


def a_tree(*locks: str) -> Tree:
    """Files laid out as a repository, with these locks (name to content)."""
    tree = {"config": b"c" * 155, f"keys/{an_id('key')}": b"{}", f"data/00/{an_id('d')}": b"data"}
    return tree | {f"locks/{an_id(lock)}": lock.encode() for lock in locks}


def delete_again(store: Store, lock: LockID) -> None:
    """Deleting what is not there is Gone, or a success on servers that do not tell."""
    try:
        store.delete_lock(lock)
    except Gone:
        return


def test_a_stale_lock_of_a_killed_backup_is_listed_read_deleted_and_put_back(
    place: Place,
    restic: RealRestic,
    made: Callable[[RealRestic], Tree],
    repository: str,
    tmp_path: Path,
) -> None:
    """Else the janitor would not find, or not remove, what blocks people's backups - or it would
    change something besides."""
    copied(made(restic), place, repository)
    location = place.location(repository)
    with for_restic(place, repository, tmp_path) as (where, variables):
        restic.leave_lock(where, variables)
    before = place.tree(repository)
    (path,) = (name for name in before if name.startswith("locks/"))
    lock = LockID(path.removeprefix("locks/"))

    with opened(location, place.environment) as store:
        assert store.clock is place.clock
        root = store.look()
        assert root.layout is Layout.DEFAULT
        assert root.locks_folder in (True, None)
        listing = store.list_locks(at_most=10_000)
        assert [found.id for found in listing.locks] == [lock]
        assert listing.beyond == 0
        (found,) = listing.locks
        assert found.size == len(before[path])
        if place.clock is StoreClock.NONE:
            assert found.modified is None
        else:
            assert found.modified is not None
            assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=2)

        assert store.read_config() == before["config"]
        (key,) = store.list_keys()
        assert store.read_key(key) == before[f"keys/{key}"]
        stored = store.read_lock(lock)
        assert hashlib.sha256(stored).hexdigest() == lock

        store.delete_lock(lock)
        without = {name: content for name, content in before.items() if name != path}
        assert place.tree(repository) == without
        assert store.list_locks(at_most=10).locks == ()
        with pytest.raises(Gone):
            store.read_lock(lock)
        delete_again(store, lock)
        assert place.tree(repository) == without

        store.put_lock(lock, stored)
        assert place.tree(repository) == before
        with pytest.raises(Refused, match="already there"):
            store.put_lock(lock, stored)
        store.delete_lock(lock)

    if place.kind != "rest-append-only":
        with for_restic(place, repository, tmp_path / "again") as (where, variables):
            restic.run(where, "forget", "--keep-last", "1", "--prune", environment=variables)
    with for_restic(place, repository, tmp_path / "check") as (where, variables):
        restic.run(where, "check", environment=variables)


def test_what_is_not_a_lock_is_neither_listed_nor_touched(place: Place, repository: str) -> None:
    """Else left-overs of interrupted uploads, or a person's own files, would be taken for locks."""
    lock = an_id("a lock")
    odd = [f"{lock}-tmp-123", "README", lock.upper(), lock[:-1], f"{lock}0"]
    if place.kind in (
        "files",
        "s3",
        "s3-moto",
        "gs",
        "azure",
        "swift",
        "b2",
        "rest-rclone",
        "rclone",
        "sftp",
    ):  # rest-server's listings do not tell folders
        odd.append(f"{an_id('x')}/inner")
    tree = a_tree("a lock") | {f"locks/{name}": b"odd" for name in odd}
    place.write(repository, tree)
    with opened(place.location(repository), place.environment) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=100).locks] == [lock]
        store.delete_lock(lock)
    assert place.tree(repository) == {
        name: content for name, content in tree.items() if name != f"locks/{lock}"
    }


def test_a_repository_without_a_locks_folder_has_no_locks(place: Place, repository: str) -> None:
    """Else a repository that was never locked would be a failure."""
    place.write(repository, a_tree())
    with opened(place.location(repository), place.environment) as store:
        assert store.look().locks_folder in (False, None)
        assert store.list_locks(at_most=10).locks == ()
        with pytest.raises(Gone):
            store.read_lock(an_id("nothing"))


def test_a_wrong_path_is_no_repository_not_no_locks(place: Place, repository: str) -> None:
    """Else a typing error in a location would read as "no locks" for ever."""
    place.write(repository, a_tree("a lock"))
    place.write(f"{repository}-empty/inner", {"file": b"x"})
    missing = NotMounted if place.kind == "files" else NoRepository
    for name, error in ((f"{repository}-missing", missing), (f"{repository}-empty", NoRepository)):
        with opened(place.location(name), place.environment) as store:
            with pytest.raises(error) as raised:
                store.look()
            assert name in str(raised.value)


def test_no_more_locks_than_asked_for_are_taken(place: Place, repository: str) -> None:
    """Else a repository with a million leaked locks would eat the janitor's memory."""
    count = 1100 if isinstance(place, Bucket | Container) else 10_050
    names = [str(number) for number in range(count)]
    place.write(repository, a_tree(*names))
    at_most = count - 50
    with opened(place.location(repository), place.environment) as store:
        store.look()
        listing = store.list_locks(at_most=at_most)
    assert listing.beyond == 50
    assert [found.id for found in listing.locks] == sorted(map(an_id, names))[:at_most]


def test_a_file_that_is_too_large_is_not_read(place: Place, repository: str) -> None:
    """Else one hostile file would eat the janitor's memory."""
    lock, key = an_id("large"), an_id("key")
    tree = a_tree() | {f"locks/{lock}": b"x" * (1024 * 1024 + 1), f"keys/{key}": b"x" * 65_537}
    place.write(repository, tree)
    with opened(place.location(repository), place.environment) as store:
        with pytest.raises(TooLarge):
            store.read_lock(lock)
        with pytest.raises(TooLarge):
            store.read_key(key)


def test_a_name_that_is_no_lock_is_never_sent(place: Place, repository: str) -> None:
    """Else a mistake elsewhere in the janitor could delete something that is no lock."""
    tree = a_tree("a lock")
    place.write(repository, tree)
    with opened(place.location(repository), place.environment) as store:
        for name in ("../config", "config", "", an_id("x").upper(), f"{an_id('x')}\n", "*"):
            for call in (store.delete_lock, store.read_lock):
                with pytest.raises(ValueError, match="64 hex digits"):
                    call(LockID(name))
    assert place.tree(repository) == tree


@pytest.mark.parametrize("kind", ["files", "s3"])
def test_the_legacy_layout_is_read(
    kind: str, request: pytest.FixtureRequest, tmp_path: pytest.TempPathFactory, repository: str
) -> None:
    """Else the locks of very old S3 repositories would never be found."""
    from tests.store.places import make_place

    place = make_place(kind, request, tmp_path)  # type: ignore[arg-type]
    lock, key = an_id("old lock"), an_id("key")
    tree = {"config": b"c", f"key/{key}": b"{}", f"lock/{lock}": b"old lock", "snapshot/x": b"s"}
    place.write(repository, tree)
    if isinstance(place, Folders):
        (place.base / repository / "keys").mkdir()
        (place.base / repository / "locks").mkdir()
    with opened(place.location(repository), place.environment) as store:
        assert store.look().layout is Layout.S3LEGACY
        assert store.list_keys() == (key,)
        assert [found.id for found in store.list_locks(at_most=10).locks] == [lock]
        assert store.read_lock(lock) == b"old lock"
        store.delete_lock(lock)
    assert f"lock/{lock}" not in place.tree(repository)


@pytest.mark.parametrize("place", ["s3", "swift", "b2", "rest-auth", "rest-private"], indirect=True)
def test_wrong_credentials_are_unauthorized(place: Place, repository: str) -> None:
    """Else a wrong password would read as "no repository", or as "no locks"."""
    place.write(repository, a_tree("a lock"))
    location, environment = place.location(repository), dict(place.environment)
    match place.kind:
        case "s3":
            environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
        case "b2":
            environment["B2_ACCOUNT_KEY"] = "wrong"
        case "swift":
            environment["ST_KEY"] = "wrong"
        case "rest-private":
            environment["RESTIC_REST_PASSWORD"] = "wrong"
        case _:
            location = location.replace("alice:", "alice:wrong")
    with opened(location, environment) as store:
        for call in (store.look, lambda: store.list_locks(at_most=1), store.read_config):
            with pytest.raises(Unauthorized) as raised:
                call()
            assert "wrong@" not in str(raised.value)
