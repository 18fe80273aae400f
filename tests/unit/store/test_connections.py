"""Clients are shared, and of thousands not all are kept."""

from __future__ import annotations

import gc
import weakref

from janitor.model import Secret
from janitor.store.connections import Connections
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.servers.scripted import Reply, scripted


class Client:
    """Something that can be looked for."""


def test_clients_that_need_closing_are_all_kept() -> None:
    """Else a program that serves one repository is started for each request."""
    connections = Connections()
    made = [connections.get(number, Client) for number in range(1_000)]
    assert [connections.get(number, Client) for number in range(1_000)] == made


def test_of_the_others_those_used_last_are_kept() -> None:
    """Else thousands of repositories with a bucket each take more memory than the pod has."""
    connections = Connections()
    first = connections.recent("first", Client)
    seen = []
    for number in range(1_000):
        seen.append(weakref.ref(connections.recent(number, Client)))
        assert connections.recent("first", Client) is first
    gc.collect()
    assert sum(each() is not None for each in seen) == 127


def test_a_bucket_whose_client_was_let_go_is_asked_by_another() -> None:
    """Else a repository with locks cannot be read after so many others were listed."""
    listing = (
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>r/config</Key>"
        b"<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>x</ETag><Size>155</Size>"
        b"</Contents></ListBucketResult>"
    )
    with scripted(Reply(200, listing)) as server, Connections() as connections:
        stores = [
            open_store(
                parse_location(f"s3:{server.url}/b{number}/r"),
                {"AWS_ACCESS_KEY_ID": Secret("key"), "AWS_SECRET_ACCESS_KEY": Secret("secret")},
                connections=connections,
            )
            for number in range(140)
        ]
        for _ in range(2):
            for store in stores:
                store.look()
        assert len(server.requests) == 280
