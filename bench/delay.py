"""A server as far away as one likes: what is asked of it arrives later, until standard input ends.

python -m bench.delay PORT MILLISECONDS: prints the port that leads to the other
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.beside import beside


@contextmanager
def delayed(port: int, milliseconds: int) -> Iterator[int]:
    """The port that leads there, served by another process."""
    with beside("bench.delay", port, milliseconds) as server:
        yield int(server.first)


async def serve(port: int, seconds: float) -> None:
    async def connected(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * seconds)  # a round trip for TCP, one for TLS 1.3
        server, on = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(client, on, seconds), _copy(server, back, 0))

    listening = await asyncio.start_server(connected, "127.0.0.1")
    print(listening.sockets[0].getsockname()[1], flush=True)
    async with listening:
        await asyncio.to_thread(sys.stdin.read)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    while chunk := await reader.read(1 << 16):
        await asyncio.sleep(seconds)
        writer.write(chunk)
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]) / 1000))
