"""The repositories of tests/data, unpacked once."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from janitor.model import Secret
from janitor.restic.crypto import SealKeys
from janitor.restic.key import open_key, parse_key

ARCHIVE = Path(__file__).parents[2] / "data" / "restic-repositories.tar.gz"


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all repositories of the archive."""
    folder = tmp_path_factory.mktemp("real")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def keys_of() -> Callable[[Path], SealKeys]:
    """From a key file to the repository's keys by password `test`; derives each file once."""

    @cache
    def derive(key_file: Path) -> SealKeys:
        return open_key(parse_key(key_file.name, key_file.read_bytes()), Secret("test"))

    return derive
