"""A stand-in of Backblaze B2's native API (version 3), as much of it as restic's files need.

It is written by its public reference: versions and markers that hide, capabilities of keys, tokens
that expire, files that may not be deleted. It is not Backblaze.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tests.servers.certificates import Certificates
from tests.servers.scripted import Reply, Request, Scripted

KEY_ID = "0000keyid"
KEY = "K000secret"
BUCKET = "conformance"
ALL = ("listBuckets", "listFiles", "readFiles", "writeFiles", "deleteFiles")
Tree = dict[str, bytes]


@dataclass
class Version:
    """One version of a file, or a marker that hides it."""

    name: str
    id: str
    stored: bytes
    time: int
    action: str = "upload"
    held: bool = False
    """Object Lock or a legal hold protects it."""

    def told(self) -> dict[str, Any]:
        return {
            "fileName": self.name,
            "fileId": self.id,
            "contentLength": len(self.stored),
            "uploadTimestamp": self.time,
            "action": self.action,
        }


@dataclass
class Key:
    """An application key."""

    secret: str = KEY
    capabilities: tuple[str, ...] = ALL
    bucket: str | None = None
    """The only one that it may use."""


class _Fault(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.reply = _json({"status": status, "code": code, "message": message or code}, status)


def _json(document: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


@dataclass
class Backblaze:
    """A running server with one bucket."""

    keys: dict[str, Key] = field(default_factory=lambda: {KEY_ID: Key()})
    files: dict[str, list[Version]] = field(default_factory=dict)
    """The versions of each name, newest first."""
    tokens: dict[str, str] = field(default_factory=dict)
    """Token to key ID."""
    faults: list[Reply] = field(default_factory=list)
    """What the next requests after a login are answered."""

    tls: Certificates | None = None

    def __post_init__(self) -> None:
        self._counter = 0
        self.server = Scripted(self, self.tls)
        self.url = self.server.url
        self.environment = {"B2_ACCOUNT_ID": KEY_ID, "B2_ACCOUNT_KEY": KEY}

    # --- past the API -------------------------------------------------------------------------

    def location(self, repository: str) -> str:
        return f"b2:{BUCKET}:/{repository}"

    def tree(self, repository: str) -> Tree:
        prefix = f"{repository}/"
        return {
            name.removeprefix(prefix): shown.stored
            for name in sorted(self.files)
            if name.startswith(prefix) and (shown := self._shown(name))
        }

    def write(self, repository: str, tree: Mapping[str, bytes]) -> None:
        for name, stored in tree.items():
            self.add(f"{repository}/{name}", stored)

    def delete(self, repository: str, names: Iterable[str]) -> None:
        for name in names:
            self.files.pop(f"{repository}/{name}", None)

    def add(self, name: str, stored: bytes, *, action: str = "upload", held: bool = False) -> None:
        """A new version."""
        self._counter += 1
        now = time.time_ns() // 1_000_000
        made = Version(name, f"4_z{self._counter}", stored, now, action, held)
        self.files.setdefault(name, []).insert(0, made)

    def stop(self) -> None:
        self.server.stop()

    # --- the API ------------------------------------------------------------------------------

    def __call__(self, request: Request) -> Reply:
        try:
            if request.path.startswith("/b2api/"):
                operation = request.path.rpartition("/")[2]
                if operation == "b2_authorize_account":
                    return self._authorize(request)
                if self.faults:
                    return self.faults.pop(0)
                handler: Callable[[Key, dict[str, Any]], Reply] = getattr(self, f"_{operation}")
                return handler(self._key(request), json.loads(request.body))
            if self.faults:
                return self.faults.pop(0)
            if request.path.startswith("/upload/"):
                return self._upload(request)
            return self._download(request)
        except _Fault as fault:
            return fault.reply

    def _authorize(self, request: Request) -> Reply:
        given = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
        key_id, _, secret = given.decode().partition(":")
        key = self.keys.get(key_id)
        if key is None or key.secret != secret:
            raise _Fault(401, "unauthorized", "Invalid accountId or applicationKey")
        self._counter += 1
        token = f"4_token{self._counter}"
        self.tokens[token] = key_id
        storage = {
            "apiUrl": self.url,
            "downloadUrl": self.url,
            "s3ApiUrl": self.url,
            "absoluteMinimumPartSize": 5_000_000,
            "recommendedPartSize": 100_000_000,
            "capabilities": key.capabilities,
            "bucketId": key.bucket and f"id-{key.bucket}",
            "bucketName": key.bucket,
            "namePrefix": None,
            "infoType": "storageApi",
        }
        return _json(
            {
                "accountId": "account",
                "authorizationToken": token,
                "apiInfo": {"storageApi": storage},
                "applicationKeyExpirationTimestamp": None,
            }
        )

    def _key(self, request: Request, capability: str = "") -> Key:
        key_id = self.tokens.get(request.headers.get("authorization", ""))
        if key_id is None:
            raise _Fault(401, "expired_auth_token", "Authorization token has expired")
        if capability:
            self._need(self.keys[key_id], capability)
        return self.keys[key_id]

    @staticmethod
    def _need(key: Key, capability: str) -> None:
        if capability not in key.capabilities:
            raise _Fault(401, "unauthorized", "not entitled")

    def _b2_list_buckets(self, key: Key, asked: dict[str, Any]) -> Reply:
        self._need(key, "listBuckets")
        bucket = {"bucketId": f"id-{BUCKET}", "bucketName": BUCKET, "bucketType": "allPrivate"}
        return _json({"buckets": [bucket] if asked.get("bucketName") == BUCKET else []})

    def _b2_list_file_names(self, key: Key, asked: dict[str, Any]) -> Reply:
        self._need(key, "listFiles")
        if asked["bucketId"] != f"id-{BUCKET}":
            raise _Fault(400, "bad_bucket_id", "no such bucket")
        start, prefix = asked.get("startFileName") or "", asked.get("prefix") or ""
        names = [
            name
            for name in sorted(self.files)
            if name >= start and name.startswith(prefix) and self._shown(name)
        ]
        count = asked.get("maxFileCount") or 100
        following = names[count] if len(names) > count else None
        files = [self.files[name][0].told() for name in names[:count]]
        return _json({"files": files, "nextFileName": following})

    def _b2_delete_file_version(self, key: Key, asked: dict[str, Any]) -> Reply:
        self._need(key, "deleteFiles")
        versions = self.files.get(asked["fileName"], [])
        for version in versions:
            if version.id == asked["fileId"]:
                if version.held:
                    raise _Fault(401, "access_denied", "file is retained")
                versions.remove(version)
                if not versions:
                    del self.files[version.name]
                return _json({"fileId": version.id, "fileName": version.name})
        raise _Fault(400, "file_not_present", "File not present")

    def _b2_get_upload_url(self, key: Key, asked: dict[str, Any]) -> Reply:
        self._need(key, "writeFiles")
        upload = {"uploadUrl": f"{self.url}/upload/here", "authorizationToken": "4_upload"}
        return _json(upload | {"bucketId": asked["bucketId"]})

    def _upload(self, request: Request) -> Reply:
        assert request.headers["x-bz-content-sha1"] == hashlib.sha1(request.body).hexdigest()
        name = unquote(request.headers["x-bz-file-name"])
        self.add(name, request.body)
        return _json(self.files[name][0].told())

    def _download(self, request: Request) -> Reply:
        self._key(request, "readFiles")
        name = unquote(request.path.removeprefix(f"/file/{quote(BUCKET)}/"))
        shown = self._shown(name)
        if shown is None:
            raise _Fault(404, "not_found", "File with such name does not exist")
        return Reply(200, shown.stored, {"X-Bz-File-Id": shown.id})

    def _shown(self, name: str) -> Version | None:
        versions = self.files.get(name)
        return versions[0] if versions and versions[0].action == "upload" else None
