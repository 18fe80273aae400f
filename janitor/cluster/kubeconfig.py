"""Which context of which kubeconfig, checked before the official client reads it.

The official client's own complaints quote whole entries of the file, passwords included, so none
of its texts is ever passed on: what people get wrong is looked for here and said in a sentence.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from janitor.cluster.errors import BadKubeconfig

_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
_LEGACY_PROVIDERS = ("gcp", "oidc")
"""The `auth-provider` names that the official client still knows."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A named entry and the file it came from: relative paths in it begin there."""

    file: Path
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A context that is there, with a cluster and a user that are there."""

    files: str
    """As the official client takes them: joined by `:`."""
    context: str
    user: str
    exec_command: str | None
    """The program that fetches the user's credentials, if one does."""
    proxied: bool
    """The cluster's entry names a proxy."""


def choose(context: str | None, environ: Mapping[str, str]) -> Chosen:
    """The context of that name, or the current one. Raises BadKubeconfig, in one sentence."""
    files = _files(environ)
    documents = [(file, _document(file)) for file in files]
    name = context or _current(documents)
    contexts = _entries(documents, "contexts", "context")
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none at all"
        raise BadKubeconfig(f"The kubeconfig has no context {name!r}; it has: {known}.")
    cluster_name = _text(contexts[name].content.get("cluster"))
    user_name = _text(contexts[name].content.get("user"))
    cluster = _entries(documents, "clusters", "cluster").get(cluster_name)
    if cluster is None or not _is_url(cluster.content.get("server")):
        raise BadKubeconfig(
            f"The context {name!r} of the kubeconfig names a cluster that is not there or whose "
            "server is no http or https URL."
        )
    user = _entries(documents, "users", "user").get(user_name)
    if user_name and user is None:
        raise BadKubeconfig(
            f"The context {name!r} of the kubeconfig names the user {user_name!r}, who is not "
            "there."
        )
    _check_files("cluster", cluster, cluster_name)
    if user is not None:
        _check_files("user", user, user_name)
        _check_provider(user, user_name)
    return Chosen(
        files=os.pathsep.join(map(str, files)),
        context=name,
        user=user_name,
        exec_command=_exec_command(user, user_name),
        proxied=bool(cluster.content.get("proxy-url")),
    )


def _is_url(server: object) -> bool:
    try:
        parts = urlsplit(server) if isinstance(server, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _files(environ: Mapping[str, str]) -> list[Path]:
    listed = environ.get("KUBECONFIG", "")
    named = [_expanded(part) for part in listed.split(os.pathsep) if part]
    if not named:
        named = [_expanded(environ.get("HOME") or "~") / ".kube" / "config"]
    found = [path for path in named if _is_there(path)]
    if not found:
        raise BadKubeconfig(
            f"There is no kubeconfig at {', '.join(map(str, named))}: set KUBECONFIG, or judge "
            "by a file with --cluster."
        )
    return found


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such user
        return Path(text)


def _is_there(path: Path) -> bool:
    """True also for one that cannot be looked at: reading it says why."""
    try:
        return path.exists()
    except OSError:
        return True


def _text(value: object) -> str:
    """A name. Anything else is none, and is not written out: an anchor can make it endless."""
    return value if isinstance(value, str) else ""


def _document(file: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise BadKubeconfig(f"The kubeconfig {file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = f"The kubeconfig {file}{line} is not valid YAML."
    else:
        if isinstance(document, Mapping):
            return document
        problem = f"The file {file} is no kubeconfig."
    # Raised outside the handler: PyYAML's error holds a piece of the file.
    raise BadKubeconfig(problem)


def _current(documents: list[tuple[Path, Mapping[str, Any]]]) -> str:
    """The first file that sets it wins, as with kubectl."""
    for _, document in documents:
        if current := _text(document.get("current-context")):
            return current
    raise BadKubeconfig("The kubeconfig has no current context: name one with --context.")


def _entries(
    documents: list[tuple[Path, Mapping[str, Any]]], plural: str, singular: str
) -> dict[str, _Entry]:
    """The named entries; the first of a name wins, as with kubectl."""
    found: dict[str, _Entry] = {}
    for file, document in documents:
        for item in _mappings(document.get(plural)):
            content = item.get(singular)
            if isinstance(content, Mapping):
                found.setdefault(_text(item.get("name")), _Entry(file, content))
    return found


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def _check_files(kind: str, entry: _Entry, name: str) -> None:
    for key in _FILES[kind]:
        value = _text(entry.content.get(key))
        if value and f"{key}-data" not in entry.content:
            path = entry.file.parent / value
            if not _is_file(path):
                raise BadKubeconfig(
                    f"The {kind} {name!r} of the kubeconfig {entry.file} names a {key} that is "
                    f"not there: {path}."
                )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _check_provider(user: _Entry, name: str) -> None:
    provider = user.content.get("auth-provider")
    if isinstance(provider, Mapping) and _text(provider.get("name")) not in _LEGACY_PROVIDERS:
        raise BadKubeconfig(
            f"The user {name!r} of the kubeconfig signs in by an auth-provider that is no longer "
            "supported; use an exec plugin, or judge by a file with --cluster."
        )


def _exec_command(user: _Entry | None, name: str) -> str | None:
    plugin = user.content.get("exec") if user is not None else None
    if not isinstance(plugin, Mapping) or user is None or "token" in user.content:
        return None
    command = _text(plugin.get("command"))
    if shutil.which(command) or shutil.which(str(user.file.parent / command)):
        return command
    raise BadKubeconfig(
        f"The user {name!r} of the kubeconfig signs in by the program {command!r}, which is not "
        "installed here."
    )
