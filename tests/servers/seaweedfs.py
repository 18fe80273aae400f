"""SeaweedFS as an S3 server with one access key, or more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.servers.process import Process, free_ports

ACCESS_KEY = "janitor-test"
SECRET_KEY = "secret/with+odd=characters"  # as AWS makes them


class SeaweedFS:
    """A running server; `endpoint` is what goes into a location, buckets are made by name.

    `more_keys` are access keys beside ACCESS_KEY, of the same secret.
    """

    def __init__(self, program: Path, folder: Path, *, more_keys: Sequence[str] = ()) -> None:
        names = ("master", "volume", "filer", "s3", "admin")
        self.metrics_port, *ports = free_ports(1 + 2 * len(names))
        settings = folder / "s3.json"
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps(_identity((ACCESS_KEY, *more_keys))))
        command: list[str | Path] = [program, "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1"]
        for name, port, grpc in zip(names, ports[::2], ports[1::2], strict=True):
            command += [f"-{name}.port={port}", f"-{name}.port.grpc={grpc}"]
        command += ["-ip.bind=127.0.0.1", "-webdav=false", f"-s3.config={settings}"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false"]
        command += [f"-metricsPort={self.metrics_port}"]
        (folder / "data").mkdir(exist_ok=True)
        self.port = ports[2 * names.index("s3")]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = Process(command, folder=folder)
        self.process.wait_until(self._answers)

    def _answers(self) -> bool:
        store = self.bucket("startup")
        try:
            obstore.put(store, "probe", b"ok")
            obstore.delete(store, "probe")
        except BaseError:
            return False
        return True

    def bucket(self, name: str) -> S3Store:
        """A client of this bucket, which need not exist: the first put makes it."""
        return S3Store(
            name,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables that restic needs."""
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def stop(self) -> None:
        """Ends the server."""
        self.process.stop()


def _identity(keys: Sequence[str]) -> dict[str, object]:
    return {
        "identities": [
            {
                "name": "janitor",
                "credentials": [{"accessKey": key, "secretKey": SECRET_KEY} for key in keys],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
    }
