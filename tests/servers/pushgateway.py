"""The Pushgateway, and what it was told."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from pathlib import Path

from tests.servers.certificates import Certificates
from tests.servers.process import Process, free_ports, listens

USER = "janitor"
PASSWORD = "a password: é"
_BCRYPT = "$2b$04$abcdefghijklmnopqrstuu9Gjer9XpUmbxeU5C.0qdK2VCKZD6k5e"


class Pushgateway:
    """A running one; with certificates it speaks TLS and wants the user and the password."""

    def __init__(
        self, program: Path, folder: Path, *, certificates: Certificates | None = None
    ) -> None:
        (port,) = free_ports(1)
        command: list[str | Path] = [program, f"--web.listen-address=127.0.0.1:{port}"]
        self.environment: dict[str, str] = {}
        if certificates is not None:
            config = folder / "web.yml"
            config.write_text(
                f"tls_server_config: {{cert_file: {certificates.certificate}, "
                f"key_file: {certificates.key}}}\nbasic_auth_users: {{{USER}: {_BCRYPT}}}\n"
            )
            command.append(f"--web.config.file={config}")
            self.environment = {
                "JANITOR_PUSH_USER": USER,
                "JANITOR_PUSH_PASSWORD": PASSWORD,
                "JANITOR_PUSH_CACERT": str(certificates.authority),
            }
        self._certificates = certificates
        self.url = f"{'https' if certificates else 'http'}://127.0.0.1:{port}"
        self.process = Process(command, folder=folder)
        self.process.wait_until(listens(port))

    def metrics(self) -> str:
        """What Prometheus would read there."""
        request = urllib.request.Request(f"{self.url}/metrics")
        context = None
        if self._certificates is not None:
            context = ssl.create_default_context(cafile=str(self._certificates.authority))
            credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return str(answer.read().decode())

    def stop(self) -> None:
        """Ends the server."""
        self.process.stop()
