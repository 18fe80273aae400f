"""A person's mistakes in the configuration: found all at once, told in one sentence each.

No sentence repeats a value: what stands in a wrong place may be a password. Names are repeated,
where they are plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_TOLD_AT_MOST = 10
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")


class ConfigurationError(Exception):
    """The configuration cannot be used; nothing was touched. The message is a sentence a line."""


class Mistakes:
    """Collects the mistakes of one configuration, so that all are told in one go."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._sentences: list[str] = []

    def add(self, path: str, sentence: str, *, file: str | None = None) -> None:
        """Notes what is wrong with the key at `path` (empty: the whole file)."""
        place = ": ".join(filter(None, (self._file if file is None else file, path)))
        self._sentences.append(f"{place}: {sentence}" if place else sentence)

    def __bool__(self) -> bool:
        return bool(self._sentences)

    def first(self) -> str | None:
        """The first mistake's sentence, if there is any."""
        return self._sentences[0] if self._sentences else None

    def raise_if_any(self) -> None:
        """Raises ConfigurationError with the first ten mistakes and the number of the others."""
        if not self._sentences:
            return
        told = self._sentences[:_TOLD_AT_MOST]
        beyond = len(self._sentences) - len(told)
        if beyond:
            told.append(f"... and {beyond} more.")
        raise ConfigurationError("\n".join(told))


def shown_name(name: object) -> str:
    """A key's name for a sentence, if it is a plain word; else what it is instead."""
    if isinstance(name, str) and _WORD.fullmatch(name):
        return f"`{name}`"
    return "a key that is no plain word"


def nearest(name: object, known: Iterable[str], *, prefix: str = "") -> str:
    """`did you mean ...?`, or the names there are, for one that is unknown.

    A prefix that all have is shown, but says nothing about nearness.
    """
    names = {each.lower(): each for each in sorted(known)}
    close = get_close_matches(name.lower(), names, n=1) if isinstance(name, str) else []
    if close:
        return f"did you mean `{prefix}{names[close[0]]}`?"
    return f"known are {', '.join(f'`{prefix}{each}`' for each in names.values())}."
