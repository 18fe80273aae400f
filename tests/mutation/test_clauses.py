"""Every clause of the rule in docs/safety.md, when it is dropped or inverted, is caught."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.mutation.clauses import clauses
from tests.mutation.mutants import ROOT

SAFETY = (ROOT / "docs" / "safety.md").read_text()
RULES = [clause.rule for clause in clauses()]


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("rule", sorted(set(RULES)))
def test_every_clause_is_one_of_the_document(rule: str) -> None:
    """Else what is tested here is no longer what people are promised."""
    assert rule in one_line(SAFETY)


def parts_of_the_rule() -> list[str]:
    """Each `AND` of "removable =", with what stands in parentheses under it."""
    block = SAFETY[SAFETY.index("removable  =") : SAFETY.index("One opt-in")]
    return [one_line(part) for part in re.split(r"\n\s+AND |=", block) if "removable" not in part]


def rows_under(heading: str) -> list[str]:
    """The rows of the table in a chapter, without its head."""
    chapter = SAFETY[SAFETY.index(f"## {heading}") :]
    rows = [line for line in chapter.split("\n## ")[0].splitlines() if line.startswith("|")]
    return [one_line(row) for row in rows[2:]]


@pytest.mark.parametrize(
    "line",
    [
        *parts_of_the_rule(),
        *rows_under("Whose hostname is it?"),
        *rows_under("Candidate holders"),
    ],
)
def test_every_line_of_the_rule_has_clauses(line: str) -> None:
    """Else a line of the rule can be added, or lose its clauses, and nothing catches a change."""
    assert any(rule in line for rule in RULES)


@pytest.mark.timeout(1200)
def test_no_clause_can_be_broken_unnoticed() -> None:
    """Else a change of the rule that removes a living holder's lock passes all tests."""
    command = [sys.executable, "-m", "tests.mutation", "--clauses", "--jobs", "1"]
    environment = os.environ | {"PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"\d{3} ways to break the rule, 0 not caught", done.stdout)
