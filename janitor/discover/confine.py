"""What of a discovered repository may be used: anybody who may write an object wrote its words.

Such a repository never makes the janitor open a path of its own file system, run a program, use
its own identity or reach another host than the configuration allows. What is refused is
`incomplete`, with the sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from janitor.discover.annotations import annotated
from janitor.discover.credentials import NOT_FOR_STORES, find_location, find_password
from janitor.discover.draft import Draft
from janitor.discover.endpoints import allowed, endpoints_of
from janitor.discover.environment import Environment, IncompleteError
from janitor.discover.found import Found
from janitor.discover.mounts import Mount, mounted_path
from janitor.discover.variables import is_path, is_restic_variable, pod_identity
from janitor.model import Policy, Repository, RepositoryState, Secret, SecretFile
from janitor.store.errors import BadLocation
from janitor.store.location import Location, parse_location

_LEADS_ELSEWHERE = frozenset(
    {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_AUTHORITY_HOST",
        "RESTIC_AWS_ASSUME_ROLE_ARN",
        "RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT",
    }
)
"""They would make the janitor send requests, or its own token, wherever the writer wants."""
_KEYS = {
    "s3": (
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_ACCESS_KEY", "AWS_SECRET_KEY"),
        ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
        ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
        ("AWS_SHARED_CREDENTIALS_FILE",),
    ),
    "gs": (("GOOGLE_APPLICATION_CREDENTIALS",), ("GOOGLE_ACCESS_TOKEN",)),
    "azure": (
        ("AZURE_ACCOUNT_KEY",),
        ("AZURE_ACCOUNT_SAS",),
        ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
        ("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"),
    ),
}
"""What a repository brings of its own; without any of these a library would look for the pod's."""
_LONGEST_LOCATION = 4096
_SPAWNED = {
    "rclone": "rclone: would run a program with a configuration that others wrote",
    "sftp": "sftp: would use this pod's SSH keys and known hosts",
}


