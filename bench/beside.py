"""A server of the benchmarks in a process of its own, which ends with its standard input."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Beside:
    """What it printed."""

    first: str
    """When it was ready."""
    last: str = ""
    """When it ended: known after the block."""


@contextmanager
def beside(module: str, *arguments: object) -> Iterator[Beside]:
    """`python -m MODULE ARGUMENTS`, while the block runs."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        printed = Beside(process.stdout.readline().strip())
        try:
            yield printed
        finally:
            process.stdin.close()
            printed.last = process.stdout.readline()
