"""An HTTP server that answers as a test says, for the faults that real servers show once a year."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.servers.certificates import Certificates


@dataclass(frozen=True)
class Request:
    """What arrived. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    """Accept, and never answer."""
    drip: float = 0
    """Seconds between the bytes of the body; with no end, 0: none."""
    endless: bool = False
    """Send the body again and again."""
    cut: bool = False
    """Announce one byte more than is sent, and hang up."""


class Scripted:
    """A running server: `url`, and the requests that came."""

    def __init__(
        self,
        answer: Callable[[Request], Reply],
        tls: Certificates | None = None,
        connected: Callable[[], object] = lambda: None,
    ) -> None:
        self.requests: list[Request] = []
        self.over = threading.Event()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # else head and body are 40 ms apart
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                connected()
                super().setup()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                scripted.requests.append(request)
                try:
                    scripted._reply(self, answer(request))
                except OSError:
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def _reply(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hang:
            self.over.wait(120)
            return
        handler.send_response_only(reply.status)  # no Server header of Python's own
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        length = 1 << 26 if reply.endless else len(reply.body) + reply.cut
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        while True:
            if reply.drip:
                for byte in reply.body:
                    handler.wfile.write(bytes([byte]))
                    handler.wfile.flush()
                    if self.over.wait(reply.drip):
                        return
            else:
                handler.wfile.write(reply.body)
            if not reply.endless:
                handler.close_connection = handler.close_connection or reply.cut
                return

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def scripted(
    answer: Callable[[Request], Reply] | Reply,
    tls: Certificates | None = None,
    connected: Callable[[], object] = lambda: None,
) -> Iterator[Scripted]:
    """A server that gives these answers, while the block runs; it calls `connected` of each
    connection before it reads from it.
    """
    server = Scripted(answer if callable(answer) else lambda _: answer, tls, connected)
    try:
        yield server
    finally:
        server.stop()
