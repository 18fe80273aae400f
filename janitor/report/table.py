"""The table for terminals, in plain columns: what is shown without the extra `cli`.

Three columns, each cell of several lines: the lock and its age, the verdict and what was done,
the holder and the reason. That keeps whole sentences readable at 80 columns; on a very narrow
terminal the cells stand below each other.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from janitor.report.rows import Block, Row

HEADER = Row(("LOCK, AGE",), ("VERDICT, DONE",), ("HOLDER, REASON",), "header")
INDENT = 2
GAP = 2
_LEAST_TEXT = 24
LEAST_WIDTH = 16


def column_widths(blocks: Sequence[Block], width: int) -> tuple[int, int, int] | None:
    """The three columns' widths in cells, or None where the terminal is too narrow for columns."""
    rows = [HEADER, *(row for block in blocks for row in block.rows)]
    lock = max(len(line) for row in rows for line in row.lock)
    verdict = max(len(line) for row in rows for line in row.verdict)
    text = width - INDENT - lock - GAP - verdict - GAP
    return None if text < _LEAST_TEXT else (lock, verdict, text)


def plain_table(blocks: Sequence[Block], *, width: int) -> list[str]:
    """Returns the blocks as lines of at most `width` characters (of at least 16)."""
    width = max(width, LEAST_WIDTH)
    widths = column_widths(blocks, width)
    lines: list[str] = []
    if widths is not None and any(block.rows for block in blocks):
        lines += _columns(HEADER, widths)
    for block in blocks:
        lines += heading(block, width)
        for row in block.rows:
            lines += _stacked(row, width) if widths is None else _columns(row, widths)
        lines.append("")
    return lines


def heading(block: Block, width: int) -> list[str]:
    """A repository's name, what it is, and what went wrong with it."""
    lines = wrapped(f"{block.name}  {block.about}".rstrip(), width, hanging=INDENT)
    if block.detail:
        lines += indented(wrapped(block.detail, width - INDENT))
    return lines


def wrapped(text: str, width: int, *, hanging: int = 0) -> list[str]:
    """Wraps at spaces, and within a word only where it is longer than a line."""
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * hanging,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [""]


def indented(lines: Iterable[str], by: int = INDENT) -> list[str]:
    """Puts spaces before every line."""
    return [" " * by + line for line in lines]


def _columns(row: Row, widths: tuple[int, int, int]) -> list[str]:
    lock, verdict, text = widths
    reason = [line for part in row.text for line in wrapped(part, text)]
    return [
        f"{'':{INDENT}}{a:{lock}}{'':{GAP}}{b:{verdict}}{'':{GAP}}{c}".rstrip()
        for a, b, c in zip_longest(row.lock, row.verdict, reason, fillvalue="")
    ]


def _stacked(row: Row, width: int) -> list[str]:
    inner = width - INDENT
    lines = wrapped(", ".join(row.lock), inner) + wrapped(", ".join(row.verdict), inner)
    for part in row.text:
        lines += indented(wrapped(part, inner - INDENT))
    return indented(lines)
