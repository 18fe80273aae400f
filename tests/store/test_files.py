"""What a file system can do to the janitor, and must not make it do."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from janitor.model import LockID
from janitor.store.errors import (
    Gone,
    NoRepository,
    NotMounted,
    Refused,
    StoreError,
    Unauthorized,
    Unsupported,
)
from tests.store.places import opened

LOCK = LockID(hashlib.sha256(b"lock").hexdigest())
OTHER = LockID(hashlib.sha256(b"other").hexdigest())
NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one lock, in restic's modes."""
    root = tmp_path / "repository"
    for folder in (root, root / "keys", root / "locks"):
        folder.mkdir(mode=0o700)
    (root / "config").write_bytes(b"c")
    (root / "config").chmod(0o400)
    (root / "locks" / LOCK).write_bytes(b"lock")
    (root / "locks" / LOCK).chmod(0o400)
    return root


@contextmanager
def as_nobody() -> Iterator[None]:
    """Loses root's rights for a moment."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_a_symbolic_link_in_the_locks_is_no_lock(repository: Path) -> None:
    """Else a link could make the janitor read, or report, a file outside the repository."""
    target = repository.parent / "precious"
    target.write_bytes(b"precious")
    (repository / "locks" / OTHER).symlink_to(target)
    with opened(str(repository), {}) as store:
        store.look()
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
        with pytest.raises(Gone):
            store.read_lock(OTHER)
        with pytest.raises(Refused):
            store.delete_lock(OTHER)
    assert (repository / "locks" / OTHER).is_symlink()
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_locks_folder_that_is_a_link_is_refused(repository: Path, kind: str) -> None:
    """Else the janitor would delete in whatever folder the link points to."""
    elsewhere = repository.parent / "elsewhere"
    (repository / "locks").rename(elsewhere)
    if kind == "link":
        (repository / "locks").symlink_to(elsewhere)
    else:
        (repository / "locks").write_bytes(b"")
    with opened(str(repository), {}) as store:
        for call in (
            lambda: store.list_locks(at_most=9),
            lambda: store.read_lock(LOCK),
            lambda: store.delete_lock(LOCK),
            lambda: store.put_lock(OTHER, b"other"),
        ):
            with pytest.raises(Unsupported, match="symbolic link"):
                call()
    assert (elsewhere / LOCK).read_bytes() == b"lock"


def test_pipes_and_folders_are_no_locks_and_are_not_waited_for(repository: Path) -> None:
    """Else a pipe under a lock's name would hang the sweep."""
    os.mkfifo(repository / "locks" / OTHER)
    folder = LockID(hashlib.sha256(b"folder").hexdigest())
    (repository / "locks" / folder).mkdir()
    with opened(str(repository), {}) as store:
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
        for name in (OTHER, folder):
            with pytest.raises(Gone):
                store.read_lock(name)
            with pytest.raises(Refused, match="not a file"):
                store.delete_lock(name)


def test_a_path_that_is_not_there_is_not_mounted(repository: Path) -> None:
    """Else a forgotten volume would read as an empty repository."""
    for path, kind, words in (
        (repository / "nowhere", NotMounted, "mount the volume"),
        (repository / "config", NotMounted, "not a folder"),
        (repository / "keys", NoRepository, "without a file `config`"),
    ):
        with opened(f"local:{path}", {}) as store, pytest.raises(kind, match=words):
            store.look()


def test_a_config_that_is_a_folder_is_no_repository(repository: Path) -> None:
    """Else any folder with something called `config` in it would do."""
    (repository / "config").unlink()
    (repository / "config").mkdir()
    with opened(str(repository), {}) as store, pytest.raises(NoRepository):
        store.look()


@as_root
def test_rights_that_are_missing_name_both_users(repository: Path) -> None:
    """Else people would not learn which uid the janitor needs."""
    repository.parent.chmod(0o755)
    for parent in repository.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o001)
    expected = pytest.raises(Unauthorized, match=f"uid {NOBODY}.*runAsUser")
    with as_nobody(), opened(str(repository), {}) as store, expected:
        store.look()
    for path in (repository, repository / "locks", repository / "keys"):
        path.chmod(0o755)
    (repository / "config").chmod(0o444)
    with as_nobody(), opened(str(repository), {}) as store:
        assert [found.id for found in store.list_locks(at_most=9).locks] == [LOCK]
        with pytest.raises(Unauthorized):
            store.read_lock(LOCK)
        for call in (
            lambda: store.delete_lock(LOCK),
            lambda: store.put_lock(OTHER, b"other"),
        ):
            with pytest.raises(Refused, match=f"uid {NOBODY}.*belongs to uid 0.*0755"):
                call()
    assert (repository / "locks" / LOCK).exists()


@as_root
def test_root_without_its_power_is_told_why(tmp_path: Path) -> None:
    """On an NFS export that squashes root. Else a person would think that uid 0 may do anything."""
    folder = tmp_path / "squashed"
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    program = (
        "from janitor.store.connections import Connections\n"
        "from janitor.store.location import parse_location\n"
        "from janitor.store.open import open_store\n"
        f"store = open_store(parse_location({str(folder)!r}), {{}}, connections=Connections())\n"
        "try:\n    store.look()\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run(
        [*powerless, sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Unauthorized the janitor, as uid 0")
    assert "root may not, because an NFS export squashes it" in done.stdout


@as_root
def test_group_write_on_the_folder_suffices(repository: Path) -> None:
    """Else the janitor would chmod or demand more than a delete needs."""
    for parent in repository.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o001)
    repository.chmod(0o755)
    os.chown(repository / "locks", 0, NOBODY)
    (repository / "locks").chmod(0o770)
    before = (repository / "locks").stat().st_mode
    with as_nobody(), opened(str(repository), {}) as store:
        store.delete_lock(LOCK)
    assert not (repository / "locks" / LOCK).exists()
    assert (repository / "locks").stat().st_mode == before


@pytest.mark.parametrize(("config", "expected"), [(0o400, 0o400), (0o440, 0o440)])
def test_a_lock_put_back_has_the_modes_of_restic(
    repository: Path, config: int, expected: int
) -> None:
    """Else the holder's own restic could not read, or others could change, the lock put back."""
    (repository / "config").chmod(config)
    with opened(str(repository), {}) as store:
        store.put_lock(OTHER, b"other")
    put = repository / "locks" / OTHER
    assert stat.S_IMODE(put.stat().st_mode) == expected
    assert put.read_bytes() == b"other"


@pytest.mark.parametrize("seconds", [-(10**10), 10**11, 2**62])
def test_an_impossible_mtime_breaks_nothing(repository: Path, seconds: int) -> None:
    """Else one file with a broken clock would hide all locks of its repository."""
    try:
        os.utime(repository / "locks" / LOCK, (seconds, seconds))
    except (OverflowError, OSError):
        pytest.skip("this file system cannot store such a time")
    with opened(str(repository), {}) as store:
        (found,) = store.list_locks(at_most=9).locks
        assert found.modified is not None
        assert 1970 <= found.modified.year <= 9000


def test_a_full_disk_leaves_no_half_lock(repository: Path) -> None:
    """Else a failed put-back would leave an unreadable lock, which blocks restic for good."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with opened(str(repository), {}) as store, pytest.raises(StoreError):
            store.put_lock(OTHER, b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path.name for path in (repository / "locks").iterdir()] == [LOCK]
