"""The table that people read: golden texts, any width, hostile names, crowds."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.model import (
    LockReport,
    RepositoryReport,
    RepositoryState,
    SweepReport,
    Verdict,
)
from janitor.report.printers import (
    JsonPrinter,
    TablePrinter,
    table_printer,
    terminal_width,
    wants_colour,
)
from janitor.report.summary import summary

from .reports import a_night, lock_report, repository_report

GOLDEN = Path(__file__).parent / "golden"
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")


def table(
    locks: Iterable[LockReport] = (),
    repositories: Iterable[RepositoryReport] = (),
    sweep: SweepReport | None = None,
    **options: object,
) -> str:
    """The whole text of a table."""
    stream = io.StringIO()
    printer = TablePrinter(stream, **options)  # type: ignore[arg-type]
    for lock in locks:
        printer.lock(lock)
    for repository in repositories:
        printer.repository(repository)
    if sweep is not None:
        printer.sweep(sweep)
    printer.finish()
    return stream.getvalue()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_whole_night_looks_as_it_was_approved(width: int, rich: bool) -> None:
    """The layout would otherwise change unseen. Look at the new text, then write it to golden/."""
    expected = (GOLDEN / f"night-{width}.txt").read_text("utf-8")
    assert expected == table(*a_night(), width=width, rich=rich)


def test_colours_change_no_letter() -> None:
    """A piped and a coloured table would otherwise tell different things."""
    coloured = table(*a_night(), width=80, rich=True, colour=True)
    assert "\x1b[32m" in coloured
    without = COLOUR_CODES.sub("", coloured)
    plain = table(*a_night(), width=80, rich=False)
    assert plain == "\n".join(line.rstrip() for line in without.split("\n"))


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
def test_reasons_are_never_cut(rich: bool) -> None:
    """A reason that ends in an ellipsis sends a tired person to another command."""
    words = [f"Word{n}" for n in range(150)]
    shown = table([lock_report(detail=" ".join(words))], [repository_report()], width=60, rich=rich)
    assert [word for word in words if not re.search(rf"\b{word}\b", shown)] == []


@pytest.mark.parametrize("rich", [False, True], ids=["plain", "rich"])
@settings(deadline=None)  # the machine may be busy
@given(width=st.integers(16, 250))
def test_no_line_is_wider_than_the_terminal(rich: bool, width: int) -> None:
    """The terminal would otherwise break the columns. Commands to copy are the exception."""
    lines = table(*a_night(), width=width, rich=rich).splitlines()
    too_wide = [line for line in lines if len(line) > width and "put-back" not in line]
    assert too_wide == []


def test_a_thousand_unlocked_repositories_are_one_line() -> None:
    """They would otherwise push the one lock that matters off the screen."""
    many = [repository_report(f"r{n}", RepositoryState.UNLOCKED) for n in range(1000)]
    assert table([], many).splitlines() == [
        "No lock in 1,000 repositories.",
        "",
        "No lock in 1,000 repositories.",
    ]


def test_a_few_unlocked_repositories_are_named() -> None:
    """`list` on three repositories would otherwise not say which it looked at."""
    few = [repository_report(name, RepositoryState.UNLOCKED) for name in ("a", "b")]
    assert table([lock_report()], [*few, repository_report(locks=1)]).startswith("No lock in a, b.")


def test_hundreds_of_leaked_locks_of_one_holder_are_folded_but_all_counted() -> None:
    """An old restic that leaks a lock an hour would otherwise fill the screen with itself."""
    locks = [
        lock_report(n, Verdict.HOLDER_ALIVE, age=timedelta(hours=n), detail="pod x may hold it")
        for n in range(1, 301)
    ]
    shown = table(locks, [repository_report(locks=300)], width=120)
    assert "297 more" in shown
    assert "1h 0m to 12d old" in shown
    assert "0 of 300 locks removed; 300 kept." in shown
    assert len(shown.splitlines()) < 25


def test_every_removed_lock_can_be_put_back_from_the_table() -> None:
    """On a terminal the record is nowhere else: a folded row must not lose it."""
    locks = [lock_report(n, removed=True, record=bytes([n])) for n in range(1, 21)]
    shown = table(locks, [repository_report("it's", locks=20)], width=40)
    assert shown.count("restic-janitor put-back shop-db ") == 20


def test_a_repository_name_in_a_command_is_quoted() -> None:
    """Copying the command would otherwise run what a name contains."""
    removed = lock_report(repository="a; rm -rf ~", removed=True, record=b"x")
    assert "  restic-janitor put-back 'a; rm -rf ~' eA==\n" in table([removed])


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (
            lock_report(removed=True),
            "It blocked forget, prune and check; backups went on.",
        ),
        (
            lock_report(removed=True, exclusive=True),
            "It blocked everything, every backup included.",
        ),
        (
            lock_report(dry_run=True, exclusive=True),
            "It blocks everything, every backup included.",
        ),
    ],
)
def test_a_stale_lock_says_what_it_blocked(report: LockReport, sentence: str) -> None:
    """Backups green for weeks hide that nothing was pruned: the table has to say it."""
    assert sentence in table([report], [repository_report()], width=120)


def test_a_live_lock_is_not_accused_of_blocking() -> None:
    """A running backup's lock does what it should."""
    alive = lock_report(verdict=Verdict.HOLDER_ALIVE, exclusive=True, detail="it runs")
    assert "block" not in table([alive], [repository_report()])


