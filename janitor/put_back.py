"""Restores a removed lock from the line that its removal printed."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import msgspec

from janitor.discover.found import Found
from janitor.model import Lock, LockID
from janitor.read import CannotOpen, open_repository
from janitor.restic.lock import read_lock
from janitor.state import mark_put_back, save
from janitor.store.errors import Refused, StoreError
from janitor.world import World


class PutBackError(Exception):
    """Why nothing was written, in one sentence."""


@dataclass(frozen=True, slots=True)
class Record:
    """The stored bytes of a lock, and the name under which they were stored."""

    lock: LockID
    stored: bytes
    repository: str | None = None
    """Where it was removed, if the record says so."""


class _Line(msgspec.Struct):
    record: str
    lock: str | None = None
    repository: str | None = None


_decode_line = msgspec.json.Decoder(_Line).decode


def read_record(text: str) -> Record:
    """Reads what the user has: the whole `lock` line, or only its `record`.

    Raises PutBackError where it is neither, or where the name is not the SHA-256 of the bytes.
    """
    text = text.strip()
    try:
        line = _decode_line(text) if text.startswith("{") else _Line(text)
        stored = base64.b64decode(line.record, validate=True)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise PutBackError(
            "the record is neither a `lock` line of a removal nor its `record` in base64"
        ) from None
    digest = LockID(hashlib.sha256(stored).hexdigest())
    if not stored:
        raise PutBackError("the record is empty")
    if line.lock is not None and line.lock != digest:
        raise PutBackError(
            f"the record's bytes are not those of the lock {line.lock[:64]!r}: their SHA-256 is "
            f"{digest}; nothing was written"
        )
    return Record(digest, stored, line.repository)


def put_back(found: Found, record: Record, *, world: World) -> Lock:
    """Writes the lock back under its own name, marked so that no sweep removes it.

    The mark is made before, since a sweep might remove the lock at once, and again after: a sweep
    that listed the folder in between has dropped it. Without a state (`world.shelf` None) there is
    no mark. Returns the lock's content.

    Raises PutBackError where the record is of another repository, is no lock of this one, or is
    there already; and where the store or the state refuses.
    """
    name = found.repository.name
    if record.repository not in (None, name):
        raise PutBackError(
            f"the record is of the repository {record.repository!r}, not of {name!r}"
        )
    if found.state is not None:
        raise PutBackError(f"{name}: {found.problem}")
    try:
        store = world.open_store(found)
        try:
            store.look()
            keys, config = open_repository(found, store, world.keyring)
            content = read_lock(record.lock, record.stored, keys, config.version)
            if not isinstance(content, Lock):
                raise PutBackError(f"the record is no lock of {name}: {content.reason}")
            _mark(name, record.lock, world)
            store.put_lock(record.lock, record.stored)
            _mark(name, record.lock, world, written=True)
        finally:
            store.close()
    except Refused as error:
        raise PutBackError(f"{name}: the lock was not written: {error}") from None
    except (StoreError, CannotOpen) as error:
        raise PutBackError(f"{name}: {error}") from None
    return content


def _mark(repository: str, lock: LockID, world: World, *, written: bool = False) -> None:
    problem = save(
        world.shelf, lambda state: mark_put_back(state, repository, lock, now=world.clock())
    )
    if problem is not None:
        end = (
            "the lock is back, but its mark may be lost"
            if written
            else "nothing was written (`--state none` writes it without a mark)"
        )
        raise PutBackError(
            f"the state could not be marked, so a sweep may remove it again: {problem}; {end}"
        )
