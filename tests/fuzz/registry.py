"""Every target by its name."""

from __future__ import annotations

from typing import Any

from tests.fuzz import (
    apiservers,
    configuration,
    kubeconfigs,
    kubernetes,
    locations,
    remembered,
    restic_files,
    stores,
    sweeping,
)
from tests.fuzz.target import Target

_MODULES = (
    restic_files,
    remembered,
    configuration,
    kubeconfigs,
    locations,
    stores,
    kubernetes,
    apiservers,
    sweeping,
)
TARGETS: dict[str, Target] = {
    target.name: target for module in _MODULES for target in module.TARGETS
}


def check(name: str, value: Any) -> None:
    """Tries one input again. Raises what is wrong with it."""
    TARGETS[name].run(value)
