"""The termination message: one line of JSON that `kubectl describe pod` shows of a finished Job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from janitor.model import SweepReport
from janitor.report.escape import printable
from janitor.report.lines import fields_of, one_line

MOST_BYTES = 4096
"""The kubelet cuts a container's termination message there, which would break the JSON."""

_CUT = " ..."


def termination_message(
    sweep: SweepReport, sentences: Sequence[str], *, most_bytes: int = MOST_BYTES
) -> str:
    """Returns the fields of the `sweep` line with all sentences in `detail`, cut at a word.

    The result is one line of ASCII, so its length in characters is its length in bytes.
    """
    fields = fields_of(sweep)
    words = printable(" ".join(sentences)).split(" ")
    fits, too_many = 0, len(words) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(_message(fields, words, middle)) <= most_bytes:
            fits = middle
        else:
            too_many = middle
    return _message(fields, words, fits)


def write_termination(path: Path, sweep: SweepReport, sentences: Sequence[str]) -> str | None:
    """Writes the termination message to the file that the kubelet made for it.

    Returns:
        None, or one sentence why it could not be written: that is a warning and no failure. A
        missing file is never created, since outside a pod nobody would read or remove it.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(termination_message(sweep, sentences))
    except OSError as error:
        return f"the termination message was not written to {path}: {error.strerror or error}"
    return None


def _message(fields: dict[str, object], words: Sequence[str], number: int) -> str:
    detail = " ".join(words[:number]) + (_CUT if number < len(words) else "")
    return one_line({**fields, "detail": detail.strip() or None})
