"""The same table drawn by rich, with colours where the terminal has them (extra `cli`).

Everything goes in as `Text`, never as markup: a hostname may contain `[red]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from janitor.report.rows import Block, Row
from janitor.report.table import GAP, HEADER, INDENT, LEAST_WIDTH, column_widths, heading

_STYLES = {"good": "green", "calm": "", "alarm": "bold red", "header": "dim"}


def rich_table(blocks: Sequence[Block], *, width: int, colour: bool) -> list[str]:
    """Returns the blocks as lines of at most `width` cells, with ANSI colours if asked for."""
    width = max(width, LEAST_WIDTH)
    widths = column_widths(blocks, width)
    parts: list[RenderableType] = []
    if widths is not None and any(block.rows for block in blocks):
        parts.append(_columns([HEADER], widths))
    for block in blocks:
        parts.append(_heading(block, width))
        if widths is not None:
            parts.append(_columns(block.rows, widths))
        else:
            parts += [part for row in block.rows for part in _stacked(row)]
        parts.append(Text())
    return _drawn(parts, width=width, colour=colour)


def _drawn(parts: Sequence[RenderableType], *, width: int, colour: bool) -> list[str]:
    target = StringIO()
    console = Console(
        file=target,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in target.getvalue().splitlines()]


def _heading(block: Block, width: int) -> Text:
    lines = Text("\n".join(heading(block, width)))
    lines.stylize(_STYLES[block.tone] or "bold", 0, len(block.name))
    return lines


def _columns(rows: Sequence[Row], widths: tuple[int, int, int]) -> Table:
    table = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    table.add_column(width=INDENT - GAP or None)
    for width in widths:
        table.add_column(width=width, overflow="fold")
    for row in rows:
        style = _STYLES[row.tone]
        table.add_row(
            "", Text("\n".join(row.lock)), Text("\n".join(row.verdict), style), _text(row)
        )
    return table


def _text(row: Row) -> Text:
    first, *rest = row.text
    return Text.assemble((first, "" if row.tone == "header" else "bold"), *("\n" + s for s in rest))


def _stacked(row: Row) -> list[RenderableType]:
    style = _STYLES[row.tone]
    return [
        Padding(Text(", ".join(row.lock)), (0, 0, 0, INDENT)),
        Padding(Text(", ".join(row.verdict), style), (0, 0, 0, INDENT)),
        Padding(_text(row), (0, 0, 0, 2 * INDENT)),
    ]
