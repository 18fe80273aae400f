"""One old lock makes the janitor look at the cluster: with one pod, and with many."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.beside import beside
from bench.commands import sweep
from bench.figures import Figure
from bench.measure import RUNS, Command, measure_together, once
from janitor.model import LockID
from janitor.state import Remembered, State, encode
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
    state = folder / "state.json"
    state.write_text(seen_at(made, [lock]))
    command = [*sweep(folder, str(folder / "r{}"), count=1), "--dry-run", "--state", state]
    return [*command, "--context", "test"]


def seen_at(time: datetime, locks: Iterable[LockID]) -> str:
    """The state that has seen these locks of `r0` since then."""
    seen = Remembered(time.replace(microsecond=0))
    return encode(State({"r0": dict.fromkeys(locks, seen)}))


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
    with beside("bench.cluster", file, count) as process:
        yield
    if asked is not None:
        asked.append(json.loads(process.last))
