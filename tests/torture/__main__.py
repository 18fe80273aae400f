"""`make torture`: the whole of it, with a summary. Exit code 1 where anything went wrong."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import programs
from tests.servers.real_restic import RealRestic, nodename_problem
from tests.servers.rest import RestServer
from tests.servers.seaweedfs import SeaweedFS
from tests.torture.diary import Diary
from tests.torture.places import make_targets
from tests.torture.plan import VERSIONS, plan
from tests.torture.summary import summary
from tests.torture.torture import Pace, torture

FULL = Pace(at_once=4, janitors=3, janitor_pause=0.2, janitor_killed=0.04, prune_pause=(0.5, 4))
SECONDS = (4.0, 14.0)
SAYS = 15.0
"""Seconds between two lines about how far it is."""


def main() -> int:
    arguments = _arguments()
    missing = [
        str(each)
        for each in (*map(programs.restic, VERSIONS), programs.rest_server())
        if not each.is_file()
    ]
    weed = programs.from_wheel("weed")
    if missing or weed is None:
        print(f"missing: {missing or 'weed'}; tests/servers/fetch fetches it", file=sys.stderr)
        return 2
    if problem := nodename_problem():
        print(f"no process can have a nodename of its own here: {problem}", file=sys.stderr)
        return 2
    stories = plan(arguments.backups, arguments.seed, seconds=SECONDS)
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        folder = Path(name)
        restics = {
            version: RealRestic(programs.restic(version), version, folder / f"restic-{version}")
            for version in VERSIONS
        }
        seaweedfs = SeaweedFS(weed, folder / "seaweedfs")
        rest_server = RestServer(programs.rest_server(), folder / "rest-server")
        try:
            diary = torture(
                stories,
                make_targets(folder, "shop", seaweedfs=seaweedfs, rest_server=rest_server),
                restics,
                folder=folder,
                seed=arguments.seed,
                pace=FULL,
                progress=_Progress(arguments.backups),
            )
        finally:
            rest_server.stop()
            seaweedfs.stop()
    print(summary(diary, seed=arguments.seed))
    return 1 if diary.failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--backups", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--seed", type=int, metavar="N", help="default: a new one")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(1_000_000)
    return arguments


class _Progress:
    """Says now and then how far it is."""

    def __init__(self, backups: int) -> None:
        self._backups = backups
        self._said = time.monotonic()

    def __call__(self, diary: Diary) -> None:
        if time.monotonic() - self._said < SAYS:
            return
        self._said = time.monotonic()
        counts = diary.counts
        print(
            f"{time.time() - diary.began:5.0f} s: {counts['backups']} of {self._backups} backups, "
            f"{counts['sweeps']} sweeps, {counts['removed']} locks removed, "
            f"{len(diary.failures)} failures",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
