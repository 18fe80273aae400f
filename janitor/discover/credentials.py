"""What restic makes of its environment: where the repository is and what opens it.

From restic's `internal/global/global.go` (readRepo, resolvePassword): a password from a file is
trimmed, one from a variable is not; a file wins over the variable; both spellings of the
repository at once are an error. RESTIC_PASSWORD_COMMAND would win too, but is never run here.
"""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

from janitor.discover.environment import Environment, IncompleteError, read_bounded
from janitor.discover.variables import VARIABLES
from janitor.model import Secret, SecretFile

_BLANKS = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's `strings.TrimSpace` trims; Python's `strip` trims four control characters more."""
_NAMES_SHOWN = 5
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")
"""As the keys of a Secret are."""

NOT_FOR_STORES = frozenset(
    {
        "RESTIC_REPOSITORY",
        "RESTIC_REPOSITORY_FILE",
        "RESTIC_PASSWORD",
        "RESTIC_PASSWORD_FILE",
        "RESTIC_PASSWORD_COMMAND",
        "RESTIC_KEY_HINT",
    }
)
"""Used up here: a store has no business with them."""


def find_location(environment: Environment) -> str:
    """The text of RESTIC_REPOSITORY, or of the file that RESTIC_REPOSITORY_FILE names.

    Raises IncompleteError where there is none, or both.
    """
    named = environment.values.get("RESTIC_REPOSITORY")
    if "RESTIC_REPOSITORY_FILE" in environment.values:
        if named:
            raise IncompleteError(
                "RESTIC_REPOSITORY and RESTIC_REPOSITORY_FILE are both set: restic allows one"
            )
        return _trimmed_file("RESTIC_REPOSITORY_FILE", environment).reveal()
    if named is None:
        raise IncompleteError(
            f"there is no `location` and no RESTIC_REPOSITORY{_what_is_there(environment)}"
        )
    return named.reveal()


def find_password(environment: Environment) -> Secret:
    """The repository's password. Raises IncompleteError where there is none."""
    if "RESTIC_PASSWORD_COMMAND" in environment.values:
        raise IncompleteError(
            "RESTIC_PASSWORD_COMMAND is not supported, no command is ever run: "
            "give RESTIC_PASSWORD or RESTIC_PASSWORD_FILE"
        )
    if "RESTIC_PASSWORD_FILE" in environment.values:
        password = _trimmed_file("RESTIC_PASSWORD_FILE", environment)
        if not password:
            raise IncompleteError("the file that RESTIC_PASSWORD_FILE names is empty")
        return password
    if "RESTIC_PASSWORD" not in environment.values:
        raise IncompleteError(
            f"there is no RESTIC_PASSWORD and no RESTIC_PASSWORD_FILE{_what_is_there(environment)}"
        )
    return environment.values["RESTIC_PASSWORD"]


def check_files(environment: Environment, scheme: str) -> None:
    """Whether the files are here that restic would read for a location of this scheme.

    Raises IncompleteError naming the variable, and how to write it.
    """
    for name, variable in VARIABLES.items():
        if scheme not in variable.file_for or name not in environment.values:
            continue
        if isinstance(environment.values[name], SecretFile):
            continue
        if variable.unless and all(other in environment.values for other in variable.unless):
            continue
        value = environment.values[name].reveal()
        # restic takes several certificates, with commas
        for path in value.split(",") if name == "RESTIC_CACERT" else [value]:
            if not _exists(path):
                raise IncompleteError(_missing(name, path, environment))
            if not os.access(path, os.R_OK):
                raise IncompleteError(f"the file that {name} names cannot be read by this user")


def _trimmed_file(name: str, environment: Environment) -> Secret:
    raw = _content(name, environment)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Secret(raw.decode("utf-16", "replace").strip(_BLANKS))
    text = Secret.of_bytes(raw.removeprefix(codecs.BOM_UTF8)).reveal()
    return Secret(text.strip(_BLANKS))


def _content(name: str, environment: Environment) -> bytes:
    value = environment.values[name]
    if isinstance(value, SecretFile):
        return value.encode()
    path = value.reveal()
    if not _exists(path):
        raise IncompleteError(_missing(name, path, environment))
    try:
        return read_bounded(Path(path))
    except OSError as error:
        why = f"the file that {name} names cannot be read: {error.strerror}"
        raise IncompleteError(why) from None


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _missing(name: str, path: str, environment: Environment) -> str:
    """Why the file that this variable names is not here, without repeating what may be secret."""
    trimmed = path.strip(_BLANKS)
    if "\n" in trimmed or trimmed.startswith("{"):
        for folder, names in environment.folders.items():
            if name in names:
                return (
                    f"{name} holds the content of a file, and restic reads a path there: write "
                    f"`variables: {{{name}: {folder / name}}}`"
                )
        return f"{name} holds the content of a file, and restic reads a path there"
    if trimmed != path and _exists(trimmed):
        return f"{name} begins or ends with a blank or a line break: take it away"
    for folder, names in environment.folders.items():
        base = trimmed.rpartition("/")[2]
        if base in names:
            return (
                f"{name} names a file that does not exist here, but {folder} has one of that name: "
                f"write `variables: {{{name}: {folder / base}}}`"
            )
    shown = f" ({path})" if name in environment.public or _folder_exists(path) else ""
    return f"{name} names a file that does not exist here{shown}: is it mounted?"


def _folder_exists(path: str) -> bool:
    """Whether it is a path at all: a password written there by mistake must not be shown."""
    parent = path.rpartition("/")[0]
    return path.startswith("/") and bool(parent.strip("/")) and _exists(parent)


def _what_is_there(environment: Environment) -> str:
    """The names in the folders that were read: people call the password many things."""
    if not environment.folders:
        return ""
    shown: list[str] = []
    for folder, names in environment.folders.items():
        plain = sorted(name for name in names if _PLAIN_NAME.fullmatch(name))
        some = ", ".join(plain[:_NAMES_SHOWN]) or "nothing"
        more = ", ..." if len(names) > _NAMES_SHOWN else ""
        shown.append(f"{folder} holds {some}{more}")
    return f"; {'; '.join(shown)}"
