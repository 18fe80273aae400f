"""Removing takes long where the store is slow: how often pods are listed meanwhile.

python -m bench.removing FOLDER SECONDS: serves the repositories in FOLDER over REST, each deletion
taking so long, until standard input ends; prints its port
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.beside import beside
from bench.commands import sweep
from bench.figures import Figure
from bench.measure import once
from bench.pods import api_server, seen_at
from janitor.remove import OBSERVATION_AGE
from tests.forge import forge_repository
from tests.servers.scripted import Reply, Request, scripted

LOCKS = 25
SECONDS = 1.0
"""Of one deletion; those of one repository come one after another."""


def figures(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    served = folder / "served"
    state = folder / "state.json"
    state.write_text(_old_locks(served / "r0"))
    asked: list[dict[str, int]] = []
    with (
        beside("bench.removing", served, SECONDS) as server,
        api_server(folder / "kubeconfig", 1, asked),
    ):
        place = f"rest:http://127.0.0.1:{server.first}/r{{}}/"
        began = time.monotonic()
        swept = [*sweep(folder, place, count=1), "--state", state, "--context", "test"]
        once(["env", f"KUBECONFIG={folder / 'kubeconfig'}", *swept], environment)
        took = time.monotonic() - began
    left = len(list((served / "r0" / "locks").iterdir()))
    if left:
        raise SystemExit(f"{left} of {LOCKS} locks were not removed")
    most = 1 + math.floor(LOCKS * SECONDS / OBSERVATION_AGE.total_seconds())
    basis = f"{LOCKS} locks in {took:.0f} s: the first list, and one for each 10 s begun"
    return [Figure("lists of all pods while removing", asked[0]["lists"], most, "lists", basis)]


def _old_locks(place: Path) -> str:
    """Makes them, and returns the state that has seen them long ago."""
    repository = forge_repository(place, "test")
    made = datetime.now(UTC) - timedelta(hours=5)
    locks = [repository.lock(hostname="gone-1", time=made, pid=each) for each in range(LOCKS)]
    return seen_at(made, locks)


def main(folder: Path, seconds: float) -> None:
    def answer(request: Request) -> Reply:
        path = folder / request.path.strip("/")
        if request.method == "DELETE":
            time.sleep(seconds)
            path.unlink()
        elif path.is_file():
            return Reply(200, path.read_bytes())
        elif path.is_dir():
            found = [{"name": each.name, "size": each.stat().st_size} for each in path.iterdir()]
            version_2 = {"Content-Type": "application/vnd.x.restic.rest.v2"}
            return Reply(200, json.dumps(found).encode(), version_2)
        return Reply(200)

    with scripted(answer) as server:
        print(server.host.rpartition(":")[2], flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
