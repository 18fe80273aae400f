"""Every target by its name."""

from __future__ import annotations

from typing import Any

from tests.fuzz import configuration, kubernetes, locations, remembered, restic_files, stores
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target for module in (restic_files, remembered, locations, configuration, kubernetes, stores) for target in module.TARGETS
}


def check(name: str, value: Any) -> None:
    """Tries one input again. Raises what is wrong with it."""
    TARGETS[name].run(value)
