"""docs/sources.md: what it shows works, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from janitor.discover.annotations import PREFIX
from janitor.discover.schema import Discover

from .writing import load

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "sources.md").read_text("utf-8")
BLOCKS = [
    block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if "metadata:" not in block
]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_loads(tmp_path: Path, block: str) -> None:
    """Else an example would teach a mistake."""
    loaded = load(tmp_path, block)
    assert loaded.sources or loaded.repositories


def test_every_source_has_a_chapter_and_a_component() -> None:
    """Else a key of the configuration is not explained, or not granted."""
    for source in Discover.__struct_fields__:
        assert re.search(rf"^## {source}$", PAGE, re.M | re.I), source
        assert (ROOT / "k8s" / "components" / f"discover-{source}" / "named").is_dir()


def test_every_annotation_is_explained() -> None:
    """Else nobody finds it."""
    for name in ("ignore", "min-age", "holders", "shared"):
        assert f"`{PREFIX}{name}:" in PAGE
