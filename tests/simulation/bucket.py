"""A repository's locks folder in memory, and the store through which the janitor sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from janitor.model import ListedLock, LockID, StoreClock
from janitor.restic.crypto import SealKeys
from janitor.store.errors import Gone, Refused, StoreError, Unauthorized, Unreachable
from janitor.store.port import Layout, Listing, Root
from tests.forge import Forged, name_of, rfc3339, seal
from tests.simulation.clockwork import Clockwork, moment

if TYPE_CHECKING:
    from tests.simulation.restic import Process

FORGED = Forged(keys=SealKeys(b"e" * 32, b"k" * 16, b"\x01" * 16), version=2)
"""One key for all histories; scrypt with N=2."""
KEY = FORGED.key_bytes()
CONFIG = FORGED.config_bytes()


@dataclass(eq=False)
class StoredLock:
    """One file under `locks/`."""

    process: Process
    time: float
    """What it says, by its holder's clock."""
    written: float
    """True time."""
    modified: float | None
    """What the store's listing says of it."""
    iv: bytes
    removed: float | None = None
    put_back: bool = False
    _sealed: tuple[LockID, bytes] | None = field(default=None, repr=False)

    @property
    def id(self) -> LockID:
        return self._seal()[0]

    @property
    def looked_at(self) -> bool:
        """Whether a janitor ever listed it."""
        return self._sealed is not None

    @property
    def stored(self) -> bytes:
        return self._seal()[1]

    def _seal(self) -> tuple[LockID, bytes]:
        """Made when it is looked at for the first time: most locks never are."""
        if self._sealed is None:
            document = {
                "time": rfc3339(moment(self.time)),
                "exclusive": False,
                "hostname": self.process.hostname,
                "username": "root",
                "pid": 1,
            }
            stored = seal(FORGED.keys, json.dumps(document).encode(), iv=self.iv)
            self._sealed = name_of(stored), stored
        return self._sealed


class Bucket:
    """The truth about the locks, whoever asks."""

    def __init__(
        self,
        clockwork: Clockwork,
        random: Random,
        *,
        clock: StoreClock,
        clock_ahead: float = 0.0,
        on_delete: Callable[[StoredLock], None],
    ) -> None:
        self._clockwork = clockwork
        self._random = random
        self.clock = clock
        self._clock_ahead = clock_ahead
        self._on_delete = on_delete
        self.locks: list[StoredLock] = []
        self.lately: list[StoredLock] = []
        """Those that were removed; an eventual listing may still show the last ones."""
        self.up = True

    def write(self, process: Process, *, time: float, writer_clock: float) -> StoredLock:
        """A holder writes a lock."""
        modified = {
            StoreClock.SERVER: self._clockwork.now + self._clock_ahead,
            StoreClock.WRITER: writer_clock,
            StoreClock.NONE: None,
        }[self.clock]
        lock = StoredLock(process, time, self._clockwork.now, modified, self._random.randbytes(16))
        self.locks.append(lock)
        return lock

    def remove(self, lock: StoredLock) -> None:
        """Whoever it is: the file goes."""
        if lock in self.locks:
            self.locks.remove(lock)
            lock.removed = self._clockwork.now
            self.lately.append(lock)

    def delete(self, lock: StoredLock) -> None:
        """The janitor's deletion takes effect."""
        if lock in self.locks:
            self._on_delete(lock)
            self.remove(lock)

    def restore(self, lock: StoredLock) -> None:
        """A person puts it back: the same bytes, so the same name."""
        if lock not in self.locks:
            lock.removed = None
            lock.put_back = True
            lock.modified = (
                None if self.clock is StoreClock.NONE else self._clockwork.now + self._clock_ahead
            )
            self.lately.remove(lock)
            self.locks.append(lock)

    def has(self, lock: StoredLock) -> bool:
        return lock in self.locks


@dataclass
class StoreFaults:
    """How often the store misbehaves; all zero when it does not."""

    rate: float = 0.0
    """Of any request."""
    eventual: float = 0.0
    """Seconds by which a listing may lag behind."""


class BucketStore:
    """`janitor.store.port.Store` over a bucket. Every request takes time and may fail."""

    def __init__(
        self, bucket: Bucket, faults: StoreFaults, random: Random, wait: Callable[[float], None]
    ) -> None:
        self._bucket = bucket
        self._faults = faults
        self._random = random
        self._wait = wait

    @property
    def clock(self) -> StoreClock:
        return self._bucket.clock

    def look(self) -> Root:
        self._request()
        return Root(Layout.DEFAULT, locks_folder=None)

    def list_locks(self, *, at_most: int) -> Listing:
        self._request()
        lag = self._faults.eventual * self._random.random()
        now = self._bucket._clockwork.now
        shown = [lock for lock in self._bucket.locks if now - lock.written >= lag]
        shown += [lock for lock in self._bucket.lately[-5:] if now - (lock.removed or 0) < lag]
        listed = sorted(
            (
                ListedLock(
                    lock.id,
                    len(lock.stored),
                    None if lock.modified is None else moment(lock.modified),
                )
                for lock in shown
            ),
            key=lambda each: each.id,
        )
        return Listing(tuple(listed[:at_most]), max(0, len(listed) - at_most))

    def list_keys(self) -> tuple[str, ...]:
        self._request()
        return (name_of(KEY),)

    def read_config(self) -> bytes:
        self._request()
        return CONFIG

    def read_key(self, name: str) -> bytes:
        self._request()
        return KEY

    def read_lock(self, lock: LockID) -> bytes:
        self._request()
        return self._find(lock).stored

    def delete_lock(self, lock: LockID) -> None:
        self._wait(0.01)
        found = self._find(lock)
        fate = self._random.random()
        if fate >= self._faults.rate:
            self._bucket.delete(found)
            self._wait(0.01)
            return
        match self._random.randrange(4):
            case 0:
                self._bucket.delete(found)
                self._wait(0.01)
                raise Unreachable("the server answered 500, although the deletion had worked.")
            case 1:
                raise Refused("the server does not let anybody delete it.")
            case 2:
                delay = self._random.choice((5.0, 300.0, 3000.0))
                self._bucket._clockwork.after(delay, lambda: self._bucket.delete(found))
            case _:
                self._wait(60.0)
                raise Unreachable("the server did not answer in time.")

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        self._wait(0.01)
        for each in self._bucket.lately:
            if each.id == lock:
                assert each.stored == stored
                self._bucket.restore(each)
                return

    def close(self) -> None:
        pass

    def _find(self, lock: LockID) -> StoredLock:
        for each in self._bucket.locks:
            if each.id == lock:
                return each
        raise Gone("it is not there.")

    def _request(self) -> None:
        self._wait(0.02)
        if self._random.random() < self._faults.rate:
            errors: tuple[StoreError | None, ...] = (
                Unauthorized("the server does not accept these credentials."),
                Unreachable("the server answered 500."),
                Unreachable("the server did not answer in time."),
                None,
            )
            error = self._random.choice(errors)
            self._wait(self._random.choice((0.1, 5.0, 30.0, 59.0)))
            if error is not None:
                raise error
        if not self._bucket.up:
            raise Unreachable("the server is away.")
