"""Longer campaigns: `python -m tests.fuzz --minutes 10 [target ...]`.

With atheris (`pip install atheris`) the search is guided by the coverage of `janitor`; without it
Hypothesis draws at random, from a new seed each time. Either way an input that fails is made as
small as it gets and printed as a test for tests/fuzz/test_found.py. Exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

KEPT = Path(".hypothesis/fuzz")
"""What a campaign learned; the next one goes on from there."""
_GRACE = 300
"""Seconds for making a found input smaller, before a search is given up."""


def main(arguments: list[str] | None = None) -> int:
    """Searches in one target after another, each in a process of its own."""
    chosen = _parsed(arguments)
    guided = importlib.util.find_spec("atheris") is not None and not chosen.random
    how = "guided by coverage" if guided else "at random"
    seconds = max(1, int(60 * chosen.minutes / len(chosen.targets)))
    failed = []
    for name in chosen.targets:
        print(f"{name}: {seconds} seconds, {how}", flush=True)
        if not (_guided(name, seconds) if guided else _at_random(name, seconds)):
            failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "Nothing was found.")
    return 1 if failed else 0


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    from tests.fuzz.registry import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="in all (default: 10)")
    parser.add_argument("--random", action="store_true", help="do not use atheris")
    parser.add_argument("targets", nargs="*", metavar="target", help="default: each in turn")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    chosen.targets = chosen.targets or list(TARGETS)
    return chosen


def _guided(name: str, seconds: int) -> bool:
    """libFuzzer ends its process at the first failure, which Hypothesis then makes smaller."""
    folder = KEPT / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("w") as file:
        arguments = ("guided", name, str(seconds), str(folder))
        ended = _step(*arguments, timeout=seconds + _GRACE, output=file)
    told = re.findall(r"stat::(\w+): +(\d+)", log.read_text(errors="replace"))
    print(f"{name}: {dict(told).get('number_of_executed_units', 'unknown')} inputs", flush=True)
    if ended == 0:
        return True
    again = _step("again", name, str(folder), timeout=_GRACE)
    artifacts = sorted(folder.glob("*-*"))
    for artifact in artifacts:
        if again == 0:
            # It hung or took too much memory, which ends the process before anything is noted.
            _step("show", name, str(artifact), timeout=_GRACE)
        artifact.unlink()
    if again == 0 and not artifacts:
        print(f"{name}: ended early with code {ended}, without an input; see {log}", flush=True)
    shutil.rmtree(folder / "failures", ignore_errors=True)
    return False


def _at_random(name: str, seconds: int) -> bool:
    return _step("random", name, str(seconds), timeout=seconds + _GRACE) == 0


def _step(*arguments: str, timeout: float, output: IO[str] | None = None) -> int:
    """One part of a campaign, which may hang or be killed."""
    command = [sys.executable, "-m", "tests.fuzz.campaign", *arguments]
    try:
        done = subprocess.run(command, stdout=output, stderr=output, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        print(f"{arguments[1]}: hangs", flush=True)
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
