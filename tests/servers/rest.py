"""rest-server in its ways of running, and `rclone serve restic`: restic's REST protocol."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from tests.servers.certificates import Certificates
from tests.servers.process import Process, free_ports, listens

USER = "alice"
PASSWORD = "s%c/r:e@t+'\"é"


class RestServer:
    """A running server; `data` is the folder whose subfolders are its repositories."""

    def __init__(
        self,
        program: Path,
        folder: Path,
        *options: str,
        users: bool = False,
        tls: Certificates | None = None,
    ) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        (self.port,) = free_ports(1)
        self.certificates = tls
        command: list[str | Path] = [program, "--path", self.data, *options]
        command += ["--listen", f"127.0.0.1:{self.port}"]
        if users:
            command += ["--htpasswd-file", _htpasswd(folder)]
        else:
            command += ["--no-auth"]
        if tls is not None:
            command += ["--tls", "--tls-cert", tls.certificate, "--tls-key", tls.key]
        self.environment: dict[str, str] = {}
        if users:
            self.environment = {"RESTIC_REST_USERNAME": USER, "RESTIC_REST_PASSWORD": PASSWORD}
        if tls is not None:
            self.environment["RESTIC_CACERT"] = str(tls.authority)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.process = Process(command, folder=folder)
        self.process.wait_until(listens(self.port))

    def stop(self) -> None:
        """Ends the server."""
        self.process.stop()


class Rclone:
    """`rclone serve restic` over a folder."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        (self.port,) = free_ports(1)
        self.environment: dict[str, str] = {}
        self.url = f"http://127.0.0.1:{self.port}"
        command = [program, "serve", "restic", "--addr", f"127.0.0.1:{self.port}", self.data]
        self.process = Process(command, folder=folder)
        self.process.wait_until(listens(self.port))

    def stop(self) -> None:
        """Ends the server."""
        self.process.stop()


def _htpasswd(folder: Path) -> Path:
    """A password file in the SHA-1 form, which needs no other program to be made."""
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    path = folder / "htpasswd"
    path.write_text(f"{USER}:{{SHA}}{digest}\n")
    return path
