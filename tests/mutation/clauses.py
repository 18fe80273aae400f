"""The clauses of the rule, and the mutants that stand for each: `clauses.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants_of

FILE = Path(__file__).with_name("clauses.toml")
TESTS = ("tests/unit/judge",)


@dataclass(frozen=True)
class Clause:
    """One clause, and where the code must not be wrong about it."""

    rule: str
    """Its words in docs/safety.md."""
    module: str
    function: str
    wrong: tuple[str, ...]
    """How the words of its mutants begin."""

    def mutants(self) -> list[Mutant]:
        """Raises ValueError where there is none: the code is no longer as the clause has it."""
        found = []
        for beginning in self.wrong:
            some = [
                mutant
                for mutant in _all_of(self.module)
                if mutant.function == self.function and mutant.words.startswith(beginning)
            ]
            if not some:
                raise ValueError(f"{self.function} of {self.module} has no mutant {beginning!r}")
            found += some
        return found


def clauses(file: Path = FILE) -> Iterator[Clause]:
    """All of the file, in its order."""
    for entry in tomllib.loads(file.read_text())["clause"]:
        yield Clause(**entry | {"wrong": tuple(entry["wrong"])})


@cache
def _all_of(module: str) -> list[Mutant]:
    return mutants_of(module)
