"""Whatever a lock inflates to, the janitor's pod does not grow with it."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: the high-water mark of memory never goes down again.
MEASURE = """
import resource, sys, time
from tests.forge import forge_keys, name_of, seal, zstd
from janitor.restic.lock import read_lock

def used():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

def zeros(size, **options):
    encoder = zstd.ZstdCompressor(options=options.get("options"))
    chunk = bytes(2**20)
    parts = [encoder.compress(chunk) for _ in range(size >> 20)]
    return b"".join(parts) + encoder.flush()

def wide_window():
    # a header that asks for a window of 2 GiB, and one raw block of two bytes
    return bytes.fromhex("28b52ffd" "00" "a8" "110000") + b"{}"

def claimed_size():
    # a single segment that claims 4 GiB of content
    size = (2**32).to_bytes(8, "little")
    return bytes.fromhex("28b52ffd" "e0") + size + bytes.fromhex("110000") + b"{}"

keys = forge_keys()
frame = {FRAME}
stored = seal(keys, b"\\x02" + frame)
assert len(stored) < 2**20, len(stored)
read_lock(name_of(stored), stored[:-1], keys, 2)
before = used()
begun = time.process_time()
print(read_lock(name_of(stored), stored, keys, 2).reason)
assert time.process_time() - begun < 5
assert used() - before < 24 * 2**20, (used() - before) >> 20
"""


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("zeros(2**30)", "It inflates to more than 1 MiB, which no lock needs."),
        (
            "zeros(2**28, options={zstd.CompressionParameter.window_log: 27})",
            "Its compressed content is damaged; restic 0.15",
        ),
        ("wide_window()", "Its compressed content is damaged; restic 0.15"),
        ("claimed_size()", "Its compressed content is damaged; restic 0.15"),
        (
            "b''.join([zeros(2**20)] * 8)",
            "It inflates to more than 1 MiB, which no lock needs.",
        ),
    ],
)
def test_a_lock_that_inflates_to_gigabytes_stops_at_the_bound(frame: str, reason: str) -> None:
    """Else one planted lock would get the janitor OOM-killed at every sweep."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.replace("{FRAME}", frame)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(reason)
