"""One old lock makes the janitor look at the cluster: with one pod, and with many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.commands import sweep
from bench.figures import Figure
from bench.measure import RUNS, Command, measure_together, once
from tests.forge import forge_repository

PODS = ((10_000, 0.5, 100), (100_000, 5, 150))
"""How many, and the goals: seconds of CPU, megabytes."""
_FEW = 10_000


def figures(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    old, young = (_installation(folder / name, hours) for name, hours in (("old", 5), ("young", 0)))
    found = []
    for count, seconds, memory in PODS:
        few_file, many_file = folder / "few", folder / "many"
        with api_server(few_file, 1), api_server(many_file, count):
            commands = [["env", f"KUBECONFIG={file}", *old] for file in (few_file, many_file)]
            runs = RUNS if count <= _FEW else 2
            few, many = measure_together(commands, environment, runs=runs)
        basis = f"{many.cpu:.2f} s (whole process) less {few.cpu:.2f} s (with one pod)"
        more, whole = many.cpu - few.cpu, "peak of the whole process"
        found += [
            Figure(f"{count:,} pods of 9 KB, beyond one pod", more, seconds, "s CPU", basis),
            Figure(f"{count:,} pods of 9 KB", many.memory, memory, "MB", whole),
        ]
    return [
        *found,
        _lists("no lock is old", 0, _asked(folder, environment, young)),
        _lists("a lock is stale", 1, _asked(folder, environment, old)),
    ]


def _installation(folder: Path, hours: int) -> list[str | Path]:
    """A dry run of one repository with one lock of this age, in a cluster."""
    repository = forge_repository(folder / "r0", "test")
    made = datetime.now(UTC) - timedelta(hours=hours)
    lock = repository.lock(hostname="gone-1", time=made)
    os.utime(folder / "r0" / "locks" / lock, (made.timestamp(), made.timestamp()))
    seen = made.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    state = folder / "state.json"
    state.write_text(
        f'{{"version":1,"repositories":{{"r0":{{"{lock}":{{"first_seen":"{seen}"}}}}}}}}'
    )
    command = [*sweep(folder, str(folder / "r{}"), count=1), "--dry-run", "--state", state]
    return [*command, "--context", "test"]


def _asked(folder: Path, environment: Mapping[str, str], command: Command) -> dict[str, int]:
    """How often pods were listed by one sweep, and in how many pages."""
    asked: list[dict[str, int]] = []
    with api_server(folder / "asked", _FEW, asked):
        once(["env", f"KUBECONFIG={folder / 'asked'}", *command], environment)
    return asked[0]


def _lists(when: str, goal: int, asked: dict[str, int]) -> Figure:
    if asked["lists"] < goal:
        raise SystemExit(f"where {when}, pods were not listed")
    basis = (
        f"{_FEW:,} pods: {asked['pages']} pages, {asked['requests']} requests of any kind, "
        f"{asked['failed']} of them a list of the failed pods alone"
    )
    return Figure(f"lists of all pods where {when}", asked["lists"], goal, "lists", basis)


@contextmanager
def api_server(file: Path, count: int, asked: list[dict[str, int]] | None = None) -> Iterator[None]:
    """So many pods behind a kubeconfig; `asked` gets what was asked when it has ended."""
    command = [sys.executable, "-m", "bench.cluster", str(file), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()
            said = process.stdout.readline()
    if asked is not None:
        asked.append(json.loads(said))
