"""The S3 of moto, written by other people than SeaweedFS: a second opinion. It checks no keys."""

from __future__ import annotations

from pathlib import Path

import urllib3
from obstore.store import S3Store

from tests.servers.process import Process, free_ports

BUCKET = "conformance"


class Moto:
    """A running server with one bucket."""

    def __init__(self, python: Path, folder: Path) -> None:
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [python, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self.process = Process(command, folder=folder)
        self.process.wait_until(self._made)
        self.environment = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any key"}

    def _made(self) -> bool:
        try:
            answer = urllib3.request("PUT", f"{self.endpoint}/{BUCKET}", retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200

    def bucket(self) -> S3Store:
        """A client of the bucket."""
        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id="any",
            secret_access_key="any key",
            client_options={"allow_http": True},
        )

    def stop(self) -> None:
        self.process.stop()
