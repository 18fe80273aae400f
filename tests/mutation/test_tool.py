"""The breaking itself: a tool that catches everything would prove nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutation.__main__ import compare
from tests.mutation.accepted import accepted
from tests.mutation.forks import Bounds, Died, in_children
from tests.mutation.mutants import ROOT, mutants_of, path_of, sample

NAMES = "janitor.names"


def words_of(function: str, module: str = NAMES) -> list[str]:
    return [one.words for one in mutants_of(module) if one.function == function]


# --- what is broken --------------------------------------------------------------------------


SAMPLE = """
def may_hold(pod, lock):
    if pod.started is not None and pod.started > lock.time:
        return False
    return ask(pod) or look(pod)
"""


def test_a_clause_is_inverted_dropped_and_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a clause of the rule stands there untested and nobody is told."""
    (tmp_path / "sample.py").write_text(SAMPLE)
    monkeypatch.setattr(
        "tests.mutation.mutants.path_of",
        lambda module: tmp_path / "sample.py" if module == "sample" else path_of(module),
    )
    test = "pod.started is not None and pod.started > lock.time"
    assert [one.words.partition(" in `")[0] for one in mutants_of("sample")] == [
        f"the condition `{test}` is taken as True",
        f"the condition `{test}` is taken as False",
        f"`{test}` becomes `pod.started is not None or pod.started > lock.time`",
        f"`pod.started is not None` is left out of `{test}`",
        f"`pod.started > lock.time` is left out of `{test}`",
        "`pod.started is not None` becomes `pod.started is None`",
        "`pod.started > lock.time` becomes `pod.started >= lock.time`",
        "`pod.started > lock.time` becomes `pod.started <= lock.time`",
        "`False` becomes `True`",
        "`return ask(pod) or look(pod)` returns None",
        "`ask(pod) or look(pod)` becomes `ask(pod) and look(pod)`",
        "`ask(pod)` is left out of `ask(pod) or look(pod)`",
        "`look(pod)` is left out of `ask(pod) or look(pod)`",
        "`look(pod)` is asked before `ask(pod)`",
    ]


def test_every_mutant_is_python_that_differs_from_the_module() -> None:
    """Else a mutant is caught because it cannot even be read, or never, since it is the same."""
    for module in ("janitor.judge", "janitor.remove", "janitor.cluster.wire"):
        original = compile(path_of(module).read_bytes(), str(path_of(module)), "exec")
        for mutant in mutants_of(module):
            assert mutant.code() != original, mutant


def test_no_two_mutants_of_a_function_have_the_same_words() -> None:
    """Else one accepted survivor hides another."""
    for module in ("janitor.judge", "janitor.cluster.exchange"):
        keys = [mutant.key for mutant in mutants_of(module)]
        assert len(keys) == len(set(keys))


def test_sentences_for_people_are_left_alone() -> None:
    """Else a thousand mutants show only that no test repeats every sentence."""
    words = words_of("_foreign_host", "janitor.judge")
    assert not any(each.startswith("`'it names no host") for each in words)
    verdict = "`Verdict.FOREIGN_HOST` becomes `Verdict.HOLDER_REPLACED`"
    assert [each.startswith(verdict) for each in words].count(True) == 2


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    """Else a failure cannot be run again."""
    everyone = mutants_of(NAMES)
    assert sample(everyone, 5, 7) == sample(everyone, 5, 7)
    assert sample(everyone, 5, 7) != sample(everyone, 5, 8)
    assert sample(everyone, 10_000, 7) == everyone


# --- what is caught --------------------------------------------------------------------------

RUN = """
import json, sys
from pathlib import Path
from tests.mutation.mutants import mutants_of
from tests.mutation.run import run_mutants

module, tests, function, beginning, file = sys.argv[1:]
chosen = [
    one
    for one in mutants_of(module)
    if one.function == function and one.words.startswith(beginning)
]

def report(mutant, outcome):
    with Path(file).open("a") as said:
        said.write(json.dumps([mutant.words, outcome.by]) + "\\n")

run_mutants(chosen, [tests], jobs=2, report=report)
"""


