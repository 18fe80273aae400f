"""Stand-ins of two clouds: fake-gcs-server for Google Cloud Storage, Azurite for Azure Blob.

Azurite is Microsoft's and checks signatures. fake-gcs-server checks no credentials, knows of the
XML API, which the janitor's library speaks, only the listings: a small translator stands before it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

import urllib3
from obstore.store import AzureStore, GCSStore

from tests.servers.process import Process, free_ports

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's account, which everybody knows."""
BUCKET = "conformance"
_OPTIONS = {"allow_http": True}
_NO_SUCH_KEY = (
    b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code>"
    b"<Message>The specified key does not exist.</Message></Error>"
)
"""As Google's XML API says it."""


class FakeGcs:
    """A running fake-gcs-server with one bucket."""

    def __init__(self, program: Path, folder: Path) -> None:
        (port,) = free_ports(1)
        self.behind = f"http://127.0.0.1:{port}"
        command: list[str | Path] = [program, "-scheme", "http", "-host", "127.0.0.1"]
        command += ["-port", str(port), "-backend", "memory", "-public-host", f"127.0.0.1:{port}"]
        self.process = Process(command, folder=folder)
        self.process.wait_until(self._made)
        self._front = ThreadingHTTPServer(("127.0.0.1", 0), _Translator)
        self._front.behind = self.behind  # type: ignore[attr-defined]
        self._front.daemon_threads = True
        threading.Thread(target=self._front.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._front.server_address[1]}"
        self.environment = {"GOOGLE_ACCESS_TOKEN": "any"}

    def _made(self) -> bool:
        try:
            answer = urllib3.request("POST", f"{self.behind}/storage/v1/b", json={"name": BUCKET})
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status in (200, 409)

    def bucket(self) -> GCSStore:
        """A client of the bucket."""
        config = {"base_url": self.url, "bearer_token": "any"}
        return GCSStore(BUCKET, config=config, client_options=_OPTIONS)  # type: ignore[arg-type]

    def stop(self) -> None:
        self._front.shutdown()
        self._front.server_close()
        self.process.stop()


class _Translator(BaseHTTPRequestHandler):
    """Passes listings on; what the XML API says of one object is said in the JSON API's words."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        bucket, name = self._place()
        url = f"{self._behind}/download/storage/v1/b/{bucket}/o/{name}?alt=media"
        self._answer(urllib3.request("GET", url if name else self._behind + self.path))

    def do_DELETE(self) -> None:
        bucket, name = self._place()
        url = f"{self._behind}/storage/v1/b/{bucket}/o/{name}"
        self._answer(urllib3.request("DELETE", url))

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bucket, name = self._place()
        url = f"{self._behind}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
        if generation := self.headers.get("x-goog-if-generation-match"):
            url += f"&ifGenerationMatch={generation}"
        self._answer(urllib3.request("POST", url, body=body))

    @property
    def _behind(self) -> str:
        behind: str = self.server.behind  # type: ignore[attr-defined]
        return behind

    def _place(self) -> tuple[str, str]:
        """Bucket and object; no object for a listing."""
        bucket, _, name = self.path.partition("?")[0].lstrip("/").partition("/")
        return bucket, quote(unquote(name), safe="")

    def _answer(self, answer: urllib3.BaseHTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        if answer.status < 300 and "ETag" not in answer.headers:
            self.send_header("ETag", '"made-up"')
        body = answer.data
        if answer.status == 404 and not body.startswith(b"<"):
            body = _NO_SUCH_KEY
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Azurite:
    """A running Azurite with one container."""

    def __init__(self, node: Path, script: Path, folder: Path) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}/{ACCOUNT}"
        command: list[str | Path] = [node, script, "--blobHost", "127.0.0.1", "--silent"]
        command += ["--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck"]
        self.process = Process(command, folder=folder)
        self.process.wait_until(self._made)
        self.environment = {"AZURE_ACCOUNT_NAME": ACCOUNT, "AZURE_ACCOUNT_KEY": KEY}

    def _made(self) -> bool:
        """Makes the container, by a request that is signed with the account's key."""
        now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": now, "x-ms-version": "2021-08-06"}
        signed = "PUT" + "\n" * 12 + "\n".join(f"{name}:{headers[name]}" for name in headers)
        signed += f"\n/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
        digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        try:
            url = f"{self.url}/{BUCKET}?restype=container"
            answer = urllib3.request("PUT", url, headers=headers, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status in (201, 409)

    def bucket(self) -> AzureStore:
        """A client of the container."""
        config = {"account_name": ACCOUNT, "account_key": KEY, "endpoint": self.url}
        return AzureStore(BUCKET, config=config, client_options=_OPTIONS)  # type: ignore[arg-type]

    def stop(self) -> None:
        self.process.stop()
