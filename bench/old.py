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
    return [figure for share in shares for figure in _with_old(folder, environment, locks, share)]


def _forge(place: Path) -> Path:
    repository = forge_repository(place, PASSWORD, n=KEY_COST)
    lock = repository.lock(hostname="gone-1", time=datetime.fromtimestamp(_HOURS_AGO, UTC))
    return Path(place.name) / "locks" / lock


def _with_old(
    folder: Path, environment: Mapping[str, str], locks: list[Path], share: int
) -> tuple[Figure, Figure]:
    count = len(locks) * share // 100
    looked, place = (_copied(folder, share, locks[:number]) for number in (0, count))
    for lock in locks[:count]:
        os.utime(place / lock, (_HOURS_AGO, _HOURS_AGO))
    keys = [next((place / f"r{number}" / "keys").iterdir()) for number in range(count)]
    derive = [PYTHON, "-m", "bench.keys", PASSWORD]
    commands = [
        *(sweep(each, str(each / "r{}"), count=len(locks)) for each in (place, looked)),
        [*derive, *keys],
        derive,
    ]
    runs = {1: RUNS, 10: 2}.get(share, 1)
    judged, unlocked, derived, started = measure_together(commands, environment, runs=runs)
    what = f"{count:,} of {len(locks):,} with an old lock, CPU against their keys alone"
    basis = (
        f"{judged.cpu:.2f} s against {derived.cpu:.2f} s, both with start-up; "
        f"in {judged.wall:.1f} s, {judged.memory:.0f} MB"
    )
    whole = Figure(what, judged.cpu / derived.cpu, 1.3, "x", basis)
    more, keys_alone = judged.cpu - unlocked.cpu, derived.cpu - started.cpu
    if more < keys_alone / 2:
        raise SystemExit(f"{count} old locks cost {more:.2f} s: their keys were not derived")
    what = f"{count:,} of {len(locks):,} with an old lock, beyond the look at all"
    basis = f"{more:.2f} s more than without old locks, against {keys_alone:.2f} s for the keys"
    return whole, Figure(what, more / keys_alone, 1.3, "x", basis)


def _copied(folder: Path, share: int, locks: list[Path]) -> Path:
    """The repositories, with these locks alone."""
    place = folder / f"{share}-with-{len(locks)}"
    shutil.copytree(folder / "models", place, ignore=shutil.ignore_patterns("locks"))
    for number in range(len(list((folder / "models").iterdir()))):
        (place / f"r{number}" / "locks").mkdir()
    for lock in locks:
        shutil.copy(folder / "models" / lock, place / lock)
    return place
