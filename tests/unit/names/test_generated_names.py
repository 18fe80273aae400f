"""names.py's rules against names that a real API server and its controllers made.

tests/e2e/test_names.py takes them; `E2E_RECORD=1` writes them down.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from janitor.names import has_random_suffix

from .generated import Seen, wrong

DATA = Path(__file__).parents[2] / "data" / "generated-names.json"
SEEN = [Seen(*row) for row in json.loads(DATA.read_text())]


@pytest.mark.parametrize("kind", sorted({seen.kind for seen in SEEN}))
def test_every_pod_is_its_own_workloads(kind: str) -> None:
    """Else a dead backup's lock is a foreign host's, or a neighbour's pod is taken for ours."""
    seen = [each for each in SEEN if each.kind == kind]
    assert seen
    assert wrong(seen) == []


@pytest.mark.parametrize("seen", [each for each in SEEN if each.kind != "StatefulSet"], ids=str)
def test_a_random_suffix_is_told_from_an_ordinal(seen: Seen) -> None:
    """Else a generated name, which no other cluster has, is no evidence in a shared repository."""
    assert has_random_suffix(seen.pod)


def test_lengths_and_kinds_are_all_there() -> None:
    """Else the rules for names that are cut would be shown by none."""
    lengths = {len(each.owner) for each in SEEN if each.kind == "Job" and not each.indexed}
    assert lengths >= set(range(40, 64))
    assert 52 in {len(each.owner) for each in SEEN if each.kind == "CronJob"}
    assert any(each.indexed for each in SEEN)
