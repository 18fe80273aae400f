"""Repositories behind any of rclone's remotes: `rclone serve restic`, started by the janitor.

restic starts the same server and speaks its REST protocol with it (`internal/backend/rclone`).
Here it listens on a unix socket in a folder of its own, which is the janitor's user's alone. One
program serves all repositories of a remote that have the same variables.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from janitor.model import LockID, Secret, SecretFile
from janitor.store import rest
from janitor.store.connections import Connections
from janitor.store.errors import (
    Gone,
    Refused,
    StoreError,
    Unauthorized,
    Unreachable,
    Unsupported,
    one_line,
)
from janitor.store.extras import missing_extra
from janitor.store.location import Location
from janitor.store.unix_http import LONGEST_PATH, UnixPool
from janitor.store.variables import secrets_of

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
_NOT_PASSED_ON = re.compile(
    r"RCLONE_(ADDR|ALLOW_ORIGIN|AUTH_PROXY|BASEURL|CERT|CLIENT_CA|HTPASSWD|INTERACTIVE|KEY|LOG_.*"
    r"|MIN_TLS_VERSION|PASS|QUIET|RC(_.*)?|REALM|SALT|STDIO|USER|VERBOSE)"
)
"""They would change the server, which is the janitor's own, and not the remote."""
_HARMLESS = re.compile(r"^RCLONE_CONFIG$|_(TYPE|PROVIDER|ENDPOINT|REGION|HOST)$")
_COMMANDS = re.compile(r"RCLONE_(PASSWORD_COMMAND|METADATA_MAPPER)")
_NOT_MADE = {
    f"RCLONE_{backend}": "true"
    for backend in ("S3_NO_CHECK_BUCKET", "GCS_NO_CHECK_BUCKET", "AZUREBLOB_NO_CHECK_CONTAINER")
}
"""The janitor never makes a bucket; rclone would, before it writes."""
_STARTUP = 20.0
"""Seconds until the socket is there. Some remotes are asked something first."""
_LAST_WORDS = 16 * 1024
_DENIED = re.compile(
    r"access ?denied|forbidden|unauthori[sz]ed|permission denied|not permitted|invalid.{0,20}"
    r"(credential|token|grant)|InvalidAccessKeyId|SignatureDoesNotMatch|StatusCode: 40[13]"
    r"|unable to authenticate|ObjectLock|retention|immutab",
    re.IGNORECASE,
)


def open_rclone(
    location: Location, environment: Mapping[str, Secret], connections: Connections
) -> RcloneStore:
    """The store of an `rclone:` location; nothing is started yet. Raises Unsupported."""
    program = _program()
    for name in environment:
        if _COMMANDS.fullmatch(name):
            raise Unsupported(f"{name} is not supported, no command is ever run for a password")
    remote, path = split_remote(location.path)
    variables = {
        name: value
        for name, value in environment.items()
        if name.startswith("RCLONE_") and not _NOT_PASSED_ON.fullmatch(name)
    }
    key = ("rclone", program, remote, tuple(sorted(variables.items())))
    hidden = {name: value for name, value in environment.items() if not _HARMLESS.search(name)}
    secrets = (*secrets_of(hidden), *_connection_string_of(remote))
    server = connections.get(key, lambda: Server(program, remote, variables, secrets))
    url = "/" + quote(path, safe="/") + ("/" if path else "")
    return RcloneStore(replace(location, url=url), server, path, secrets)


def _program() -> str:
    """Beside this Python, where the extra puts it, else on the PATH. Raises Unsupported."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("rclone", path=beside) or shutil.which("rclone")
    if found is None:
        raise missing_extra("rclone")
    return found


def split_remote(text: str) -> tuple[str, str]:
    """What is served, and the repository's path in it.

    rclone's own rule (`fs/fspath`): up to the first colon that is not within quotes, if no slash
    comes before it. A path that only rclone can make sense of is served as it is.
    """
    end = _end_of_remote(text)
    remote, path = text[:end], text[end:]
    base = remote + ("/" if path.startswith("/") else "") or "."
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        return text, ""
    return base, "/".join(parts)


def _end_of_remote(text: str) -> int:
    """Where the path begins; 0 where there is no remote, which makes it a local path."""
    within = ""
    parameters = False
    for index, character in enumerate(text):
        if within:
            within = "" if character == within else within
        elif parameters and character in "'\"":
            within = character
        elif character == ",":
            parameters = True
        elif character == "/" and not parameters:
            return 0
        elif character == ":" and index:
            return index + 1
    return 0


def _connection_string_of(remote: str) -> tuple[Secret, ...]:
    """The values in `remote,key=value:`, any of which may be a credential."""
    return tuple(Secret(value) for value in re.findall(r"=([^,:]{4,})", remote))


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
        self._failure: StoreError | None = None

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
        with self._lock:
            if self._failure is not None:
                raise type(self._failure)(str(self._failure))
            if self._running is None or self._running.process.poll() is not None:
                if self._running is not None:
                    _end(self._running)
                try:
                    self._running = self._started()
                except StoreError as error:
                    self._failure = error
                    raise
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
        pool = UnixPool(path, timeout=rest.TIMEOUT, retries=rest.RETRIES, maxsize=4)
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
        descriptor = os.memfd_create("rclone.conf")
        try:
            os.write(descriptor, config.encode())
            yield found | {"RCLONE_CONFIG": f"/proc/self/fd/{descriptor}"}, (descriptor,)
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


class RcloneStore(rest.RestStore):
    """A repository by rclone, which answers 500 and prints what it was."""

    def __init__(
        self, location: Location, server: Server, path: str, secrets: tuple[Secret, ...]
    ) -> None:
        super().__init__(location, server, dict(rest.HEADERS), secrets)
        self._server = server
        self._path = path

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`.

        rclone looks first, and to a failure of that look it says 404 as well: so that 404 is
        believed only if reading says the same.
        """
        try:
            super().delete_lock(lock)
        except Gone:
            self.read_lock(lock)
            raise Refused(f"{self._shown} will not delete the lock, and gives no reason") from None

    def _failure(self, status: int, body: bytes) -> StoreError:
        reason = self._server.reason(self._path)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and not reason:
            reason = self._server.why(self._path)
        if not reason:
            return super()._failure(status, body)
        if _DENIED.search(reason):
            return Unauthorized(f"{self._shown} denies access; rclone says: {reason}")
        return Unreachable(f"{self._shown} cannot be reached; rclone says: {reason}")

    def _refused(self, status: int, body: bytes, doing: str) -> StoreError:
        reason = self._server.reason(self._path)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR or not reason:
            return super()._refused(status, body, doing)
        if _DENIED.search(reason):
            return Refused(f"{self._shown} will not {doing} the lock; rclone says: {reason}")
        return Unreachable(f"{self._shown} could not {doing} the lock; rclone says: {reason}")
