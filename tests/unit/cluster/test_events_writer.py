"""Events about the janitor's work, as the API server would accept them."""

from __future__ import annotations

import datetime as dt

import pytest

from janitor.cluster.events_writer import EventReason, LockEvent, cut_at_a_word, write_events
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


def test_telling_twice_is_success_and_tells_once(server, client_of):
    """Else every sweep of a dry run adds the same Event, or fails."""
    assert told(server, client_of, one(), one()) is None
    assert told(server, client_of, one(note="still gone")) is None
    assert len(server.written_events) == 1
    assert {each.verb for each in server.requests} == {"create"}


def test_another_lock_repository_or_reason_is_another_event(server, client_of):
    """Else one Event hides another."""
    told(server, client_of, one(), one(lock="77aa"), one(reason=EventReason.FOUND))
    assert len(server.written_events) == 3


@pytest.mark.parametrize("note", ["word " * 1_000, "ü" * 3_000, "ab " + "ü" * 3_000, "x" * 1_024])
def test_a_long_note_is_cut(server, client_of, note):
    """Else the server refuses the Event."""
    assert told(server, client_of, one(note=note)) is None
    (body,) = server.written_events.values()
    assert len(body["note"].encode()) <= 1_024


def test_a_note_is_cut_at_a_word():
    """Else the last word misleads."""
    assert cut_at_a_word("removed the lock of shop-db", 22) == "removed the lock …"


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


def test_too_many_are_not_all_told(server, client_of):
    """Else ten thousand unreadable locks cost ten thousand requests."""
    sentence = told(server, client_of, *(one(lock=str(index)) for index in range(230)))
    assert sentence.startswith("30 of 230 Events")
    assert len(server.requests) == 200
