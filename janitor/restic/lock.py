"""Lock files: from the stored bytes to who holds the lock since when, or why that stays unknown.

Nothing raises here. A lock that cannot be decoded beyond doubt is a value with a reason, since it
is kept all the same; the reason says what restic itself does with such a lock, where that is known
(read in restic's `internal/restic/lock.go` and tried with restic 0.14 and 0.19).
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec

from janitor.model import Lock, LockID, Unreadable
from janitor.restic.compression import unpack
from janitor.restic.crypto import IV_SIZE, SealKeys, open_box
from janitor.restic.errors import Doubtful, Malformed, Unauthenticated
from janitor.restic.timestamp import GO_ZERO, parse_time

_EMPTY: Final = "It is empty, an upload that was cut off; restic 0.15.1 and later ignore it."
_BLOCKS: Final = "restic 0.15 and later cannot lock the repository while it is there"

_Text = Annotated[str, msgspec.Meta(max_length=1024)]
"""A hostname has at most 255 characters on any system, a user name a few more. The bound keeps ten
thousand locks small, whatever they inflate to."""
_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Unsigned = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]


class _LockFile(msgspec.Struct, frozen=True):
    """Absent fields are what Go makes of them; unknown ones are ignored; nothing is coerced."""

    time: str | msgspec.UnsetType = msgspec.UNSET
    exclusive: bool = False
    hostname: _Text = ""
    username: _Text = ""
    pid: _Integer = 0
    uid: _Unsigned = 0
    gid: _Unsigned = 0


_decode: Final = msgspec.json.Decoder(_LockFile).decode


def read_lock(lock_id: LockID, raw: bytes, keys: SealKeys, version: int) -> Lock | Unreadable:
    """The content of one lock, for any bytes whatever.

    `raw` are the stored bytes, `lock_id` the name under which they were stored, `version` that of
    the repository's config. Needs about 10 MiB at most beside `raw`.
    """
    if not raw:
        return Unreadable(_EMPTY)
    if hashlib.sha256(raw).hexdigest() != lock_id:
        return _unreadable("its SHA-256 is not its name, so it is truncated or altered")
    if len(raw) < IV_SIZE:
        return Unreadable(f"It has {len(raw)} bytes; restic up to 0.19.1 crashes when it reads it.")
    try:
        plain = unpack(open_box(keys, raw), version)
        return _parse(plain)
    except Unauthenticated:
        return _unreadable("its authentication code does not fit the repository's key")
    except Doubtful as error:
        return Unreadable(_sentence(str(error)))
    except Malformed as error:
        return _unreadable(str(error))


def _parse(plain: bytes) -> Lock:
    """Raises Malformed with a clause that says what is wrong with this JSON."""
    try:
        content = _decode(plain)
        # Go would put U+FFFD for what is not UTF-8. restic never writes such bytes: it does the
        # same when it writes. So they are damage, and a doubt about whose lock it is. (msgspec
        # looks at the fields that it knows only.)
        plain.decode("utf-8")
    except UnicodeError:
        raise Doubtful("its content is not UTF-8") from None
    except msgspec.ValidationError as error:
        raise Doubtful(f"its JSON is not a lock ({error})") from None
    except msgspec.DecodeError:
        raise Malformed("its content is not valid JSON") from None
    except RecursionError:
        raise Doubtful("its JSON is nested too deeply") from None
    time = GO_ZERO if content.time is msgspec.UNSET else parse_time(content.time)
    if time == GO_ZERO:
        raise Doubtful("it has no time, which restic takes for the year 1")
    return Lock(
        time=time,
        exclusive=content.exclusive,
        hostname=content.hostname,
        username=content.username,
        pid=content.pid,
        uid=content.uid,
        gid=content.gid,
    )


def _unreadable(clause: str) -> Unreadable:
    return Unreadable(_sentence(f"{clause}; {_BLOCKS}"))


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
