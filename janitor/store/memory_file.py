"""A file for libraries and programs that take nothing but a path: in memory, never on a disk."""

from __future__ import annotations

import os


def memory_file(name: str, content: bytes) -> tuple[str, int]:
    """Its path in this process, and the descriptor that keeps it: closing is the caller's.

    `name` is for people who look at the process; a child needs the descriptor passed on.
    """
    descriptor = os.memfd_create(name)
    os.write(descriptor, content)
    return f"/proc/self/fd/{descriptor}", descriptor
