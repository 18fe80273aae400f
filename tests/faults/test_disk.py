"""The state's disk is full, read-only or not the janitor's; a repository's disk is read-only."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from janitor.state import decode
from tests.sweep.installation import PATIENCE, Done, Installation, old

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of 64 KiB in memory, as the kernel of a small node would have it."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(("size=64k", *options)), "tmpfs", str(folder)]
    mounting = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounting.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {mounting.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Takes all the room there is."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def stale_in(installation: Installation) -> tuple[str, str]:
    """A dead holder's lock that an earlier sweep saw, and one that no sweep saw yet."""
    shop = installation.repository("shop-db")
    seen = shop.lock(time=old())
    installation.remember(("shop-db", seen))
    return seen, shop.lock(time=old(), pid=7)


def sweep(
    installation: Installation, state: Path, before: Callable[[], None] | None = None
) -> Done:
    """A sweep with its state there; `before` is called in its process first."""
    words = [*installation.command("sweep", state=False), "--state", str(state)]
    done = subprocess.run(
        words,
        env=installation.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        preexec_fn=before,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def assert_not_kept(installation: Installation, done: Done, seen: str, words: str) -> None:
    """What the state says already was enough for one lock; the other waits until it can be kept."""
    assert done.code == 1, done.out
    assert {line["lock"]: line["removed"] for line in done.of("lock")}[seen] is True
    assert done.verdicts == ["awaiting-confirmation", "holder-absent"]
    assert words in done.of("sweep")[0]["detail"]
    assert "state.json" in done.of("sweep")[0]["detail"]
    assert len(installation.run("list", state=False).of("lock")) == 1


@as_root
def test_a_full_disk_keeps_the_state_that_was(installation: Installation, tmp_path: Path) -> None:
    """Else a full volume leaves half a state, which keeps every lock until a person mends it."""
    seen, unseen = stale_in(installation)
    with mounted(tmp_path / "disk") as disk:
        state = disk / "state.json"
        state.write_text(installation.state.read_text())
        (disk / ".state.json.lock").touch()
        fill(disk / "filler")
        before = state.read_text()
        done = sweep(installation, state)
        assert_not_kept(installation, done, seen, "No space left on device")
        assert state.read_text() == before
        names = sorted(path.name for path in disk.iterdir())
        assert names == [".state.json.lock", "filler", "state.json"], "half a state is left"
        (disk / "filler").unlink()
        assert sweep(installation, state).code == 0
        assert set(decode(state.read_text()).repositories["shop-db"]) == {unseen}


def test_a_write_that_breaks_off_leaves_the_state_that_was(installation: Installation) -> None:
    """Else a state of many locks, cut at a quota, is lost with all its marks."""
    seen, _ = stale_in(installation)
    before = installation.state.read_text()

    def quota() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    done = sweep(installation, installation.state, quota)
    assert_not_kept(installation, done, seen, "File too large")
    assert installation.state.read_text() == before
    assert [path.name for path in installation.folder.glob(".state.json.*")] == [".state.json.lock"]


@as_root
def test_a_read_only_disk_is_said_and_reading_goes_on(
    installation: Installation, tmp_path: Path
) -> None:
    """Else a read-only volume stops all removals, or nobody learns that nothing is remembered."""
    seen, _ = stale_in(installation)
    with mounted(tmp_path / "disk") as disk:
        state = disk / "state.json"
        state.write_text(installation.state.read_text())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = sweep(installation, state)
    assert_not_kept(installation, done, seen, "Read-only file system")


@pytest.mark.parametrize("kind", ["folder", "missing-folder", "empty", "half", "device"])
def test_a_state_that_is_none_is_one_sentence(installation: Installation, kind: str) -> None:
    """Else a slip in a path, or a file cut by a crash, is a traceback, or is taken for a memory."""
    seen, unseen = stale_in(installation)
    state = installation.state
    text = state.read_text()
    state.unlink()
    match kind:
        case "folder":
            state.mkdir()
        case "missing-folder":
            state = state.parent / "nowhere" / "state.json"
        case "empty":
            state.touch()
        case "half":
            state.write_text(text[: len(text) // 2])
        case _:
            state = Path("/dev/full")
    done = sweep(installation, state)
    assert done.code == 1, done.out
    assert len(done.of("sweep")[0]["detail"].splitlines()) == 1
    assert not any(line["removed"] for line in done.of("lock"))
    locks = {path.name for path in (installation.folder / "repositories/shop-db/locks").iterdir()}
    assert locks == {seen, unseen}


@as_root
def test_a_read_only_repository_fails_alone(installation: Installation, tmp_path: Path) -> None:
    """Else a volume mounted read-only ends in a traceback, or is told as cleaned."""
    shop = installation.repository("shop-db")
    lock = shop.lock(time=old())
    with mounted(tmp_path / "disk", "nr_inodes=200") as disk:
        copied = disk / "read-only"
        subprocess.run(["cp", "-a", str(shop.path), str(copied)], check=True)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        installation.configure("read-only", str(copied), RESTIC_PASSWORD=shop.password)
        installation.remember(("shop-db", lock), ("read-only", lock))
        done = installation.run("sweep")
        assert (copied / "locks" / lock).exists()
    assert done.code == 1
    told = {line["repository"]: line for line in done.of("lock")}
    assert told["shop-db"]["removed"] is True
    assert told["read-only"]["removed"] is False
    assert "mounted read-only; mount it writable" in told["read-only"]["detail"]
