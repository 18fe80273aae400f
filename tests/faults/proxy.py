"""A TCP proxy on 127.0.0.1 that knows where an HTTP request begins, and then does harm.

It stands before a real server. Faults come in turn: the first that fits a request is used for it.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_HEAD = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST."""


@dataclass
class Fault:
    """What happens to requests whose first line has `where` in it, `times` times, after `after`."""

    where: str = ""
    times: int = 1_000_000
    after: int = 0
    latency: float = 0
    """Seconds before the request goes on, and before each piece of its answer."""
    bandwidth: int | None = None
    """Bytes of answers a second."""
    swallow: bool = False
    """The request is taken and nothing ever comes back: the connection is half open."""
    cut_before: bool = False
    """The connection ends before the server sees the request."""
    cut_after: int | None = None
    """The connection ends after so many bytes of the answer; the server did what was asked."""
    politely: bool = False
    """By FIN and not by RST."""


def nothing(_: str) -> None:
    """Where no test wants to know."""


class Proxy:
    """A running proxy: `port`, and the first lines of all requests."""

    def __init__(self, target: int, *faults: Fault) -> None:
        self.faults = list(faults)
        self.seen: list[str] = []
        self.before: Callable[[str], None] = nothing
        """Called with a request's first line before the server sees the request."""
        self.after: Callable[[str], None] = nothing
        """Called when the server has answered, before the client sees the answer."""
        self.over = threading.Event()
        self._target = target
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def fault_for(self, line: str) -> Fault:
        """The fault of a request, counted."""
        with self._lock:
            self.seen.append(line)
            for fault in self.faults:
                if fault.where not in line or fault.times == 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return Fault()

    def stop(self) -> None:
        """Accepts no more; whoever waits in a fault is let go."""
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=_Connection(self, client).run, daemon=True).start()

    def connect(self) -> socket.socket:
        """A new connection to the server."""
        return socket.create_connection(("127.0.0.1", self._target), timeout=120)


class _Connection:
    """One client's connection, and the server's that belongs to it."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server: socket.socket | None = None
        self._fault = Fault()
        self._line = ""
        self._sent = 0
        """Bytes of the present answer."""

    def run(self) -> None:
        with suppress(OSError):
            for line, request in _requests(self._client):
                self._line, self._fault, self._sent = line, self._proxy.fault_for(line), 0
                self._proxy.before(line)
                if not self._pass_on(request):
                    return
        self._end()

    def _pass_on(self, request: bytes) -> bool:
        """Whether the connection goes on."""
        fault = self._fault
        if fault.swallow:
            self._proxy.over.wait(300)
        if fault.swallow or fault.cut_before:
            self._end(reset=not fault.politely)
            return False
        self._wait(fault.latency)
        if self._server is None:
            self._server = self._proxy.connect()
            threading.Thread(target=self._answers, daemon=True).start()
        self._server.sendall(request)
        return True

    def _answers(self) -> None:
        assert self._server is not None
        with suppress(OSError):
            while piece := self._server.recv(1 << 16):
                if self._sent == 0:
                    self._proxy.after(self._line)
                if not self._give(piece):
                    return
        self._end()

    def _give(self, piece: bytes) -> bool:
        """Passes a piece of an answer on; whether the connection goes on."""
        fault = self._fault
        self._wait(fault.latency)
        room = None if fault.cut_after is None else max(fault.cut_after - self._sent, 0)
        self._sent += len(piece)
        shown = piece if room is None else piece[:room]
        for begin in range(0, len(shown), fault.bandwidth or len(shown) or 1):
            self._client.sendall(shown[begin : begin + (fault.bandwidth or len(shown))])
            self._wait(1 if fault.bandwidth else 0)
        if room is not None and self._sent >= (fault.cut_after or 0):
            self._end(reset=not fault.politely)
            return False
        return True

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._proxy.over.wait(seconds)

    def _end(self, *, reset: bool = False) -> None:
        with suppress(OSError):
            if reset:
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            else:
                self._client.shutdown(socket.SHUT_RDWR)
        for each in (self._client, self._server):
            if each is not None:
                # wakes the other thread, which would keep the descriptor, and with it the peer
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RD)
                each.close()


def _requests(client: socket.socket) -> Iterator[tuple[str, bytes]]:
    """Each request of a connection, with its first line: head and body, as they came."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = client.recv(_HEAD)
            if not piece:
                return
            data += piece
        head, _, data = data.partition(b"\r\n\r\n")
        found = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
        length = int(found[1]) if found else 0
        while len(data) < length:
            piece = client.recv(_HEAD)
            if not piece:
                return
            data += piece
        body, data = data[:length], data[length:]
        yield head.split(b"\r\n", 1)[0].decode("latin-1"), head + b"\r\n\r\n" + body


@contextmanager
def proxy(target: int, *faults: Fault) -> Iterator[Proxy]:
    """A proxy before the server on this port, while the block runs."""
    running = Proxy(target, *faults)
    try:
        yield running
    finally:
        running.stop()
