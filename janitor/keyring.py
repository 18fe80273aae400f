"""Derives repositories' keys: as many at once as fit into memory, each pair only once.

scrypt may need 256 MiB for one derivation, and the pod has 192 MiB; the derivation releases the
GIL, so several run at once as far as they fit. A key file that does not fit at all, which anybody
can write who can write to a repository, must not cost the other repositories their sweep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock

from janitor.model import Secret
from janitor.restic.crypto import SealKeys
from janitor.restic.errors import Malformed, Unauthenticated
from janitor.restic.key import KeyFile, open_key

_MIB = 1024 * 1024
_AT_ONCE = 72 * _MIB
"""Two derivations of restic's usual size (33 MB each) at once."""
_ELSE = 120 * _MIB
"""What a sweep needs beside its keys: 60 MB at rest, the rest for what it reads."""


def largest_key(limit: int | None) -> int | None:
    """Bytes that one derivation may take in a process with this limit of memory, if it has one."""
    return None if limit is None else max(_AT_ONCE, limit - _ELSE)


class Keyring:
    """Opens key files within a bound of memory, and remembers what it opened for one sweep.

    A derivation that alone needs more than the bound waits until it is alone; one of more than
    `largest` bytes is not made (None: all are).
    """

    def __init__(self, memory: int = _AT_ONCE, *, largest: int | None = None) -> None:
        self._memory = memory
        self._largest = largest
        self._used = 0
        self._changed = Condition()
        self._turns: dict[tuple[str, bytes], Lock] = {}
        self._opened: dict[tuple[str, bytes], SealKeys | Malformed | None] = {}

    def open(self, name: str, key: KeyFile, password: Secret) -> SealKeys | None:
        """The repository's keys; None where the password does not fit this key file.

        Raises janitor.restic.errors.Malformed where the key file's content is not restic's, or
        deriving it takes more memory than there is.
        """
        pair = (name, hashlib.sha256(password.encode()).digest())
        with self._turns.setdefault(pair, Lock()):
            if pair not in self._opened:
                self._opened[pair] = self._derived(name, key, password)
        found = self._opened[pair]
        if isinstance(found, Malformed):
            raise Malformed(str(found))
        return found

    def _derived(self, name: str, key: KeyFile, password: Secret) -> SealKeys | Malformed | None:
        if self._largest is not None and key.memory > self._largest:
            return Malformed(
                f"The key file {name[:8]} is not used: it takes {_mib(key.memory)} MiB of memory, "
                f"of which the janitor may use {_mib(self._largest)}; if it is yours, raise the "
                f"container's memory limit to {_mib(key.memory + _ELSE)}Mi."
            )
        with self._room(key.memory):
            try:
                return open_key(key, password)
            except Unauthenticated:
                return None
            except Malformed as error:
                return Malformed(str(error))

    @contextmanager
    def _room(self, needed: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + needed <= self._memory)
            self._used += needed
        try:
            yield
        finally:
            with self._changed:
                self._used -= needed
                self._changed.notify_all()


def _mib(size: int) -> int:
    """Rounded up."""
    return -(-size // _MIB)
