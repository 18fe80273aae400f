"""CI's short bench says what became slower, and stops only what became much slower."""

from __future__ import annotations

import json

import pytest

from bench.short import RECORDED, judge


@pytest.mark.parametrize(
    ("ratio", "code", "word"),
    [(0.5, 0, ""), (1.1, 0, ""), (1.3, 0, "WARNING, 30% more"), (2.1, 1, "FAILED")],
)
def test_a_fifth_warns_and_twice_fails(
    capsys: pytest.CaptureFixture[str], ratio: float, code: int, word: str
) -> None:
    """Else a sweep becomes slow by and by, or a busy machine stops a good change."""
    assert judge({"keys": ratio}, {"keys": 1.0}) == code
    said = capsys.readouterr().out
    assert said.startswith(f"bench: keys: {ratio:.3g} x, recorded 1 x")
    assert word in said
    assert said.count("\n") == 1


def test_what_is_recorded_can_be_compared_with() -> None:
    """Else CI fails for a file that nobody looks at."""
    recorded = json.loads(RECORDED.read_text())
    assert judge(recorded, recorded) == 0
