"""HTTP over a unix socket, as urllib3 has it over TCP."""

from __future__ import annotations

import socket
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

LONGEST_PATH = 107
"""Bytes of a socket's path: what the kernel takes (`sun_path` of unix(7))."""


class _Connection(urllib3.connection.HTTPConnection):
    """A connection to the socket of its pool; the host is only a word in a header."""

    def __init__(self, *arguments: Any, socket_path: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._socket_path = socket_path

    def _new_conn(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
        try:
            made.connect(self._socket_path)
        except TimeoutError:
            made.close()
            raise ConnectTimeoutError(self, "the socket accepts nothing") from None
        except OSError as error:
            made.close()
            raise NewConnectionError(self, f"{error.strerror}".lower()) from None
        return made


class UnixPool(urllib3.HTTPConnectionPool):
    """Connections to one unix socket. Requests name paths only: `/repo/config`."""

    ConnectionCls = _Connection

    def __init__(self, socket_path: str, **options: Any) -> None:
        super().__init__("localhost", socket_path=socket_path, **options)
