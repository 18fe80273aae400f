"""Repositories behind any of rclone's remotes: `rclone serve restic`, started by the janitor.

restic starts the same server and speaks its REST protocol with it (`internal/backend/rclone`).
Here it listens on a unix socket in a folder of its own, which is the janitor's user's alone. One
program serves all repositories of a remote that have the same variables.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from janitor.model import LockID, Secret
from janitor.store import rest
from janitor.store.connections import Connections
from janitor.store.errors import (
    Gone,
    Refused,
    StoreError,
    Unauthorized,
    Unreachable,
    Unsupported,
)
from janitor.store.extras import missing_extra
from janitor.store.http_client import Answer
from janitor.store.location import Location
from janitor.store.rclone_server import Server
from janitor.store.variables import secrets_of

_NOT_PASSED_ON = re.compile(
    r"RCLONE_(ADDR|ALLOW_ORIGIN|AUTH_PROXY|BASEURL|CERT|CLIENT_CA|HTPASSWD|INTERACTIVE|KEY|LOG_.*"
    r"|MIN_TLS_VERSION|PASS|QUIET|RC(_.*)?|REALM|SALT|STDIO|USER|VERBOSE)"
)
"""They would change the server, which is the janitor's own, and not the remote."""
_HARMLESS = re.compile(r"^RCLONE_CONFIG$|_(TYPE|PROVIDER|ENDPOINT|REGION|HOST)$")
_COMMANDS = re.compile(r"RCLONE_(PASSWORD_COMMAND|METADATA_MAPPER)")
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
        raise missing_extra("rclone", "there is no program rclone")
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

    def _failure(self, answer: Answer) -> StoreError:
        reason = self._server.reason(self._path)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and not reason:
            reason = self._server.why(self._path)
        if not reason:
            return super()._failure(answer)
        if _DENIED.search(reason):
            return Unauthorized(f"{self._shown} denies access; rclone says: {reason}")
        return Unreachable(f"{self._shown} cannot be reached; rclone says: {reason}")

    def _refused(self, answer: Answer, doing: str) -> StoreError:
        reason = self._server.reason(self._path)
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR or not reason:
            return super()._refused(answer, doing)
        if _DENIED.search(reason):
            return Refused(f"{self._shown} will not {doing} the lock; rclone says: {reason}")
        return Unreachable(f"{self._shown} could not {doing} the lock; rclone says: {reason}")
