"""The termination message: short enough for the kubelet, and never a reason to fail."""

import json
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.model import SweepReport
from janitor.report.termination import MOST_BYTES, termination_message, write_termination

SWEEP = SweepReport(3, 1, 5, 2, 2, 3, False, timedelta(seconds=0.8), 1)


def test_the_message_is_the_sweep_line_with_all_sentences() -> None:
    """`kubectl describe pod` would otherwise not say what went wrong."""
    message = json.loads(termination_message(SWEEP, ["2 of 5 locks removed.", "Exit code 1."]))
    assert message["detail"] == "2 of 5 locks removed. Exit code 1."
    assert (message["event"], message["removed"], message["exit_code"]) == ("sweep", 2, 1)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.text(max_size=3000), max_size=10))
def test_the_message_is_one_line_of_json_within_the_limit(sentences: list[str]) -> None:
    """The kubelet cuts at 4,096 bytes, which makes half a JSON object of a long message."""
    message = termination_message(SWEEP, sentences)
    assert len(message.encode("utf-8")) <= MOST_BYTES
    assert message.isprintable()
    assert json.loads(message)["exit_code"] == 1


def test_a_long_message_is_cut_at_a_word() -> None:
    """Half a repository name at the end would be taken for a name."""
    detail = json.loads(termination_message(SWEEP, ["repository"] * 1000))["detail"]
    *words, end = detail.split(" ")
    assert (set(words), end) == ({"repository"}, "...")
    assert len(words) > 300


def test_it_is_written_over_what_is_there(tmp_path: Path) -> None:
    """A rest of an older, longer message would make the JSON invalid."""
    path = tmp_path / "termination-log"
    path.write_text("x" * 5000)
    assert write_termination(path, SWEEP, ["Done."]) is None
    assert json.loads(path.read_text())["detail"] == "Done."


def test_a_missing_file_is_a_sentence_and_is_not_created(tmp_path: Path) -> None:
    """Outside a pod there is none: that must neither fail the run nor litter /dev."""
    path = tmp_path / "termination-log"
    sentence = write_termination(path, SWEEP, [])
    assert sentence == (
        f"the termination message was not written to {path}: No such file or directory"
    )
    assert not path.exists()


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A removal that is done and told must not exit with an error for this."""
    sentence = write_termination(tmp_path, SWEEP, [])
    assert sentence is not None
    assert sentence.endswith(": Is a directory")
