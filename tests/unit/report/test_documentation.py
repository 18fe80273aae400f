"""The documents name everything that the program prints."""

import re
from pathlib import Path

import pytest

from janitor.model import RepositoryState, Verdict
from janitor.report.lines import fields_of

from .reports import a_night
from .test_explanation import sidecar_report

DOCUMENTS = Path(__file__).parents[3] / "docs"
OUTPUT = (DOCUMENTS / "output.md").read_text("utf-8")
VERDICTS = (DOCUMENTS / "verdicts.md").read_text("utf-8")


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_chapter(verdict: Verdict) -> None:
    """A word in an alert at 3 a.m. has to be found."""
    assert f"\n### {verdict.value}\n" in VERDICTS


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_stands_where_it_belongs(verdict: Verdict) -> None:
    """A verdict that removes under "Kept" would be a lie about data."""
    part = VERDICTS.split(f"\n### {verdict.value}\n")[0].split("\n## ")[-1].split("\n")[0]
    expected = "Removed" if verdict.stale else "Kept"
    assert ("Neither" if verdict is Verdict.RELEASED else expected) == part


@pytest.mark.parametrize("state", RepositoryState)
def test_every_state_has_a_row(state: RepositoryState) -> None:
    """A word in an alert at 3 a.m. has to be found."""
    assert f"\n| `{state.value}` |" in VERDICTS


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["lock", "repository", "sweep"])
def test_every_field_has_a_row_in_the_order_of_the_line(kind: int) -> None:
    """An undocumented field cannot be relied on, and a documented one has to exist."""
    locks, repositories, sweep = a_night()
    fields = fields_of([locks[0], repositories[0], sweep][kind])
    part = OUTPUT.split(f"\n### `{fields['event']}`")[1].split("\n`evidence` holds")[0]
    part = re.split(r"\n##", part)[0]
    assert list(fields) == re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)


def test_every_piece_of_evidence_is_named() -> None:
    """Evidence is for machines: what is not documented is guessed at."""
    evidence = sidecar_report().judgement.evidence
    candidates = evidence["candidates"]
    clocks = evidence["clocks"]
    assert isinstance(candidates, list)
    assert isinstance(clocks, dict)
    names = [*evidence, *candidates[0], *candidates[0]["containers"][0]]
    names = [name for name in names if name != "clocks"] + [f"clocks.{name}" for name in clocks]
    assert [name for name in names if f"`{name}`" not in OUTPUT] == []
