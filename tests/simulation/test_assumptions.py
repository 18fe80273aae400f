"""Each assumption of docs/safety.md, broken on purpose: then a living holder may lose its lock.

So each of them is needed, and the histories are able to fail.
"""

from __future__ import annotations

import pytest

from tests.simulation.history import play
from tests.simulation.plan import BREAKS

AT_MOST = 600
"""So many histories are played until one goes wrong."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("breaks", BREAKS)
def test_without_this_assumption_a_live_lock_can_be_lost(breaks: str) -> None:
    """Else docs/safety.md frightens people with something that cannot happen."""
    lost = (
        violation
        for seed in range(AT_MOST)
        for violation in play(seed, breaks=breaks).violations
        if "of the living" in violation
    )
    assert next(lost, None) is not None