def test_failed_repositories_and_the_summary_stand_at_the_end() -> None:
    """The end of the output is what a tired person sees first."""
    lines = table(*a_night(), width=80).splitlines()
    assert lines[-1] == "Exit code 1."
    photos = lines.index("photos  wrong-password, s3:https://s3.example.com/backups/photos")
    others = [n for n, line in enumerate(lines) if line.startswith(("shop-db", "media", "new"))]
    assert photos > max(others)


@pytest.mark.parametrize(
    ("locks", "expected"),
    [
        ([lock_report(dry_run=True)], "1 of 1 lock would be removed."),
        ([lock_report(still_there="refused")], "0 of 1 lock removed; 1 stale lock not removed."),
        (
            [lock_report(verdict=Verdict.RELEASED), lock_report(2, removed=True)],
            "1 of 2 locks removed; 1 released by the holder meanwhile.",
        ),
        ([lock_report(verdict=Verdict.TOO_YOUNG)], "0 of 1 lock removed; 1 kept."),
    ],
)
def test_the_summary_counts_what_was_done(locks: list[LockReport], expected: str) -> None:
    """A dry run or a refused delete would otherwise read like a removal."""
    assert expected == table(locks, [repository_report()]).splitlines()[-1]


def test_a_failure_of_a_discovered_repository_is_told_apart_from_a_failed_one() -> None:
    """A new Stash Repository has no repository yet: that must not look like an alarm."""
    new = repository_report("new", RepositoryState.NO_REPOSITORY, source="stash")
    broken = repository_report("old", RepositoryState.UNREACHABLE, failed=True)
    lines = table([], [new, broken]).splitlines()
    assert "1 repository could not be read: old (unreachable)." in lines
    assert "1 repository skipped, which is no failure: new (no-repository)." in lines


def test_many_failed_repositories_are_counted_in_the_summary() -> None:
    """A store that is down would otherwise make the summary a page."""
    broken = [
        repository_report(f"r{n}", RepositoryState.UNREACHABLE, failed=True) for n in range(40)
    ]
    assert "40 repositories could not be read: r0 (unreachable)," in table([], broken, width=200)
    assert "and 35 more." in table([], broken, width=200)


def test_locks_whose_repository_was_not_reported_are_shown() -> None:
    """A run cut short by a signal must still tell what it did."""
    shown = table([lock_report(removed=True)])
    assert "shop-db" in shown
    assert "1 of 1 lock removed." in shown


HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\r\n\t\x07\u202e\u2028\ud800[]\u200b\x9b"))
)


