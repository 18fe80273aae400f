"""`python -m tests.simulation`: prove, tell the story of one seed, or break an assumption."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.simulation.plan import BREAKS
from tests.simulation.prove import ROOT, Count, digest, load, play_many, save
from tests.simulation.story import story


def main() -> int:
    arguments = _parse()
    if arguments.story is not None:
        print("\n".join(story(arguments.story, arguments.breaks)))
        return 0
    if arguments.breaks is not None:
        return _break(arguments.breaks, arguments.histories, arguments.jobs)
    return _prove(arguments.histories, arguments.jobs, arguments.ledger)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--histories", type=int, default=1_000_000, help="in all, with those of earlier runs"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--ledger", type=Path, default=ROOT / ".run/simulation.json")
    parser.add_argument(
        "--story", type=int, metavar="SEED", help="tell what happened in one history"
    )
    parser.add_argument("--breaks", choices=BREAKS, help="break this assumption of docs/safety.md")
    return parser.parse_args()


def _prove(histories: int, jobs: int, ledger: Path) -> int:
    code = digest()
    count = load(ledger, code)
    print(f"code {code}; done before: {count}", flush=True)
    for part in play_many(count.histories, histories - count.histories, jobs=jobs):
        count.add(part)
        save(ledger, code, count)
        if part.failed or count.histories % 10_000 == 0:
            print(count, flush=True)
        for seed in part.failed[:1]:
            print("\n".join(story(seed)), flush=True)
    print(count)
    return 1 if count.failed else 0


def _break(breaks: str, histories: int, jobs: int) -> int:
    """How often it costs a living holder its lock."""
    count = Count()
    for part in play_many(0, histories, jobs=jobs, breaks=breaks):
        count.add(part)
    print(f"{breaks}: {count}")
    if count.failed:
        print("\n".join(story(count.failed[0], breaks)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
