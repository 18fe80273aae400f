"""Derives repositories' keys: one after another where memory is short, each pair only once.

scrypt needs up to 256 MiB for one derivation, and the pod has 192 MiB; the derivation releases the
GIL, so several run at once as far as they fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from janitor.model import Secret
from janitor.restic.crypto import SealKeys
from janitor.restic.errors import Unauthenticated
from janitor.restic.key import KeyFile, open_key

_MEMORY = 72 * 1024 * 1024
"""Two derivations of restic's usual size (33 MB each) at once."""


class Keyring:
    """Opens key files within a bound of memory, and remembers what it opened for one sweep.

    A derivation that alone needs more than the bound waits until it is alone.
    """

    def __init__(self, memory: int = _MEMORY) -> None:
        self._memory = memory
        self._used = 0
        self._changed = Condition()
        self._opened: dict[tuple[str, bytes], SealKeys | None] = {}

    def open(self, name: str, key: KeyFile, password: Secret) -> SealKeys | None:
        """The repository's keys; None where the password does not fit this key file.

        Raises janitor.restic.errors.Malformed where the key file's content is not restic's.
        """
        pair = (name, hashlib.sha256(password.encode()).digest())
        if pair not in self._opened:
            with self._room(key.memory):
                try:
                    self._opened[pair] = open_key(key, password)
                except Unauthenticated:
                    self._opened[pair] = None
        return self._opened[pair]

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
