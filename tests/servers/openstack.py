"""OpenStack: Swift itself, and a stand-in of Keystone that lets people into it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import urllib3

from tests.servers.process import Process, free_ports, listens
from tests.servers.scripted import Reply, Request

USER = "test:tester"
KEY = "testing"
CONTAINER = "conformance"
Tree = dict[str, bytes]


class Swift:
    """A running server with one container. Its identity service is tempauth, which is Swift's own:
    version 1.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        ports = free_ports(4)
        self.url = f"http://127.0.0.1:{ports[0]}"
        script = Path(__file__).parent / "swift" / "serve.py"
        command = [python, "-W", "ignore", script, folder / "swift", *map(str, ports)]
        self.process = Process(command, folder=folder)
        self.process.wait_until(listens(ports[0]))
        auth = f"{self.url}/auth/v1.0"
        self.environment = {"ST_AUTH": auth, "ST_USER": USER, "ST_KEY": KEY}
        self.storage_url, self.token = self.login()
        self.ask("PUT", f"/{CONTAINER}")

    def login(self, user: str = USER, key: str = KEY) -> tuple[str, str]:
        """A storage URL and a token."""
        headers = {"X-Auth-User": user, "X-Auth-Key": key}
        answer = urllib3.request("GET", self.environment["ST_AUTH"], headers=headers)
        return answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Past the janitor."""
        sent = {"X-Auth-Token": self.token} | dict(headers or {})
        answer = urllib3.request(method, self.storage_url + path, body=body, headers=sent)
        if answer.status == 401:
            self.storage_url, self.token = self.login()
            return self.ask(method, path, body, headers)
        assert answer.status < 300, (method, path, answer.status, answer.data)
        return answer.data

    def forget(self) -> None:
        """Makes all tokens invalid, as time would."""
        urllib3.request("GET", f"{self.url}/forget")

    def location(self, repository: str) -> str:
        return f"swift:{CONTAINER}:/{repository}"

    def tree(self, repository: str) -> Tree:
        """What is stored below a prefix."""
        found: Tree = {}
        marker = ""
        while True:
            asked = f"format=json&prefix={quote(repository)}/&marker={quote(marker)}"
            page = json.loads(self.ask("GET", f"/{CONTAINER}?{asked}") or b"[]")
            if not page:
                return found
            for each in page:
                name = each["name"].removeprefix(f"{repository}/")
                found[name] = self.ask("GET", f"/{CONTAINER}/{quote(each['name'])}")
            marker = page[-1]["name"]

    def write(self, repository: str, tree: Mapping[str, bytes]) -> None:
        for name, stored in tree.items():
            self.ask("PUT", f"/{CONTAINER}/{quote(f'{repository}/{name}')}", stored)

    def delete(self, repository: str, names: Iterable[str]) -> None:
        for name in names:
            self.ask("DELETE", f"/{CONTAINER}/{quote(f'{repository}/{name}')}")

    def stop(self) -> None:
        self.process.stop()


class Keystone:
    """Answers to a scripted server: checks what a login says, and hands out Swift's own token.

    As much as a client of versions 2 and 3 needs: the form is that of the Identity API's reference.
    """

    def __init__(self, swift: Swift) -> None:
        self.swift = swift
        self.logins: list[dict[str, object]] = []

    def __call__(self, request: Request) -> Reply:
        storage_url, token = self.swift.login()
        asked = json.loads(request.body)
        self.logins.append(asked)
        if request.path == "/v3/auth/tokens":
            return self._version_3(asked["auth"], storage_url, token)
        assert request.path == "/v2.0/tokens"
        given = asked["auth"]["passwordCredentials"]
        if given != {"username": "tester", "password": KEY}:
            return _refused()
        endpoint = {"region": "east", "publicURL": storage_url, "id": "e"}
        service = {"type": "object-store", "name": "swift", "endpoints": [endpoint]}
        until = "2100-01-01T00:00:00Z"
        access = {
            "token": {"id": token, "expires": until, "issued_at": "2026-01-01T00:00:00Z"},
            "user": {"id": "u", "name": "tester", "roles": []},
            "serviceCatalog": [service],
        }
        return Reply(200, json.dumps({"access": access}).encode())

    @staticmethod
    def _version_3(auth: dict[str, dict[str, dict[str, object]]], url: str, token: str) -> Reply:
        identity = auth["identity"]
        if identity["methods"] == ["application_credential"]:
            secret = identity["application_credential"]["secret"]
        else:
            secret = identity["password"]["user"]["password"]  # type: ignore[index]
        if secret != KEY:
            return _refused()
        endpoints = [
            {
                "interface": "admin",
                "region_id": "east",
                "region": "east",
                "url": "http://x",
                "id": "a",
            },
            {"interface": "public", "region_id": "east", "region": "east", "url": url, "id": "e"},
        ]
        found = {
            "catalog": [
                {"type": "object-store", "name": "swift", "id": "s", "endpoints": endpoints}
            ],
            "expires_at": "2100-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "methods": ["password"],
            "user": {"id": "u", "name": "tester", "domain": {"id": "default", "name": "Default"}},
        }
        body = json.dumps({"token": found}).encode()
        return Reply(201, body, {"X-Subject-Token": token})


def _refused() -> Reply:
    words = "The request you have made requires authentication."
    error = {"code": 401, "message": words, "title": "Unauthorized"}
    return Reply(401, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})
