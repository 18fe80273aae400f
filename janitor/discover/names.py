"""Names that people write: of repositories, namespaces, containers, hosts and files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from janitor.discover.mistakes import Mistakes
from janitor.model import HolderPattern

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LONGEST_NAME = 200
_LONGEST_GLOB = 253
"""No hostname is longer."""


def check_repository_name(name: str, path: str, mistakes: Mistakes) -> None:
    """A name is shown in logs, metrics and Events, and chosen by globs on the command line."""
    if not name or len(name) > _LONGEST_NAME:
        mistakes.add(path, f"must have 1 to {_LONGEST_NAME} characters.")
    elif not name.isprintable() or name != name.strip() or re.search(r"[*?\[\]]", name):
        mistakes.add(path, "must be printable, without * ? [ ] and without blanks at its ends.")


def is_object_name(name: str) -> bool:
    """Whether a Kubernetes object could be called so (an RFC 1123 subdomain)."""
    return _SUBDOMAIN.fullmatch(name) is not None


def check_namespaces(namespaces: Iterable[str], path: str, mistakes: Mistakes) -> None:
    """Namespaces are RFC 1123 labels; an empty list would mean that nothing is ever found."""
    namespaces = tuple(namespaces)
    if not namespaces:
        mistakes.add(path, "is an empty list: name a namespace, or leave the key out for all.")
    _check_labels(namespaces, path, mistakes)


def _check_labels(labels: tuple[str, ...], path: str, mistakes: Mistakes) -> None:
    for index, label in enumerate(labels):
        if not _LABEL.fullmatch(label):
            mistakes.add(
                f"{path}[{index}]",
                "must be a Kubernetes name: 1 to 63 of a-z, 0-9 and -, no - at its ends.",
            )


def read_paths(
    written: str | tuple[str, ...], folder: Path, path: str, mistakes: Mistakes
) -> tuple[Path, ...]:
    """Folders or env files; relative ones begin at `folder`."""
    sources = (written,) if isinstance(written, str) else written
    for source in sources:
        if not source or not source.isprintable():
            mistakes.add(path, "must be the path of a folder or an env file.")
    return tuple(folder / source for source in sources)


def read_holder(
    name: str, containers: tuple[str, ...] | None, path: str, mistakes: Mistakes
) -> HolderPattern:
    """A holder pattern. One without a single letter or digit fits every laptop, and is refused:
    the locks of whoever is not a pod of this cluster would be removed as holder-absent.
    """
    if not name or len(name) > _LONGEST_GLOB:
        mistakes.add(path, f"must be a glob of 1 to {_LONGEST_GLOB} characters.")
    elif not re.fullmatch(r"[!-~]+", name) or "/" in name:
        mistakes.add(path, "must be a glob of a hostname: no blanks, no /, plain ASCII.")
    elif not re.search("[A-Za-z0-9]", re.sub(r"\[!?\]?[^\]]*\]", "", name)):
        mistakes.add(
            path,
            "fits every hostname, so that locks of laptops and of other clusters would be removed: "
            "write how your pods' names begin.",
        )
    if containers == ():
        mistakes.add(f"{path}.containers", "is an empty list: leave the key out for all.")
    _check_labels(containers or (), f"{path}.containers", mistakes)
    return HolderPattern(name, containers or ())
