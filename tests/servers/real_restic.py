"""Real restic: it makes the repositories, the locks, and the proof that nothing was broken."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

PASSWORD = "correct horse\n"  # as a Secret with a trailing newline has it
SFTP_COMMAND = "sftp.command"
"""Among the variables of a command: restic has no variable for this option."""
PATIENCE = 100
"""Seconds for one command of restic, on a busy machine."""


class RealRestic:
    """One version of restic. `restic unlock` is never used."""

    def __init__(self, program: Path, version: str, folder: Path) -> None:
        self.program = program
        self.version = version
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def init(self, location: str, environment: Mapping[str, str] | None = None) -> None:
        """Makes a repository with one snapshot in it."""
        self.run(location, "init", environment=environment)
        source = self._folder / "source"
        source.mkdir(exist_ok=True)
        (source / "file").write_text("what is worth keeping")
        self.run(location, "backup", str(source), environment=environment)

    def run(
        self, location: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """The output of one command, which must succeed."""
        done = subprocess.run(
            self.command(location, *arguments, environment=environment),
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"restic {arguments} ended {done.returncode}: {done.stdout}"
        return done.stdout

    @contextmanager
    def backup_running(
        self,
        location: str,
        environment: Mapping[str, str] | None = None,
        *,
        hostname: str | None = None,
    ) -> Iterator[subprocess.Popen[str]]:
        """A backup that holds its lock and waits for its input for ever; killed at the end.

        With a hostname it runs under that nodename, as in a pod.
        """
        process = subprocess.Popen(
            self.command(
                location, "-v", "backup", "--stdin", environment=environment, hostname=hostname
            ),
            env=self.environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            _wait_for_lock(process)
            yield process
        finally:
            process.kill()
            process.communicate()

    def leave_lock(
        self,
        location: str,
        environment: Mapping[str, str] | None = None,
        *,
        hostname: str | None = None,
    ) -> None:
        """Kills a backup by SIGKILL in the middle: its lock stays behind, as in a lost pod."""
        with self.backup_running(location, environment, hostname=hostname):
            pass

    def command(
        self,
        location: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        hostname: str | None = None,
    ) -> list[str]:
        """The words of one command.

        With a hostname it runs under that nodename, as in a pod: that is what a lock carries.
        `exec` all the way, so the process that is started is restic itself in the end.
        """
        environment = environment or {}
        options: list[str] = []
        if self.version == "0.14":  # which knows neither of these variables
            if authority := environment.get("RESTIC_CACERT"):
                options = ["--cacert", authority]
            if user := environment.get("RESTIC_REST_USERNAME"):
                password = quote(environment["RESTIC_REST_PASSWORD"], safe="")
                location = location.replace("://", f"://{user}:{password}@", 1)
        if command := environment.get(SFTP_COMMAND):
            options += ["-o", f"sftp.command={command}"]
        words = [str(self.program), "--no-cache", *options, "-r", location, *arguments]
        return words if hostname is None else [*under_nodename(hostname), *words]

    def environment(self, environment: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that a command needs, and no others."""
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "RESTIC_PASSWORD": PASSWORD,
            "GOMAXPROCS": "2",
        }
        return base | dict(environment or {})


def under_nodename(hostname: str) -> list[str]:
    """What goes before a command, so that it runs under this nodename.

    Whoever is not root needs a user namespace for it, which some systems do not allow.
    """
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *as_root, "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', hostname]


def nodename_problem() -> str | None:
    """Why no process can have a nodename of its own here; None where it can."""
    words = [*under_nodename("probe"), "true"]
    try:
        probe = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return None if probe.returncode == 0 else probe.stderr.strip() or "unshare failed"


def _wait_for_lock(process: subprocess.Popen[str]) -> None:
    """restic says that it loads the index once it holds its lock."""
    assert process.stdout is not None
    deadline = time.monotonic() + PATIENCE
    said: list[str] = []
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        said.append(line)
        if not line or "load index" in line:
            break
    assert "load index" in said[-1], f"the backup did not get its lock: {said}"
