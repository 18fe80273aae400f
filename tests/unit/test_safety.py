"""docs/safety.md names tests beside its claims: they are there."""

import re
from pathlib import Path

import pytest

from tests.simulation.plan import BREAKS

ROOT = Path(__file__).parents[2]
SAFETY = (ROOT / "docs/safety.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py)?(?:::\w+)?)`", SAFETY)))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_exists(named: str) -> None:
    """A claim with no test behind it would be a mere claim."""
    path, _, function = named.partition("::")
    assert (ROOT / path).exists()
    if function:
        assert f"def {function}(" in (ROOT / path).read_text("utf-8")


def test_every_claim_has_one() -> None:
    """A row without a test is the one that is wrong."""
    table = SAFETY.split("## How it is shown")[1].split("**Histories**")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 15
    assert [row for row in rows if "`tests/" not in row.split(" | ")[1]] == []


@pytest.mark.parametrize("broken", BREAKS)
def test_every_assumption_that_is_broken_has_its_row(broken: str) -> None:
    """What happens without an assumption has to be known before it is relied on."""
    assert f"\n| {broken} |" in SAFETY
