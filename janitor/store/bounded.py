"""No call of any store takes longer than a minute, whatever hangs: a name server, a server that
drips a byte now and then, an NFS mount whose server is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from janitor.model import LockID, StoreClock
from janitor.store.errors import Unreachable
from janitor.store.port import Listing, Root, Store

LONGEST_CALL = 60.0
"""Seconds."""

Result = TypeVar("Result")


class BoundedStore:
    """A store whose every call ends in time.

    A call runs in a thread of its own; one that is too late is left behind (nothing can end a
    system call that hangs) and its store answers nothing more, so that a repository costs one
    such wait in all.
    """

    def __init__(self, store: Store, *, shown: str, longest: float = LONGEST_CALL) -> None:
        self._store = store
        self._shown = shown
        self._longest = longest
        self._hangs = False

    @property
    def clock(self) -> StoreClock:
        """See `Store.clock`."""
        return self._store.clock

    def look(self) -> Root:
        """See `Store.look`."""
        return self._within(self._store.look)

    def list_locks(self, *, at_most: int) -> Listing:
        """See `Store.list_locks`."""
        return self._within(lambda: self._store.list_locks(at_most=at_most))

    def list_keys(self) -> tuple[str, ...]:
        """See `Store.list_keys`."""
        return self._within(self._store.list_keys)

    def read_config(self) -> bytes:
        """See `Store.read_config`."""
        return self._within(self._store.read_config)

    def read_key(self, name: str) -> bytes:
        """See `Store.read_key`."""
        return self._within(lambda: self._store.read_key(name))

    def read_lock(self, lock: LockID) -> bytes:
        """See `Store.read_lock`."""
        return self._within(lambda: self._store.read_lock(lock))

    def delete_lock(self, lock: LockID) -> None:
        """See `Store.delete_lock`."""
        self._within(lambda: self._store.delete_lock(lock))

    def put_lock(self, lock: LockID, stored: bytes) -> None:
        """See `Store.put_lock`."""
        self._within(lambda: self._store.put_lock(lock, stored))

    def close(self) -> None:
        """See `Store.close`."""
        if not self._hangs:
            self._store.close()

    def _within(self, call: Callable[[], Result]) -> Result:
        if self._hangs:
            raise Unreachable(f"{self._shown} does not answer: an earlier request still hangs")
        results: list[Result] = []
        failures: list[BaseException] = []

        def run() -> None:
            try:
                results.append(call())
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                failures.append(error)

        thread = threading.Thread(target=run, name="store", daemon=True)
        thread.start()
        thread.join(self._longest)
        if thread.is_alive():
            self._hangs = True
            raise Unreachable(
                f"{self._shown} did not answer within {self._longest:.0f} seconds; "
                "check that its server or mount is up"
            )
        if failures:
            raise failures[0]
        return results[0]
