"""The configured repositories, ready to be opened: each with its credentials, or with why not.

A missing mount or variable is the problem of one repository: it is reported `incomplete`, and the
others are still done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from janitor.discover.configuration import Configuration
from janitor.discover.credentials import (
    NOT_FOR_STORES,
    check_files,
    find_location,
    find_password,
)
from janitor.discover.entry import ConfiguredRepository
from janitor.discover.environment import Environment, IncompleteError, Sources, read_environment
from janitor.discover.found import Found
from janitor.discover.mistakes import ConfigurationError
from janitor.discover.reader import Each, MissingObject, Reader
from janitor.discover.schema import SecretReference
from janitor.discover.variables import is_path, is_restic_variable, pod_identity
from janitor.model import GeneratedHolder, Repository, RepositoryState, Secret, SecretFile
from janitor.store.errors import BadLocation
from janitor.store.location import Location, parse_location

_NAMES_SHOWN = 10


def find_configured(
    configuration: Configuration,
    process: Mapping[str, str],
    *,
    reader: Reader | None = None,
    each: Each = map,
) -> tuple[Found, ...]:
    """The repositories of the file, in its order; without a file the one that restic would use.

    `reader` is needed for `secrets` and `workloads`, of which `each` reads several at once.
    `process` is the environment of this process: of it, configured repositories see only the
    identity that the cloud gave to the pod. Raises ConfigurationError only without a file, where
    restic's variables say no place.
    """
    if configuration.file is None:
        return (_default(process),)
    known = Sources()
    return tuple(
        each(lambda entry: _found(entry, process, reader, known), configuration.repositories)
    )


def select(found: Iterable[Found], patterns: Sequence[str]) -> tuple[Found, ...]:
    """Those whose name fits one of the globs; all of them where there is no pattern.

    Raises ConfigurationError for a pattern that fits none, naming the repositories there are.
    """
    everything = tuple(found)
    if not patterns:
        return everything
    for pattern in patterns:
        if not any(_is_called(each, pattern) for each in everything):
            names = [each.repository.name for each in everything]
            shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if names[_NAMES_SHOWN:] else "")
            raise ConfigurationError(f"No repository is called {pattern}; there are: {shown}.")
    return tuple(
        each for each in everything if any(_is_called(each, pattern) for pattern in patterns)
    )


def _is_called(found: Found, pattern: str) -> bool:
    """One that several owners know has the name that each of them gives it."""
    return any(fnmatchcase(name, pattern) for name in (found.repository.name, *found.aliases))


def _found(
    configured: ConfiguredRepository,
    process: Mapping[str, str],
    reader: Reader | None,
    known: Sources,
) -> Found:
    repository = configured.repository
    try:
        secrets = _read_secrets(configured.secrets, reader)
        environment = read_environment(
            configured.sources, configured.variables, secrets=secrets, known=known
        )
        generated = _generated(configured, reader)
        repository = replace(repository, generated=generated)
        location = configured.location
        if location is None:
            location = _parsed(find_location(environment))
            repository = replace(repository, location=location.shown)
        values = pod_identity(environment.values, process) | dict(environment.values)
        environment = replace(environment, values=values)
        return _complete(Found(repository, location, ssh=configured.ssh), environment)
    except IncompleteError as problem:
        return _incomplete(Found(repository, configured.location), problem)


def _read_secrets(
    references: Sequence[SecretReference], reader: Reader | None
) -> dict[str, Secret]:
    """The variables of these Secrets, the later ones over the earlier. Raises IncompleteError.

    A Secret holds the content of a file where restic expects its path.
    """
    values: dict[str, Secret] = {}
    for reference in references:
        assert reader is not None  # noqa: S101 - Configuration.reads_the_cluster asks for one
        try:
            keys = reader.secret(reference.namespace, reference.name)
        except MissingObject as problem:
            raise IncompleteError(str(problem)) from None
        for name, key in (reference.keys or {name: name for name in keys}).items():
            if key not in keys:
                raise IncompleteError(
                    f"the Secret {reference.namespace}/{reference.name} has no key {key!r}, which "
                    f"{name} is to be read from"
                )
            if is_restic_variable(name):
                values[name] = _as_file(keys[key]) if is_path(name) else keys[key]
    return values


def _as_file(value: Secret) -> Secret:
    """A file's content; but a path, where somebody wrote one, is a path in the janitor's pod."""
    text = value.reveal()
    return value if text.startswith("/") and "\n" not in text.strip() else SecretFile(text)


def _generated(
    configured: ConfiguredRepository, reader: Reader | None
) -> tuple[GeneratedHolder, ...]:
    """The names that its workloads give their pods. Raises IncompleteError."""
    if not configured.workloads:
        return ()
    from janitor.discover.workloads import holders_of  # noqa: PLC0415 - seldom needed

    assert reader is not None  # noqa: S101 - Configuration.reads_the_cluster asks for one
    namespaces = configured.repository.namespaces or ()
    generated, problem = holders_of(reader, configured.workloads, namespaces)
    if problem is not None:
        raise IncompleteError(problem)
    return generated


def _default(process: Mapping[str, str]) -> Found:
    environment = Environment(
        {
            name: Secret(value)
            for name, value in process.items()
            if value and is_restic_variable(name)
        }
    )
    if not {"RESTIC_REPOSITORY", "RESTIC_REPOSITORY_FILE"} & set(environment.values):
        raise ConfigurationError(
            "There is nothing to look at: give --config FILE, or RESTIC_REPOSITORY and "
            "RESTIC_PASSWORD in the environment."
        )
    found = Found(Repository("default"), None)
    try:
        location = _parsed(find_location(environment))
        repository = replace(found.repository, location=location.shown)
        found = replace(found, repository=repository, location=location)
        return _complete(found, environment)
    except IncompleteError as problem:
        return _incomplete(found, problem)


def _parsed(text: str) -> Location:
    try:
        return parse_location(text)
    except BadLocation as error:
        raise IncompleteError(str(error)) from None


def _complete(found: Found, environment: Environment) -> Found:
    """With everything that opens it. Raises IncompleteError where something is missing."""
    password = find_password(environment)
    if found.location is not None:
        check_files(environment, found.location.scheme)
    hint = environment.values.get("RESTIC_KEY_HINT")
    return replace(
        found,
        environment={
            name: value for name, value in environment.values.items() if name not in NOT_FOR_STORES
        },
        password=password,
        key_hint=None if hint is None else hint.reveal(),
    )


def _incomplete(found: Found, problem: IncompleteError) -> Found:
    return replace(found, state=RepositoryState.INCOMPLETE, problem=str(problem))
