"""What failed once fails the same in the rest of a run: a login that is refused again and again may
lock an account, and each of a server's repositories would wait for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from janitor.store.errors import StoreError


class FirstFailure:
    """The first StoreError of something that repositories share. Guard it by the sharer's lock."""

    def __init__(self) -> None:
        self._error: StoreError | None = None
        self._told = ""

    @contextmanager
    def kept(self, shown: str = "") -> Iterator[None]:
        """Raises what failed before; keeps what fails within the block.

        `shown` is the repository that asks: a failure that names it names each later one instead.
        """
        if self._error is not None:
            raise type(self._error)(str(self._error).replace(self._told, shown))
        try:
            yield
        except StoreError as error:
            self._error, self._told = error, shown
            raise