def run(folder: Path, module: str, tests: str, function: str, beginning: str) -> dict[str, str]:
    """The words of the mutants, and what caught each."""
    said = folder / "said"
    command = [sys.executable, "-c", RUN, module, tests, function, beginning, str(said)]
    environment = os.environ | {"PYTEST_ADDOPTS": "", "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(line) for line in said.read_text().splitlines())


@pytest.mark.timeout(600)
def test_tests_that_do_not_look_catch_nothing(tmp_path: Path) -> None:
    """Else a mutant counts as caught whatever the tests do: these know nothing of names."""
    outcomes = run(tmp_path, NAMES, "tests/unit/store/test_bounded.py", "has_random_suffix", "`")
    assert len(outcomes) > 2
    assert set(outcomes.values()) == {""}


@pytest.mark.timeout(600)
def test_tests_that_look_catch_what_is_wrong_in_a_function(tmp_path: Path) -> None:
    """Else nothing that this package says of the tests is true."""
    outcomes = run(tmp_path, NAMES, "tests/unit/names", "has_random_suffix", "`return ")
    assert len(outcomes) == 2
    assert all(by.startswith("tests/unit/names/") for by in outcomes.values())


@pytest.mark.timeout(600)
def test_what_runs_at_import_is_broken_as_well(tmp_path: Path) -> None:
    """Else constants, defaults and tables are never broken."""
    outcomes = run(tmp_path, NAMES, "tests/unit/names", "(module)", "`5` becomes")
    assert len(outcomes) == 2
    assert all(by.startswith("tests/unit/names/") for by in outcomes.values())


# --- processes -------------------------------------------------------------------------------


def forever() -> None:
    while True:
        pass


def fail() -> None:
    raise ValueError("a fault of the tool")


def the_end_of(do: Callable[[], object], folder: Path, *, wall: float = 60) -> tuple[object, str]:
    bounds = Bounds(cpu=1, wall=wall)
    ((_, ended),) = in_children([("", do)], scratch=folder, jobs=1, bounds=bounds)
    return ended.answer, ended.signal


def test_a_mutant_that_hangs_is_ended(tmp_path: Path) -> None:
    """Else one endless loop, or one that waits, holds the whole run up."""
    assert the_end_of(forever, tmp_path) == (None, "SIGXCPU")
    assert the_end_of(lambda: time.sleep(600), tmp_path, wall=0.2) == (None, "SIGKILL")
    assert the_end_of(lambda: "done", tmp_path) == ("done", "")


def test_a_fault_of_the_tool_is_no_caught_mutant(tmp_path: Path) -> None:
    """Else a broken tool looks like perfect tests."""
    with pytest.raises(Died, match="a fault of the tool"):
        the_end_of(fail, tmp_path)


# --- what may survive ------------------------------------------------------------------------


def listed(folder: Path, *words: str) -> Path:
    file = folder / "accepted.toml"
    file.write_text(
        "[[survivor]]\n"
        f'module = "{NAMES}"\nfunction = "has_random_suffix"\nequivalent = true\n'
        f'reason = "shown"\nmutations = {json.dumps(list(words))}\n'
    )
    return file


def test_a_survivor_must_be_listed_and_a_listed_one_survive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the list grows stale, and hides what is new."""
    everyone = [one for one in mutants_of(NAMES) if one.function == "has_random_suffix"]
    first, second, *_ = everyone
    allowed = accepted(NAMES, listed(tmp_path, first.words))
    assert compare(NAMES, everyone, everyone, [first], allowed) == 0
    assert compare(NAMES, everyone, everyone, [first, second], allowed) == 1
    assert f"survived: {second}" in capsys.readouterr().out
    assert compare(NAMES, everyone, everyone, [], allowed) == 1
    assert "but it is caught" in capsys.readouterr().out
    assert compare(NAMES, everyone, [second], [], allowed) == 0
    gone = accepted(NAMES, listed(tmp_path, "`x` becomes `y`"))
    assert compare(NAMES, everyone, everyone, [], gone) == 1
    assert "no longer exists" in capsys.readouterr().out


def test_only_equivalents_are_accepted_in_the_rule() -> None:
    """Else "nothing survives in judge, holder and remove" is only said."""
    for module in ("janitor.judge", "janitor.holder", "janitor.remove"):
        for one in accepted(module).values():
            assert one.equivalent, one
            assert len(one.reason) > 40
