"""What every source of repositories yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from janitor.model import Repository, RepositoryState, Secret
from janitor.store.location import Location


@dataclass(frozen=True, slots=True)
class Found:
    """A repository, how to reach it, or why that is not known.

    A broken one is a value with a state and a sentence: never an exception, never skipped.
    """

    repository: Repository
    location: Location | None
    environment: Mapping[str, Secret] = field(default_factory=dict)
    """restic's own variables; nothing else reaches a store."""
    password: Secret | None = None
    key_hint: str | None = None
    """RESTIC_KEY_HINT."""
    insecure_tls: bool = False
    """Its owner says that any certificate is accepted."""
    endpoints: tuple[str, ...] | None = None
    """swift: hosts, or globs of hosts, that its identity service may name; None: any."""
    ssh: Path | None = None
    """The folder with its SSH keys and `known_hosts`; None: that of the janitor's own user."""
    aliases: tuple[str, ...] = ()
    """The names by which other owners know it."""
    state: RepositoryState | None = None
    """Set, with `problem`, where it cannot be opened at all."""
    problem: str | None = None
