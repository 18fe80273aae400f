"""The variables of one repository, from mounted Secrets, env files and the configuration.

A folder holds one file per variable, as a mounted Secret does: symbolic links through `..data`, so
names that begin with `..` are passed over, and so are names that are not restic's. An env file
holds `KEY=VALUE` lines. Later sources win, `variables` last. Values are kept byte for byte.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from janitor.discover.variables import is_restic_variable
from janitor.model import Secret

_LARGEST = 1 << 20
"""Bytes; what a Secret can hold."""
_MOST_NAMES = 1000

_LINE = re.compile(rb"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


class IncompleteError(Exception):
    """This repository cannot be opened as it is described; one sentence without any value."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What restic would find in its environment for one repository."""

    values: Mapping[str, Secret]
    """Only variables that restic reads, and none that is empty: to restic that is unset."""
    folders: Mapping[Path, frozenset[str]] = field(default_factory=dict)
    """Each folder that was read, and every name in it."""
    public: frozenset[str] = frozenset()
    """Variables whose value comes from the configuration file, so that it may be shown."""


class Sources:
    """The folders and env files of one run: many repositories may share one, which is read once."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[Mapping[str, Secret], frozenset[str] | None]] = {}

    def read(self, source: Path) -> tuple[Mapping[str, Secret], frozenset[str] | None]:
        """The variables in it; of a folder also every name. Raises IncompleteError, each time."""
        if source not in self._read:
            names = _names(source) if _is_folder(source) else None
            values = _read_env_file(source) if names is None else _read_folder(source, names)
            self._read[source] = (values, names)
        return self._read[source]


def read_environment(
    sources: Sequence[Path],
    variables: Mapping[str, str],
    *,
    secrets: Mapping[str, Secret] | None = None,
    known: Sources | None = None,
) -> Environment:
    """Reads the folders and env files in order, and lays `secrets` and `variables` over them.

    `known` has what was read for others. Raises IncompleteError where a source
    is missing, cannot be read, or holds what no environment variable can hold.
    """
    known = known or Sources()
    values: dict[str, Secret] = {}
    folders: dict[Path, frozenset[str]] = {}
    for source in sources:
        found, names = known.read(source)
        values |= found
        if names is not None:
            folders[source] = names
    values |= secrets or {}
    values |= {name: Secret(value) for name, value in variables.items()}
    return Environment(
        values={name: value for name, value in values.items() if value},
        folders=folders,
        public=frozenset(variables),
    )


def read_bounded(path: Path) -> bytes:
    """A regular file's bytes, at most 1 MiB. Raises OSError or IncompleteError.

    Opened without blocking: a FIFO in a folder must not stop the sweep.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IncompleteError(f"{path} is not a file")
        raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise IncompleteError(f"{path} is larger than 1 MiB, which no credential is")
    return raw


def _is_folder(source: Path) -> bool:
    try:
        return stat.S_ISDIR(source.stat().st_mode)
    except FileNotFoundError:
        raise IncompleteError(f"{source} does not exist: is the Secret mounted there?") from None
    except (OSError, ValueError) as error:
        raise IncompleteError(f"{source} cannot be read: {_why(error)}") from None


def _names(folder: Path) -> frozenset[str]:
    try:
        names = [path.name for path in folder.iterdir() if not path.name.startswith("..")]
    except OSError as error:
        raise IncompleteError(f"{folder} cannot be read: {_why(error)}") from None
    if len(names) > _MOST_NAMES:
        raise IncompleteError(f"{folder} holds more than {_MOST_NAMES} files: is it a Secret?")
    return frozenset(names)


def _read_folder(folder: Path, names: frozenset[str]) -> dict[str, Secret]:
    values: dict[str, Secret] = {}
    for name in sorted(filter(is_restic_variable, names)):
        try:
            raw = read_bounded(folder / name)
        except OSError as error:
            raise IncompleteError(f"{folder / name} cannot be read: {_why(error)}") from None
        values[name] = _value(raw, f"{folder / name}")
    return values


def _read_env_file(path: Path) -> dict[str, Secret]:
    """Reads `KEY=VALUE` lines as `docker run --env-file` does, and the shell's easy cases.

    `export ` in front is dropped, and one pair of quotes around the whole value; nothing is
    expanded. Where docker and a shell would differ beyond that, the line is refused.
    """
    try:
        raw = read_bounded(path)
    except OSError as error:
        raise IncompleteError(f"{path} cannot be read: {_why(error)}") from None
    values: dict[str, Secret] = {}
    lines = raw.removeprefix(codecs.BOM_UTF8).split(b"\n")
    for number, ended in enumerate(lines, start=1):
        line = ended.removesuffix(b"\r").lstrip(b" \t")
        if not line or line.startswith(b"#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise IncompleteError(f"{path}, line {number}: is not KEY=VALUE")
        name = match[1].decode("ascii")
        if is_restic_variable(name):
            place = f"{path}, line {number}: {name}"
            values[name] = _value(_unquoted(match[2], place), place)
    return values


def _unquoted(value: bytes, place: str) -> bytes:
    quote = value[:1]
    if quote not in (b"'", b'"'):
        return value
    inner, closing, after = value[1:].partition(quote)
    if not closing or after.strip(b" \t"):
        raise IncompleteError(f"{place} begins with a quote that does not enclose the whole value")
    if quote == b'"' and re.search(rb"[\\$`]", inner):
        raise IncompleteError(
            f"{place} has a backslash, $ or ` in double quotes, which a shell would "
            "replace: use single quotes"
        )
    return inner


def _value(raw: bytes, place: str) -> Secret:
    if b"\0" in raw:
        raise IncompleteError(f"{place} holds a NUL byte, which no environment variable can")
    return Secret.of_bytes(raw)


def _why(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or "its name is not a path"
