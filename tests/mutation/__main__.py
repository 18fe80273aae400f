"""`python -m tests.mutation [module ...]`: breaks the janitor, and shows what no test noticed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tests.mutation.accepted import accepted
from tests.mutation.mutants import Mutant, mutants_of, sample
from tests.mutation.plan import TESTS
from tests.mutation.results import Results
from tests.mutation.run import NotGreen, run_mutants


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every survivor is accepted, and every accepted one survives."""
    options = _parser().parse_args(arguments)
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Else the order of a set decides whether a mutant of one is caught.
        command = [sys.executable, "-m", "tests.mutation", *(arguments or sys.argv[1:])]
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": "0"})
    wrong = 0
    for module in options.modules or TESTS:
        if options.list:
            print(*mutants_of(module), sep="\n")
        else:
            wrong += _run(module, options)
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help="all of plan.py by default")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (2)")
    parser.add_argument("--sample", type=int, help="only so many mutants of each module")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--list", action="store_true", help="show the mutants and run nothing")
    parser.add_argument(
        "--keep-caught",
        action="store_true",
        help="while tests are written: run only what was not caught when the tests were others",
    )
    return parser


def _run(module: str, options: argparse.Namespace) -> int:
    """How many mutants of a module are not as accepted.toml has it."""
    tests = TESTS[module]
    everyone = mutants_of(module)
    chosen = everyone
    if options.sample is not None:
        chosen = sample(everyone, options.sample, options.seed)
    results = Results(module, tests, keep_caught=options.keep_caught)
    left = [mutant for mutant in chosen if mutant.key not in results.known]
    try:
        if left:
            run_mutants(left, tests, jobs=options.jobs, report=results.add)
    except NotGreen as problem:
        print(f"{module}: the tests fail without any mutation\n{problem}")
        return 1
    results.reload()
    survivors = [mutant for mutant in chosen if not results.known[mutant.key].caught]
    return _compare(module, everyone, chosen, survivors)


def _compare(
    module: str, everyone: list[Mutant], chosen: list[Mutant], survivors: list[Mutant]
) -> int:
    allowed = accepted(module)
    unexpected = [mutant for mutant in survivors if mutant.key not in allowed]
    names, alive = {one.key for one in everyone}, {one.key for one in survivors}
    ran = {one.key for one in chosen}
    gone = [one for one in allowed.values() if one.key not in names]
    caught = [one for one in allowed.values() if one.key in ran - alive]
    print(
        f"{module}: {len(chosen)} mutants, {len(chosen) - len(survivors)} caught, "
        f"{len(survivors) - len(unexpected)} survived as accepted, {len(unexpected)} survived",
        flush=True,
    )
    for mutant in unexpected:
        print(f"  survived: {mutant}")
    for one in gone:
        print(f"  accepted, but it no longer exists: {one.function}: {one.mutation}")
    for one in caught:
        print(f"  accepted, but it is caught: {one.function}: {one.mutation}")
    return len(unexpected) + len(gone) + len(caught)


if __name__ == "__main__":
    sys.exit(main())
