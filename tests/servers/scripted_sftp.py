"""An SFTP server that behaves as a test says, for what OpenSSH's never does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh


@dataclass
class ScriptedSftp:
    """A running server."""

    port: int
    ssh: Path
    """What a janitor is given: its key, and the server's in `known_hosts`."""
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    def location(self, path: Path | str) -> str:
        return f"sftp://me@127.0.0.1:{self.port}/{path}"


@contextmanager
def scripted_sftp(
    folder: Path, sftp_factory: Callable[[Any], asyncssh.SFTPServer] | None
) -> Iterator[ScriptedSftp]:
    """A server while the block runs; without a factory it knows nothing of SFTP."""
    folder.mkdir()
    host, own = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    own.write_private_key(folder / "id_ed25519")
    own.write_public_key(folder / "id_ed25519.pub")
    loop = asyncio.new_event_loop()
    connections: list[asyncssh.SSHServerConnection] = []

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Server,
            server_host_keys=[host],
            authorized_client_keys=str(folder / "id_ed25519.pub"),
            sftp_factory=sftp_factory,
        )

    acceptor = loop.run_until_complete(listen())
    port = acceptor.get_port()
    public = host.export_public_key().decode()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield ScriptedSftp(port, folder, connections)
    finally:

        async def end() -> None:
            acceptor.close()
            for each in connections:
                each.abort()
            await acceptor.wait_closed()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
