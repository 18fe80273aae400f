"""The surroundings of one sweep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweep.doubles import Scene, scene_in
from tests.sweep.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """No repository yet."""
    return Installation(tmp_path / "installation")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """No repository yet, and a trustworthy cluster without a pod of ours."""
    base = tmp_path / "repositories"
    base.mkdir()
    with scene_in(base) as made:
        yield made
