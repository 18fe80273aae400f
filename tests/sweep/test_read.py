"""What becomes of a repository that cannot be listed or read: a state, a sentence, and no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import LockID, Repository, RepositoryState, StoreClock
from janitor.read import MAX_LOCKS, CannotOpen, Listed, list_repository
from janitor.store.errors import Gone, NoRepository, TooLarge, Unauthorized
from janitor.store.port import Layout, Listing, Root
from janitor.sweep import Mode
from tests.forge import name_of
from tests.sweep.doubles import LONG_AGO, DiaryStore, Scene


def gone(*_: object, **__: object) -> bytes:
    raise Gone("it is not there")


def large(*_: object, **__: object) -> bytes:
    raise TooLarge("it is larger than it can be")


def refused(*_: object, **__: object) -> bytes:
    raise Unauthorized("the server refuses these credentials")


def swept(scene: Scene, **methods: Callable[..., object]) -> tuple[str, str | None, list[str]]:
    """The state, the detail and the verdicts of one old lock's repository, whose store has these
    methods instead of its own.
    """

    def prepare(store: DiaryStore) -> None:
        for name, method in methods.items():
            setattr(store, name, method)

    scene.prepared["shop-db"] = prepare
    told, _ = scene.sweep()
    (report,) = told.repositories
    return report.state.value, report.detail, told.verdicts


@pytest.fixture
def shop(scene: Scene) -> LockID:
    """One old lock of a dead holder in a repository `shop-db`."""
    lock = scene.repository().lock(time=LONG_AGO)
    scene.remember()
    return lock


# --- listing ---------------------------------------------------------------------------------


def test_a_repository_that_is_known_to_be_broken_is_not_opened(scene: Scene) -> None:
    """Else the sentence about a mistake in the configuration is lost in a later fault."""
    found = Found(
        Repository("shop-db"), None, state=RepositoryState.INCOMPLETE, problem="no location"
    )

    def open_store(_: Found) -> DiaryStore:
        raise AssertionError

    listed = list_repository(found, open_store)
    assert (listed.state, listed.detail, listed.store) == ("incomplete", "no location", None)
    assert not listed.succeeded
    assert listed.clock is StoreClock.NONE


def test_a_store_that_cannot_be_opened_gives_its_state() -> None:
    """Else credentials that are missing look like a fault of the janitor."""

    def open_store(_: Found) -> DiaryStore:
        raise NoRepository("there is no config")

    listed = list_repository(Found(Repository("shop-db"), None), open_store)
    assert (listed.state, listed.detail) == ("no-repository", "there is no config")


@pytest.mark.parametrize("method", ["look", "list_locks"])
def test_a_listing_that_is_refused_gives_its_state_and_closes_the_store(
    scene: Scene, shop: LockID, method: str
) -> None:
    """Else a wrong password for the server reads as "no locks", or connections pile up."""
    state, detail, verdicts = swept(scene, **{method: refused})
    assert (state, detail) == ("unauthorized", "the server refuses these credentials")
    assert verdicts == []
    assert scene.stores["shop-db"].closed
    assert scene.repositories["shop-db"].locks() == [shop]


def test_an_empty_folder_is_unlocked_and_closed(scene: Scene) -> None:
    """Else ten thousand quiet repositories keep ten thousand stores open."""
    scene.repository()
    assert swept(scene) == ("unlocked", None, [])
    assert scene.stores["shop-db"].closed
    assert not {"keys", "key", "observe"} & set(scene.diary)


@pytest.mark.parametrize("folder", [False, None])
def test_a_missing_locks_folder_is_unlocked(scene: Scene, folder: bool | None) -> None:
    """Else a repository that was never locked costs a listing, or one is not asked for at all."""
    scene.repository()
    root = Root(Layout.DEFAULT, locks_folder=folder)
    assert swept(scene, look=lambda: root) == ("unlocked", None, [])
    assert scene.diary.count("list") == (1 if folder is None else 0)


def test_a_folder_with_locks_stays_open_until_they_are_judged(scene: Scene, shop: LockID) -> None:
    """Else every lock is listed and none can be read."""
    opened: list[DiaryStore] = []

    def keep(found: Found) -> DiaryStore:
        opened.append(scene._open(found))
        return opened[0]

    listed = list_repository(scene.found("shop-db"), keep)
    assert (listed.state, listed.detail, listed.beyond) == (RepositoryState.READ, None, 0)
    assert listed.succeeded
    assert [lock.id for lock in listed.locks] == [shop]
    assert listed.store is opened[0]
    assert listed.clock is StoreClock.WRITER
    assert not opened[0].closed


def test_locks_past_the_bound_are_counted_and_told(scene: Scene, shop: LockID) -> None:
    """Else a repository with more locks than are read looks wholly judged.

    (docs/security.md: "At most 10,000 locks of a repository are read.")
    """
    assert MAX_LOCKS == 10_000
    asked: list[int] = []
    real = scene._open(scene.found("shop-db")).list_locks(at_most=10)

    def list_locks(*, at_most: int) -> Listing:
        asked.append(at_most)
        return Listing(real.locks, beyond=7)

    state, detail, verdicts = swept(scene, list_locks=list_locks)
    assert asked[0] == MAX_LOCKS
    assert state == "read"
    assert detail == "only the first 1 locks were judged; at least 7 more are there"
    assert verdicts == ["holder-absent"]


def test_a_repository_that_was_not_listed_has_not_succeeded() -> None:
    """Else an outage makes the janitor forget every lock of the repository that it remembers."""
    found = Found(Repository("shop-db"), None)
    succeeded = {state for state in RepositoryState if Listed(found, state).succeeded}
    assert succeeded == {RepositoryState.READ, RepositoryState.UNLOCKED}


# --- opening ---------------------------------------------------------------------------------


def test_without_a_password_nothing_is_read(scene: Scene, shop: LockID) -> None:
    """Else nobody learns which variable is missing."""
    found = scene.found("shop-db")
    scene.found = lambda _: replace(found, password=None)  # type: ignore[method-assign]
    state, detail, verdicts = swept(scene)
    assert state == "incomplete"
    assert detail == "no password: set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE in its environment"
    assert verdicts == []
    assert scene.repositories["shop-db"].locks() == [shop]


def test_a_config_that_is_gone_is_no_repository(scene: Scene, shop: LockID) -> None:
    """Else something is touched in a folder that is no repository."""
    state, detail, verdicts = swept(scene, read_config=gone)
    assert state == "no-repository"
    assert detail == "there is no `config` any more where the location points"
    assert verdicts == []
    assert not {"keys", "key", "read", "delete"} & set(scene.diary)


def test_a_config_that_these_keys_do_not_open_is_no_repository(scene: Scene, shop: LockID) -> None:
    """Else the locks of one repository are read by the keys of another."""
    state, detail, verdicts = swept(scene, read_config=lambda: b"\x01" * 64)
    assert state == "no-repository"
    assert detail
    assert verdicts == []
    assert not {"read", "delete"} & set(scene.diary)


@pytest.mark.parametrize("method", ["list_keys", "read_config", "read_key", "read_lock"])
def test_a_store_that_refuses_to_be_read_gives_its_state(
    scene: Scene, shop: LockID, method: str
) -> None:
    """Else a lock that nobody could read is judged, or the sentence is lost."""
    state, detail, verdicts = swept(scene, **{method: refused})
    assert (state, detail) == ("unauthorized", "the server refuses these credentials")
    assert verdicts == []
    assert scene.repositories["shop-db"].locks() == [shop]


def test_a_problem_carries_its_sentence() -> None:
    """Else `put-back` shows an empty line where it should say what is wrong."""
    problem = CannotOpen(RepositoryState.INCOMPLETE, "no password")
    assert (str(problem), problem.state, problem.detail) == (
        "no password",
        RepositoryState.INCOMPLETE,
        "no password",
    )


# --- keys ------------------------------------------------------------------------------------

WRONG = "the password does not open "
HINT = (
    "; check RESTIC_PASSWORD byte for byte (a Secret made with `echo` ends in a newline, which "
    "counts), or RESTIC_PASSWORD_FILE"
)


@pytest.mark.parametrize(
    ("others", "read_key", "said"),
    [
        (0, None, f"{WRONG}its one key{HINT}"),
        (2, None, f"{WRONG}any of its 3 keys{HINT}"),
        (0, gone, "the repository has no key that could be tried"),
        (
            0,
            large,
            "the repository has no key that could be tried (it is larger than it can be)",
        ),
        (
            4,
            large,
            "the repository has no key that could be tried (it is larger than it can be; it is "
            "larger than it can be; it is larger than it can be)",
        ),
    ],
)
def test_a_password_that_opens_nothing_says_what_was_tried(
    scene: Scene, others: int, read_key: Callable[..., bytes] | None, said: str
) -> None:
    """Else nobody can tell a wrong password from damaged keys."""
    shop = scene.repository()
    shop.lock(time=LONG_AGO)
    scene.remember()
    (only,) = (scene.base / "shop-db" / "keys").iterdir()
    only.unlink()
    for number in range(others + 1):
        shop.add_key(f"another {number}")
    methods = {} if read_key is None else {"read_key": read_key}
    assert swept(scene, **methods) == ("wrong-password", said, [])


@pytest.mark.parametrize("damage", [gone, large, lambda _: b"{}"])
def test_one_key_that_opens_is_enough(
    scene: Scene, shop: LockID, damage: Callable[[str], bytes]
) -> None:
    """Else one key file that is damaged, or removed meanwhile, locks the janitor out."""
    forged = scene.repositories["shop-db"]
    (good,) = [path.name for path in (scene.base / "shop-db" / "keys").iterdir()]
    while (first := forged.add_key("another")) > good:
        pass  # until one comes before it
    stored = (scene.base / "shop-db" / "keys" / good).read_bytes()

    def read_key(name: str) -> bytes:
        return stored if name == good else damage(name)

    state, _, verdicts = swept(scene, list_keys=lambda: (first, good), read_key=read_key)
    assert (state, verdicts) == ("read", ["holder-absent"])


def test_a_damaged_key_is_told_beside_the_wrong_password(scene: Scene, shop: LockID) -> None:
    """Else a repository whose right key is damaged looks like one with a wrong password."""
    forged = scene.repositories["shop-db"]
    (good,) = [path.name for path in (scene.base / "shop-db" / "keys").iterdir()]
    other = forged.add_key("another")
    stored = (scene.base / "shop-db" / "keys" / other).read_bytes()

    def read_key(name: str) -> bytes:
        return stored if name == other else b"{}"

    state, detail, _ = swept(scene, read_key=read_key)
    damaged = f"The key file {good[:8]} is damaged: its SHA-256 is not its name."
    assert (state, detail) == ("wrong-password", f"{WRONG}its one key ({damaged}){HINT}")


def test_the_hinted_key_is_tried_first_and_no_other_after_it(scene: Scene, shop: LockID) -> None:
    """Else every sweep derives every key of every repository: half a second each."""
    forged = scene.repositories["shop-db"]
    (good,) = [path.name for path in (scene.base / "shop-db" / "keys").iterdir()]
    while forged.add_key("another") > good:
        pass  # until one comes before it
    found = replace(scene.found("shop-db"), key_hint=good[:8])
    scene.found = lambda _: found  # type: ignore[method-assign]
    assert swept(scene) == ("read", None, ["holder-absent"])
    assert scene.diary.count("key") == 1


# --- reading each lock -----------------------------------------------------------------------


def test_a_lock_that_goes_between_listing_and_reading_is_released(
    scene: Scene, shop: LockID
) -> None:
    """Else a backup that ends during a sweep raises an alarm, or ends the reading of the others."""
    other = scene.repositories["shop-db"].lock(time=LONG_AGO, pid=2)
    scene.remember()
    real = scene._open(scene.found("shop-db"))

    def read_lock(lock: LockID) -> bytes:
        return gone() if lock == shop else real.read_lock(lock)

    _, _, verdicts = swept(scene, read_lock=read_lock)
    assert sorted(verdicts) == ["holder-absent", "released"]
    assert scene.repositories["shop-db"].locks() == [shop]
    assert other != shop


def test_a_lock_that_is_too_large_is_unreadable_and_the_others_are_judged(
    scene: Scene, shop: LockID
) -> None:
    """Else one huge file among the locks keeps all others for ever."""
    scene.repositories["shop-db"].lock(time=LONG_AGO, pid=2)
    scene.remember()
    real = scene._open(scene.found("shop-db"))

    def read_lock(lock: LockID) -> bytes:
        return large() if lock == shop else real.read_lock(lock)

    state, _, verdicts = swept(scene, read_lock=read_lock)
    assert state == "read"
    assert sorted(verdicts) == ["holder-absent", "unreadable"]
    assert scene.repositories["shop-db"].locks() == [shop]


def test_what_is_no_lock_is_unreadable(scene: Scene) -> None:
    """Else bytes that nobody understands are taken for a lock, or end the sweep."""
    stored = b"no lock at all, but longer than thirty-two bytes"
    forged = scene.repository()
    forged.put_lock(stored, modified=LONG_AGO)
    scene.remember()
    told, _ = scene.sweep()
    assert told.verdicts == ["unreadable"]
    assert forged.locks() == [name_of(stored)]


def test_the_keys_serve_the_whole_sweep(scene: Scene, shop: LockID) -> None:
    """Else each lock costs a derivation."""
    scene.repositories["shop-db"].lock(time=LONG_AGO, pid=2)
    scene.remember()
    swept(scene)
    assert (scene.diary.count("key"), scene.diary.count("read")) == (1, 2)


# --- stores that take their time ---------------------------------------------------------------


@pytest.fixture
def slow(scene: Scene) -> list[LockID]:
    """Five old locks of dead holders, each of which takes 50 seconds to be read; in their order."""
    shop = scene.repository()
    locks = sorted(shop.lock(time=LONG_AGO, pid=pid) for pid in range(5))
    scene.remember()

    def prepare(store: DiaryStore) -> None:
        read = store.read_lock

        def read_slowly(lock: LockID) -> bytes:
            scene.clock.time += timedelta(seconds=50)
            return read(lock)

        store.read_lock = read_slowly  # type: ignore[method-assign]

    scene.prepared["shop-db"] = prepare
    return locks


def test_one_slow_store_costs_two_minutes_and_what_was_read_is_judged(
    scene: Scene, slow: list[LockID]
) -> None:
    """Else one slow or hostile store takes the time of every sweep, and nothing is removed."""
    told, result = scene.sweep()
    assert sum(lock.removed for lock in told.locks) == 3
    assert len(scene.repositories["shop-db"].locks()) == 2
    (report,) = told.repositories
    assert (report.state.value, report.detail) == (
        "read",
        "3 locks were judged, 2 more are there: reading took longer than 120 seconds",
    )
    assert result.report.exit_code == 1
    told, result = scene.sweep()
    assert (scene.repositories["shop-db"].locks(), result.report.exit_code) == ([], 0)


def test_it_is_not_the_same_locks_each_time_that_are_left(scene: Scene, slow: list[LockID]) -> None:
    """Else locks that stay, put in front by whoever can write, hide a dead holder's for ever."""
    seen = set()
    for _ in range(9):
        told, _ = scene.sweep(mode=Mode.DRY_RUN)
        assert len(told.locks) == 3
        seen |= {lock.lock for lock in told.locks}
    assert seen == set(slow)


