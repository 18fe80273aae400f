"""The state kept in a file."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from janitor.model import StateConflict, StateUnavailable

_MAX_BYTES = 16 * 1024 * 1024
_TRIES = 100
_PAUSE = 0.1
"""Seconds between two tries to be the only one that writes, which takes a few milliseconds."""


class FileShelf:
    """A file that is replaced atomically; its version is its content.

    A lock file beside it keeps two janitors on one machine from writing at the same instant.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[str | None, object]:
        """The document, or None where there is no such file yet. Raises StateUnavailable."""
        try:
            with self._path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise StateUnavailable(self._sentence("read", error)) from None
        if len(raw) > _MAX_BYTES:
            raise StateUnavailable(
                f"the state file {self._path} is larger than 16 MiB: not a state"
            )
        text = raw.decode("utf-8", "replace")
        return text, text

    def write(self, text: str, version: object) -> None:
        """Replaces the file. Raises StateConflict where its content is no longer `version`."""
        try:
            with self._alone():
                if self.read()[1] != version:
                    raise StateConflict
                self._replace(text)
        except OSError as error:
            raise StateUnavailable(self._sentence("written", error)) from None

    def unwritable(self) -> str | None:
        """One sentence where this user may not write it; finding out writes nothing."""
        folder = self._path.parent
        if os.access(folder, os.W_OK | os.X_OK) and not self._path.is_dir():
            return None
        return f"the state file {self._path} cannot be written: no file can be made there"

    def _replace(self, text: str) -> None:
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._path.with_name(f".{self._path.name}.lock").open("a") as file:
            for _ in range(_TRIES):
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(_PAUSE)
            else:
                raise StateUnavailable(
                    f"the state file {self._path} cannot be written: another janitor has been "
                    f"writing it for {_TRIES * _PAUSE:.0f} seconds; end it if it hangs"
                )
            yield

    def _sentence(self, what: str, error: OSError) -> str:
        return (
            f"the state file {self._path} cannot be {what}: {error.strerror or error}; "
            "give --state a file in a folder that this user may write"
        )
