"""No call of any store takes longer than a minute, whatever hangs: a name server, a server that
drips a byte now and then, an NFS mount whose server is gone.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from janitor.model import LockID, StoreClock
from janitor.store.errors import Unreachable
from janitor.store.port import Listing, Root, Store
from janitor.store.silence import Silence

LONGEST_CALL = 60.0
"""Seconds."""
_LONG = 10.0
"""Seconds after which a failure is one for want of an answer."""

Result = TypeVar("Result")


class BoundedStore:
    """A store whose every call ends in time.

    A call runs in another thread than its caller's; one that is too late is left behind with that
    thread (nothing can end a system call that hangs) and its store answers nothing more, so that a
    repository costs one such wait in all.
    """

    def __init__(
        self,
        store: Store,
        *,
        shown: str,
        longest: float = LONGEST_CALL,
        silence: Silence | None = None,
        server: str | None = None,
    ) -> None:
        """`silence` is shared by the stores of one run, `server` is what this one is to it."""
        self._store = store
        self._shown = shown
        self._longest = longest
        self._silence = silence or Silence()
        self._server = server
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
        if self._silence.reigns(self._server):
            raise Unreachable(
                f"{self._shown} was not asked: its server left several requests of this run "
                "without an answer; check that it is up"
            )
        began = time.monotonic()
        pending: _Pending[Result] = _Pending(call)
        _worker().submit(pending)
        if not pending.ended.acquire(timeout=self._longest):
            _drop_worker()
            self._hangs = True
            self._silence.unheard(self._server)
            raise Unreachable(
                f"{self._shown} did not answer within {self._longest:.0f} seconds; "
                "check that its server or mount is up"
            )
        if not isinstance(pending.failure, Unreachable):
            self._silence.heard(self._server)
        elif time.monotonic() - began >= _LONG:
            self._silence.unheard(self._server)
        if pending.failure is not None:
            raise pending.failure
        return pending.results[0]


class _Pending(Generic[Result]):
    """One call. Whatever ends too late ends here, where nobody looks any more."""

    __slots__ = ("_call", "ended", "failure", "results")

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self.ended = threading.Lock()
        self.ended.acquire()
        self.results: list[Result] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Never raises: the caller's thread does."""
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            self.failure = error
        self.ended.release()


class _Worker:
    """A thread that makes the calls of one other thread, one after another.

    A new thread for every call would cost more than a listing. It ends when nothing refers to
    this object any more: when the caller's thread ends, or when a call was left behind.
    """

    def __init__(self) -> None:
        calls: SimpleQueue[_Pending[Any] | None] = SimpleQueue()
        self.submit = calls.put
        threading.Thread(target=_work, args=(calls,), name="store", daemon=True).start()
        weakref.finalize(self, calls.put, None).atexit = False


def _work(calls: SimpleQueue[_Pending[Any] | None]) -> None:
    while (pending := calls.get()) is not None:
        pending.run()
        del pending  # nothing of an ended call is kept while this waits


_workers = threading.local()


def _worker() -> _Worker:
    found: _Worker | None = getattr(_workers, "worker", None)
    if found is None:
        found = _workers.worker = _Worker()
    return found


def _drop_worker() -> None:
    """The worker hangs in a call: this thread's next one gets another."""
    del _workers.worker
