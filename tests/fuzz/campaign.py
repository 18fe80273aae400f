"""The parts of a campaign that run in a process of their own: see `__main__`."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from random import Random
from typing import Any
from unittest import SkipTest

from hypothesis import Phase
from hypothesis.database import DirectoryBasedExampleDatabase

MEMORY = 2 << 30
"""Bytes of address space: an input that wants more fails."""
_BATCH = 500


def random(name: str, seconds: str) -> int:
    """Searches with Hypothesis, in batches, each from a seed that is printed if it fails."""
    from tests.fuzz.registry import TARGETS
    from tests.fuzz.target import Found, search

    end = time.monotonic() + float(seconds)
    tried = 0
    while time.monotonic() < end:
        try:
            search(TARGETS[name], max_examples=_BATCH, database=None)
        except Found as found:
            print(f"{found.__cause__!r}{found}", flush=True)
            return 1
        tried += _BATCH
    print(f"{name}: {tried} inputs", flush=True)
    return 0


def guided(name: str, seconds: str, folder: str) -> int:
    """Searches with atheris; never returns. What fails is kept in `folder`."""
    import atheris

    _sow(Path(folder) / "corpus")
    with atheris.instrument_imports(include=["janitor"]):
        from tests.fuzz.registry import TARGETS
    from tests.fuzz.target import driven

    database = DirectoryBasedExampleDatabase(Path(folder) / "failures")
    body, _ = driven(TARGETS[name], timed=False, database=database)
    options = [
        f"-max_total_time={seconds}",
        "-timeout=120",
        f"-rss_limit_mb={MEMORY >> 20}",
        f"-artifact_prefix={folder}/",
        "-max_len=4096",
        "-len_control=0",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], str(Path(folder) / "corpus"), *options], _fed(body))
    atheris.Fuzz()
    return 0


def _sow(corpus: Path) -> None:
    """Noise to begin from: libFuzzer's own first inputs are too short to become anything."""
    if not any(corpus.iterdir()):
        noise = Random(0)
        for number in range(60):
            (corpus / f"noise-{number}").write_bytes(
                noise.randbytes(noise.choice([300, 900, 3000]))
            )


def again(name: str, folder: str) -> int:
    """Makes the failures in `folder` smaller. 0: they do not fail any more, or there is none."""
    from tests.fuzz.registry import TARGETS
    from tests.fuzz.target import Found, search

    database = DirectoryBasedExampleDatabase(Path(folder) / "failures")
    try:
        search(TARGETS[name], database=database, phases=(Phase.reuse, Phase.shrink))
    except Found as found:
        print(f"{found.__cause__!r}{found}", flush=True)
        return 1
    except SkipTest:
        pass  # none was noted
    return 0


def show(name: str, artifact: str) -> int:
    """Prints what libFuzzer kept of an input that hung or took too much, as a test."""
    from tests.fuzz.registry import TARGETS
    from tests.fuzz.target import Target, as_test, driven

    inputs: list[Any] = []
    target = Target(name, TARGETS[name].inputs, inputs.append)
    _fed(driven(target, database=None)[0])(Path(artifact).read_bytes())
    for value in inputs:
        print(as_test(name, value, RuntimeError(Path(artifact).name.partition("-")[0])), flush=True)
    return 0


def _fed(body: Any) -> Any:
    return body.hypothesis.fuzz_one_input


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    if step != "guided":  # there libFuzzer watches the memory
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.exit({"random": random, "guided": guided, "again": again, "show": show}[step](*arguments))
