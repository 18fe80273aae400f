"""The configuration file: read, checked as a whole, and turned into the words of model.py.

Nothing is touched before all of it is right: every mistake is told, with the key's path and what
is allowed. What the file only points at (mounted Secrets) is read later, by configured.py, where a
missing one is that repository's problem alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from janitor import __version__
from janitor.discover.document import load_document
from janitor.discover.entry import ConfiguredRepository, read_entry
from janitor.discover.mistakes import ConfigurationError, Mistakes
from janitor.discover.names import check_namespaces
from janitor.discover.schema import Document, Observe, RepositoryEntry
from janitor.discover.settings import read_settings
from janitor.discover.shape import WRONG, convert
from janitor.model import Policy


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one run was told, apart from the command line's options (settings.override)."""

    policy: Policy
    repositories: tuple[ConfiguredRepository, ...] = field(default=(), repr=False)
    file: Path | None = None
    """None: there is no file, and restic's own environment variables name the one repository."""


def load_configuration(path: Path | None, *, process: Mapping[str, str]) -> Configuration:
    """Reads the file (if any) with the `JANITOR_<KEY>` variables of the process over it.

    Raises ConfigurationError with a sentence for each mistake, at most ten.
    """
    mistakes = Mistakes("" if path is None else str(path))
    document = Document() if path is None else _document(path, mistakes)
    policy = read_settings(document, process, mistakes)
    policy = _observed(document.observe, policy, mistakes)
    _refuse_what_comes_later(document, mistakes)
    repositories: tuple[ConfiguredRepository, ...] = ()
    if path is not None:
        repositories = _repositories(document.repositories, path.parent, policy, mistakes)
    mistakes.raise_if_any()
    return Configuration(policy, repositories, path)


def _document(path: Path, mistakes: Mistakes) -> Document:
    raw = load_document(path)
    if raw is None:
        raise ConfigurationError(f"{path}: is empty; it needs the key `repositories`.")
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path}: must be a mapping with the key `repositories`.")
    document = convert(raw, Document, "", mistakes)
    if not raw.get("repositories") and raw.get("repositories") in (None, []) and not mistakes:
        mistakes.add("repositories", "names no repository; at least one is needed.")
    return Document() if document is WRONG else cast("Document", document)


def _observed(observe: Observe, policy: Policy, mistakes: Mistakes) -> Policy:
    namespaces: tuple[str, ...] | None = None
    if isinstance(observe.namespaces, tuple):
        namespaces = observe.namespaces
        check_namespaces(namespaces, "observe.namespaces", mistakes)
    elif observe.namespaces != "all":
        mistakes.add("observe.namespaces", "must be `all` or a list of namespaces.")
    return replace(policy, observe_namespaces=namespaces, observe_nodes=observe.nodes)


def _refuse_what_comes_later(document: Document, mistakes: Mistakes) -> None:
    version = ".".join(__version__.split(".")[:2])
    instead = f"is not served by this version ({version}): take it out and name each repository"
    if document.discover is not None:
        for source in document.discover.__struct_fields__:
            if getattr(document.discover, source) is not None:
                mistakes.add(f"discover.{source}", f"{instead} under `repositories`.")
    if document.volumes:
        mistakes.add("volumes", f"{instead}'s folder as its `location`.")


def _repositories(
    entries: tuple[RepositoryEntry, ...], folder: Path, policy: Policy, mistakes: Mistakes
) -> tuple[ConfiguredRepository, ...]:
    repositories: list[ConfiguredRepository] = []
    first_use: dict[str, int] = {}
    for index, entry in enumerate(entries):
        path = f"repositories[{index}]"
        first = first_use.setdefault(entry.name, index)
        if first != index:
            mistakes.add(f"{path}.name", f"is the name of repositories[{first}] already.")
        repositories.append(read_entry(entry, path, folder, policy, mistakes))
    return tuple(repositories)
