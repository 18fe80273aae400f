"""Servers that never come to an end, in any part of an answer: the janitor's own deadline does.

What drips in a body is in tests/store and tests/unit/cluster already.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from janitor.cluster.connect import connect
from janitor.cluster.exchange import Limits
from janitor.cluster.observe import ApiCluster
from janitor.model import Secret
from janitor.store.bounded import BoundedStore
from janitor.store.connections import Connections
from janitor.store.errors import Unreachable
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.fuzz.answers import whole
from tests.fuzz.monsters import most_memory
from tests.fuzz.wire import Wire

_DEADLINE = 1.0
_FAR_TOO_LONG = 30
"""Seconds; the servers below go on for longer."""
_GROWTH = 64 << 20
_KEYS = {name: Secret("x") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
_OVER = threading.Event()
_EMPTY = b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>%d" + (
    b"</NextContinuationToken></ListBucketResult>"
)


def _dripping(begin: bytes, again: bytes, pause: float = 0.05) -> Iterator[bytes]:
    """The same again and again, until the test is over or two minutes are."""
    yield begin
    end = time.monotonic() + 120
    while time.monotonic() < end and not _OVER.wait(pause):
        yield again


_DRIPS: dict[str, Callable[[], Iterator[bytes]]] = {
    "the status line": lambda: _dripping(b"HTTP/1.1 200 ", b"O"),
    "a header": lambda: _dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "headers": lambda: _dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.2),
    "interim answers": lambda: _dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a flood of interim answers": lambda: _dripping(b"", b"HTTP/1.1 100 x\r\n\r\n" * 500, 0.001),
    "the size of a chunk": lambda: _dripping(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"
    ),
    "chunks": lambda: _dripping(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"
    ),
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server of this test alone."""
    _OVER.clear()
    server = Wire()
    yield server
    _OVER.set()
    server.shutdown()
    server.server_close()


def _ends(location: str) -> None:
    """A look at this repository ends in time, without much memory, and so does what follows."""
    before, began = most_memory(), time.monotonic()
    with Connections() as connections:
        store = open_store(parse_location(location), _KEYS, connections=connections)
        assert isinstance(store, BoundedStore)
        bounded = BoundedStore(store._store, shown="the repository", longest=_DEADLINE)
        for call in (bounded.look, bounded.list_keys):
            with pytest.raises(Unreachable):
                call()
        bounded.close()
    assert time.monotonic() - began < _FAR_TOO_LONG
    assert most_memory() - before < _GROWTH


@pytest.mark.parametrize("scheme", ["rest:http://{}/repo", "s3:http://{}/bucket/repo"])
@pytest.mark.parametrize("part", _DRIPS)
def test_a_store_that_drips_ends_by_the_deadline(wire: Wire, scheme: str, part: str) -> None:
    """Else one server holds up the sweep of all repositories, however it lets one wait."""
    wire.answers = lambda *_: _DRIPS[part]()
    _ends(scheme.format(wire.host))


def test_pages_without_anything_and_without_end(wire: Wire) -> None:
    """Else a listing that never shows an object, and never ends, is asked for until then."""
    numbers = itertools.count()

    def answer(_method: str, path: str) -> bytes:
        if "delimiter=" in path and "continuation" not in path:
            config = b"<Contents><Key>repo/config</Key><Size>1</Size>%s</Contents>"
            folder = b"<CommonPrefixes><Prefix>repo/locks/</Prefix></CommonPrefixes>"
            time_ = b"<LastModified>2026-11-24T01:02:03Z</LastModified>"
            return whole(b"<ListBucketResult>" + config % time_ + folder + b"</ListBucketResult>")
        return b"" if _OVER.is_set() else whole(_EMPTY % next(numbers))

    wire.answers = answer
    with Connections() as connections:
        location = parse_location(f"s3:http://{wire.host}/bucket/repo")
        store = open_store(location, _KEYS, connections=connections)
        assert isinstance(store, BoundedStore)
        bounded = BoundedStore(store._store, shown="the repository", longest=_DEADLINE)
        assert bounded.look().locks_folder
        with pytest.raises(Unreachable, match="within"):
            bounded.list_locks(at_most=10)


@pytest.mark.parametrize("part", _DRIPS)
def test_an_api_server_that_drips_is_a_doubt(wire: Wire, tmp_path: Path, part: str) -> None:
    """Else something in the API server's place holds up the sweep for ever."""
    wire.answers = lambda *_: _DRIPS[part]()
    path = tmp_path / "kubeconfig"
    path.write_text(
        f"clusters: [{{name: a, cluster: {{server: 'http://{wire.host}'}}}}]\n"
        "users: [{name: a, user: {}}]\n"
        "contexts: [{name: a, context: {cluster: a, user: a}}]\n"
    )
    client = connect(
        context="a",
        environ={"KUBECONFIG": str(path), "PATH": os.environ["PATH"]},
        clock=lambda: datetime.now(UTC),
        sleep=lambda _: None,
        limits=Limits(connect=2, read=_FAR_TOO_LONG, total=_DEADLINE, attempts=1),
    )
    began = time.monotonic()
    cluster = ApiCluster(client, clock=lambda: datetime.now(UTC))
    assert cluster.check_clock(timedelta(minutes=5)) is not None
    assert cluster.observe(namespaces=None, nodes=True).doubt is not None
    assert time.monotonic() - began < _FAR_TOO_LONG
    client.close()
