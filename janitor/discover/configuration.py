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

from janitor.discover.document import load_document
from janitor.discover.entry import ConfiguredRepository, read_entry
from janitor.discover.metrics_settings import MetricsSettings, read_metrics_settings
from janitor.discover.mistakes import ConfigurationError, Mistakes
from janitor.discover.mounts import Mount
from janitor.discover.names import check_namespaces
from janitor.discover.schema import Document, Observe, RepositoryEntry
from janitor.discover.settings import read_settings
from janitor.discover.shape import WRONG, convert
from janitor.discover.source_settings import SourceSettings, read_mounts, read_sources
from janitor.model import Policy

_NEEDED = "it needs one under the key `repositories`, or a source under `discover`"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one run was told, apart from the command line's options (settings.override)."""

    policy: Policy
    repositories: tuple[ConfiguredRepository, ...] = field(default=(), repr=False)
    sources: tuple[SourceSettings, ...] = ()
    """The sources of `discover` that are switched on, in the order of schema.py."""
    mounts: tuple[Mount, ...] = ()
    """Where the volumes of discovered local repositories are mounted here."""
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    """Where a sweep's numbers go."""
    file: Path | None = None
    """None: there is no file, and restic's own environment variables name the one repository."""

    @property
    def reads_the_cluster(self) -> str:
        """The key by which it needs an API server beside the pods; empty: by none."""
        if self.sources:
            return f"discover.{self.sources[0].name}"
        wanting = (each.key_that_reads_the_cluster for each in self.repositories)
        return next(filter(None, wanting), "")


def load_configuration(path: Path | None, *, process: Mapping[str, str]) -> Configuration:
    """Reads the file (if any) with the `JANITOR_<KEY>` variables of the process over it.

    Raises ConfigurationError with a sentence for each mistake, at most ten.
    """
    mistakes = Mistakes("" if path is None else str(path))
    document = Document() if path is None else _document(path, mistakes)
    policy = read_settings(document, process, mistakes)
    metrics = read_metrics_settings(document, process, mistakes)
    policy = _observed(document.observe, policy, mistakes)
    folder = Path() if path is None else path.parent
    sources = read_sources(document.discover, "discover", folder, mistakes)
    mounts = read_mounts(document.volumes, "volumes", mistakes)
    repositories: tuple[ConfiguredRepository, ...] = ()
    if path is not None:
        repositories = _repositories(document.repositories, folder, policy, mistakes)
    mistakes.raise_if_any()
    return Configuration(policy, repositories, sources, mounts, metrics, path)


def _document(path: Path, mistakes: Mistakes) -> Document:
    raw = load_document(path)
    if raw is None:
        raise ConfigurationError(f"{path}: is empty; {_NEEDED}.")
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path}: must be a mapping; {_NEEDED}.")
    document = convert(raw, Document, "", mistakes)
    nothing = all(raw.get(key) in (None, [], {}) for key in ("repositories", "discover"))
    if nothing and not mistakes:
        mistakes.add("repositories", f"names no repository; {_NEEDED}.")
    return Document() if document is WRONG else cast("Document", document)


def _observed(observe: Observe, policy: Policy, mistakes: Mistakes) -> Policy:
    namespaces: tuple[str, ...] | None = None
    if isinstance(observe.namespaces, tuple):
        namespaces = observe.namespaces
        check_namespaces(namespaces, "observe.namespaces", mistakes)
    elif observe.namespaces != "all":
        mistakes.add("observe.namespaces", "must be `all` or a list of namespaces.")
    return replace(policy, observe_namespaces=namespaces, observe_nodes=observe.nodes)


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
