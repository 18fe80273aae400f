"""`restic-janitor` many times over without its second of imports: one program that forks a process
for each command that it reads. What runs in the process is the command line's own `main`.

A command can be stopped at a step. Steps are what Python's audit hooks tell of: a file opened,
removed or renamed, a folder read, a lock taken, bytes sent to a server; and each line printed. One
thread works at a time then, so that step 7 is the same in every run.

Reads and writes JSON lines: a `Command` is answered by its process ID, a process ID by the code
with which it ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_STEPS = frozenset(
    {"open", "os.remove", "os.rename", "os.scandir", "fcntl.flock", "tempfile.mkstemp"}
    | {"http.client.send", "print"}
)


@dataclass(frozen=True)
class Command:
    """One run of the command line."""

    argv: list[str]
    environment: dict[str, str]
    out: str
    err: str
    folder: str
    """Files elsewhere are Python's own business."""
    impatient: bool = False
    """Seconds of patience with servers, in place of a minute."""
    serial: bool = False
    """One repository after another."""
    step: int = 0
    """At which step the process gets `number`; 0: never."""
    number: int = 0
    pod: str = ""
    """The folder that stands for what the kubelet makes: `termination`, `account`."""


def main() -> None:
    """Forks until its input ends."""
    _preload()
    gc.freeze()  # what is there already is neither looked at nor copied by a process
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread would be lost in the fork"
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, int):
            _, status = os.waitpid(asked, 0)
            _answer(os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if pid == 0:
            sys.exit(_run(Command(**asked)))
        _answer(pid)


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _preload() -> None:
    """Everything that a sweep imports on its way."""
    for name in (
        "janitor.cluster.configmap",
        "janitor.cluster.events_writer",
        "janitor.cluster.file",
        "janitor.cluster.observe",
        "janitor.store.rest",
        "janitor.store.s3",
        "janitor.sweep",
        "janitor.tell",
        "janitor.wiring",
        "kubernetes.client",
        "kubernetes.config",
    ):
        importlib.import_module(name)


def _run(command: Command) -> int:
    from janitor import cli, tell, wiring
    from janitor.cluster import connect

    for number, path in ((1, command.out), (2, command.err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(command.environment)
    sys.argv = ["restic-janitor", *command.argv]
    if command.impatient:
        lose_patience()
    if command.serial:
        wiring.THREADS = 1
    if command.pod:
        tell.TERMINATION_LOG = Path(command.pod) / "termination"
        connect.connect.__kwdefaults__["account"] = Path(command.pod) / "account"
    if command.serial:
        steps = _Steps(command)
        sys.addaudithook(steps)
        sys.stdout, sys.stderr = _Printed(sys.stdout, steps), _Printed(sys.stderr, steps)
    return cli.main(command.argv)


def lose_patience() -> None:
    """Servers get seconds in place of a minute: the same code with smaller numbers."""
    import urllib3

    from janitor import state_file
    from janitor.cluster import connect
    from janitor.cluster.exchange import Limits
    from janitor.store import http_client, s3

    state_file._TRIES = 5
    http_client.TIMEOUT = urllib3.Timeout(connect=2, read=3)
    s3._REQUEST = timedelta(seconds=3)
    s3._RETRIES["retry_timeout"] = timedelta(seconds=8)
    limits = Limits(connect=2, read=2, total=4, retrying=4)
    connect.connect.__kwdefaults__["limits"] = limits


class _Steps:
    """Counts, and sends the signal when it is time."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._folder = command.folder
        self._count = 0
        self._mutex = threading.Lock()
        self._ledger = Path(command.out).with_suffix(".steps").open("w")

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _STEPS:
            return
        about = _about(event, arguments)
        if about.isdigit() and event == "open":
            return  # a descriptor gets its Python file: nothing happens
        if about.startswith("/") and not about.startswith(self._folder):
            return
        with self._mutex:
            self._count += 1
            self._ledger.write(f"{event} {about}\n")
            self._ledger.flush()
            if self._count == self._command.step:
                os.kill(os.getpid(), self._command.number)


def _about(event: str, arguments: tuple[Any, ...]) -> str:
    """The path, or a request's first line."""
    if event == "http.client.send":
        data = arguments[1]
        return data.split(b"\r\n", 1)[0].decode("latin-1") if isinstance(data, bytes) else ""
    return str(arguments[0])


class _Printed:
    """A stream whose every line is a step."""

    def __init__(self, stream: Any, steps: _Steps) -> None:
        self._stream = stream
        self._steps = steps

    def write(self, text: str) -> int:
        self._steps("print", (text.strip()[:60],))
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
