"""A REST server without locks, so far away (a new connection takes two ways more), in a process of
its own, until standard input ends.

python -m bench.far MILLISECONDS: prints its port, and in the end how often each repository was
asked for anything
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.beside import beside
from tests.servers.scripted import Reply, Request, scripted


@dataclass
class Served:
    """A server in another process; `asked` is known when it has ended."""

    place: str
    """`{}` stands for the repository's number."""
    asked: dict[str, int] = field(default_factory=dict)


@contextmanager
def served(milliseconds: int) -> Iterator[Served]:
    with beside("bench.far", milliseconds) as process:
        server = Served(f"rest:http://127.0.0.1:{process.first}/r{{}}/")
        yield server
    server.asked = json.loads(process.last)


def main(milliseconds: int) -> None:
    def answer(request: Request) -> Reply:
        time.sleep(milliseconds / 1000)
        if request.path.endswith("config"):
            return Reply(200, b"x" * 155)
        return Reply(200, b"[]", {"Content-Type": "application/vnd.x.restic.rest.v2"})

    def connected() -> None:
        time.sleep(2 * milliseconds / 1000)  # a round trip for TCP, one for TLS 1.3

    with scripted(answer, connected=connected) as server:
        print(server.host.rpartition(":")[2], flush=True)
        sys.stdin.read()
        asked = Counter(request.path.split("/")[1] for request in server.requests)
        print(json.dumps(asked), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
