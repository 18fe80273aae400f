"""Starting a server for a test, waiting until it answers, and stopping exactly that one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STARTUP = 60
"""Seconds that a server has until it answers: the machine may be busy."""


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Process:
    """A running server; its output is in a file and is shown when it does not come up."""

    def __init__(
        self, command: Sequence[str | Path], *, folder: Path, env: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / f"{Path(command[0]).name}.log"
        base = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=base | dict(env or {}),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process, and the group of all that it started."""
        return self._process.pid

    def output(self) -> str:
        """The end of what it printed."""
        return self._log.read_text(errors="replace")[-4000:]

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Polls until it is ready; stops it and fails with its output where it never is."""
        deadline = time.monotonic() + STARTUP
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if ready():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"{self._log.stem} did not come up:\n{self.output()}")

    def stop(self) -> None:
        """Ends it and what it started; by force after ten seconds."""
        for name in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                try:
                    os.killpg(self._process.pid, name)
                    self._process.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue


def listens(port: int) -> Callable[[], bool]:
    """Whether somebody accepts connections on this port of 127.0.0.1."""

    def ready() -> bool:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True

    return ready
