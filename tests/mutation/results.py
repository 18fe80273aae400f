"""What is known of the mutants of one module, kept from run to run outside version control."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutation.mutants import ROOT, Mutant, path_of
from tests.mutation.run import Outcome

FOLDER = ROOT / ".run" / "mutation"


class Results:
    """A file of one line for each mutant that was run; a run that was broken off goes on there.

    It counts only as long as the janitor and the tests are as they were. With `keep_caught`, what
    was caught stays caught although tests changed since: while tests are being written.
    """

    def __init__(self, module: str, tests: Sequence[str], *, keep_caught: bool) -> None:
        self._path = FOLDER / f"{module}.jsonl"
        self._head = {
            "module": _digest([path_of(module)]),
            "janitor": _digest((ROOT / "janitor").rglob("*.py")),
            "tests": _digest(_files(tests)),
        }
        self.known = self._load(keep_caught=keep_caught)
        self._write_anew()

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        """Remembers it, from whichever process."""
        with self._path.open("a") as file:
            file.write(_line(mutant.key, outcome))

    def reload(self) -> None:
        """Takes in what other processes added."""
        self.known = self._read()

    def _load(self, *, keep_caught: bool) -> dict[tuple[str, str], Outcome]:
        try:
            head = json.loads(self._path.read_text().partition("\n")[0])
        except (OSError, ValueError):
            return {}
        if head == self._head:
            return self._read()
        if keep_caught and head["module"] == self._head["module"]:
            return {key: outcome for key, outcome in self._read().items() if outcome.caught}
        return {}

    def _read(self) -> dict[tuple[str, str], Outcome]:
        known = {}
        for line in self._path.read_text().splitlines()[1:]:
            function, words, by = json.loads(line)
            known[function, words] = Outcome(caught=bool(by), by=by)
        return known

    def _write_anew(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(self._head) + "\n"]
        lines += [_line(key, outcome) for key, outcome in self.known.items()]
        self._path.write_text("".join(lines))


def _line(key: tuple[str, str], outcome: Outcome) -> str:
    return json.dumps([*key, outcome.by]) + "\n"


def _files(tests: Iterable[str]) -> set[Path]:
    """The tests and all that they may use: every Python file of tests/ but the tests of others."""
    helpers = {path for path in (ROOT / "tests").glob("*/*.py") if "test_" not in path.name}
    helpers |= set((ROOT / "tests").glob("*.py")) | set((ROOT / "tests" / "mutation").glob("*.py"))
    for name in tests:
        path = ROOT / name
        helpers |= set(path.rglob("*.py")) if path.is_dir() else {path, *path.parent.glob("conf*")}
    return helpers


def _digest(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()
