"""Events about the janitor's work, as the API server would accept them."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace

import pytest

from janitor.cluster.events_writer import EventReason, LockEvent, cut_at_a_word, write_events
from janitor.model import ObjectReference
from tests.unit.cluster.conftest import JANITOR

NOW = dt.datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=dt.UTC)
PATH = "/apis/events.k8s.io/v1/namespaces/janitor/events"


def one(note: str = "gone", lock: str = "5f3c", reason=EventReason.REMOVED) -> LockEvent:
    return LockEvent(reason=reason, repository="shop-db", lock=lock, note=note)


def told(server, client_of, *events: LockEvent) -> str | None:
    return write_events(client_of(server), events, own_pod=JANITOR, time=NOW)


@pytest.mark.parametrize("reason", list(EventReason))
def test_the_server_accepts_every_reason(server, client_of, reason):
    """Else nobody ever sees such an Event."""
    assert told(server, client_of, one(reason=reason)) is None
    (body,) = server.written_events.values()
    assert (body["reason"], body["note"]) == (reason.value, "gone")
    assert body["eventTime"] == "2026-11-24T01:02:03.456789Z"
    assert body["regarding"]["uid"] == JANITOR.uid


def test_all_of_an_event(server, client_of):
    """Else what collects Events, or asks for those of one reason or pod, finds none.

    The name is a digest of what is told: one that changes tells everything once more.
    """
    name = hashlib.sha256(b"shop-db\0" + b"5f3c\0" + b"StaleLockRemoved").hexdigest()[:32]
    told(server, client_of, one())
    (body,) = server.written_events.values()
    assert body == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"restic-janitor-{name}", "namespace": "janitor"},
        "eventTime": "2026-11-24T01:02:03.456789Z",
        "reportingController": "restic-janitor.io/janitor",
        "reportingInstance": "janitor-1",
        "action": "Remove",
        "reason": "StaleLockRemoved",
        "type": "Normal",
        "note": "gone",
        "regarding": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "janitor",
            "name": "janitor-1",
            "uid": JANITOR.uid,
        },
    }


def test_the_words_of_every_reason(server, client_of):
    """Else alerts on a reason or a type stay silent: the words are an interface."""
    told(server, client_of, *(one(reason=reason) for reason in EventReason))
    words = {
        (body["reason"], body["action"], body["type"]) for body in server.written_events.values()
    }
    assert words == {
        ("StaleLockRemoved", "Remove", "Normal"),
        ("StaleLockFound", "Judge", "Warning"),
        ("LockCheckFailed", "Check", "Warning"),
    }


def test_the_time_is_told_in_utc(server, client_of):
    """Else an Event comes hours before or after what it tells."""
    east = NOW.astimezone(dt.timezone(dt.timedelta(hours=9)))
    write_events(client_of(server), [one()], own_pod=JANITOR, time=east)
    (body,) = server.written_events.values()
    assert body["eventTime"] == "2026-11-24T01:02:03.456789Z"


def test_a_long_name_of_the_pod_is_cut_where_it_may_not_be_long(server, client_of):
    """Else the server refuses every Event of a janitor with a long name."""
    own = replace(JANITOR, name="j" * 200)
    assert write_events(client_of(server), [one()], own_pod=own, time=NOW) is None
    (body,) = server.written_events.values()
    assert body["reportingInstance"] == "j" * 128
    assert body["regarding"]["name"] == "j" * 200


def test_a_name_that_is_no_unicode_is_told(server, client_of):
    """Else one repository with an odd name ends the telling in a traceback."""
    event = replace(one(note="gone \udce9"), repository="caf\udce9")
    assert told(server, client_of, event) is None
    (body,) = server.written_events.values()
    assert body["note"] == "gone ?"


def test_telling_twice_is_success_and_tells_once(server, client_of):
    """Else every sweep of a dry run adds the same Event, or fails."""
    assert told(server, client_of, one(), one()) is None
    assert told(server, client_of, one(note="still gone")) is None
    assert len(server.written_events) == 1
    assert {each.verb for each in server.requests} == {"create"}


def test_another_lock_repository_or_reason_is_another_event(server, client_of):
    """Else one Event hides another."""
    elsewhere = replace(one(), repository="shop-db-2")
    told(server, client_of, one(), one(lock="77aa"), one(reason=EventReason.FOUND), elsewhere)
    assert len(server.written_events) == 4


@pytest.mark.parametrize("note", ["word " * 1_000, "ü" * 3_000, "ab " + "ü" * 3_000, "x" * 1_024])
def test_a_long_note_is_cut(server, client_of, note):
    """Else the server refuses the Event."""
    assert told(server, client_of, one(note=note)) is None
    (body,) = server.written_events.values()
    assert len(body["note"].encode()) <= 1_024


def test_a_note_is_cut_at_a_word():
    """Else the last word misleads, or a note of one long word is empty."""
    assert cut_at_a_word("removed the lock of shop-db", 22) == "removed the lock …"
    assert cut_at_a_word("x" * 30, 10) == "xxxxxx …"
    assert cut_at_a_word("x" * 30, 30) == "x" * 30


def test_a_note_of_the_longest_length_is_whole(server, client_of):
    """Else a note loses its end for nothing."""
    told(server, client_of, one(note="x" * 1_024))
    (body,) = server.written_events.values()
    assert body["note"] == "x" * 1_024


def test_a_missing_right_is_one_sentence_and_one_request(server, client_of):
    """Else an optional right stops the sweep, or is asked for once per lock."""
    server.deny("create", "events", "janitor")
    sentence = told(server, client_of, one(), one(lock="77aa"))
    assert "2 of 2 Events were not written" in sentence
    assert "create events.events.k8s.io in namespace janitor (403); k8s/base grants it" in sentence
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 422}, {"drop": True}])
def test_any_other_fault_is_one_sentence(server, client_of, fault):
    """Else a failing Event stops the sweep."""
    server.fail_next(PATH, times=99, **fault)
    assert "1 of 1 Events were not written" in told(server, client_of, one())


def test_a_server_that_is_busy_is_asked_twice(server, client_of):
    """Else a thousand Events for a server that is down hold the end of the sweep up."""
    server.fail_next(PATH, times=99, status=500)
    told(server, client_of, one())
    assert len(server.requests) == 2


def test_as_many_as_may_be_are_all_told(server, client_of):
    """Else the run says that Events are missing when none is."""
    assert told(server, client_of, *(one(lock=str(index)) for index in range(200))) is None
    assert len(server.written_events) == 200


def test_too_many_are_not_all_told(server, client_of):
    """Else ten thousand unreadable locks cost ten thousand requests."""
    sentence = told(server, client_of, *(one(lock=str(index)) for index in range(230)))
    assert sentence.startswith("30 of 230 Events")
    assert len(server.requests) == 200


# --- owners -----------------------------------------------------------------------------------

PLEX = ObjectReference("volsync.backube/v1alpha1", "ReplicationSource", "media", "plex", "u-1")
COPY = ObjectReference("volsync.backube/v1alpha1", "ReplicationDestination", "dr", "copy", "u-2")


def owned(*owners: ObjectReference) -> LockEvent:
    return replace(one(), owners=owners)


def regarding(server) -> list[tuple[str, str, str]]:
    return sorted(
        (namespace, body["regarding"]["kind"], body["regarding"]["name"])
        for (namespace, _), body in server.written_events.items()
    )


def test_owners_are_told_in_their_own_namespaces(server, client_of):
    """Else nobody who looks at the backup's own object sees what was done."""
    assert told(server, client_of, owned(PLEX, COPY)) is None
    assert regarding(server) == [
        ("dr", "ReplicationDestination", "copy"),
        ("media", "ReplicationSource", "plex"),
    ]
    body = next(body for (space, _), body in server.written_events.items() if space == "media")
    assert body["regarding"] == {
        "apiVersion": "volsync.backube/v1alpha1",
        "kind": "ReplicationSource",
        "namespace": "media",
        "name": "plex",
        "uid": "u-1",
    }
    assert body["reportingInstance"] == "janitor-1"


