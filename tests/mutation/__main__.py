"""`python -m tests.mutation [module ...]`: breaks the janitor, and shows what no test noticed."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.mutation.accepted import Accepted, accepted
from tests.mutation.clauses import TESTS as CLAUSE_TESTS
from tests.mutation.clauses import clauses
from tests.mutation.mutants import Mutant, mutants_of, sample
from tests.mutation.plan import TESTS
from tests.mutation.results import Results
from tests.mutation.run import NotGreen, Outcome, run_mutants


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every survivor is accepted, and every accepted one survives."""
    options = _parser().parse_args(arguments)
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Else the order of a set decides whether a mutant of one is caught.
        command = [sys.executable, "-m", "tests.mutation", *(arguments or sys.argv[1:])]
        os.execve(sys.executable, command, os.environ | {"PYTHONHASHSEED": "0"})
    # A run that is told to end takes its children with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if options.clauses:
        return _run_clauses(options.jobs)
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
    parser.add_argument(
        "--clauses", action="store_true", help="only what clauses.toml names, in a minute"
    )
    parser.add_argument("--list", action="store_true", help="show the mutants and run nothing")
    parser.add_argument(
        "--keep-caught",
        action="store_true",
        help="while tests are written: run only what was not caught when the tests were others",
    )
    return parser


def _run_clauses(jobs: int) -> int:
    """Every clause of the rule, dropped and inverted: how the command ends."""
    rules = {mutant: clause.rule for clause in clauses() for mutant in clause.mutants()}
    with tempfile.TemporaryDirectory() as folder:
        # A file, since most reports come from another process.
        said = Path(folder, "survived")
        said.touch()

        def report(mutant: Mutant, outcome: Outcome) -> None:
            if not outcome.caught:
                with said.open("a") as file:
                    file.write(f"  not caught: {mutant}\n    of the clause: {rules[mutant]}\n")

        try:
            run_mutants(list(rules), CLAUSE_TESTS, jobs=jobs, report=report)
        except NotGreen as problem:
            print(f"the tests fail without any mutation\n{problem}")
            return 1
        survived = said.read_text()
    print(f"{len(rules)} ways to break the rule, {survived.count('not caught:')} not caught")
    print(survived, end="")
    return 1 if survived else 0


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
    return compare(module, everyone, chosen, survivors, accepted(module))


def compare(
    module: str,
    everyone: Sequence[Mutant],
    chosen: Sequence[Mutant],
    survivors: Sequence[Mutant],
    allowed: Mapping[tuple[str, str], Accepted],
) -> int:
    """Says what of the chosen mutants is not as `allowed` has it, and how many those are."""
    unexpected = [one for one in survivors if one.key not in allowed]
    names, alive = {one.key for one in everyone}, {one.key for one in survivors}
    ran = {one.key for one in chosen}
    gone = [one for one in allowed.values() if one.key not in names]
    caught = [one for one in allowed.values() if one.key in ran - alive]
    print(
        f"{module}: {len(chosen)} mutants, {len(chosen) - len(survivors)} caught, "
        f"{len(survivors) - len(unexpected)} survived as accepted, {len(unexpected)} survived",
        flush=True,
    )
    for survivor in unexpected:
        print(f"  survived: {survivor}")
    for one in gone:
        print(f"  accepted, but it no longer exists: {one.function}: {one.mutation}")
    for one in caught:
        print(f"  accepted, but it is caught: {one.function}: {one.mutation}")
    return len(unexpected) + len(gone) + len(caught)


if __name__ == "__main__":
    sys.exit(main())
