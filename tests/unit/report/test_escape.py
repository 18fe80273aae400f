"""What strangers wrote is shown, not obeyed."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.report.escape import encodable, printable, printable_lines, sentence, unlinked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("shop-db-backup-29401-x2x9k", "shop-db-backup-29401-x2x9k"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("a\u200bb\ufeffc\u00ad", r"a\u200bb\ufeffc\xad"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("a\u00a0b", r"a\xa0b"),
        ("a\x7f\x85\x9b", r"a\x7f\x85\x9b"),
        ("a\ud800b", r"a\ud800b"),
        ("a\U000e0041", r"a\U000e0041"),
        ("a\ufe0f\u3164\u2800", r"a\ufe0f\u3164\u2800"),
        ("\u0301a", r"\u0301a"),
        ("e\u0301\u0302\u0303\u0304", "e\u0301\u0302" + r"\u0303\u0304"),
        (r"WORK\anna", r"WORK\anna"),
        ("café 写真", "café 写真"),
    ],
)
def test_codes_that_a_terminal_obeys_or_hides_are_escaped(text: str, shown: str) -> None:
    """A hostname could otherwise move the cursor, hide the verdict or turn the line around."""
    assert shown == printable(text)


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_printable_is_one_printable_line_and_a_second_pass_changes_nothing(text: str) -> None:
    """Text that is escaped twice on its way would otherwise grow with every step."""
    shown = printable(text)
    assert shown.isprintable()
    assert shown == printable(shown)


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.integers(4, 50))
def test_a_limit_is_kept_after_escaping(text: str, limit: int) -> None:
    """A megabyte of hostname would otherwise fill the screen."""
    shown = printable(text, limit=limit)
    assert len(shown) <= limit
    assert shown == printable(text) or shown.endswith("...")


def test_a_trace_keeps_its_lines_and_loses_its_control_codes() -> None:
    """A stack trace on one line cannot be read; one with escape codes obeys a server's answer."""
    assert printable_lines("one\n\ttwo\x1b[2J") == "one\n    two" + r"\x1b[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is 4m old", "It is 4m old."),
        ("Done.", "Done."),
        ("'x' is a Node", "'x' is a Node."),
        ("", ""),
        ("lost (403)", "Lost (403)."),
    ],
)
def test_fragments_become_sentences(text: str, shown: str) -> None:
    """Reasons of several parts would otherwise run into each other."""
    assert shown == sentence(text)


def test_a_terminal_without_unicode_still_gets_every_line() -> None:
    """One é would otherwise end the report with a UnicodeEncodeError after locks were removed."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert encodable("café", stream) == r"caf\xe9"


def test_nothing_that_a_stranger_wrote_becomes_a_link() -> None:
    """Else a lock's hostname in an Event leads people elsewhere, where chats render Markdown."""
    assert unlinked("[x](http://y) <img>") == r"\x5bx\x5d(http://y) \x3cimg\x3e"
    assert unlinked("shop-db: removed lock 5f3c") == "shop-db: removed lock 5f3c"
