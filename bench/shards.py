"""The same repositories by one, two and four pods: the work of all, and none twice or never.

The pods are processes here, one after another; on kind they are an Indexed Job (tests/e2e).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.commands import sweep
from bench.far import served
from bench.figures import Figure
from bench.measure import once

REPOSITORIES = 1_000
SHARDS = (2, 4)


def figures(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    alone, asked_alone = _all(folder, environment, 1)
    found = []
    for number in SHARDS:
        costs, asked = _all(folder, environment, number)
        cpu, one = sum(costs), sum(alone)
        basis = f"{cpu:.2f} s against {one:.2f} s; the longest took {max(costs):.2f} s"
        what = f"{number} shards, CPU of all against one pod"
        found.append(Figure(what, cpu / one, None, "x", basis))
        wrong = {name for name in asked | asked_alone if asked.get(name) != asked_alone.get(name)}
        basis = f"requests for each of {REPOSITORIES:,}, compared with one pod's"
        what = f"{number} shards, repositories asked twice or never"
        found.append(Figure(what, len(wrong), 0, "repositories", basis))
    return found


def _all(
    folder: Path, environment: Mapping[str, str], number: int
) -> tuple[list[float], dict[str, int]]:
    with served(0) as server:
        command = sweep(folder, server.place, count=REPOSITORIES)
        parts = [[*command, "--shard", f"{index}/{number}"] for index in range(number)]
        costs = [once(part, environment).cpu for part in parts]
    return costs, server.asked
