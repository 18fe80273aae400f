"""The same fault of the way to a server is the same state and sentence on every backend, and costs
no more than a bounded wait.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
import urllib3

from janitor.store import (
    azure,
    b2,
    b2_http,
    gcs,
    http_client,
    object_client,
    s3,
    ssh,
)
from janitor.store.errors import Unreachable
from tests.servers.emulators import ACCOUNT, KEY
from tests.store.places import SSH, opened

REMOTE = (
    "s3",
    "gs",
    "azure",
    "swift-v1",
    "swift-v3",
    "swift-token",
    "b2",
    "rest",
    "sftp",
    "rclone",
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real patience is the same code with larger numbers."""
    half = timedelta(seconds=0.5)
    monkeypatch.setattr(s3, "_REQUEST", half)
    monkeypatch.setitem(s3._RETRIES, "max_retries", 0)
    monkeypatch.setattr(object_client, "REQUEST", half)
    monkeypatch.setitem(object_client.RETRIES, "max_retries", 0)
    monkeypatch.setattr(http_client, "TIMEOUT", urllib3.Timeout(connect=1, read=0.5))
    monkeypatch.setattr(http_client, "RETRIES", http_client.RETRIES.new(total=0))
    monkeypatch.setattr(b2_http, "TIMEOUT", (1, 0.5))
    monkeypatch.setattr(b2_http, "TRIES", 1)
    monkeypatch.setattr(ssh, "CONNECT", 0.5)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder as ~/.ssh is."""
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "id_ed25519")
    (tmp_path / "known_hosts").touch()
    return tmp_path


def situation(
    kind: str, host: str, keys: Path, patched: pytest.MonkeyPatch
) -> tuple[str, dict[str, str]]:
    """A repository of this kind on that host, and what opens it."""
    url = f"http://{host}"
    patched.setattr(gcs, "BASE_URL", url)
    patched.setattr(azure, "ENDPOINT", url)
    patched.setattr(b2, "REALM", url)
    aws = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    swift = {"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "x"}
    remote = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": url,
        "ACCESS_KEY_ID": "id",
        "SECRET_ACCESS_KEY": "secret",
    }
    return {
        "s3": (f"s3:{url}/bucket/repo", aws),
        "gs": ("gs:bucket:/repo", {"GOOGLE_ACCESS_TOKEN": "t"}),
        "azure": (
            "azure:container:/repo",
            {"AZURE_ACCOUNT_NAME": ACCOUNT, "AZURE_ACCOUNT_KEY": KEY},
        ),
        "swift-v1": (
            "swift:c:/repo",
            {"ST_AUTH": f"{url}/auth/v1.0", "ST_USER": "me", "ST_KEY": "a key"},
        ),
        "swift-v3": ("swift:c:/repo", {"OS_AUTH_URL": f"{url}/v3"} | swift),
        "swift-token": (
            "swift:c:/repo",
            {"OS_STORAGE_URL": f"{url}/v1/a", "OS_AUTH_TOKEN": "a token"},
        ),
        "b2": ("b2:bucket:repo", {"B2_ACCOUNT_ID": "id", "B2_ACCOUNT_KEY": "key"}),
        "rest": (f"rest:{url}/repo", {}),
        "sftp": (f"sftp://me@{host}//repo", {SSH: str(keys)}),
        "rclone": (
            "rclone:away:bucket/repo",
            {"RCLONE_CONFIG": os.devnull}
            | {f"RCLONE_CONFIG_AWAY_{name}": value for name, value in remote.items()},
        ),
    }[kind]


@pytest.mark.parametrize("kind", REMOTE)
def test_where_nothing_listens_it_is_said(
    kind: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a person would look for a wrong password, or read a library's text."""
    # rclone tries more than once before it answers
    monkeypatch.setattr(http_client, "TIMEOUT", urllib3.Timeout(connect=1, read=30))
    location, environment = situation(kind, "127.0.0.1:1", keys, monkeypatch)
    with opened(location, environment) as store, pytest.raises(Unreachable) as raised:
        store.look()
    assert "connection refused" in str(raised.value)


@pytest.fixture
def silent() -> Iterator[str]:
    """A host that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", REMOTE)
def test_a_server_that_never_answers_costs_a_bounded_wait(
    kind: str, keys: Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one server could hold up the sweep of all repositories."""
    location, environment = situation(kind, silent, keys, monkeypatch)
    before = time.monotonic()
    with opened(location, environment) as store, pytest.raises(Unreachable) as raised:
        store.look()
    assert "did not answer in time" in str(raised.value)
    assert time.monotonic() - before < 20
