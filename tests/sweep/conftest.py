"""The surroundings of one sweep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from janitor.cli import main
from tests.sweep.doubles import Scene, scene_in
from tests.sweep.installation import Done, Installation


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """No repository yet, a trustworthy cluster without a pod of ours, and an empty state."""
    base = tmp_path / "repositories"
    base.mkdir()
    with scene_in(base) as made:
        yield made


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """No repository yet."""
    return Installation(tmp_path / "installation")


@pytest.fixture
def misused(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Done]:
    """A sweep with this text as its configuration, in this process: it ends before it begins."""

    def run(text: str) -> Done:
        installation.config.write_text(text)
        for name in os.environ:
            monkeypatch.delenv(name)
        code = main(["sweep", "--config", str(installation.config)])
        monkeypatch.undo()
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def logged() -> Iterator[None]:
    """Logging as it is by itself: the simulation, in the same process, silences it for good."""
    silenced = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**silenced)
