"""How much memory this container may take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_NAMES = ("memory.max", "memory/memory.limit_in_bytes")
"""Of cgroup v2 and v1, as a container sees its own."""


def memory_limit(cgroups: Path = _CGROUPS) -> int | None:
    """Bytes; None where there is no limit, or none can be read."""
    for name in _NAMES:
        with suppress(OSError, ValueError):  # v2 says `max` for no limit
            return int((cgroups / name).read_text())
    return None
