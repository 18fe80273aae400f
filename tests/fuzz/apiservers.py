"""An API server, or what stands in its place, that answers anything at all, over a socket."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import strategies as st

from janitor.cluster.client import Client
from janitor.cluster.configmap import ConfigMapShelf
from janitor.cluster.events_writer import EventReason, LockEvent, write_events
from janitor.cluster.exchange import Limits
from janitor.cluster.observe import ApiCluster
from janitor.model import StateConflict, StateUnavailable
from janitor.state import load, mark_put_back, save
from tests.fuzz import seeds
from tests.fuzz.answers import answers
from tests.fuzz.kubernetes import OWN_POD
from tests.fuzz.mutations import damaged, documents
from tests.fuzz.sentences import CANARY, check_sentence
from tests.fuzz.target import Target
from tests.fuzz.wire import wire


@cache
def _client() -> Client:
    """One for all: its connections are made anew for every answer."""
    from kubernetes.client import Configuration

    configuration = Configuration()
    configuration.host = f"http://{wire().host}"
    configuration.proxy = None
    configuration.api_key["authorization"] = f"Bearer {CANARY}"
    return Client(
        configuration,
        clock=lambda: datetime.now(UTC),
        sleep=lambda _: None,
        credentials="the token",
        limits=Limits(connect=5, read=10, total=20, attempts=1),
    )


def check_server(value: tuple[bytes, bytes]) -> None:
    """Every answer is a value, a doubt or a problem in one line; nothing raises."""
    first, later = value
    pending = [first]
    wire().answers = lambda *_: pending.pop() if pending else later
    cluster = ApiCluster(_client(), clock=lambda: datetime.now(UTC), own_pod=OWN_POD)
    for doubt in (
        cluster.check_clock(timedelta(minutes=5)),
        cluster.observe(namespaces=None, nodes=True).doubt,
        cluster.observe(namespaces=frozenset({"shop"}), nodes=False).doubt,
    ):
        _one_line(doubt)
    pending[:] = [first]
    event = LockEvent(EventReason.REMOVED, "shop-db", "", "x")
    _one_line(write_events(_client(), [event], own_pod=OWN_POD, time=datetime.now(UTC)))


def check_shelf(value: tuple[bytes, bytes]) -> None:
    """The state is read and written, or there is a problem in one line."""
    read, written = value
    wire().answers = lambda method, _: read if method == "GET" else written
    shelf = ConfigMapShelf(_client(), name="state", namespace="janitor")
    _one_line(load(shelf).problem)
    moment = datetime(2026, 11, 25, tzinfo=UTC)
    _one_line(save(shelf, lambda state: mark_put_back(state, "a", seeds.IDS[0], now=moment)))  # type: ignore[arg-type]
    try:
        shelf.write("{}", shelf.read()[1])
    except (StateConflict, StateUnavailable) as error:
        _one_line(str(error))


def _one_line(said: str | None) -> None:
    if said is not None:
        check_sentence(said)


_CONFIGMAP = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "state", "namespace": "janitor", "resourceVersion": "7"},
    "data": {"state.json": json.dumps(seeds.STATE), "other": "kept"},
}
_PODS = seeds.page("PodList", seeds.PODS)
_USUAL = [b"Content-Type: application/json", b"Date: Wed, 25 Nov 2026 12:00:00 GMT"]
_PAGES = documents([_PODS, seeds.page("NodeList", seeds.NODES), {"kind": "Status"}], seeds.WORDS)
_ZIPPED = _PAGES.map(lambda body: gzip.compress(body, mtime=0))


def _answers(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return answers(bodies, usual=_USUAL)


TARGETS = (
    Target(
        "apiserver",
        st.tuples(
            _answers(_PAGES),
            _answers(_PAGES)
            | answers(_ZIPPED | _ZIPPED.flatmap(damaged), usual=[b"Content-Encoding: gzip"]),
        ),
        check_server,
        examples=80,
    ),
    Target(
        "apiserver-state",
        st.tuples(
            _answers(documents([_CONFIGMAP], ["7", "ConfigMap", "state.json"])),
            _answers(st.just(b"{}")),
        ),
        check_shelf,
        examples=80,
    ),
)
