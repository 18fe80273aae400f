"""Events about what the janitor did, for `kubectl get events` and whatever collects them.

An Event's name is a hash of what it tells, so telling it twice is a 409, which is success, and
needs no right to read or change one. They expire within the hour, and can then be told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, Conflict, Denied, NotFound, Rejected, Right
from janitor.cluster.exchange import Request
from janitor.cluster.observe import OwnPod
from janitor.model import ObjectReference

CONTROLLER = "restic-janitor.io/janitor"
_LONGEST_NOTE = 1024
"""Bytes, by the validation of events.k8s.io/v1."""
_LONGEST_INSTANCE = 128
_OWNERS = 3
"""So many of a repository's owners are told."""
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
    owners: tuple[ObjectReference, ...] = ()
    """What it is told about; empty, or where that is not allowed: the janitor's own pod."""


def right_to_tell(namespace: str, *, component: str = "base") -> Right:
    """What writing an Event there needs."""
    return Right("create", "events.events.k8s.io", component, namespace=namespace)


def write_events(
    client: Client, events: Sequence[LockEvent], *, own_pod: OwnPod, time: datetime
) -> str | None:
    """Writes Events before it returns: regarding the owner objects, each in its namespace, else
    regarding the janitor's own pod.

    Never raises. Returns None, or one sentence about what could not be told: a warning, no
    failure. The first failure ends it, since the next Event would meet the same; only an owner
    whose Events may not be written leaves them to the pod.
    """
    pod = ObjectReference("v1", "Pod", own_pod.namespace, own_pod.name, own_pod.uid)
    writer = _Writer(client, pod, time)
    for told, event in enumerate(events[:_MOST]):
        try:
            writer.tell(event)
        except ClusterError as error:
            return f"{len(events) - told} of {len(events)} Events were not written: {error}"
    if len(events) > _MOST:
        return f"{len(events) - _MOST} of {len(events)} Events were not written: too many."
    return None


class _Writer:
    """Writes each Event where it may."""

    def __init__(self, client: Client, pod: ObjectReference, time: datetime) -> None:
        self._client = client
        self._pod = pod
        self._time = time
        self._denied: set[str] = set()

    def tell(self, event: LockEvent) -> None:
        """Raises a ClusterError where not even the pod's Event could be written."""
        told = [self._wrote(event, owner) for owner in event.owners[:_OWNERS]]
        if not any(told):
            self._write(event, self._pod)

    def _wrote(self, event: LockEvent, owner: ObjectReference) -> bool:
        if owner.namespace in self._denied:
            return False
        try:
            self._write(event, owner)
        except Denied:
            self._denied.add(owner.namespace)
            return False
        except (NotFound, Rejected):
            return False  # its namespace is gone, or the object is no longer what it was
        return True

    def _write(self, event: LockEvent, regarding: ObjectReference) -> None:
        namespace = regarding.namespace
        with suppress(Conflict):
            self._client.call(
                Request(
                    right_to_tell(namespace),
                    "POST",
                    "/apis/events.k8s.io/v1/namespaces/{namespace}/events",
                    parts={"namespace": namespace},
                    body=_body(event, regarding, self._pod.name, self._time),
                    attempts=2,
                )
            )


def _body(
    event: LockEvent, regarding: ObjectReference, instance: str, time: datetime
) -> dict[str, Any]:
    action, kind = _ACTION[event.reason]
    about = (regarding.kind, regarding.name) if regarding.kind != "Pod" else ()
    told = "\0".join((event.repository, event.lock, event.reason.value, *about))
    name = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"restic-janitor-{name}", "namespace": regarding.namespace},
        "eventTime": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:_LONGEST_INSTANCE],
        "action": action,
        "reason": event.reason.value,
        "type": kind,
        "note": cut_at_a_word(event.note, _LONGEST_NOTE),
        "regarding": {
            "apiVersion": regarding.api_version,
            "kind": regarding.kind,
            "namespace": regarding.namespace,
            "name": regarding.name,
            "uid": regarding.uid,
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
