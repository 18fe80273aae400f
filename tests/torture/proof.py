"""The end: is everything there that must be, and nothing that must not?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from janitor.model import Lock
from janitor.restic.lock import read_lock
from janitor.store.errors import Gone
from tests.servers.real_restic import RealRestic
from tests.store.places import opened
from tests.torture.book import Book
from tests.torture.diary import Diary
from tests.torture.holders import Holder
from tests.torture.janitors import Truth
from tests.torture.places import Target


def locks_left(targets: Mapping[str, Target], restic: RealRestic) -> dict[str, list[str]]:
    """The locks of each repository that has any; asking needs no lock."""
    left = {
        store: restic.run(
            target.location, "list", "locks", environment=target.environment
        ).splitlines()
        for store, target in targets.items()
    }
    return {store: locks for store, locks in left.items() if locks}


def holds_its_lock(holder: Holder) -> bool:
    """Whether a lock is there that this process wrote."""
    target, wrote = holder.target, (holder.hostname, holder.process.pid)
    with opened(target.location, target.environment) as store:
        store.look()
        for listed in store.list_locks(at_most=1000).locks:
            with suppress(Gone):
                stored = store.read_lock(listed.id)
                content = read_lock(listed.id, stored, target.keys, target.version)
                if isinstance(content, Lock) and (content.hostname, content.pid) == wrote:
                    return True
    return False


def prove(books: Mapping[str, Book], restic: RealRestic, truth: Truth, diary: Diary) -> None:
    """Asks restic itself, and writes down what is wrong."""
    for store, book in books.items():
        _check(store, book, restic, diary)
        _count_snapshots(store, book, restic, diary)
    ended_well = [holder for book in books.values() for holder in book.snapshots.values()]
    met = [holder for holder in ended_well if truth.met(holder)]
    diary.count("met", len(met))
    diary.count("meetings", sum(truth.met(holder) for holder in met))
    if len(met) * 2 < len(ended_well) or not diary.counts["removed"]:
        diary.fail("the janitors met hardly any living backup, or removed no lock: nothing proved")


def _check(store: str, book: Book, restic: RealRestic, diary: Diary) -> None:
    target = book.target
    try:
        said = restic.run(target.location, "check", "--read-data", environment=target.environment)
    except AssertionError as error:
        diary.fail(f"restic check --read-data on {store}: {error}")
        return
    if "no errors were found" in said:
        diary.count("checked clean")
    else:
        diary.fail(f"restic check --read-data on {store} found: {said}")


def _count_snapshots(store: str, book: Book, restic: RealRestic, diary: Diary) -> None:
    """Each backup that ended well has its one snapshot, unless somebody was told to forget it."""
    target = book.target
    listed = restic.run(target.location, "snapshots", "--json", environment=target.environment)
    tags = [tag for snapshot in json.loads(listed) for tag in snapshot["tags"]]
    diary.count("snapshots", len(tags))
    for name, holder in book.snapshots.items():
        if tags.count(name) == 1 or (name in book.forgotten and name not in tags):
            continue
        diary.fail(
            f"{name} ended well on {store}, and has {tags.count(name)} snapshots",
            store=store,
            hostnames={holder.hostname},
        )
