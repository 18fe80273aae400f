"""`make bench`: measures, prints the tables, and writes docs/benchmarks.md with its picture.

python -m bench.run [--no-write]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from bench import distance, image, many, old, peers, pods, removing, shards, short, start
from bench.commands import CHECKOUT, PASSWORD
from bench.figures import report
from bench.plot import plot

INTRO = f"""\
{peers.REPOSITORIES:,} repositories made by restic, {len(peers.LOCKED)} of them with a young lock
and none with an old one, on files and on SeaweedFS (one bucket, one key), judged without a cluster;
`restic` and `rclone` were measured on {peers.MEASURED} of them. Those with old locks are forged,
each with a key of its own (scrypt's N 32,768, as restic finds it today). Pods are a Deployment's
with a sidecar, with all that the API server sends of them; they come from a stand-in for it, in a
process of its own and without TLS. What is N ms away answers each request so much later, and a new
connection by two ways more. The janitor runs with the packages of requirements.txt alone.
""".splitlines()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"PATH": os.environ["PATH"], "HOME": name, "RESTIC_PASSWORD": PASSWORD}
        told = start.figures(folder / "start", environment)
        more, found = peers.on_files(folder / "files", environment)
        told += more
        more, on_s3 = peers.on_s3(folder / "s3", environment)
        told += more
        found += on_s3
        told += old.figures(
            folder / "old", environment, repositories=peers.REPOSITORIES, shares=old.SHARES
        )
        told += pods.figures(folder / "pods", environment)
        told += removing.figures(folder / "removing", environment)
        more, costs = many.figures(folder / "many", environment)
        told += more
        told += distance.figures(folder / "far", environment)
        told += shards.figures(folder / "shards", environment)
        told += image.figures(folder / "image")
        ratios = short.measured(folder / "short", environment)
    text = report(told, found, INTRO)
    print(text)
    if "--no-write" not in sys.argv:
        docs = CHECKOUT / "docs"
        (docs / "benchmarks.md").write_text(text)
        plot(costs, found, peers.REPOSITORIES, docs / "benchmarks.svg")
        short.record(ratios)


if __name__ == "__main__":
    main()
