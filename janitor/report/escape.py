"""Shows text that strangers wrote (hostnames, user names, server messages) without obeying it.

A lock's hostname is whatever its writer put there. Printed raw it could move the cursor, hide
the verdict beside it, or turn a line around. JSON output escapes by itself (lines.py); this is for
everything that people read.
"""

from __future__ import annotations

import unicodedata
from typing import TextIO

_CUT = "..."
_MOST_MARKS = 2

# Invisible although Python calls them printable: Unicode's Default_Ignorable_Code_Point outside
# the categories that `str.isprintable` refuses, and the blank Braille pattern.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)


def printable(text: str, *, limit: int | None = None) -> str:
    r"""Returns the text on one line with everything that a terminal might obey escaped.

    Control codes, line breaks, bidi overrides, zero-width characters, every space but the
    ordinary one, lone surrogates and unassigned characters come out as `\n`, `\x1b`, `\u202e`.
    Letters of any language stay. So does a backslash, which makes a second pass change nothing.
    With `limit` (characters, at least 4) a longer result ends in `...`.
    """
    shown = text if text.isascii() and text.isprintable() else "".join(_shown(text))
    if limit is not None and len(shown) > limit:
        return shown[: limit - len(_CUT)] + _CUT
    return shown


def printable_lines(text: str) -> str:
    """Returns the text with its line feeds kept and every line made `printable`."""
    return "\n".join(printable(line.replace("\t", "    ")) for line in text.split("\n"))


def sentence(text: str, *, limit: int | None = None) -> str:
    """Returns the text `printable`, with a capital at its start and a full stop at its end."""
    shown = printable(text.strip(), limit=limit)
    if not shown:
        return shown
    start = shown[0].upper() if shown[0].isascii() else shown[0]
    return start + shown[1:] + ("" if shown.endswith((".", "!", "?")) else ".")


_MARKUP = str.maketrans({each: f"\\x{ord(each):02x}" for each in "[]<>"})


def unlinked(text: str) -> str:
    r"""Returns the text with what makes links and HTML of it escaped, as `\x5b`.

    Events end up in chats and dashboards that render Markdown. For what is `printable` already.
    """
    return text.translate(_MARKUP)


def encodable(text: str, stream: TextIO) -> str:
    """Returns the text with what the stream's encoding lacks escaped: writing it never fails."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _shown(text: str) -> list[str]:
    shown = []
    marks = _MOST_MARKS  # a mark at the start would sit on whatever was printed before it
    for character in text:
        if unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
        else:
            marks = 0
        if character.isprintable() and character not in _INVISIBLE and marks <= _MOST_MARKS:
            shown.append(character)
        else:
            shown.append(_escaped(character))
    return shown


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