def test_where_an_owner_may_not_be_told_the_pod_is(server, client_of):
    """Else an installation without that right would tell nobody."""
    server.deny("create", "events", "media")
    events = [owned(PLEX), replace(owned(PLEX), lock="second"), one(lock="other")]
    assert told(server, client_of, *events) is None
    assert regarding(server) == [("janitor", "Pod", "janitor-1")] * 3
    assert sum("/media/" in request.path for request in server.requests) == 1


@pytest.mark.parametrize("status", [404, 422])
def test_an_owner_that_is_gone_leaves_it_to_the_pod(server, client_of, status):
    """Else an owner that was deleted meanwhile would end the telling of all."""
    server.fail_next("/apis/events.k8s.io/v1/namespaces/media", status=status)
    assert told(server, client_of, owned(PLEX), one(lock="other")) is None
    assert regarding(server) == [("janitor", "Pod", "janitor-1")] * 2


def test_two_owners_of_one_name_are_both_told(server, client_of):
    """Else a ReplicationDestination would never hear what its ReplicationSource does."""
    twin = replace(PLEX, kind="ReplicationDestination")
    assert told(server, client_of, owned(PLEX, twin)) is None
    assert len(server.written_events) == 2


def test_one_owner_that_is_told_is_enough(server, client_of):
    """Else the same Event would stand beside the pod as well."""
    server.deny("create", "events", "media")
    assert told(server, client_of, owned(PLEX, COPY)) is None
    assert regarding(server) == [("dr", "ReplicationDestination", "copy")]


def test_many_owners_are_told_thrice_at_most(server, client_of):
    """Else a repository of a thousand owners would flood a cluster with Events."""
    many = [replace(PLEX, name=f"plex-{number}") for number in range(9)]
    assert told(server, client_of, owned(*many)) is None
    assert len(server.written_events) == 3


def test_an_owner_is_told_once(server, client_of):
    """Else each run would repeat itself."""
    for _ in range(2):
        assert told(server, client_of, owned(PLEX)) is None
    assert len(server.written_events) == 1
