"""What a source says about one repository, before any of it is trusted.

Whoever may write an object or a Secret wrote these words: `confine` decides what of them may be
used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from janitor.model import GeneratedHolder, ObjectReference, RepositoryState, Secret


@dataclass(frozen=True, slots=True)
class MountedVolume:
    """What is mounted where a local repository's path lies: what tells such paths apart."""

    namespace: str
    source: str
    """`claim:<name>`, `nfs:<server>:<path>`, or the volume's kind and what else names it."""
    sub_path: str = ""
    path: str = ""
    """Below the volume (and below `sub_path`), without a slash at either end."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One repository by the words of its owner objects and their Secrets."""

    name: str
    """`<source>/<namespace>/<name>[/<component>]`"""
    source: str
    owners: tuple[ObjectReference, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the owner objects."""
    location: str | None = None
    """In restic's syntax; None where `problem` says why it is not known."""
    volume: MountedVolume | None = None
    """For a local location: what is mounted there."""
    variables: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    """restic's own, RESTIC_PASSWORD among them. Where restic expects a path, a SecretFile carries
    the file's content instead."""
    insecure_tls: bool = False
    generated: tuple[GeneratedHolder, ...] = ()
    namespaces: tuple[str, ...] | None = None
    """Where its holders live; None: anywhere."""
    state: RepositoryState | None = None
    """Set, with `problem`, where it cannot be opened as it is described."""
    problem: str | None = None
    """One sentence that names the object, the field and the mend, and no value of a Secret."""
