"""What is remembered: bounded, never lost to a rival, and never able to age a lock."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from janitor.model import KnownNode, LockID, Node, StateConflict, StateUnavailable
from janitor.state import (
    MAX_BYTES,
    Listing,
    Remembered,
    State,
    decode,
    encode,
    load,
    mark_put_back,
    save,
    see_nodes,
    stamp,
)
from janitor.state_file import FileShelf
from tests.sweep.doubles import LONG_AGO, NOW, MemoryShelf, Scene

SKEW = timedelta(minutes=5)


def test_an_entry_goes_only_with_a_whole_listing_that_lacks_it() -> None:
    """Else a lock beyond the bound, or of an unreachable store, loses its first-seen time."""
    before = _stamped(a=[_id(1), _id(2)], b=[_id(3)])
    later = NOW + timedelta(hours=1)
    partial = stamp(before, {"a": Listing((_id(1),), whole=False)}, now=later, max_skew=SKEW)
    assert partial == before
    after = stamp(before, {"a": Listing((_id(1), _id(9)))}, now=later, max_skew=SKEW)
    assert after.repositories["a"] == {_id(1): Remembered(NOW), _id(9): Remembered(later)}
    assert after.repositories["b"] == before.repositories["b"]
    assert "a" not in stamp(before, {"a": Listing(())}, now=later, max_skew=SKEW).repositories


@pytest.mark.parametrize(("ahead", "anew"), [(5, False), (6, True)])
def test_a_first_seen_time_in_the_future_is_stamped_anew(ahead: int, anew: bool) -> None:
    """Else a lock seen once by a wrong clock waits for years; its put-back mark must survive."""
    future = NOW + timedelta(minutes=ahead)
    state = State({"a": {_id(1): Remembered(future, put_back=True)}})
    after = stamp(state, {"a": Listing((_id(1),))}, now=NOW, max_skew=SKEW)
    assert after.repositories["a"][_id(1)] == Remembered(NOW if anew else future, put_back=True)


def test_a_document_survives_its_round_trip() -> None:
    """Else something that was remembered is forgotten at once."""
    state = mark_put_back(_stamped(a=[_id(1)], b=[_id(2)]), "b", _id(2), now=NOW)
    state = see_nodes(
        state, (Node("worker-1", ready=True, addresses=("10.0.0.1",)),), cluster="a", now=NOW
    )
    state = see_nodes(state, (), cluster="a", now=NOW + timedelta(minutes=1))
    assert decode(encode(state)) == state
    document = json.loads(encode(state))
    assert document["version"] == 1
    assert document["repositories"]["a"] == {_id(1): {"first_seen": "2026-11-25T12:00:00Z"}}
    assert document["nodes"]["worker-1"] == {
        "names": ["worker-1", "10.0.0.1"],
        "last_seen": "2026-11-25T12:00:00Z",
        "absent_since": "2026-11-25T12:01:00Z",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"version":1,"repositories":[]}',
        '{"version":1,"repositories":{"a":{"b":{"first_seen":"yesterday"}}}}',
        '{"version":1,"repositories":{"a":{"b":{"first_seen":"2026-11-24T01:02:03"}}}}',
        '{"repositories":{}}',
        "[" * 10_000,
        '{"version":1,"nodes":{"a":{"names":[],"last_seen":"2026-11-24T01:02:03"}}}',
    ],
)
def test_what_is_no_state_is_as_none_and_is_said(text: str) -> None:
    """Else a damaged file ends the sweep with a traceback, or is believed by halves."""
    loaded = load(MemoryShelf(text))
    assert loaded.state == State()
    assert loaded.problem is not None
    assert "\n" not in loaded.problem


def test_a_newer_document_is_never_overwritten() -> None:
    """Else an old janitor destroys what a newer one remembers."""
    shelf = MemoryShelf('{"version":2}')
    with pytest.raises(ValueError, match="newer janitor"):
        decode(shelf.text or "")
    problem = save(shelf, lambda state: state)
    assert "newer" in str(problem)
    assert shelf.text == '{"version":2}'


def test_two_janitors_at_once_keep_both_their_changes() -> None:
    """Else a put-back mark is lost to a sweep that runs at the same time."""
    shelf = MemoryShelf(encode(_stamped(a=[_id(1)])))
    shelf.rivals.append(
        lambda: _must(save(shelf, lambda state: mark_put_back(state, "a", _id(1), now=NOW)))
    )
    later = NOW + timedelta(hours=1)
    listing = {"a": Listing((_id(1), _id(2)))}
    assert save(shelf, lambda state: stamp(state, listing, now=later, max_skew=SKEW)) is None
    assert decode(shelf.text or "").repositories["a"] == {
        _id(1): Remembered(NOW, put_back=True),
        _id(2): Remembered(later),
    }


def test_rivals_without_end_are_given_up_with_a_sentence() -> None:
    """Else a sweep hangs for ever."""
    shelf = MemoryShelf(encode(State()))

    def rival() -> None:
        shelf.version += 1
        shelf.rivals.append(rival)

    shelf.rivals.append(rival)
    problem = save(shelf, lambda state: mark_put_back(state, "a", _id(1), now=NOW))
    assert "changed by others" in str(problem)


def test_a_write_whose_answer_was_lost_is_no_rivals() -> None:
    """Else a state that was kept is told as lost, and the sweep as failed."""

    class Lossy(MemoryShelf):
        def write(self, text: str, version: object) -> None:
            super().write(text, version)
            raise StateConflict  # it was sent again, and the server knows a newer version by then

    shelf = Lossy(encode(State()))
    assert save(shelf, lambda state: mark_put_back(state, "a", _id(1), now=NOW)) is None
    assert shelf.version == 1


# --- bounds ----------------------------------------------------------------------------------


def test_beyond_the_bound_the_newest_go_first_and_put_back_stays() -> None:
    """Else a ConfigMap cannot be written at all, or the marks of restored locks are lost."""
    locks = {
        _id(number): Remembered(NOW - timedelta(seconds=number), put_back=number == 0)
        for number in range(12_000)
    }
    text = encode(State({"a": locks}))
    assert len(text.encode()) <= MAX_BYTES
    kept = decode(text).repositories["a"]
    assert kept[_id(0)].put_back
    expected = {_id(0), *(_id(number) for number in range(12_000 - len(kept) + 1, 12_000))}
    assert set(kept) == expected
    assert len(kept) > 7_000


def test_so_many_put_back_marks_that_nodes_must_go_are_still_kept() -> None:
    """Else the one thing that only a person can know again is dropped for what every sweep sees."""
    locks = {_id(number): Remembered(NOW, put_back=True) for number in range(100)}
    names = tuple(f"{'n' * 250}-{number}" for number in range(16))
    nodes = {f"node-{number}": KnownNode(names, NOW) for number in range(300)}
    kept = decode(encode(State({"a": locks}, nodes)))
    assert kept.repositories["a"] == locks
    assert kept.nodes == {}


# --- Nodes -----------------------------------------------------------------------------------


def test_an_absent_node_is_remembered_since_its_first_absence_and_forgotten_after_a_month() -> None:
    """Else a Node that is gone for a second frees its locks, or the state grows for ever."""
    worker = Node("worker-1", ready=True, hostname_label="worker-1.example.net")
    state = see_nodes(State(), (worker,), cluster="a", now=NOW)
    first = NOW + timedelta(minutes=1)
    state = see_nodes(state, (), cluster="a", now=first)
    state = see_nodes(state, (), cluster="a", now=first + timedelta(days=29))
    assert state.nodes["worker-1"].absent_since == first
    assert state.nodes["worker-1"].names == ("worker-1", "worker-1.example.net")
    back = see_nodes(state, (worker,), cluster="a", now=first + timedelta(days=29, minutes=1))
    assert back.nodes["worker-1"].absent_since is None
    assert see_nodes(state, (), cluster="a", now=first + timedelta(days=30)).nodes == {}


def test_an_older_list_does_not_make_a_node_absent() -> None:
    """Else two sweeps that overlap let a Node that joined look gone."""
    state = see_nodes(State(), (Node("worker-1", ready=True),), cluster="a", now=NOW)
    again = see_nodes(state, (), cluster="a", now=NOW - timedelta(seconds=30))
    assert again.nodes["worker-1"].absent_since is None


# --- the file --------------------------------------------------------------------------------


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Else a reader, or a crash in the middle, finds half a document."""
    path = tmp_path / "state.json"
    shelf = FileShelf(path)
    assert shelf.read() == (None, None)
    shelf.write(encode(State()), None)
    before = path.stat().st_ino
    with path.open("rb") as reader:
        shelf.write(encode(_stamped(a=[_id(1)])), shelf.read()[1])
        assert decode(reader.read().decode()) == State()
    assert path.stat().st_ino != before
    assert {each.name for each in tmp_path.iterdir()} == {"state.json", ".state.json.lock"}


