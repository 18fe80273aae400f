"""`$(VAR)` in the values, the command and the arguments of a container, as the kubelet does it.

The rules are Kubernetes' (`third_party/forked/golang/expansion`): `$(NAME)` is replaced where NAME
is known and left as it is where not, `$$` is one `$` and keeps what follows from being replaced,
every other `$` stays.
"""

from __future__ import annotations

from collections.abc import Callable

LONGEST = 1 << 20
"""Characters; what a Secret can hold. A value that would become longer is not known."""


class TooLong(Exception):
    """A value refers to itself so often that no process could have it."""


def expand(text: str, known: Callable[[str], str | None]) -> str:
    """The text with every `$(NAME)` replaced that `known` has a value for. Raises TooLong."""
    pieces: list[str] = []
    size = position = 0
    while True:
        dollar = text.find("$", position)
        if dollar < 0 or dollar + 1 >= len(text):
            pieces.append(text[position:])
            return _joined(pieces, size + len(text) - position)
        pieces.append(text[position:dollar])
        piece, position = _replaced(text, dollar, known)
        pieces.append(piece)
        size += len(pieces[-2]) + len(piece)
        if size > LONGEST:
            raise TooLong


def _replaced(text: str, dollar: int, known: Callable[[str], str | None]) -> tuple[str, int]:
    """What stands for the operator at this dollar, and where the text goes on."""
    operator = text[dollar + 1]
    if operator == "$":
        return "$", dollar + 2
    if operator != "(":
        return f"${operator}", dollar + 2
    end = text.find(")", dollar + 2)
    if end < 0:
        return "$(", dollar + 2
    name = text[dollar + 2 : end]
    value = known(name)
    return (f"$({name})" if value is None else value), end + 1


def _joined(pieces: list[str], size: int) -> str:
    if size > LONGEST:
        raise TooLong
    return "".join(pieces)
