"""Removing takes long where the store is slow: how often pods are listed meanwhile.

python -m bench.removing FOLDER SECONDS: serves the repositories in FOLDER over REST, each deletion
taking so long, until standard input ends; prints its port
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.commands import sweep
from bench.figures import Figure
from bench.measure import once
from bench.pods import api_server
from janitor.remove import OBSERVATION_AGE
from tests.forge import forge_repository
from tests.servers.scripted import Reply, Request, scripted

LOCKS = 25
SECONDS = 1.0
"""Of one deletion; those of one repository come one after another."""


def figures(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    served = folder / "served"
    state = _old_locks(served / "r0")
    state_file = folder / "state.json"
    state_file.write_text(json.dumps(state))
    asked: list[dict[str, int]] = []
    command = [sys.executable, "-m", "bench.removing", str(served), str(SECONDS)]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process,
        api_server(folder / "kubeconfig", 1, asked),
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        place = f"rest:http://127.0.0.1:{process.stdout.readline().strip()}/r{{}}/"
        began = time.monotonic()
        swept = [*sweep(folder, place, count=1), "--state", state_file, "--context", "test"]
        once(["env", f"KUBECONFIG={folder / 'kubeconfig'}", *swept], environment)
        took = time.monotonic() - began
        process.stdin.close()
    left = len(list((served / "r0" / "locks").iterdir()))
    if left:
        raise SystemExit(f"{left} of {LOCKS} locks were not removed")
    most = 1 + math.floor(LOCKS * SECONDS / OBSERVATION_AGE.total_seconds())
    basis = f"{LOCKS} locks in {took:.0f} s: the first list, and one for each 10 s begun"
    return [Figure("lists of all pods while removing", asked[0]["lists"], most, "lists", basis)]


def _old_locks(place: Path) -> dict[str, object]:
    """Makes them, and returns the state that has seen them long ago."""
    repository = forge_repository(place, "test")
    made = datetime.now(UTC) - timedelta(hours=5)
    seen = made.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    locks = [repository.lock(hostname="gone-1", time=made, pid=each) for each in range(LOCKS)]
    remembered = {lock: {"first_seen": seen} for lock in locks}
    return {"version": 1, "repositories": {"r0": remembered}}


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
