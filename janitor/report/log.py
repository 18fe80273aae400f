"""Diagnostics on standard error: JSON in a pod, readable on a terminal.

Two traps are closed here. structlog's ready-made tracebacks show local variables, where passwords
live: ours never do. And the libraries below us log request paths, which may carry a signature:
what they say through `logging` is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from janitor.model import Secret
from janitor.report.escape import printable, printable_lines
from janitor.report.lines import one_line

LEVELS = ("debug", "info", "warning", "error")


class LogStream(Protocol):
    """Where log lines go: standard error, or the `Progress` in front of it."""

    def write(self, text: str, /) -> int:
        """Writes the text."""

    def flush(self) -> None:
        """Makes sure it is out."""


def configure_logging(
    stream: LogStream, *, json: bool, level: str = "info", colour: bool = False
) -> None:
    """Sets structlog up for this process.

    Args:
        stream: standard error, or the `Progress` in front of it.
        json: one JSON object a line; else lines for people.
        level: one of `LEVELS`; what is below is dropped.
        colour: colours in the lines for people.

    Raises:
        ValueError: for another level, naming those that exist.
    """
    if level not in LEVELS:
        raise ValueError(f"the log level {printable(level)!r} is not one of {', '.join(LEVELS)}")
    structlog.configure(
        processors=[*_shared(), *(_for_machines() if json else _for_people(colour=colour))],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLogger.factory(stream),
        cache_logger_on_first_use=False,
    )
    _silence_libraries()


def drop_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replaces every `Secret`, however deep it lies in lists and mappings, by `***`."""
    return {key: _without_secrets(value) for key, value in event.items()}


class _LineLogger:
    """Writes each finished line in one call, so that threads never mix theirs."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    @classmethod
    def factory(cls, stream: LogStream) -> _LineLoggerFactory:
        return lambda *_arguments: cls(stream)

    def msg(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    debug = info = warning = error = critical = exception = log = msg


class _LineLoggerFactory(Protocol):
    def __call__(self, *arguments: object) -> _LineLogger: ...


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_secrets,
        structlog.processors.format_exc_info,
    ]


def _for_machines() -> list[Processor]:
    return [_as_json]


def _for_people(*, colour: bool) -> list[Processor]:
    return [
        _make_printable,
        structlog.dev.ConsoleRenderer(
            colors=colour, exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return one_line({**first, **event})


def _make_printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {printable(key): _printable_value(key, value) for key, value in event.items()}


def _printable_value(key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return printable_lines(str(value)) if key == "exception" else printable(str(value))


def _without_secrets(value: object) -> object:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [_without_secrets(item) for item in value]
    return value


def _silence_libraries() -> None:
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
