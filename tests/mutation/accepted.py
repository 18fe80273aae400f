"""The mutants that may survive, each with the reason: `accepted.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True)
class Accepted:
    """One entry of the file."""

    module: str
    function: str
    mutation: str
    reason: str
    equivalent: bool
    """No input could tell it from the original; else it is only not worth a test."""

    @property
    def key(self) -> tuple[str, str]:
        return self.function, self.mutation


def accepted(module: str, file: Path = FILE) -> dict[tuple[str, str], Accepted]:
    """The entries for one module. A mutation that several entries name stands there once."""
    found = {}
    for entry in tomllib.loads(file.read_text())["survivor"]:
        mutations = entry.pop("mutations")
        for mutation in mutations:
            one = Accepted(mutation=mutation, **entry)
            if one.module == module:
                assert one.key not in found, f"{one.key} is listed twice"
                found[one.key] = one
    return found
