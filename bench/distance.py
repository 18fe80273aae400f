"""What the wire costs: requests by latency, shared by the pool's connections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.commands import sweep
from bench.far import served
from bench.figures import Figure
from bench.measure import measure_together
from janitor.store.connections import THREADS

FAR = (50, 300)
"""Milliseconds."""
REPOSITORIES = 400
_RUNS = 2


def figures(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    found = []
    for milliseconds in FAR:
        with served(milliseconds) as server:
            command = sweep(folder / str(milliseconds), server.place, count=REPOSITORIES)
            (swept,) = measure_together([command], environment, runs=_RUNS)
        requests = sum(server.asked.values()) / (_RUNS + 1)  # one run warms up
        least = requests * milliseconds / 1000 / THREADS
        basis = f"{swept.wall:.2f} s against {least:.2f} s for {requests:.0f} requests"
        what = f"a REST server {milliseconds} ms away, wall against latency x requests / {THREADS}"
        found.append(Figure(what, swept.wall / least, 1.5, "x", basis))
    return found
