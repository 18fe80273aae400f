"""Runs the tests against mutants, each in a process of its own that ends at the first failure.

The tests are collected once, in a process that forks one child for each mutant; the child gives
the mutated function its code and runs. So what a test module computes while it is collected, in a
`parametrize` for example, is computed by the code as it is.

What runs at import needs a child that has not imported the janitor yet: it imports the mutant, and
collects the tests itself.
"""

from __future__ import annotations

import functools
import gc
import importlib
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutation.forks import Bounds, Ended, in_children
from tests.mutation.mutants import ROOT, Mutant
from tests.mutation.put import NotPossible, into_function, into_imports

_LIBRARIES = (
    "cryptography",
    "kubernetes.client",
    "kubernetes.config",
    "msgspec",
    "obstore",
    "structlog",
    "tenacity",
    "urllib3",
    "yaml",
)
"""Imported before the first fork, so that no child has to."""
_PATIENT = Bounds(cpu=600, wall=3600)
_OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short")
_NOT_POSSIBLE = "not possible"


@dataclass(frozen=True)
class Outcome:
    """What the tests said of one mutant."""

    caught: bool
    by: str
    """The test that failed first, or what else ended it; empty where it survived."""


Report = Callable[[Mutant, Outcome], None]


class NotGreen(Exception):
    """The tests fail without any mutation: here is what pytest said."""


def run_mutants(
    mutants: Sequence[Mutant], tests: Sequence[str], *, jobs: int, report: Report
) -> None:
    """Runs these tests against each mutant of one module. Raises NotGreen.

    `report` is called in this process or in a child, as soon as a mutant is done.
    """
    for library in _LIBRARIES:
        importlib.import_module(library)
    with _scratch() as scratch:
        early = [mutant for mutant in mutants if not mutant.at_import]
        warm = functools.partial(_collected_once, early, tests, scratch, jobs, report)
        ((_, ended),) = in_children([("", warm)], scratch=scratch, jobs=1, bounds=_PATIENT)
        if not isinstance(ended.answer, dict) or ended.answer["fault"]:
            raise NotGreen(f"{ended.said}\n{ended.answer or ended.signal}")
        bounds = Bounds(ended.answer["cpu"], ended.answer["wall"])
        later = set(ended.answer["later"])
        late = [one for one in mutants if one.at_import or str(one) in later]
        work = ((mutant, functools.partial(_imported, mutant, tests)) for mutant in late)
        for mutant, one in in_children(work, scratch=scratch, jobs=jobs, bounds=bounds):
            report(mutant, _outcome(one))


@contextmanager
def _scratch() -> Iterator[Path]:
    """In memory where that is possible: thousands of little repositories are written."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _outcome(ended: Ended) -> Outcome:
    by = str(ended.answer or ended.signal)
    return Outcome(caught=bool(by), by=by)


# --- in a child that imports the mutant ------------------------------------------------------


def _imported(mutant: Mutant, tests: Sequence[str]) -> str:
    """The first test that fails."""
    into_imports(mutant)
    first = _FirstFailure()
    code = pytest.main(["-x", *_OPTIONS, f"--rootdir={ROOT}", *tests], plugins=[first])
    return first.by or ("" if code == pytest.ExitCode.OK else f"pytest ended with {code!r}")


class _FirstFailure:
    """A pytest plugin that remembers what failed first."""

    by = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport | None:
        """A failure without its story, which nobody reads and which costs more than the test."""
        if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
            return None
        return pytest.TestReport(
            item.nodeid, item.location, {}, "failed", longrepr=None, when=call.when
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.by:
            self.by = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.by:
            self.by = f"collecting {report.nodeid}"


# --- in a child that collects once -----------------------------------------------------------


def _collected_once(
    mutants: Sequence[Mutant], tests: Sequence[str], scratch: Path, jobs: int, report: Report
) -> object:
    """The bounds for one run of the tests, and which mutants have to be imported."""
    first = _FirstFailure()
    loop = _MutantLoop(mutants, scratch, jobs, report)
    code = pytest.main([*_OPTIONS, f"--rootdir={ROOT}", *tests], plugins=[first, loop])
    fault = first.by or loop.fault or ("" if code == pytest.ExitCode.OK else repr(code))
    return {"fault": fault, "cpu": loop.bounds.cpu, "wall": loop.bounds.wall, "later": loop.later}


class _MutantLoop:
    """A pytest plugin that runs the collected tests once for each mutant, in a child each."""

    def __init__(self, mutants: Sequence[Mutant], scratch: Path, jobs: int, report: Report) -> None:
        self._mutants = mutants
        self._scratch = scratch
        self._jobs = jobs
        self._report = report
        self._caught_by: dict[str, list[str]] = defaultdict(list)
        """For each function the tests that caught its mutants: they are run first."""
        self.bounds = _PATIENT
        self.later: list[str] = []
        self.fault = ""
        """What fails without any mutation."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        unchanged = [("", functools.partial(_durations, session.items))]
        ((_, ended),) = in_children(unchanged, scratch=self._scratch, jobs=1, bounds=_PATIENT)
        took = ended.answer
        self.fault = "" if isinstance(took, dict) else str(took or ended.signal)
        if session.testsfailed or self.fault:
            return True
        session.items.sort(key=lambda item: took[item.nodeid])  # the quick ones first
        gc.freeze()  # else every child copies the pages that its collector looks at
        self.bounds = Bounds(cpu=15 + 4 * round(ended.cpu), wall=90 + 6 * ended.wall)
        work = (
            (mutant, functools.partial(self._swapped, mutant, session)) for mutant in self._mutants
        )
        for mutant, each in in_children(
            work, scratch=self._scratch, jobs=self._jobs, bounds=self.bounds
        ):
            self._take(mutant, _outcome(each))
        return True

    def _take(self, mutant: Mutant, outcome: Outcome) -> None:
        if outcome.by == _NOT_POSSIBLE:
            self.later.append(str(mutant))
            return
        before = self._caught_by[mutant.function]
        before[:] = [outcome.by, *(test for test in before if test != outcome.by)]
        self._report(mutant, outcome)

    def _swapped(self, mutant: Mutant, session: pytest.Session) -> str:
        try:
            into_function(mutant)
        except NotPossible:
            return _NOT_POSSIBLE
        rank = {test: index for index, test in enumerate(self._caught_by[mutant.function])}
        last = len(rank)
        return _first_failure(sorted(session.items, key=lambda one: rank.get(one.nodeid, last)))


def _durations(items: Sequence[pytest.Item]) -> dict[str, float] | str:
    """How long each test takes, or the first that fails."""
    took: dict[str, float] = dict.fromkeys((item.nodeid for item in items), 0.0)

    class Watch:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            took[report.nodeid] += report.duration

    items[0].config.pluginmanager.register(Watch())
    return _first_failure(items) or took


def _first_failure(items: Sequence[pytest.Item]) -> str:
    """Runs the tests up to the first that fails, and says which."""
    first = _FirstFailure()
    items[0].config.pluginmanager.register(first)
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if first.by:
            break
    return first.by
