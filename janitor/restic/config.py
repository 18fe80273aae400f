"""The repository's `config`: its version and its id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from janitor.restic.crypto import SealKeys, open_box
from janitor.restic.errors import Malformed, Unauthenticated

VERSIONS: Final = (1, 2)
_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RepositoryConfig:
    """What the janitor needs of a `config`."""

    version: int
    """1 or 2: how the other files are stored."""
    id: str
    """64 hex digits. A mirror has the same."""


class _ConfigFile(msgspec.Struct, frozen=True):
    version: int
    id: str


_decode: Final = msgspec.json.Decoder(_ConfigFile).decode


def read_config(raw: bytes, keys: SealKeys) -> RepositoryConfig:
    """Opens a stored `config`, which is never compressed.

    Raises Unauthenticated where it does not fit the keys, Malformed where it is damaged or of a
    version that is not known: nothing else in that repository may then be touched.
    """
    try:
        plain = open_box(keys, raw)
    except Unauthenticated:
        raise Unauthenticated("The config or the key of the repository is damaged.") from None
    except Malformed as error:
        raise Malformed(f"The config of the repository is damaged: {error}.") from None
    try:
        config = _decode(plain)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Malformed("The config of the repository is not the JSON of restic.") from None
    if config.version not in VERSIONS:
        raise Malformed(
            f"The repository has format version {config.version}; only 1 and 2 are known, "
            "so nothing in it is touched."
        )
    if not _ID.fullmatch(config.id):
        raise Malformed("The config of the repository has no valid id.")
    return RepositoryConfig(version=config.version, id=config.id)
