"""Running `restic-janitor` in the tests of faults: by itself with much time, or forked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.forked import Command
from tests.sweep.installation import Done, Installation


@dataclass(frozen=True)
class Ended(Done):
    """How a command ended; `code` is negative where a signal ended it. `steps` are what it did."""

    steps: tuple[str, ...] = ()

    @property
    def records(self) -> dict[str, str]:
        """The record that was logged before each deletion, by lock."""
        lines = [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]
        return {line["lock"]: line["record"] for line in lines if line.get("event") == "removing"}


@dataclass(frozen=True)
class Started:
    """A command under way, and where its output goes."""

    pid: int
    out: Path
    err: Path


class Forks:
    """The program that forks one process for each command; see `forked`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._number = 0
        self._process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """Ends the program and whatever it forked."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            with (self._folder / "forked.err").open("w") as said:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.forked"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    text=True,
                    cwd=Path(__file__).parents[2],
                    start_new_session=True,
                )
        return self._process

    def run(self, installation: Installation, *arguments: str, **how: Any) -> Ended:
        """One command to its end; see `start`."""
        return self.ended(self.start(installation, *arguments, **how))

    def start(
        self,
        installation: Installation,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        cluster: bool = True,
        state: bool = True,
        **how: Any,
    ) -> Started:
        """One command, under way. `how` are fields of `Command`."""
        self._number += 1
        out, err = (self._folder / f"{self._number}.{name}" for name in ("out", "err"))
        words = installation.command(*arguments, cluster=cluster, state=state)[1:]
        variables = installation.environment(environment)
        command = Command(words, variables, str(out), str(err), str(installation.folder), **how)
        return Started(self._ask(asdict(command)), out, err)

    def ended(self, started: Started) -> Ended:
        """Waits for its end."""
        code = self._ask(started.pid)
        steps = started.out.with_suffix(".steps")
        told = steps.read_text().splitlines() if steps.exists() else []
        done = Ended(code, started.out.read_text(), started.err.read_text(), tuple(told))
        assert "Traceback" not in done.err, done.err
        return done

    def _ask(self, what: object) -> int:
        """One question and its answer.

        A test that was stopped while it waited leaves an answer behind, which the next one would
        take for its own, and a number that is no process ID would end who knows what: so the
        program is started anew whenever a question is not answered.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(what) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                code = process.wait()
                said = (self._folder / "forked.err").read_text()
                raise AssertionError(f"the forking program ended with {code}: {said}")
        except BaseException:
            self.stop()
            raise
        return int(answer)


@contextmanager
def forking(folder: Path) -> Iterator[Forks]:
    """The program, while the block runs."""
    forks = Forks(folder)
    try:
        yield forks
    finally:
        forks.stop()
