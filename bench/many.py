"""From one repository to 10,000 without locks, as files: CPU and memory by their number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.commands import make_model, sweep
from bench.figures import Figure
from bench.measure import Cost, measure_together

COUNTS = (1, 10, 100, 1_000, 10_000)


def figures(folder: Path, environment: Mapping[str, str]) -> tuple[list[Figure], dict[int, Cost]]:
    model = folder / "r0"
    make_model(model, environment)
    for number in range(1, COUNTS[-1]):
        place = folder / f"r{number}"
        for name in ("keys", "locks"):
            (place / name).mkdir(parents=True)
        (place / "config").hardlink_to(model / "config")
    place = str(folder / "r{}")
    commands = [sweep(folder / f"of-{count}", place, count=count) for count in COUNTS]
    costs = dict(zip(COUNTS, measure_together(commands, environment, runs=2), strict=True))
    few, many = COUNTS[2], COUNTS[-1]
    basis = f"peak of the whole process; {costs[few].memory:.0f} MB with {few}"
    what = f"{many:,} repositories without locks, files"
    return [Figure(what, costs[many].memory, 150, "MB", basis)], costs
