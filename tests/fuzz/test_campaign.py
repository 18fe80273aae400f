"""A campaign that finds something says it so that it can be pasted into a test."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.target import Found, Target, search


def broken(raw: bytes) -> None:
    assert b"\x07" not in raw, "a bell"


def test_what_is_found_is_small_and_a_test_that_fails() -> None:
    """Else a crash of a night's campaign is lost, or nobody can read it."""
    target = Target("made-up", st.binary(max_size=100), broken)
    with pytest.raises(Found) as found:
        search(target, max_examples=2000, derandomize=True, database=None)
    text = str(found.value)
    assert text.startswith("\n\ndef test_made_up_assertionerror() -> None:\n")
    tried: list[Any] = []
    names: dict[str, Any] = {"check": lambda *given: tried.append(given)}
    exec(text, names)
    names["test_made_up_assertionerror"]()
    assert tried == [("made-up", b"\x07")]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    """Else every campaign fails."""
    search(Target("made-up", st.binary(max_size=3), len), max_examples=50, database=None)


def test_an_unknown_target_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Else a typing mistake costs a night."""
    with pytest.raises(SystemExit):
        main(["--minutes", "1", "locks"])
    assert "no such target: locks; known: key, " in capsys.readouterr().err
