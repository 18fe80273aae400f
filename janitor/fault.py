"""What is said of an exception that nobody foresaw: never its text, which may hold anything."""

from __future__ import annotations

import sys
import traceback

import structlog

log = structlog.get_logger("janitor")


def log_fault(**where: str) -> str:
    """Logs where the exception that is being handled came from, and returns a sentence for the
    report. `where` is what was being done, as the log line has it.
    """
    kind, _, trace = sys.exc_info()
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)
    ]
    name = kind.__name__ if kind else "unknown"
    log.error("unexpected fault", **where, kind=name, trace=frames)
    return (
        f"an unexpected fault in the janitor itself ({name}; the log has its trace): please report"
    )
