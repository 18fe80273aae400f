"""What restic, run by one container of a template, would make of its environment and its flags."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from janitor.discover.draft import MountedVolume
from janitor.discover.mounted_files import NotReadable, read_file, volume_at
from janitor.discover.reader import Reader, text_at
from janitor.discover.template import (
    Environment,
    PodTemplate,
    environment_of,
    mentions_restic,
    words_of,
)
from janitor.discover.variables import is_path, is_restic_variable
from janitor.model import Secret, SecretFile

_FLAGS = {
    "-r": "RESTIC_REPOSITORY",
    "--repo": "RESTIC_REPOSITORY",
    "--repository-file": "RESTIC_REPOSITORY_FILE",
    "-p": "RESTIC_PASSWORD_FILE",
    "--password-file": "RESTIC_PASSWORD_FILE",
    "--password-command": "RESTIC_PASSWORD_COMMAND",
    "--key-hint": "RESTIC_KEY_HINT",
    "--cacert": "RESTIC_CACERT",
    "--tls-client-cert": "RESTIC_TLS_CLIENT_CERT",
}
"""restic's global flags, and the variables that they win over (restic's `global.go`)."""
_INSECURE = "--insecure-tls"
_PLACES = ("RESTIC_REPOSITORY", "RESTIC_REPOSITORY_FILE")
_PASSWORDS = ("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND")


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as far as it can be known."""

    name: str
    mentions_restic: bool
    names_a_repository: bool
    location: str | None = None
    volume: MountedVolume | None = None
    """For a local location."""
    variables: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    """restic's own, a SecretFile in place of each path."""
    insecure_tls: bool = False
    problem: str | None = None
    """Why its repository cannot be opened from here, in one sentence."""


class _Incomplete(Exception):
    """Something of the container is not known; the message is the sentence."""


def read_container(
    container: Mapping[str, Any], template: PodTemplate, reader: Reader
) -> Container:
    """The container by its environment and flags. Never raises."""
    environment = environment_of(container, template, reader)
    words = words_of(container, environment)
    flags = dict(_flags(container, words))
    everything = {*environment.values, *environment.unknown, *flags}
    read = Container(
        name=text_at(container, "name"),
        mentions_restic=mentions_restic(container, environment),
        names_a_repository=any(name in everything for name in _PLACES),
        insecure_tls=_INSECURE in flags,
    )
    if not read.names_a_repository:
        missing = environment.missing
        return replace(read, problem=missing[0] if missing and read.mentions_restic else None)
    try:
        variables = _variables(environment, flags)
        variables = {
            name: _file(name, value, container, template, reader) if is_path(name) else value
            for name, value in variables.items()
        }
        location = _location(variables)
        volume = _volume(location, container, template)
        return replace(read, location=location, volume=volume, variables=variables)
    except _Incomplete as problem:
        return replace(read, problem=str(problem))


def _flags(
    container: Mapping[str, Any], words: tuple[str | None, ...]
) -> Iterator[tuple[str, str | None]]:
    """Variable and value of restic's flags, where restic is what the container runs.

    Only whole words count: what stands inside a shell's script is not known.
    """
    program = posixpath.basename(words[0] or "") if words else ""
    by_image = not container.get("command") and "restic" in text_at(container, "image")
    if program != "restic" and not by_image:
        return
    iterator = iter(words)
    for word in iterator:
        if word is None:
            continue
        if word == "--":
            return
        if word in (_INSECURE, f"{_INSECURE}=true"):
            yield _INSECURE, ""
            continue
        flag, equals, value = word.partition("=")
        if flag in _FLAGS:
            yield _FLAGS[flag], value if equals else next(iterator, None)
        elif word[:2] in ("-r", "-p") and len(word) > len("-r"):
            yield _FLAGS[word[:2]], word[2:]


def _variables(environment: Environment, flags: Mapping[str, str | None]) -> dict[str, Secret]:
    """Restic's own variables, a flag in place of the variable that it wins over."""
    for name in sorted(filter(is_restic_variable, environment.unknown)):
        if not _overruled(name, flags):
            raise _Incomplete(f"{name} is not known: {environment.unknown[name]}")
    if environment.missing:
        raise _Incomplete(environment.missing[0])
    values = {
        name: value
        for name, value in environment.values.items()
        if is_restic_variable(name) and value and not _overruled(name, flags)
    }
    for name, value in flags.items():
        if name == _INSECURE:
            continue
        if value is None:
            raise _Incomplete(f"the flag that stands for {name} has no value that is known here")
        values[name] = Secret(value)
    if not any(name in values for name in _PASSWORDS):
        raise _Incomplete(
            "it has neither RESTIC_PASSWORD nor RESTIC_PASSWORD_FILE in its environment: what a "
            "script computes is not known here"
        )
    return values


def _overruled(name: str, flags: Mapping[str, str | None]) -> bool:
    """A flag for the repository or the password overrules every variable for it."""
    return any(
        name in group and any(other in flags for other in group) for group in (_PLACES, _PASSWORDS)
    )


def _file(
    name: str,
    value: Secret,
    container: Mapping[str, Any],
    template: PodTemplate,
    reader: Reader,
) -> Secret:
    """The content of the file, or of the files that commas part, in the variable of its path."""
    path = value.reveal()
    paths = path.split(",") if name == "RESTIC_CACERT" else [path]
    contents = []
    for each in paths:
        try:
            contents.append(read_file(each, container, template, reader).reveal())
        except NotReadable as problem:
            raise _Incomplete(f"the file {each!r} that {name} names {problem}") from None
    return SecretFile("\n".join(contents))


def _location(variables: Mapping[str, Secret]) -> str | None:
    """None: a file holds it, which `confine` reads as restic does."""
    named = variables.get("RESTIC_REPOSITORY")
    return None if named is None or "RESTIC_REPOSITORY_FILE" in variables else named.reveal()


def _volume(
    location: str | None, container: Mapping[str, Any], template: PodTemplate
) -> MountedVolume | None:
    """What is mounted at a local location's folder."""
    if location is None:
        return None
    path = location.removeprefix("local:")
    return volume_at(path, container, template) if path.startswith("/") else None
