"""One request and its answer: what is sent, how much is read, and what each failure is called."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket

import pytest
from kubernetes.config import ConfigException
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from janitor import __version__
from janitor.cluster.errors import (
    Busy,
    Conflict,
    Denied,
    Expired,
    Garbled,
    NotFound,
    Rejected,
    Right,
    Unauthenticated,
)
from janitor.cluster.exchange import Limits, Request, _network, _seconds, authority
from tests.apiserver import pod

VERSION = Request(Right("get", "/version", "base"), "GET", "/version")
PODS = Request(Right("list", "pods", "base"), "GET", "/api/v1/pods")
ONCE = Limits(connect=5, read=10, total=20, attempts=1)
WRITE = Request(
    Right("create", "events", "base"),
    "POST",
    "/apis/events.k8s.io/v1/namespaces/{namespace}/events",
    parts={"namespace": "a/b"},
    body={"metadata": {"name": "x"}},
)


# --- what is sent ----------------------------------------------------------------------------


def test_a_reading_request_says_who_asks_for_what(server, client_of):
    """Else an audit log cannot tell the janitor from others, or protobuf comes back."""
    client_of(server).call(VERSION)
    (sent,) = server.requests
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["User-Agent"] == f"restic-janitor/{__version__}"
    assert "Content-Type" not in sent.headers
    assert (sent.authorization, sent.body) == (None, None)


def test_a_writing_request_carries_its_body(server, client_of):
    """Else the server refuses what is written, or writes nothing; or a name leads elsewhere."""
    server.fail_next("/apis", body=b"{}", status=201)
    client_of(server, token="t0k3n").call(WRITE)
    (sent,) = server.requests
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.body == {"metadata": {"name": "x"}}
    assert sent.path == "/apis/events.k8s.io/v1/namespaces/a%2Fb/events"
    assert sent.authorization == "Bearer t0k3n"


@pytest.mark.parametrize("token", ["t0k3n\x07bell", "t0k3n-é", "t0k3n\nX-Other: 1"])
def test_a_token_that_is_no_header_is_not_sent(server, client_of, token):
    """Else a damaged token is quoted by whatever refuses it, or adds a header of its own."""
    with pytest.raises(Unauthenticated, match="cannot be sent: it holds a character"):
        client_of(server, token=token).call(VERSION)
    assert server.requests == []


@pytest.mark.parametrize("error", [ConfigException("t0k3n"), OSError("t0k3n")])
def test_a_token_that_cannot_be_read_any_more_is_one_sentence(
    server, client_of, monkeypatch, error
):
    """Else a mount that goes away during a sweep ends it in a traceback."""
    client = client_of(server)

    def fail(_: str) -> str:
        raise error

    monkeypatch.setattr(client._connection._access, "get_api_key_with_prefix", fail, raising=True)
    with pytest.raises(Unauthenticated, match="context 'test' cannot be read any more") as raised:
        client.call(VERSION)
    assert "t0k3n" not in str(raised.value)


# --- what is read ----------------------------------------------------------------------------


def test_a_large_answer_is_read_to_its_end(server, client_of):
    """Else a page of pods as they really are, four megabytes, is cut after its first piece."""
    server.pods = [pod(f"app-{index}", annotation="x" * 10_000) for index in range(200)]
    body = client_of(server).call(PODS).body
    assert len(body) > 2_000_000
    assert [each["metadata"]["name"] for each in json.loads(body)["items"]] == [
        f"app-{index}" for index in range(200)
    ]


def test_an_answer_may_be_as_large_as_the_bound(server, client_of):
    """Else the bound is another than the one that is said."""
    limits = Limits(connect=5, read=10, total=20, attempts=1, body=1 << 20)
    client = client_of(server, limits)
    server.fail_next("/version", body=b"x" * (1 << 20))
    assert client.call(VERSION).body == b"x" * (1 << 20)
    server.fail_next("/version", body=b"x" * ((1 << 20) + 1))
    with pytest.raises(Garbled, match="is larger than 1 MiB"):
        client.call(VERSION)


def test_a_compressed_answer_is_read(server, client_of):
    """Else a proxy that compresses makes every answer garbled."""
    body = gzip.compress(b'{"gitVersion": "v1.36.0"}')
    server.fail_next("/version", body=body, headers={"Content-Encoding": "gzip"})
    assert client_of(server).call(VERSION).body == b'{"gitVersion": "v1.36.0"}'


def test_one_connection_serves_many_requests(server, client_of):
    """Else every page of a list costs a TLS handshake."""
    client = client_of(server)
    for _ in range(3):
        client.call(VERSION)
    assert len({sent.port for sent in server.requests}) == 1


def test_after_an_answer_that_was_not_read_to_its_end_all_is_well(server, client_of):
    """Else the rest of one answer is taken for the next."""
    limits = Limits(connect=5, read=10, total=20, attempts=1, body=1 << 20)
    client = client_of(server, limits)
    server.fail_next("/version", body=b"x" * (8 << 20))
    with pytest.raises(Garbled):
        client.call(VERSION)
    assert b"gitVersion" in client.call(VERSION).body
    first, second = server.requests
    assert first.port != second.port


# --- what a failure is called ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, Rejected),
        (400, Rejected),
        (401, Unauthenticated),
        (403, Denied),
        (404, NotFound),
        (409, Conflict),
        (410, Expired),
        (422, Rejected),
        (429, Busy),
        (500, Busy),
        (599, Busy),
    ],
)
def test_every_status_has_its_error(server, client_of, status, kind):
    """Else a list that expired is given up, or a right that is missing is asked for again."""
    server.fail_next("/version", times=9, status=status)
    with pytest.raises(kind) as raised:
        client_of(server, ONCE).call(VERSION)
    assert type(raised.value) is kind


def test_a_busy_server_is_told_in_one_sentence(server, client_of):
    """Else nobody knows which server was asked for what."""
    server.fail_next("/version", status=503, headers={"Retry-After": "7"})
    with pytest.raises(Busy) as raised:
        client_of(server, ONCE).call(VERSION)
    assert str(raised.value) == (
        f"The API server at 127.0.0.1:{server.port} answered 503 when asked to get /version."
    )
    assert raised.value.retry_after == 7


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (None, None),
        ("", None),
        ("-7", None),
        ("soon", None),
        ("7 or 8", None),
        ("Tue, 24 Nov 2026 01:02:03 GMT", None),
        ("9" * 400, None),
    ],
)
def test_what_a_server_may_ask_for(header, seconds):
    """Else an odd header ends the sweep in a traceback, or makes it wait for ever."""
    assert _seconds(header) == seconds


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProxyError("proxy", NewConnectionError(None, "refused")), "through the proxy"),
        (NameResolutionError("host", None, socket.gaierror("x")), "cannot be resolved"),
        (NewConnectionError(None, "[Errno 111] Connection refused"), "refuses connections"),
        (NewConnectionError(None, "[Errno 113] No route to host"), "cannot be connected to"),
        (ConnectTimeoutError("timed out"), "did not answer in time"),
        (ReadTimeoutError(None, None, "timed out"), "did not answer in time"),
        (TimeoutError(), "did not answer in time"),
        (ProtocolError("x"), "broke the connection off"),
        (HTTPError("x"), "broke the connection off"),
        (ConnectionResetError(), "broke the connection off"),
    ],
)
def test_what_happened_on_the_network(error, said):
    """Else people look for a firewall where a name is wrong."""
    assert said in _network(error)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://10.0.0.1:6443", "10.0.0.1:6443"),
        ("https://admin:s3cret@api.example/path", "api.example"),
        ("https://", "(no host)"),
        ("", "(no host)"),
    ],
)
def test_the_server_is_named_without_a_password(url, host):
    """Else the password of a proxy is in every sentence about it."""
    assert authority(url) == host


# --- which cluster it is ---------------------------------------------------------------------


def test_without_a_ca_the_server_tells_clusters_apart(server, client_of):
    """Else two clusters of one provider, or one from day to day, are taken for each other."""
    expected = hashlib.sha256(server.url.encode()).hexdigest()[:16]
    assert client_of(server).identity == expected
