"""Events about what the janitor did, for `kubectl get events` and whatever collects them.

An Event's name is a hash of what it tells, so telling it twice is a 409, which is success, and
needs no right to read or change one. They expire within the hour, and can then be told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, Conflict, Right
from janitor.cluster.exchange import Request
from janitor.cluster.observe import OwnPod

CONTROLLER = "restic-janitor.io/janitor"
_LONGEST_NOTE = 1024
"""Bytes, by the validation of events.k8s.io/v1."""
_LONGEST_INSTANCE = 128
_MOST = 200
"""Requests of one run, so that a thousand unreadable locks do not hold it up."""


class EventReason(StrEnum):
    """Why an Event is told: the words are an interface."""

    REMOVED = "StaleLockRemoved"
    FOUND = "StaleLockFound"
    """In a dry run."""
    FAILED = "LockCheckFailed"


_ACTION = {
    EventReason.REMOVED: ("Remove", "Normal"),
    EventReason.FOUND: ("Judge", "Warning"),
    EventReason.FAILED: ("Check", "Warning"),
}


@dataclass(frozen=True, slots=True)
class LockEvent:
    """One thing to tell. `lock` is empty where it is about the whole repository."""

    reason: EventReason
    repository: str
    lock: str
    note: str
    """Cut at a word to 1,024 bytes."""


def write_events(
    client: Client, events: Sequence[LockEvent], *, own_pod: OwnPod, time: datetime
) -> str | None:
    """Writes Events regarding the janitor's own pod, in its namespace, before it returns.

    Never raises. Returns None, or one sentence about what could not be told: a warning, no
    failure. The first failure ends it, since the next Event would meet the same.
    """
    for told, event in enumerate(events[:_MOST]):
        try:
            client.call(_request(event, own_pod, time))
        except Conflict:
            continue
        except ClusterError as error:
            return f"{len(events) - told} of {len(events)} Events were not written: {error}"
    if len(events) > _MOST:
        return f"{len(events) - _MOST} of {len(events)} Events were not written: too many."
    return None


def _request(event: LockEvent, own_pod: OwnPod, time: datetime) -> Request:
    right = Right("create", "events.events.k8s.io", "base", namespace=own_pod.namespace)
    return Request(
        right,
        "POST",
        "/apis/events.k8s.io/v1/namespaces/{namespace}/events",
        parts={"namespace": own_pod.namespace},
        body=_body(event, own_pod, time),
        attempts=2,
    )


def _body(event: LockEvent, own_pod: OwnPod, time: datetime) -> dict[str, Any]:
    action, kind = _ACTION[event.reason]
    told = "\0".join((event.repository, event.lock, event.reason.value))
    name = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"restic-janitor-{name}", "namespace": own_pod.namespace},
        "eventTime": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": own_pod.name[:_LONGEST_INSTANCE],
        "action": action,
        "reason": event.reason.value,
        "type": kind,
        "note": cut_at_a_word(event.note, _LONGEST_NOTE),
        "regarding": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": own_pod.namespace,
            "name": own_pod.name,
            "uid": own_pod.uid,
        },
    }


def cut_at_a_word(text: str, most: int) -> str:
    """The text, or as many whole words of it as fit into `most` bytes of UTF-8 with an ellipsis."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return raw.decode("utf-8")
    mark = " …"
    room = raw[: most - len(mark.encode())].decode("utf-8", "ignore")
    words = room.rpartition(" ")[0]
    return f"{words or room}{mark}"
