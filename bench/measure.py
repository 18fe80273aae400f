"""Runs a command to its end and says what it cost, by the kernel's own account."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall in seconds, peak memory in MB (of the largest process)."""

    cpu: float
    wall: float
    memory: float


def measure(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    runs: int = 3,
    expected: int = 0,
) -> Cost:
    """The medians of some runs, after one that warms up."""
    costs = [_once(command, environment, expected) for _ in range(runs + 1)][1:]
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.memory for cost in costs),
    )


def _once(command: Sequence[str | Path], environment: Mapping[str, str], expected: int) -> Cost:
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if code != expected:
        raise SystemExit(f"{command[0]} ended with {code}: {said.decode(errors='replace')[-500:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)
