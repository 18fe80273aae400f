"""A server that sends bytes as they are, HTTP or not, and hangs up."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from functools import cache

Answers = Callable[[str, str], bytes | Iterable[bytes]]
"""From the method and the path with its query to every byte of the answer, in one or in pieces."""


class Wire(socketserver.ThreadingTCPServer):
    """Runs until the process ends; `answers` may be set at any time."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answers: Answers = lambda *_: b""
        self.host = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are none of its business."""


class _Conversation(socketserver.StreamRequestHandler):
    server: Wire

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            method, path, length = self._request()
            if method:
                self.rfile.read(length)
                answer = self.server.answers(method, path)
                for piece in (answer,) if isinstance(answer, bytes) else answer:
                    self.wfile.write(piece)
                    self.wfile.flush()
                # what the client still sends is read, else the answer may be lost with a reset
                self.connection.shutdown(socket.SHUT_WR)
                self.connection.settimeout(5)
                self.rfile.read()

    def _request(self) -> tuple[str, str, int]:
        method, _, rest = self.rfile.readline(65_536).decode("latin-1").partition(" ")
        length = 0
        while (line := self.rfile.readline(65_536)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower() == "content-length":
                length = int(value)
        return method, rest.partition(" ")[0], length


@cache
def wire() -> Wire:
    """The one of this process. What urllib3 logs of its broken headers is no news."""
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    return Wire()