def test_a_file_that_changed_since_it_was_read_is_a_conflict(tmp_path: Path) -> None:
    """Else the later of two janitors wipes out what the first remembered."""
    shelf = FileShelf(tmp_path / "state.json")
    shelf.write("one", None)
    with pytest.raises(StateConflict):
        shelf.write("two", None)
    assert shelf.read()[0] == "one"


def test_many_threads_lose_no_change(tmp_path: Path) -> None:
    """Else concurrent put-backs forget each other."""
    shelf = FileShelf(tmp_path / "state.json")
    problems: list[str | None] = []

    def work(number: int) -> None:
        change = lambda state: mark_put_back(state, "a", _id(number), now=NOW)  # noqa: E731
        problems.append(save(shelf, change))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [None] * 3
    kept = decode(shelf.read()[0] or "").repositories["a"]
    assert set(kept) == {_id(number) for number in range(3)}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Else a read-only mount ends in a traceback."""
    missing = tmp_path / "not" / "there" / "state.json"
    problem = save(FileShelf(missing), lambda state: state)
    assert problem is not None
    assert str(missing) in problem
    assert "--state" in problem
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(StateUnavailable, match="Is a directory"):
        FileShelf(folder).read()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into every folder")
def test_a_folder_that_this_user_may_not_write_is_named(tmp_path: Path) -> None:
    """Else a read-only volume ends in a traceback."""
    tmp_path.chmod(0o500)
    problem = save(FileShelf(tmp_path / "state.json"), lambda state: state)
    tmp_path.chmod(0o700)
    assert "Permission denied" in str(problem)


def _id(number: int) -> LockID:
    return LockID(hashlib.sha256(str(number).encode()).hexdigest())


def _stamped(**locks: list[LockID]) -> State:
    listings = {name: Listing(tuple(each)) for name, each in locks.items()}
    return stamp(State(), listings, now=NOW, max_skew=SKEW)


def _must(problem: str | None) -> None:
    assert problem is None


def test_a_put_back_lock_is_kept_whatever_its_repository_is_called(scene: Scene) -> None:
    """Else it is removed as soon as a Backup made by hand gives the repository another name."""
    lock = LockID(scene.repository("before-upgrade").lock(time=LONG_AGO))
    assert scene.shelf is not None
    scene.shelf.text = encode(mark_put_back(State(), "nightly", lock, now=LONG_AGO))
    for _ in range(3):
        told, _ = scene.sweep()
        assert told.verdicts == ["put-back"]
        scene.clock.time += timedelta(hours=1)
