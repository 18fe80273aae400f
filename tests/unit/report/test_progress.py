"""The counter: on a terminal only, and never in the way of the log."""

import io

from janitor.report.progress import Progress, progress_on

CLEAR = "\r\x1b[K"


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    """A pod's log would otherwise be full of escape codes."""
    stream = io.StringIO()
    progress = progress_on(stream, {"TERM": "xterm"})
    progress(1, 3, "reading shop-db")
    progress.write("a log line\n")
    progress.finish()
    assert stream.getvalue() == "a log line\n"


def test_a_log_line_stands_above_the_counter() -> None:
    """It would otherwise land in the middle of it."""
    stream = io.StringIO()
    progress = Progress(stream, shown=True, width=80)
    progress(1, 1000, "reading shop-db")
    progress.write("a log line\n")
    progress.finish()
    counter = "1 of 1,000  reading shop-db"
    assert stream.getvalue() == f"{CLEAR}{counter}{CLEAR}a log line\n{counter}{CLEAR}"


def test_a_name_cannot_leave_the_counters_line() -> None:
    """A long or hostile repository name would otherwise break the line that is wiped."""
    stream = io.StringIO()
    progress = Progress(stream, shown=True, width=20)
    progress(1, 2, "reading \x1b[2J\n" + "x" * 100)
    shown = stream.getvalue().removeprefix(CLEAR)
    assert shown.isprintable()
    assert len(shown) < 20
