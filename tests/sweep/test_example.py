"""What `make run` shows: the three commands on the example of this checkout."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
GIVEN = ["--config", "janitor.yaml", "--cluster", "cluster.json", "--state", "state.json"]
STALE = {
    "shop-db-backup-29926380-x2x9k": "holder-absent",
    "shop-media-prune-29926380-tz6wq": "holder-terminated",
    "wiki-6d4b75cb6d-q7x2m": "holder-replaced",
}
KEPT = {
    "shop-files-backup-29926380-h7k4d": "holder-alive",
    "archive-0": "holder-alive",
    "mba-home.local": "foreign-host",
}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    archive = str(EXAMPLES / "repositories.tar.gz")
    subprocess.run(["tar", "-xzpf", archive, "-C", str(tmp_path), "--no-same-owner"], check=True)
    for name in ("janitor.yaml", "backups.env", "cluster.json", "state.json"):
        shutil.copy(EXAMPLES / name, tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "janitor", *arguments, *GIVEN, "--output", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdicts(lines: list[dict[str, object]]) -> dict[object, object]:
    return {line["hostname"]: line["verdict"] for line in lines if line["event"] == "lock"}


def tree(folder: Path) -> dict[str, str]:
    """Everything in the repositories, by the hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_exactly_the_stale_locks_go(example: Path) -> None:
    """A newcomer would see another outcome than the example's README tells, or damage."""
    before = tree(example / "repositories")
    dry = run(example, "sweep", "--dry-run")
    assert tree(example / "repositories") == before

    lines = run(example, "sweep")
    removed = {line["lock"] for line in lines if line["event"] == "lock" and line["removed"]}
    assert verdicts(lines) == verdicts(dry)
    for hostname, verdict in (STALE | KEPT).items():
        assert verdicts(lines)[hostname] == verdict, hostname
    unnamed = [line for line in lines if line["event"] == "lock" and line["hostname"] is None]
    assert {line["verdict"] for line in unnamed} == {"unreadable", "too-young"}
    gone = set(before) - set(tree(example / "repositories"))
    assert {Path(path).name for path in gone} == removed
    assert {Path(path).parent.name for path in gone} == {"locks"}
    assert {path: before[path] for path in tree(example / "repositories")} == tree(
        example / "repositories"
    )
    assert len(removed) == len(STALE)

    again = run(example, "sweep")
    assert not [line for line in again if line["event"] == "lock" and line["removed"]]
