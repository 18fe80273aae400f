"""An API server in memory, and the client through which the janitor asks it.

The client is the one that ships: its retries, the paging, the decoding and the observation above
it are the real ones; only the one attempt of a request is answered here.
"""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from janitor.cluster.client import Client
from janitor.cluster.errors import Busy, Denied, Expired, Unauthenticated, Unreachable
from janitor.cluster.exchange import Answer, Limits, Request
from tests.simulation.clockwork import Clockwork, moment

KINDS = {"pods": "PodList", "nodes": "NodeList", "events": "EventList"}


@dataclass(frozen=True)
class Snapshot:
    """Everything at one resourceVersion, encoded: namespace and document of each object."""

    version: int
    time: float
    objects: dict[str, tuple[tuple[str, bytes], ...]]


class ApiServer:
    """What one cluster's API knows. It keeps its past, for the faults that show it."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._objects: dict[str, dict[str, tuple[str, bytes]]] = {kind: {} for kind in KINDS}
        self._encoded: dict[str, tuple[tuple[str, bytes], ...]] = dict.fromkeys(KINDS, ())
        self.past = [Snapshot(1, 0.0, dict(self._encoded))]

    def put(self, kind: str, uid: str, namespace: str, document: dict[str, Any]) -> None:
        self._objects[kind][uid] = namespace, msgspec.json.encode(document)
        self._changed(kind)

    def drop(self, kind: str, uid: str) -> None:
        if self._objects[kind].pop(uid, None) is not None:
            self._changed(kind)

    def has(self, kind: str, uid: str) -> bool:
        return uid in self._objects[kind]

    def document(self, kind: str, uid: str) -> Any:
        """The object as the API shows it now."""
        return msgspec.json.decode(self._objects[kind][uid][1])

    def uids(self, kind: str) -> tuple[str, ...]:
        return tuple(self._objects[kind])

    def at(self, time: float) -> Snapshot:
        """The last snapshot that is not younger."""
        return next(each for each in reversed(self.past) if each.time <= time or each.version == 1)

    def _changed(self, kind: str) -> None:
        self._encoded = self._encoded | {kind: tuple(self._objects[kind].values())}
        self.past.append(
            Snapshot(self.past[-1].version + 1, self._clockwork.now, dict(self._encoded))
        )


@dataclass
class ApiFaults:
    """How often a request meets a fault, and of which kinds."""

    rate: float = 0.0
    kinds: tuple[str, ...] = ()
    denied: frozenset[str] = frozenset()
    """Resources that are never granted."""


ERRORS = ("401", "403", "410", "429", "500", "hang", "reset")
LIES = ("cut", "short", "stale", "empty", "no witness", "no date", "slow")


class SimulatedClient(Client):
    """The shipped client with one method of its own: what an attempt comes to."""

    def __init__(
        self,
        server: ApiServer,
        *,
        faults: ApiFaults,
        random: Random,
        clock: Callable[[], float],
        wait: Callable[[float], None],
        page: int,
        witness: str | None,
    ) -> None:
        self._limits = Limits()
        self._sleep = wait
        self._clock = lambda: moment(clock())
        self._true_clock = server._clockwork
        self._api = server
        self._faults = faults
        self._random = random
        self._wait_for = wait
        self._page = page
        self._witness = witness
        self._lists: dict[str, tuple[tuple[tuple[str, bytes], ...], int, str]] = {}

    @property
    def server(self) -> str:
        return "api.example.net"

    @property
    def identity(self) -> str:
        return "cluster-a"

    def _attempt(self, request: Request) -> Answer:
        sent = self._clock()
        self._wait_for(0.02)
        fault = ""
        if self._faults.rate and self._random.random() < self._faults.rate:
            fault = self._random.choice(self._faults.kinds)
        self._fail(fault, request)
        if request.right.resource in self._faults.denied:
            raise Denied(request.right)
        if fault == "slow":
            self._wait_for(self._random.choice((1.0, 9.0, 20.0, 50.0)))
        body = self._body(request, fault)
        date = (
            None
            if fault == "no date"
            else email.utils.formatdate(moment(self._true_clock.now).timestamp(), usegmt=True)
        )
        self._wait_for(0.01)
        return Answer(body=body, date=date, sent=sent, received=self._clock())

    def _fail(self, fault: str, request: Request) -> None:
        match fault:
            case "401":
                raise Unauthenticated("401")
            case "403":
                raise Denied(request.right)
            case "410":
                raise Expired("410")
            case "429":
                raise Busy("429", retry_after=self._random.choice((None, 1.0, 20.0)))
            case "500":
                raise Busy("500")
            case "reset":
                raise Unreachable("reset")
            case "hang":
                self._wait_for(60.0)
                raise Unreachable("no answer")

    def _body(self, request: Request, fault: str) -> bytes:
        if request.path == "/version":
            return b"{}"
        kind = request.path.rpartition("/")[2]
        token = dict(request.query).get("continue")
        if token is None:
            items, version = self._snapshot(kind, request.right.namespace, fault)
        else:
            items, version, _ = self._lists.pop(token)
        page, rest = items[: self._page], items[self._page :]
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if rest:
            name = f"{kind}-{self._random.random()}"
            self._lists[name] = rest, version, kind
            metadata |= {"continue": name, "remainingItemCount": len(rest)}
        if fault == "short" and rest:
            del metadata["continue"]
        body = _encode(KINDS[kind], metadata, page)
        return body[: self._random.randrange(len(body))] if fault == "cut" else body

    def _snapshot(
        self, kind: str, namespace: str | None, fault: str
    ) -> tuple[tuple[tuple[str, bytes], ...], int]:
        now = self._true_clock.now
        snapshot = self._api.past[-1]
        if fault == "stale":
            snapshot = self._api.at(now - self._random.choice((1.0, 30.0, 600.0, 7200.0)))
        elif fault == "empty":
            snapshot = self._api.past[0]
        items = snapshot.objects[kind]
        if fault == "no witness" and self._witness is not None:
            uid = self._witness.encode()
            items = tuple(each for each in items if uid not in each[1])
        if fault == "pod left out" and kind == "pods":
            others = [each for each in items if each[0] != "janitor"]
            left_out = self._random.choice(others) if others else None
            items = tuple(each for each in items if each is not left_out)
        if namespace is not None:
            items = tuple(each for each in items if each[0] == namespace)
        return items, snapshot.version


def _encode(kind: str, metadata: dict[str, Any], page: tuple[tuple[str, bytes], ...]) -> bytes:
    return msgspec.json.encode(
        {
            "kind": kind,
            "metadata": metadata,
            "items": [msgspec.Raw(document) for _, document in page],
        }
    )
