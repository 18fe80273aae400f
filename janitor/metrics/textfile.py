"""The numbers in a file, for node-exporter's textfile collector."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from prometheus_client import write_to_textfile

from janitor.metrics.families import LAST_SUCCESS, registry_of
from janitor.sweep import Result

_LONGEST_LINE = 4096


def write_metrics(path: Path, result: Result, *, now: datetime) -> str | None:
    """Replaces the file in one step. The time of the last success is taken over from it.

    Returns:
        None, or one sentence why it could not be written: that is a warning and no failure.
    """
    try:
        registry = registry_of(result, now=now, earlier_success=_earlier_success(path))
        write_to_textfile(os.fspath(path), registry)
    except OSError as error:
        return (
            f"{path} cannot be written: {error.strerror or error}; give --metrics-file a file in a "
            "folder that this user may write"
        )
    return None


def _earlier_success(path: Path) -> float | None:
    """What the file says of it; None where there is no file, or one that is not ours."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in iter(lambda: file.readline(_LONGEST_LINE), ""):
                name, _, value = line.partition(" ")
                if name == LAST_SUCCESS:
                    return float(value)
    except (FileNotFoundError, ValueError):
        return None
    return None
