"""Processes that end by themselves or are ended: one for each piece of work, so many at a time."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_MEMORY = 6 << 30
_PAUSE = 0.005
"""Seconds between two looks at the children."""
_PATIENCE = 5
"""Seconds for children to end their own, when the whole run is told to end."""

_Name = TypeVar("_Name")


@dataclass(frozen=True)
class Bounds:
    """How long one process may run, in seconds; beyond that it hangs."""

    cpu: int
    wall: float


@dataclass(frozen=True)
class Ended:
    """How a process ended: with an answer, or by a signal."""

    answer: object
    signal: str
    """Empty where it answered."""
    said: str
    """The end of what it wrote to its standard streams."""
    cpu: float
    wall: float


class Died(Exception):
    """A child ended without an answer and without a signal: a fault of this package."""


@dataclass(frozen=True)
class _Child:
    began: float
    folder: Path
    """Its own: `answer`, `log`, and what its tests write."""

    @property
    def answer(self) -> Path:
        return self.folder / "answer"

    @property
    def log(self) -> Path:
        return self.folder / "log"


def in_children(
    work: Iterable[tuple[_Name, Callable[[], object]]], *, scratch: Path, jobs: int, bounds: Bounds
) -> Iterator[tuple[_Name, Ended]]:
    """Does each piece of work in a child of its own, which answers with a JSON value.

    Yields them as they end. A child inherits all that was imported here and changes nothing here.
    Raises Died, with what the child said.
    """
    waiting = iter(work)
    running: dict[int, tuple[_Name, _Child]] = {}
    try:
        while True:
            while len(running) < jobs and (next_one := next(waiting, None)) is not None:
                name, do = next_one
                child = _Child(time.monotonic(), Path(tempfile.mkdtemp(dir=scratch)))
                running[_fork(do, child, bounds)] = name, child
            if not running:
                return
            for pid in list(running):
                ended = _end_of(pid, running[pid][1], bounds)
                if ended is not None:
                    yield running.pop(pid)[0], ended
            time.sleep(_PAUSE)
    finally:
        _end_all(running)


def _fork(do: Callable[[], object], child: _Child, bounds: Bounds) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        log = os.open(child.log, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu, bounds.cpu + 1))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Where pytest makes its `tmp_path`.
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(child.folder)
        child.answer.write_text(json.dumps(do()))
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never go on as its parent
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _end_of(pid: int, child: _Child, bounds: Bounds) -> Ended | None:
    """How a child ended, which it is made to where it hangs; None: it runs still."""
    ended, status, used = os.wait4(pid, os.WNOHANG)
    if not ended and time.monotonic() - child.began > bounds.wall:
        _kill(pid)
        ended, status, used = os.wait4(pid, 0)
    if not ended:
        return None
    _kill(pid)  # what it may have left behind
    code = os.waitstatus_to_exitcode(status)
    said = child.log.read_text("utf-8", "replace")[-4000:] if child.log.exists() else ""
    if code > 0:
        raise Died(said)
    answer = json.loads(child.answer.read_text()) if code == 0 else None
    by_signal = signal.Signals(-code).name if code < 0 else ""
    shutil.rmtree(child.folder, ignore_errors=True)
    wall = time.monotonic() - child.began
    return Ended(answer, by_signal, said, used.ru_utime + used.ru_stime, wall)


def _end_all(children: Iterable[int]) -> None:
    """Asks them to end, so that a child can end its own children, and then ends them."""
    for pid in children:
        _kill(pid, signal.SIGTERM)
    patience = time.monotonic() + _PATIENCE
    for pid in children:
        with contextlib.suppress(ChildProcessError):  # it has ended, and that was seen
            while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < patience:
                time.sleep(_PAUSE)
        _kill(pid)


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Sends a signal to a child and to all that it started, which are one process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
