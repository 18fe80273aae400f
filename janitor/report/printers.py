"""The two ways to tell a run on standard output: a table for people, JSON lines for machines.

Both take the reports as they come and are finished once. The JSON printer writes every line at
once, since a removed lock's record must be out before anything else can go wrong; the table is
drawn at the end, when everything is known.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from typing import Protocol, TextIO

from janitor.model import LockReport, RepositoryReport, SweepReport
from janitor.report.escape import encodable, sentence
from janitor.report.lines import json_line
from janitor.report.rows import Block, blocks, put_back_commands
from janitor.report.summary import summary
from janitor.report.table import LEAST_WIDTH, indented, plain_table, wrapped

_USUAL_WIDTH = 80


class Printer(Protocol):
    """Where the reports of a run go."""

    def lock(self, report: LockReport) -> None:
        """Tells about one lock."""

    def repository(self, report: RepositoryReport) -> None:
        """Tells about one repository."""

    def sweep(self, report: SweepReport) -> None:
        """Tells the sum; called once, last."""

    def finish(self) -> None:
        """Writes whatever is not written yet; called also when the run was cut short."""


class JsonPrinter:
    """One JSON object a line, flushed line by line (docs/output.md)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def lock(self, report: LockReport) -> None:
        """Writes a `lock` line."""
        self._write(report)

    def repository(self, report: RepositoryReport) -> None:
        """Writes a `repository` line."""
        self._write(report)

    def sweep(self, report: SweepReport) -> None:
        """Writes the `sweep` line."""
        self._write(report)

    def finish(self) -> None:
        """Does nothing: every line is out already."""

    def _write(self, report: LockReport | RepositoryReport | SweepReport) -> None:
        self._stream.write(json_line(report) + "\n")
        self._stream.flush()


class TablePrinter:
    """Repositories and their locks as a table, and a summary at the end."""

    def __init__(
        self, stream: TextIO, *, width: int = _USUAL_WIDTH, colour: bool = False, rich: bool = False
    ) -> None:
        self._stream = stream
        self._width = max(width, LEAST_WIDTH)
        self._colour = colour
        self._rich = rich
        self._locks: list[LockReport] = []
        self._repositories: list[RepositoryReport] = []
        self._sweep: SweepReport | None = None
        self._finished = False

    def lock(self, report: LockReport) -> None:
        """Keeps it for the table."""
        self._locks.append(report)

    def repository(self, report: RepositoryReport) -> None:
        """Keeps it for the table."""
        self._repositories.append(report)

    def sweep(self, report: SweepReport) -> None:
        """Keeps it for the summary."""
        self._sweep = report

    def finish(self) -> None:
        """Draws the table and the summary, once."""
        if self._finished:
            return
        self._finished = True
        text = "\n".join(self._lines()) + "\n"
        self._stream.write(encodable(text, self._stream))
        self._stream.flush()

    def _lines(self) -> list[str]:
        unlocked, with_locks, failed = blocks(self._locks, self._repositories)
        lines = [*wrapped(unlocked, self._width), ""] if unlocked else []
        if with_locks or failed:
            lines += self._table(with_locks + failed)
        commands = put_back_commands(self._locks)
        if commands:
            lines += wrapped(
                "To put a removed lock back, with the same --config and --state:", self._width
            )
            lines += [*indented(commands), ""]
        for said in summary(self._locks, self._repositories, self._sweep):
            lines += wrapped(sentence(said), self._width)
        return lines

    def _table(self, shown: list[Block]) -> list[str]:
        if not self._rich:
            return plain_table(shown, width=self._width)
        from janitor.report.rich_table import rich_table  # noqa: PLC0415 - the extra `cli`

        return rich_table(shown, width=self._width, colour=self._colour)


def table_printer(stream: TextIO, environment: Mapping[str, str]) -> TablePrinter:
    """The table as this stream can show it: its width, colours, and rich where it is installed."""
    return TablePrinter(
        stream,
        width=terminal_width(stream, environment),
        colour=wants_colour(stream, environment),
        rich=importlib.util.find_spec("rich") is not None,
    )


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Colours only on a terminal that has them, and never with NO_COLOR (https://no-color.org)."""
    if environment.get("NO_COLOR") or environment.get("TERM") in ("dumb", "unknown"):
        return False
    return stream.isatty()


def terminal_width(stream: TextIO, environment: Mapping[str, str]) -> int:
    """COLUMNS if set, else the terminal's own width, else 80; in character cells."""
    columns = environment.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError, AttributeError):
        return _USUAL_WIDTH
