"""Makes the files of this folder anew, with real restic; see README.md.

    python examples/make.py old   FOLDER    # the repositories and the locks that shall be old
    python examples/make.py young FOLDER    # at least 32 minutes later: one more lock
    python examples/make.py write FOLDER    # at once: repositories.tar.gz, cluster.json, state.json

FOLDER is a new one. Needs Linux, root (restic runs in a UTS and PID namespace of its own, so that
its locks carry a pod's hostname) and, in the environment, the paths of two programs: RESTIC_014 and
RESTIC_019. `tests/servers/fetch` puts both into the cache of the tests.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cluster import cluster

HERE = Path(__file__).parent
PASSWORD = "test"  # noqa: S105 - of the examples
REPOSITORIES = {
    "shop-db": ("RESTIC_019", "2"),
    "shop-media": ("RESTIC_014", "1"),
    "wiki": ("RESTIC_019", "2"),
    "archive": ("RESTIC_014", "2"),
}
BACKUP = ("sh", "-c", 'sleep 600 | "$@"', "sh")
UNDER_HOSTNAME = ("sh", "-c", 'hostname "$0" && exec "$@"')
SLOT = 30 * 60
"""Seconds between two runs of the example's CronJob, which starts 5 minutes before."""


def main(step: str, folder: Path) -> None:
    """Does one of the three steps."""
    STEPS[step](folder)


def make_old(folder: Path) -> None:
    """Four repositories, and the locks of seven processes that were killed."""
    folder.mkdir()
    for name, (_, version) in REPOSITORIES.items():
        run(folder, name, "init", "--repository-version", version)
        run(folder, name, "backup", "--stdin", "--stdin-filename", "hello")
    minutes = scheduled(time.time())
    (folder / "minutes").write_text(str(minutes))
    kill_a_holder(folder, "shop-db", f"shop-db-backup-{minutes}-x2x9k")
    kill_a_holder(folder, "shop-db", f"shop-files-backup-{minutes}-h7k4d")
    kill_a_holder(folder, "shop-media", f"shop-media-prune-{minutes}-tz6wq", prune=True)
    kill_a_holder(folder, "wiki", "wiki-6d4b75cb6d-q7x2m")
    kill_a_holder(folder, "wiki", "mba-home.local")
    kill_a_holder(folder, "archive", "archive-0")
    truncate(kill_a_holder(folder, "archive", "archive-1"))


def make_young(folder: Path) -> None:
    """The lock of the CronJob's next run."""
    minutes = int((folder / "minutes").read_text()) + SLOT // 60
    lock = kill_a_holder(folder, "shop-db", f"shop-db-backup-{minutes}-m8v5j")
    (folder / "young").write_text(lock.name)


def scheduled(seconds: float) -> int:
    """The last five-minute mark, as CronJobs name their Jobs: in minutes since 1970."""
    return int(seconds) // 300 * 5


def run(folder: Path, repository: str, *arguments: str) -> None:
    """One restic command, to its end; nothing of this machine gets into the repository."""
    subprocess.run(  # noqa: S603 - our own arguments
        [  # noqa: S607 - wherever the system has it
            "unshare",
            "--uts",
            *UNDER_HOSTNAME,
            "example",
            *command(folder, repository, *arguments),
        ],
        env=environment(folder),
        input=b"hello\n",
        check=True,
    )


def command(folder: Path, repository: str, *arguments: str) -> list[str]:
    """restic, as this repository uses it."""
    program = os.environ[REPOSITORIES[repository][0]]
    return [program, "-r", str(folder / repository), "--no-cache", *arguments]


