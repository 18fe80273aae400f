"""One request after another: how often, how long, and what is left behind when one is given up."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest

from janitor.cluster.connect import connect
from janitor.cluster.errors import Busy, Right, Unreachable
from janitor.cluster.exchange import Limits, Request
from tests.apiserver import pod
from tests.unit.cluster.conftest import HASTY

VERSION = Request(Right("get", "/version", "base"), "GET", "/version")
PODS = Request(Right("list", "pods", "base"), "GET", "/api/v1/pods")
DEADLINE = 30
"""Seconds, for a machine that has much else to do."""


def given_up() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "api-request"]


def test_without_limits_there_are_the_documents_own(server, tmp_path):
    """Else the shipped command, which sets none, cannot send a request."""
    client = connect(
        context="test",
        environ={"KUBECONFIG": str(server.kubeconfig(tmp_path / "kubeconfig"))},
        clock=lambda: dt.datetime.now(dt.UTC),
        sleep=lambda _: None,
    )
    assert b"gitVersion" in client.call(VERSION).body
    assert client.server == f"127.0.0.1:{server.port}"
    client.close()


def test_every_way_to_one_server_is_one_cluster(server, client_of):
    """Else Nodes that the state remembers of this cluster count as another's after each start."""
    first, second = client_of(server), client_of(server)
    assert first.identity == second.identity
    assert first.identity


def test_no_attempt_begins_after_the_time_for_retrying(server, client_of, sleeps):
    """Else a server that asks for patience holds the sweep up for longer than its Job may run."""
    limits = Limits(connect=5, read=10, total=20, retrying=20, longest_wait=30)
    server.fail_next("/version", times=99, status=429, headers={"Retry-After": "25"})
    with pytest.raises(Busy):
        client_of(server, limits).call(VERSION)
    assert (len(server.requests), sleeps) == (1, [])


def test_waits_grow_and_stay_bounded(server, client_of, sleeps, monkeypatch):
    """Else a server that fails is pressed, or a wait takes as long as a sweep."""
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    limits = Limits(attempts=8, retrying=1e6)
    server.fail_next("/version", times=99, status=500)
    with pytest.raises(Busy):
        client_of(server, limits).call(VERSION)
    assert sleeps == [0.5, 1, 2, 4, 8, 8, 8]


def test_a_request_that_was_given_up_holds_nobody_up(server, client_of):
    """Else the janitor does not end while a server that hangs has not answered."""
    server.fail_next("/version", times=99, hang=True)
    with pytest.raises(Unreachable):
        client_of(server, Limits(connect=5, read=60, total=0.5, attempts=1)).call(VERSION)
    threads = given_up()
    assert threads
    assert all(thread.daemon for thread in threads)


def test_an_answer_that_was_given_up_is_not_read_on(server, client_of):
    """Else every list that drips costs a thread and a connection until it ends, after hours."""
    server.pods = [pod(f"app-{index}") for index in range(200)]  # 30 minutes at its pace
    server.fail_next("/api/v1/pods", times=99, drip_body=True)
    before = set(given_up())
    with pytest.raises(Unreachable, match=r"within 1\.5 seconds"):
        client_of(server, HASTY).call(PODS)
    ended = time.monotonic() + DEADLINE
    while set(given_up()) - before and time.monotonic() < ended:
        time.sleep(0.05)
    assert not set(given_up()) - before