@dataclass(frozen=True, slots=True)
class Confines:
    """What the configuration allows the repositories of one source."""

    endpoints: tuple[str, ...] | None = None
    """Hosts, or globs of hosts; None: any."""
    pod_identity: bool = False
    """Repositories without credentials may use those of the janitor's own pod."""
    mounts: tuple[Mount, ...] = ()
    process: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The environment of this process, for `pod_identity` alone."""


def confine(draft: Draft, confines: Confines, policy: Policy) -> Found:
    """The repository as it may be used, or with the reason why it may not. Never raises."""
    repository = Repository(
        name=draft.name,
        source=draft.source,
        generated=draft.generated,
        owners=draft.owners,
        namespaces=draft.namespaces,
    )
    found = Found(repository, None, insecure_tls=draft.insecure_tls)
    try:
        found, ignored = annotated(found, draft.annotations, policy)
        if ignored:
            return _ignored(found, draft, ignored)
        if draft.problem is None or draft.location is not None:
            found = _located(found, draft)
        if draft.problem is not None:
            state = draft.state or RepositoryState.INCOMPLETE
            return replace(found, state=state, problem=draft.problem)
        return _opened(found, draft, confines)
    except IncompleteError as problem:
        return replace(found, state=RepositoryState.INCOMPLETE, problem=str(problem))


def _ignored(found: Found, draft: Draft, why: str) -> Found:
    """With its location if that can be known: another owner of it may be of the same namespace."""
    with suppress(IncompleteError):
        found = _located(found, draft)
    return replace(found, state=RepositoryState.IGNORED, problem=why)


def _located(found: Found, draft: Draft) -> Found:
    """With its location. Raises IncompleteError."""
    text = draft.location
    if text is None:
        text = find_location(_environment(draft.variables))
    if len(text) > _LONGEST_LOCATION:
        raise IncompleteError(f"its location has more than {_LONGEST_LOCATION} characters")
    try:
        location = parse_location(text)
    except BadLocation as error:
        raise IncompleteError(str(error)) from None
    repository = replace(found.repository, location=location.shown)
    return replace(found, repository=repository, location=location)


def _opened(found: Found, draft: Draft, confines: Confines) -> Found:
    """With everything that opens it. Raises IncompleteError."""
    location = found.location
    assert location is not None  # noqa: S101 - _located found it, or raised
    environment = _environment(draft.variables)
    if location.scheme == "local":
        return _mounted(found, draft, environment, confines)
    _refuse(location, environment.values, confines)
    if not _brings_credentials(location.scheme, environment.values):
        environment = _with_identity(location, environment, confines)
    if location.scheme == "swift":
        found = replace(found, endpoints=confines.endpoints)
    return _complete(found, environment)


def _environment(variables: Mapping[str, Secret]) -> Environment:
    """Restic's own variables, without any that is a path here.

    Raises IncompleteError for those that only somebody with a shell in the pod could mean.
    """
    values = {
        name: value for name, value in variables.items() if value and is_restic_variable(name)
    }
    for name in sorted(_LEADS_ELSEWHERE & values.keys()):
        raise IncompleteError(
            f"{name} is not used for a repository that was found in the cluster; {_BY_HAND}"
        )
    for name in sorted(filter(is_path, values)):
        if not isinstance(values[name], SecretFile):
            raise IncompleteError(
                f"{name} is a path, and for a repository that was found in the cluster no path of "
                f"the janitor's own file system is opened; {_BY_HAND}"
            )
    return Environment(values)


_BY_HAND = "write it under `repositories` of the configuration, if it is to be used"


def _refuse(location: Location, values: Mapping[str, Secret], confines: Confines) -> None:
    """Raises IncompleteError for what may not be reached at all."""
    if why := _SPAWNED.get(location.scheme):
        raise IncompleteError(f"{why}; {_BY_HAND}")
    if location.url.startswith("http+unix:"):
        raise IncompleteError(f"a unix socket would be one of this pod's own; {_BY_HAND}")
    if confines.endpoints is None:
        return
    for endpoint in endpoints_of(location, values):
        if not endpoint or not allowed(endpoint, confines.endpoints):
            shown = endpoint or "(its URL does not say which)"
            raise IncompleteError(
                f"its server {shown} is none of the `endpoints` that the configuration allows"
            )


def _brings_credentials(scheme: str, values: Mapping[str, Secret]) -> bool:
    sets: Sequence[tuple[str, ...]] = _KEYS.get(scheme, ())
    return not sets or any(all(values.get(name) for name in names) for names in sets)


def _with_identity(location: Location, environment: Environment, confines: Confines) -> Environment:
    if not confines.pod_identity:
        expected = " and ".join(_KEYS[location.scheme][0])
        raise IncompleteError(
            f"its Secret has no {expected}; `pod_identity: true` beside the source in the "
            "configuration would let it use the identity of the janitor's own pod"
        )
    identity = pod_identity(environment.values, confines.process)
    return replace(environment, values=identity | dict(environment.values))


def _mounted(found: Found, draft: Draft, environment: Environment, confines: Confines) -> Found:
    """A path says nothing by itself: only where the configuration maps its volume is it opened."""
    location, sentence = mounted_path(draft.volume, confines.mounts)
    if location is None:
        return replace(found, state=RepositoryState.NOT_MOUNTED, problem=sentence)
    found = replace(
        found,
        location=location,
        repository=replace(found.repository, location=location.shown),
    )
    return _complete(found, environment)


def _complete(found: Found, environment: Environment) -> Found:
    hint = environment.values.get("RESTIC_KEY_HINT")
    return replace(
        found,
        environment={
            name: value for name, value in environment.values.items() if name not in NOT_FOR_STORES
        },
        password=find_password(environment),
        key_hint=None if hint is None else hint.reveal(),
    )