@settings(deadline=None)  # the machine may be busy
@given(
    text=HOSTILE,
    verdict=st.sampled_from(Verdict),
    age=st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=4000)),
    width=st.integers(1, 200),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_no_report_breaks_a_printer_or_reaches_the_terminal_raw(
    text: str,
    verdict: Verdict,
    age: timedelta | None,
    width: int,
    flags: tuple[bool, bool, bool, bool],
) -> None:
    """A lock's hostname could otherwise stop the report or repaint the screen."""
    removed, dry_run, failed, rich = flags
    lock = lock_report(
        1, verdict, repository=text, hostname=None if failed else text, username=text, age=age,
        detail=text, evidence={text: text}, still_there=text, removed=removed, dry_run=dry_run,
        record=b"x" if removed else None, cause=text, advice=text,
    )  # fmt: skip
    repository = repository_report(text, RepositoryState.READ, detail=text, failed=failed, locks=1)
    sweep = SweepReport(1, 1, 1, 1, 0, 1, dry_run, timedelta(0), 1, text)
    shown = table([lock], [repository], sweep, width=width, rich=rich)
    assert [line for line in shown.split("\n") if not line.isprintable()] == []
    stream = io.StringIO()
    printer = JsonPrinter(stream)
    printer.lock(lock)
    printer.repository(repository)
    printer.sweep(sweep)
    printer.finish()
    assert stream.getvalue().count("\n") == 3
    assert stream.getvalue().replace("\n", "").isprintable()


def test_markup_in_a_name_is_text() -> None:
    """rich would otherwise paint, or swallow, a hostname like [red]."""
    lock = lock_report(hostname="[red]db[/red]", username=":smile:")
    assert "[red]db[/red], user :smile:" in table([lock], rich=True, colour=True)


def test_json_lines_are_out_at_once() -> None:
    """A record that waits in a buffer is lost when the process is killed after the delete."""
    raw = io.BytesIO()
    printer = JsonPrinter(io.TextIOWrapper(raw, encoding="utf-8"))
    printer.lock(lock_report(removed=True, record=b"x"))
    assert raw.getvalue().endswith(b'"record":"eA==","failed_runs":null}\n')


def test_the_table_is_drawn_once() -> None:
    """`finish` is called again when a signal cuts the run short."""
    stream = io.StringIO()
    printer = TablePrinter(stream)
    printer.lock(lock_report())
    printer.finish()
    once = stream.getvalue()
    printer.finish()
    assert once == stream.getvalue()


def test_a_terminal_without_unicode_gets_the_whole_table() -> None:
    """An é in a user name would otherwise end the report after locks were removed."""
    raw = io.BytesIO()
    printer = TablePrinter(io.TextIOWrapper(raw, encoding="ascii"))
    printer.lock(lock_report(username="andré"))
    printer.finish()
    assert rb"user andr\xe9" in raw.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_only_where_they_are_welcome(
    stream: io.StringIO, environment: dict[str, str], expected: bool
) -> None:
    """A file full of escape codes, or NO_COLOR ignored, is a bug report."""
    assert expected is wants_colour(stream, environment)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"COLUMNS": "133"}, 133), ({"COLUMNS": "0"}, 80), ({"COLUMNS": "x²"}, 80), ({}, 80)],
)
def test_the_width_comes_from_columns_where_there_is_no_terminal(
    environment: dict[str, str], expected: int
) -> None:
    """A table in a pipe would otherwise fail or be unreadable."""
    assert expected == terminal_width(io.StringIO(), environment)


def test_without_rich_the_table_is_drawn_all_the_same() -> None:
    """The extra `cli` is not in every image."""
    program = (
        "import sys; sys.modules['rich'] = None\n"
        "from janitor.report.printers import table_printer\n"
        "printer = table_printer(sys.stdout, {}); printer.finish()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "No lock in 0 repositories.\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="a pseudo terminal needs a Unix")
def test_a_real_terminal_gets_its_own_width_and_colours() -> None:
    """A size that is asked of the wrong stream makes every table 80 columns wide."""
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        assert terminal_width(stream, {}) == 100
        printer = table_printer(stream, {"TERM": "xterm-256color"})
        printer.lock(lock_report(removed=True))
        printer.finish()
        shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "\x1b[32mremoved" in shown


def test_a_list_does_not_speak_of_removing() -> None:
    """`list` removes nothing; "0 removed" would sound like a failure."""
    listed = replace(lock_report(verdict=Verdict.TOO_YOUNG), dry_run=True)
    assert summary([listed, listed], [], None)[0] == "2 locks, none of them stale."


def test_where_nothing_could_be_looked_at_it_says_so() -> None:
    """ "No lock in 0 repositories" would sound as if all were well."""
    skipped = repository_report(state=RepositoryState.INCOMPLETE, detail="no Secret")
    assert summary([], [skipped], None)[0] == "No repository could be looked at."
