"""Environments of containers against what a real kubelet gave them.

tests/e2e/test_environment.py takes them; `E2E_RECORD=1` writes them down.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.environments import of_the_janitor

DATA = Path(__file__).parents[2] / "data" / "container-environments.json"
SEEN = json.loads(DATA.read_text())


@pytest.mark.parametrize("number", range(len(SEEN)))
def test_an_environment_is_the_kubelets(number: int) -> None:
    """Else the janitor looks at another repository than the workload, or with a wrong key."""
    seen = SEEN[number]
    assert of_the_janitor(seen["spec"], "NAMESPACE") == seen["environment"]
