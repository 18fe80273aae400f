"""What CI looks at: a few ratios of CPU against the recorded ones.

python -m bench.short [--record]

Prints a line for each; a warning where one lost more than a fifth, and ends with 1 where one more
than doubled. They are measured on forged repositories, whose keys cost the same on any machine.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.commands import JANITOR, PASSWORD, PYTHON, sweep, unlock
from bench.measure import measure_together
from bench.old import KEY_COST
from bench.old import figures as old_locks
from tests.forge import forge_repository

RECORDED = Path(__file__).with_name("recorded.json")
REPOSITORIES = 200
_UNLOCKED = 5
_OLD = 20
WARNS, FAILS = 1.2, 2.0


def main(argv: list[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        environment = {"PATH": os.environ["PATH"], "HOME": name, "RESTIC_PASSWORD": PASSWORD}
        ratios = measured(Path(name), environment)
    if "--record" in argv:
        record(ratios)
        return 0
    return judge(ratios, json.loads(RECORDED.read_text()))


def measured(folder: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """The ratios by name."""
    for number in range(REPOSITORIES):
        forge_repository(folder / f"r{number}", PASSWORD, n=KEY_COST if number < _UNLOCKED else 2)
    place = str(folder / "r{}")
    swept, unlocked, started, bare = measure_together(
        [
            sweep(folder, place, count=REPOSITORIES),
            unlock(place, _UNLOCKED),
            [*JANITOR, "--version"],
            [PYTHON, "-c", "import argparse, dataclasses, json, logging, re, threading"],
        ],
        environment,
        runs=3,
    )
    old, _ = old_locks(folder / "old", environment, repositories=_OLD, shares=(100,))
    return {
        "files, CPU against `restic unlock`": swept.cpu / (unlocked.cpu * REPOSITORIES / _UNLOCKED),
        "`--version`, CPU against Python with a few modules": started.cpu / bare.cpu,
        "old locks, CPU against their keys alone": old.value,
    }


def record(ratios: Mapping[str, float]) -> None:
    """What later runs are compared with."""
    RECORDED.write_text(json.dumps(ratios, indent=2) + "\n")


def judge(ratios: Mapping[str, float], recorded: Mapping[str, float]) -> int:
    """Tells how each ratio compares; 1 where one is too bad, else 0."""
    code = 0
    for name, ratio in ratios.items():
        change = ratio / recorded[name]
        said = f"bench: {name}: {ratio:.3g} x, recorded {recorded[name]:.3g} x"
        if change > FAILS:
            said, code = f"{said}: FAILED, more than {FAILS:g} times as much", 1
        elif change > WARNS:
            said = f"{said}: WARNING, {change - 1:.0%} more"
        print(said)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