def test_only_the_store_costs_patience(scene: Scene, shop: LockID) -> None:
    """Else an honest repository that waits for others' keys to be derived is not read."""

    class Busy(Keyring):
        def open(self, *asked: Any) -> Any:
            scene.clock.time += timedelta(minutes=9)
            return super().open(*asked)

    scene.keyring = Busy
    told, _ = scene.sweep()
    assert [lock.lock for lock in told.locks] == [shop]


def test_a_signal_is_heard_between_two_locks(scene: Scene, slow: list[LockID]) -> None:
    """Else a pod that is told to end is killed before it reports."""
    scene.signal = lambda: 15 if scene.diary.count("read") else 0
    told, _ = scene.sweep()
    assert scene.diary.count("read") == 1
    assert scene.repositories["shop-db"].locks() == slow
    assert told.repositories[0].detail == (
        "1 locks were judged, 4 more are there: the janitor was told to stop"
    )


def test_keys_are_tried_for_two_minutes(scene: Scene, shop: LockID) -> None:
    """Else twenty keys of a slow store are twenty times as long as one request may take."""
    tried: list[str] = []

    def prepare(store: DiaryStore) -> None:
        store.list_keys = lambda: tuple(f"{number:064x}" for number in range(9))  # type: ignore[method-assign]

        def read_key(name: str) -> bytes:
            tried.append(name)
            scene.clock.time += timedelta(seconds=50)
            raise Gone(name)

        store.read_key = read_key  # type: ignore[method-assign]

    scene.prepared["shop-db"] = prepare
    told, _ = scene.sweep()
    assert len(tried) == 3
    (report,) = told.repositories
    assert (report.state.value, report.detail) == (
        "unreachable",
        "reading took longer than 120 seconds",
    )