def environment(folder: Path) -> dict[str, str]:
    """What restic sees."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "RESTIC_PASSWORD": PASSWORD}


def kill_a_holder(folder: Path, repository: str, hostname: str, *, prune: bool = False) -> Path:
    """Starts restic under this hostname, kills it once it holds its lock, returns that lock."""
    locks = folder / repository / "locks"
    before = complete(locks)
    arguments = ("prune",) if prune else ("backup", "--stdin")
    shell = [*UNDER_HOSTNAME, hostname]
    restic = command(folder, repository, *arguments)
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        ["unshare", "--uts", "--pid", "--fork", "--mount-proc", *shell]
        + ([] if prune else list(BACKUP))
        + restic,
        env=environment(folder),
        start_new_session=True,
    )
    while not (new := complete(locks) - before):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return locks / new.pop()


def complete(locks: Path) -> set[str]:
    """The locks in a folder that are written to their end."""
    return {
        file.name for file in locks.iterdir() if "-tmp-" not in file.name and file.stat().st_size
    }


def truncate(lock: Path) -> None:
    """As a power cut leaves a file: the name and the time are there, not all of the bytes."""
    times = (lock.stat().st_atime, lock.stat().st_mtime)
    lock.chmod(0o600)
    os.truncate(lock, 64)
    os.utime(lock, times)
    lock.chmod(0o400)


def write(folder: Path) -> None:
    """Packs the repositories; describes the cluster at that moment, and an earlier sweep."""
    young = (folder / "young").read_text()
    minutes = int((folder / "minutes").read_text())
    locks = {name: sorted((folder / name / "locks").iterdir()) for name in REPOSITORIES}
    times = {file.name: file.stat().st_mtime for files in locks.values() for file in files}
    now = moment(times[young]) + timedelta(seconds=20)
    newest = max(time for name, time in times.items() if name != young)
    sidecar_killed = moment(newest) + timedelta(seconds=25)
    seen = moment(newest) + timedelta(seconds=50)
    if now - seen < timedelta(minutes=31):
        raise SystemExit("The lock of step `young` came too early.")
    started = moment(minutes * 60)
    pack(folder)
    facts = cluster(now, started=started, sidecar_killed=sidecar_killed)
    (HERE / "cluster.json").write_text(json.dumps(facts, indent=4) + "\n")
    state = state_of(
        locks, young, seen, [item for item in facts["items"] if item["kind"] == "Node"]
    )
    (HERE / "state.json").write_text(json.dumps(state, indent=2) + "\n")


def moment(seconds: float) -> datetime:
    """In whole seconds, as Kubernetes writes times."""
    return datetime.fromtimestamp(int(seconds), UTC)


def state_of(
    locks: dict[str, list[Path]], young: str, seen: datetime, nodes: list[dict[str, Any]]
) -> dict[str, Any]:
    """What a sweep at `seen` would have left behind."""
    stamp = f"{seen:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "version": 1,
        "repositories": {
            name: {file.name: {"first_seen": stamp} for file in files if file.name != young}
            for name, files in locks.items()
        },
        "nodes": {
            node["metadata"]["name"]: {
                "names": list(
                    dict.fromkeys(
                        [node["metadata"]["name"]]
                        + [address["address"] for address in node["status"]["addresses"]]
                    )
                ),
                "last_seen": stamp,
                "absent_since": None,
            }
            for node in nodes
        },
    }


def pack(folder: Path) -> None:
    """repositories.tar.gz, with the files' own times; restic makes empty folders when it needs
    them.
    """
    with tarfile.open(HERE / "repositories.tar.gz", "w:gz", compresslevel=9) as archive:
        for name in REPOSITORIES:
            for path in sorted((folder / name).rglob("*")):
                if path.is_dir() and path.parent.name == "data" and not any(path.iterdir()):
                    continue
                archive.add(
                    path, f"repositories/{path.relative_to(folder)}", recursive=False, filter=plain
                )


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's in particular, and in whole seconds."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = int(entry.mtime)
    return entry


STEPS = {"old": make_old, "young": make_young, "write": write}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in STEPS:
        raise SystemExit("usage: make.py old|young|write FOLDER")
    if missing := {"RESTIC_014", "RESTIC_019"} - set(os.environ):
        raise SystemExit(f"Set {' and '.join(sorted(missing))} to the path of that restic.")
    main(sys.argv[1], Path(sys.argv[2]).absolute())
