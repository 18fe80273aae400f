"""One line that counts while the work goes on, on a terminal; nothing at all elsewhere.

The diagnostics go through the same object, so that a log line never lands in the middle of the
counter.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TextIO

from janitor.report.escape import encodable, printable
from janitor.report.printers import terminal_width

_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Call it as `progress(done, total, what)`; `write` a log line; `finish` wipes the counter."""

    def __init__(self, stream: TextIO, *, shown: bool, width: int) -> None:
        self._stream = stream
        self._shown = shown
        self._width = width
        self._line = ""
        self._lock = threading.Lock()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Shows that `done` of `total` are through, and what is in hand now; from any thread."""
        if not self._shown:
            return
        text = printable(f"{done:,} of {total:,}  {what}", limit=max(self._width - 1, 8))
        with self._lock:
            if text != self._line:
                self._line = text
                self._out(_CLEAR_LINE + text)

    def write(self, text: str) -> int:
        """Writes other text to the same stream, above the counter."""
        with self._lock:
            if self._line:
                self._out(_CLEAR_LINE + text + (self._line if text.endswith("\n") else ""))
            else:
                self._out(text)
        return len(text)

    def flush(self) -> None:
        """Does nothing: everything is flushed as it is written."""

    def finish(self) -> None:
        """Wipes the counter, before the report is printed or the program ends."""
        with self._lock:
            if self._line:
                self._line = ""
                self._out(_CLEAR_LINE)

    def _out(self, text: str) -> None:
        self._stream.write(encodable(text, self._stream))
        self._stream.flush()


def progress_on(stream: TextIO, environment: Mapping[str, str]) -> Progress:
    """The counter for this stream: shown on a terminal that can clear a line, silent elsewhere."""
    shown = stream.isatty() and environment.get("TERM") not in ("dumb", "unknown")
    return Progress(stream, shown=shown, width=terminal_width(stream, environment))
