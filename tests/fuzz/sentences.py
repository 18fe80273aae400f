"""What people are told when an input is refused."""

from __future__ import annotations

CANARY = "hunter2canary"
"""Stands where passwords stand. No sentence repeats it."""


def check_sentence(
    said: object, *, at_most: int = 700, on_one_line: bool = True, hides: bool = True
) -> None:
    """It is one printable line of some length, without a password (where it `hides` one)."""
    text = str(said)
    assert text.isprintable() or not on_one_line, text
    assert 10 < len(text) < at_most, text
    assert CANARY not in text or not hides
