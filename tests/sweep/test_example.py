"""What `make run` shows: the three commands on the example of this checkout."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.forge import PASSWORD
from tests.servers.real_restic import RealRestic

EXAMPLES = Path(__file__).parents[2] / "examples"
GIVEN = ["--config", "janitor.yaml", "--cluster", "cluster.json", "--state", "state.json"]
PROGRAM = Path(sys.executable).parent / "restic-janitor"
STALE = {
    ("shop-db", "shop-db-backup-N-x2x9k"): "holder-absent",
    ("shop-media", "shop-media-prune-N-tz6wq"): "holder-terminated",
    ("wiki", "wiki-6d4b75cb6d-q7x2m"): "holder-replaced",
}
KEPT = {
    ("shop-db", "shop-files-backup-N-h7k4d"): "holder-alive",
    ("shop-db", None): "too-young",
    ("wiki", "mba-home.local"): "foreign-host",
    ("archive", "archive-0"): "holder-alive",
    ("archive", None): "unreadable",
}
"""By repository and hostname, where N is when the CronJob was due."""

Line = dict[str, Any]
Key = tuple[str, str | None]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    archive = str(EXAMPLES / "repositories.tar.gz")
    subprocess.run(["tar", "-xzpf", archive, "-C", str(tmp_path), "--no-same-owner"], check=True)
    for name in ("janitor.yaml", "backups.env", "cluster.json", "state.json"):
        shutil.copy(EXAMPLES / name, tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> list[Line]:
    """The lock lines of one command, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "janitor", *arguments, *GIVEN, "--output", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines: list[Line] = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if line["event"] == "lock"]


def key(line: Line) -> Key:
    hostname = line["hostname"]
    return line["repository"], hostname and re.sub(r"-\d{8}-", "-N-", hostname)


def verdicts(lines: list[Line]) -> dict[Key, str]:
    told = {key(line): str(line["verdict"]) for line in lines}
    assert len(told) == len(lines), "two locks of the example look alike"
    return told


def tree(folder: Path) -> dict[str, str]:
    """Everything in the repositories, by the hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_exactly_the_stale_locks_go(example: Path) -> None:
    """A newcomer would see another outcome than the example's README tells, or damage."""
    repositories = example / "repositories"
    before = tree(repositories)
    assert verdicts(run(example, "sweep", "--dry-run")) == STALE | KEPT
    assert tree(repositories) == before

    lines = run(example, "sweep")
    assert verdicts(lines) == STALE | KEPT
    removed = [line for line in lines if line["removed"]]
    assert {key(line) for line in removed} == set(STALE)
    gone = {f"{line['repository']}/locks/{line['lock']}" for line in removed}
    kept = {path: content for path, content in before.items() if path not in gone}
    assert tree(repositories) == kept

    again = run(example, "sweep")
    assert verdicts(again) == KEPT
    assert not [line for line in again if line["removed"]]
    assert verdicts(run(example, "list")) == KEPT
    assert tree(repositories) == kept


def test_restic_works_where_it_was_locked_out(example: Path, restic_0_19: RealRestic) -> None:
    """The example's repository would stay locked, or be broken, after a sweep."""
    location, password = str(example / "repositories" / "shop-media"), {"RESTIC_PASSWORD": PASSWORD}
    with pytest.raises(AssertionError, match="already locked exclusively"):
        restic_0_19.run(location, "check", environment=password)
    run(example, "sweep", "--repository", "shop-media")
    said = restic_0_19.run(location, "check", "--read-data", environment=password)
    assert "no errors were found" in said


def test_make_run_shows_the_example(tmp_path: Path) -> None:
    """`make run` would fail a second time, leave out a step, or be cut off at 80 columns."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    leftover = tmp_path / ".run" / "example" / "repositories" / "leftover"
    leftover.mkdir(parents=True)
    (leftover / "key").touch(mode=0o400)
    leftover.chmod(0o500)
    # what somebody has set for a repository of their own
    own = {"RESTIC_REPOSITORY": "/nowhere", "RESTIC_PASSWORD": "wrong", "COLUMNS": "80"}
    said = tell(tmp_path, **own)
    assert not leftover.exists()
    steps = re.findall(r"^\$ restic-janitor (.*) --config", said, re.MULTILINE)
    assert steps == ["sweep --dry-run", "sweep", "list"]
    assert re.findall(r"^\d of \d locks .*", said, re.MULTILINE)[:2] == [
        "3 of 8 locks would be removed; 5 kept.",
        "3 of 8 locks removed; 5 kept.",
    ]
    assert "make run ARGS=list" in said.splitlines()[-2]
    too_long = [line for line in said.splitlines() if len(line) > 80 and "put-back" not in line]
    assert too_long == []


def test_make_run_passes_arguments_on(tmp_path: Path) -> None:
    """`make run ARGS=...` would run the example, or look for files in another folder."""
    (tmp_path / "mine.yaml").write_text("repositories: []\nnonsense: 1\n")
    done = subprocess.run(
        [EXAMPLES / "run", "list", "--config", "mine.yaml"],
        cwd=tmp_path,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "mine.yaml" in done.stderr
    assert "nonsense" in done.stderr


def tell(checkout: Path, **variables: str) -> str:
    """What the example prints in a checkout."""
    done = subprocess.run(
        [checkout / "examples" / "run"],
        cwd=checkout,
        env=surroundings() | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def surroundings() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "RESTIC_JANITOR": str(PROGRAM)}
