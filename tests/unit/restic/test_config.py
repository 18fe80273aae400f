"""The repository's config: without it nothing in a folder may be touched."""

from __future__ import annotations

from typing import Any

import pytest

from janitor.restic.config import RepositoryConfig, read_config
from janitor.restic.errors import Malformed, Unauthenticated
from tests.forge import forge_config, forge_keys, seal


@pytest.mark.parametrize("version", [1, 2])
def test_version_and_id_are_read(version: int) -> None:
    """Else locks would be decoded by the rules of the other version."""
    keys = forge_keys()
    stored = forge_config(keys, version=version, repository_id="ab" * 32, added_later={"x": 1})
    assert read_config(stored, keys) == RepositoryConfig(version, "ab" * 32)


@pytest.mark.parametrize("version", [0, 3, -1, 2**70])
def test_an_unknown_version_is_refused_with_a_sentence(version: int) -> None:
    """Else locks of a format that nobody knows would be judged."""
    keys = forge_keys()
    with pytest.raises(Malformed, match=f"format version {version}; only 1 and 2"):
        read_config(forge_config(keys, version=version), keys)


@pytest.mark.parametrize(
    "fields",
    [{"version": "2"}, {"version": 2.0}, {"version": None}, {"id": None}, {"id": 7}, {"id": ""}],
)
def test_a_config_that_restic_would_not_write_is_refused(fields: dict[str, Any]) -> None:
    """Else a doubtful repository would be swept."""
    keys = forge_keys()
    with pytest.raises(Malformed, match="config of the repository"):
        read_config(forge_config(keys, **fields), keys)


@pytest.mark.parametrize("plain", [b"", b"{", b"[]", b"\x02abc", b'{"x":' + b"[" * 9999, b"\xff"])
def test_no_json_is_refused(plain: bytes) -> None:
    """Else a traceback would be the answer."""
    keys = forge_keys()
    with pytest.raises(Malformed, match="not the JSON"):
        read_config(seal(keys, plain), keys)


def test_a_config_of_another_repository_is_told_from_a_damaged_one() -> None:
    """The mend differs: a swapped file, or a truncated one."""
    keys = forge_keys()
    with pytest.raises(Unauthenticated, match="config or the key"):
        read_config(forge_config(forge_keys()), keys)
    with pytest.raises(Malformed, match="damaged: it has 0 bytes"):
        read_config(b"", keys)
