"""How version 2 packs a lock: as it is, or as zstd behind a first byte of 2."""

from __future__ import annotations

import sys
from typing import Final

from janitor.restic.errors import Doubtful, Malformed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_PLAIN: Final = 1024 * 1024
"""Bytes that a lock may inflate to. restic's own are about 200 bytes of JSON."""
_MAX_FRAMES: Final = 8
"""restic writes one frame and its decoder joins as many as there are; a million empty ones would
only cost time."""
_MAX_WINDOW_LOG: Final = 23
"""8 MiB. restic's encoder asks for 512 KiB and for far less with an input this small."""
_COMPRESSED: Final = 2
_JSON: Final = (ord("{"), ord("["))


def unpack(plain: bytes, version: int) -> bytes:
    """The JSON in the plain bytes of a lock. In version 1 nothing is ever compressed.

    Raises Malformed for an unknown first byte, damaged frames and more than `MAX_PLAIN` bytes.
    Needs about 10 MiB at most, whatever the bytes say.
    """
    if version == 1 or not plain or plain[0] in _JSON:
        return plain
    if plain[0] != _COMPRESSED:
        raise Malformed(f"it begins with byte {plain[0]}, a packing that restic does not know")
    return _inflate(plain[1:])


def _inflate(frames: bytes) -> bytes:
    output = b""
    for _ in range(_MAX_FRAMES):
        if not frames:
            return output
        decompressor = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
        )
        # One byte more than allowed tells "exactly full" from "too much".
        room = MAX_PLAIN + 1 - len(output)
        try:
            output += decompressor.decompress(frames, max_length=room)
        except zstd.ZstdError:
            raise Malformed("its compressed content is damaged") from None
        if len(output) > MAX_PLAIN:
            raise Doubtful("it inflates to more than 1 MiB, which no lock needs")
        if not decompressor.eof:
            raise Malformed("its compressed content is cut off")
        frames = decompressor.unused_data
    if frames:
        raise Doubtful(f"it has more than {_MAX_FRAMES} compressed frames: restic writes one")
    return output
