"""A repository with an old lock costs a key: against the derivation of these keys alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from bench.commands import PASSWORD, PYTHON, sweep
from bench.figures import Figure
from bench.measure import RUNS, measure_together
from tests.forge import forge_repository

SHARES = (1, 10, 100)
"""Of a hundred."""
KEY_COST = 1 << 15
"""scrypt's N as restic finds it on a machine of today."""
_HOURS_AGO = datetime.now(UTC).timestamp() - 5 * 3600


def figures(
    folder: Path, environment: Mapping[str, str], *, repositories: int, shares: tuple[int, ...]
) -> list[Figure]:
    """Each repository has a key of its own, so that none is derived for two of them."""
    places = [folder / "models" / f"r{number}" for number in range(repositories)]
    with ProcessPoolExecutor() as pool:
        locks = list(pool.map(_forge, places))
    return [_with_old(folder, environment, locks, share) for share in shares]


def _forge(place: Path) -> Path:
    repository = forge_repository(place, PASSWORD, n=KEY_COST)
    lock = repository.lock(hostname="gone-1", time=datetime.fromtimestamp(_HOURS_AGO, UTC))
    return Path(place.name) / "locks" / lock


def _with_old(
    folder: Path, environment: Mapping[str, str], locks: list[Path], share: int
) -> Figure:
    count = len(locks) * share // 100
    place = folder / str(share)
    shutil.copytree(folder / "models", place)
    for number, lock in enumerate(locks):
        if number < count:
            os.utime(place / lock, (_HOURS_AGO, _HOURS_AGO))
        else:
            (place / lock).unlink()
    keys = [next((place / f"r{number}" / "keys").iterdir()) for number in range(count)]
    floor = [PYTHON, "-m", "bench.keys", PASSWORD, *keys]
    runs = {1: RUNS, 10: 2}.get(share, 1)
    commands = [sweep(place, str(place / "r{}"), count=len(locks)), floor]
    judged, derived = measure_together(commands, environment, runs=runs)
    basis = (
        f"{judged.cpu:.2f} s against {derived.cpu:.2f} s, both with start-up; "
        f"in {judged.wall:.1f} s, {judged.memory:.0f} MB"
    )
    what = f"{count:,} of {len(locks):,} with an old lock, CPU against their keys alone"
    return Figure(what, judged.cpu / derived.cpu, 1.3, "x", basis)
