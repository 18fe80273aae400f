"""A REST server without locks, so far away, in a process of its own, until standard input ends.

python -m bench.far MILLISECONDS: prints its port, and in the end how many requests came
"""

from __future__ import annotations

import sys
import time

from tests.servers.scripted import Reply, Request, scripted


def main(milliseconds: int) -> None:
    def answer(request: Request) -> Reply:
        time.sleep(milliseconds / 1000)
        if request.path.endswith("config"):
            return Reply(200, b"x" * 155)
        return Reply(200, b"[]", {"Content-Type": "application/vnd.x.restic.rest.v2"})

    with scripted(answer) as server:
        print(server.host.rpartition(":")[2], flush=True)
        sys.stdin.read()
        print(len(server.requests), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
