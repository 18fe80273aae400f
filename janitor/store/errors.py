"""Everything that can go wrong with a store, as a flat family of errors.

Each message is one sentence for a person, without any credential: stores pass library texts
through `redact` before they raise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from html import escape
from urllib.parse import quote, quote_plus

from janitor.model import RepositoryState, Secret


class BadLocation(ValueError):
    """A repository's location that restic would not understand either: one sentence, which quotes
    nothing that may be a password.
    """


class StoreError(Exception):
    """Base of all; `state` is what the repository's line says."""

    state = RepositoryState.UNREACHABLE


class Unreachable(StoreError):
    """The network, the server or the file system did not answer, or answered nonsense."""


class Unauthorized(StoreError):
    """The server, or the file system, refuses these credentials or this user."""

    state = RepositoryState.UNAUTHORIZED


class NoRepository(StoreError):
    """There is no `config` where the location points."""

    state = RepositoryState.NO_REPOSITORY


class NotMounted(StoreError):
    """A local path that is not there in the janitor's own file system."""

    state = RepositoryState.NOT_MOUNTED


class Unsupported(StoreError):
    """The location or the credentials cannot be used by this installation; the sentence says
    which extra, variable or version would serve.
    """

    state = RepositoryState.INCOMPLETE


class Gone(StoreError):
    """The file is not there (any more)."""


class Refused(StoreError):
    """The server will not delete or write this file; the sentence quotes its reason."""


class TooLarge(StoreError):
    """A file is larger than its kind can be."""


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every spelling of every secret as `***`: raw, stripped, percent-encoded, and
    escaped as HTML, JSON, Python and Rust do.
    """
    spellings: set[str] = set()
    for secret in secrets:
        raw = secret.reveal()
        for form in {raw, raw.strip(), raw.rstrip("\n")}:
            spellings |= {form, escape(form), escape(form, quote=False)}
            spellings |= {form.encode("unicode_escape").decode("ascii"), repr(form)[1:-1]}
            spellings |= {json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1]}
            with suppress(UnicodeEncodeError):
                spellings |= {quote(form, safe=""), quote(form), quote_plus(form)}
    for spelling in sorted(filter(None, spellings), key=len, reverse=True):
        text = text.replace(spelling, "***")
    return text


def one_line(text: str, secrets: Iterable[Secret], *, at_most: int = 300) -> str:
    """A library's or a server's words, fit for a sentence: redacted, on one line, cut."""
    words = "".join(each if each.isprintable() else " " for each in redact(text, secrets))
    line = " ".join(words.split())
    return line if len(line) <= at_most else line[: at_most - 3] + "..."
