"""What may be a name in a repository, and how large the files there can be."""

from __future__ import annotations

import re

from janitor.model import LockID

CONFIG_LIMIT = 64 * 1024
"""Bytes; a config has about 155."""
KEY_LIMIT = 64 * 1024
"""Bytes; a key file has about 450."""
LOCK_LIMIT = 1024 * 1024
"""Bytes; a lock has about 180."""
KEYS_AT_MOST = 1000
"""Key files that a listing takes; a repository has a handful."""

_ID = re.compile(r"[0-9a-f]{64}")


def is_id(name: str) -> bool:
    """Whether this is the name of a lock or a key file; `<id>-tmp-1` and `README` are not."""
    return _ID.fullmatch(name) is not None


def checked(lock: LockID) -> str:
    """The lock's name, fit to be put into a path or a URL. Raises ValueError for anything else."""
    if not is_id(lock):
        raise ValueError("a lock's name is 64 hex digits in lower case")
    return lock
