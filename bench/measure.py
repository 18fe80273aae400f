"""Runs a command to its end and says what it cost, by the kernel's own account."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall in seconds, peak memory in MB (of the largest process)."""

    cpu: float
    wall: float
    memory: float


RUNS = 5
_SPAWN = Path(__file__).with_name("spawn.py")
Command = Sequence[str | Path]


def measure(command: Command, environment: Mapping[str, str]) -> Cost:
    """The medians of RUNS runs, after one that warms up."""
    (cost,) = measure_together([command], environment)
    return cost


def measure_together(
    commands: Sequence[Command], environment: Mapping[str, str], *, runs: int = RUNS
) -> list[Cost]:
    """The same of several commands in turns: what else the machine does falls on all alike."""
    rounds = [[once(command, environment) for command in commands] for _ in range(runs + 1)]
    return [medians(costs) for costs in zip(*rounds[1:], strict=True)]


def medians(costs: Iterable[Cost]) -> Cost:
    costs = list(costs)
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.memory for cost in costs),
    )


def until_request(command: Callable[[int], Command], environment: Mapping[str, str]) -> Cost:
    """Medians of what it costs until a connection arrives at the port given to `command`.

    The process is killed there, so that nothing after it counts.
    """
    return medians([_until_request(command, environment) for _ in range(RUNS + 1)][1:])


def _until_request(command: Callable[[int], Command], environment: Mapping[str, str]) -> Cost:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command(listener.getsockname()[1])],
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        connection: socket.socket | None = None
        try:
            connection, _ = listener.accept()
        finally:
            process.kill()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if connection is not None:
                connection.close()
    wall = time.perf_counter() - began
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def once(command: Command, environment: Mapping[str, str]) -> Cost:
    done = subprocess.run(
        [sys.executable, "-I", "-S", _SPAWN, *map(str, command)],
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
    )
    code, *cost = json.loads(done.stdout)
    if code != 0:
        raise SystemExit(f"{command[0]} ended with {code}: {done.stderr[-500:]}")
    return Cost(*cost)
