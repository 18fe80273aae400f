"""`rclone serve restic`, run by the janitor: started, asked why, and ended."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from janitor.model import Secret, SecretFile
from janitor.store import http_client
from janitor.store.errors import Unreachable, Unsupported, one_line
from janitor.store.first_failure import FirstFailure
from janitor.store.memory_file import memory_file
from janitor.store.unix_http import LONGEST_PATH, UnixPool

_PATIENCE = (
    "--ask-password=false",
    "--log-level=ERROR",
    "--retries=1",
    "--low-level-retries=2",
    "--contimeout=5s",
    "--timeout=15s",
    "--buffer-size=0",
)
_OPTIONS = (
    # what rclone keeps in memory of a listing may be older than the bucket
    "--cache-objects=false",
    "--append-only=false",
    "--private-repos=false",
    "--dry-run=false",
    "--b2-hard-delete",  # as restic starts it
)
_NOT_MADE = {
    f"RCLONE_{backend}": "true"
    for backend in ("S3_NO_CHECK_BUCKET", "GCS_NO_CHECK_BUCKET", "AZUREBLOB_NO_CHECK_CONTAINER")
}
"""The janitor never makes a bucket; rclone would, before it writes."""
_STARTUP = 20.0
"""Seconds until the socket is there. Some remotes are asked something first."""
_LAST_WORDS = 16 * 1024


@dataclass(slots=True)
class _Running:
    """A started server."""

    process: subprocess.Popen[bytes]
    pool: UnixPool
    folder: tempfile.TemporaryDirectory[str]
    words: int
    """The descriptor of what it printed."""


class Server:
    """One `rclone serve restic`: started by the first request, ended by `close`."""

    def __init__(
        self,
        program: str,
        remote: str,
        variables: Mapping[str, Secret],
        secrets: tuple[Secret, ...],
    ) -> None:
        self._program = program
        self._remote = remote
        self._variables = variables
        self._secrets = secrets
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._failure = FirstFailure()

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """As urllib3's pools. Raises a StoreError where rclone does not come up."""
        return self._pool().request(method, url, **options)

    def reason(self, path: str = "") -> str:
        """The last word of rclone about this path, without secrets; empty where it said nothing."""
        running = self._running
        if running is None:
            return ""
        size = os.fstat(running.words).st_size
        printed = os.pread(running.words, _LAST_WORDS, max(0, size - _LAST_WORDS))
        return self._last_word(printed, path)

    def why(self, path: str) -> str:
        """What rclone says when it lists this folder, without secrets; empty where it can.

        Of what it could not read, its server only answers that it could not.
        """
        words = [self._program, "lsf", "--max-depth=1", *_PATIENCE, "--", self._remote + path]
        with self._environment() as (environment, kept):
            try:
                done = subprocess.run(  # noqa: S603 - as the server's
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=environment,
                    cwd="/",
                    pass_fds=kept,
                    timeout=_STARTUP,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                return ""
        return self._last_word(done.stderr, "")

    def _last_word(self, printed: bytes, path: str) -> str:
        lines = printed.decode("utf-8", "replace").splitlines()
        about = [line for line in lines if (path in line and "rror" in line) or "CRITICAL" in line]
        words = re.sub(r"^[\d/]+ [\d:.]+ [A-Z]+ *:? *", "", about[-1]) if about else ""
        words = re.sub(
            r"^(Failed to \w+( file system for| with \d+ errors?: last error was:)?) ", "", words
        )
        return one_line(words, self._secrets)

    def close(self) -> None:
        """Ends the program. May be called twice."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                _end(running)

    def _pool(self) -> UnixPool:
        with self._lock, self._failure.kept():
            if self._running is None or self._running.process.poll() is not None:
                if self._running is not None:
                    _end(self._running)
                self._running = self._started()
            return self._running.pool

    def _started(self) -> _Running:
        folder = tempfile.TemporaryDirectory(prefix="rclone-")  # 0700
        path = str(Path(folder.name, "socket"))
        if len(os.fsencode(path)) > LONGEST_PATH:
            folder.cleanup()
            raise Unsupported(f"TMPDIR is too long for a socket's path ({path})")
        words = os.memfd_create("rclone's words")
        with self._environment() as (environment, kept):
            try:
                process = subprocess.Popen(  # noqa: S603 - fixed words and the configured remote
                    self._command(f"--addr=unix://{path}"),
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                    env=environment,
                    cwd="/",
                    pass_fds=kept,
                )
            except (OSError, ValueError) as error:
                os.close(words)
                folder.cleanup()
                reason = getattr(error, "strerror", None) or "its variables hold a NUL byte"
                raise Unsupported(f"rclone cannot be started: {reason}") from None
        pool = UnixPool(path, timeout=http_client.TIMEOUT, retries=http_client.RETRIES, maxsize=4)
        self._running = _Running(process, pool, folder, words)
        self._wait(self._running, Path(path))
        return self._running

    def _command(self, address: str) -> list[str]:
        words = [self._program, "serve", "restic", *_OPTIONS, *_PATIENCE]
        return [*words, address, "--", self._remote]

    @contextmanager
    def _environment(self) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
        """What rclone finds, and the descriptors in it: a configuration in memory gets no disk."""
        found = {"PATH": os.defpath, "HOME": os.environ.get("HOME", "/")} | _NOT_MADE
        found |= {name: value.reveal() for name, value in self._variables.items()}
        config = self._variables.get("RCLONE_CONFIG")
        if not isinstance(config, SecretFile):
            yield found, ()
            return
        path, descriptor = memory_file("rclone.conf", config.encode())
        try:
            yield found | {"RCLONE_CONFIG": path}, (descriptor,)
        finally:
            os.close(descriptor)

    def _wait(self, running: _Running, path: Path) -> None:
        deadline = time.monotonic() + _STARTUP
        while not path.exists():
            ended = running.process.poll() is not None
            if not ended and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            reason = self.reason() or "it printed no reason"
            self._running = None
            _end(running)
            if not ended:
                raise Unreachable(f"rclone did not come up within {_STARTUP:.0f} seconds: {reason}")
            mend = ""
            if "config file" in reason:
                mend = "; give its configuration by RCLONE_CONFIG, or as RCLONE_CONFIG_<REMOTE>_..."
            raise Unsupported(f"rclone ended at once: {reason}{mend}")


def _end(running: _Running) -> None:
    running.pool.close()
    running.process.terminate()
    try:
        running.process.wait(5)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()
    os.close(running.words)
    running.folder.cleanup()
