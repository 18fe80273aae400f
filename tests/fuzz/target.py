"""One thing that is fuzzed, and what happens to an input of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

LONGEST = 60
"""Seconds that one input may take on a busy machine; it usually takes milliseconds."""


class HangsError(AssertionError):
    """The input was not done after `LONGEST` seconds."""


@dataclass(frozen=True)
class Target:
    """A function of the janitor that reads what others wrote."""

    name: str
    inputs: st.SearchStrategy[Any]
    """Of plain values, whose `repr` is Python."""
    check: Callable[[Any], None]
    """Raises for an input that is neither read nor refused as documented."""
    examples: int = 200
    """How many CI tries."""

    def run(self, value: Any) -> None:
        """Checks one input; one that hangs fails as well."""
        with _ended_in_time():
            self.check(value)


@contextmanager
def _ended_in_time() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise HangsError(f"not done after {LONGEST} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Found(Exception):
    """An input that fails, smallest last, as a test to paste."""


def driven(
    target: Target, *, timed: bool = True, **options: Any
) -> tuple[Callable[[], None], dict[str, Any]]:
    """A Hypothesis test of this target, and where it notes the last input that failed.

    While Hypothesis shrinks, that is the smallest so far. Not `timed`: whoever drives it sees to it
    that no input takes too long.
    """
    failed: dict[str, Any] = {}
    defaults: dict[str, Any] = {
        "deadline": None,
        "suppress_health_check": list(HealthCheck),
        "phases": (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    }

    @settings(**defaults | options)
    @given(target.inputs)
    def body(value: Any) -> None:
        if isinstance(failed.get("error"), HangsError) and value != failed["value"]:
            return  # to make it smaller would take a minute each time
        try:
            (target.run if timed else target.check)(value)
        except BaseException as error:
            failed.update(value=value, error=error)
            raise

    return body, failed


def search(target: Target, **options: Any) -> None:
    """Looks for an input that fails. Raises Found with the smallest one."""
    body, failed = driven(target, **options)
    try:
        body()
    except BaseException as error:
        if "value" not in failed:
            raise
        raise Found(as_test(target.name, failed["value"], failed["error"])) from error


def as_test(name: str, value: Any, error: BaseException) -> str:
    """A regression test for tests/fuzz/test_found.py."""
    word = "".join(each if each.isalnum() else "_" for each in type(error).__name__.lower())
    why = " ".join(str(error).split())[:200].replace("\\", "/").replace('"', "'")
    return (
        f"\n\ndef test_{name.replace('-', '_')}_{word}() -> None:\n"
        f'    """Else {type(error).__name__}: {why}."""\n'
        f"    check({name!r}, {value!r})\n"
    )
