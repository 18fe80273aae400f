"""What B2 answered: from b2sdk's errors to one sentence."""

from __future__ import annotations

from enum import Enum

from b2sdk.v2 import exception as b2

from janitor.model import Secret
from janitor.store.errors import (
    Gone,
    NoRepository,
    Refused,
    StoreError,
    Unauthorized,
    Unreachable,
    one_line,
)


class Doing(Enum):
    """What was asked, by the capability that an application key needs for it."""

    LOGIN = ""
    BUCKET = "listBuckets"
    LIST = "listFiles"
    READ = "readFiles"
    DELETE = "deleteFiles"
    WRITE = "writeFiles"

    @property
    def changes(self) -> bool:
        """Whether a refusal concerns the lock, and not the repository."""
        return self in (Doing.DELETE, Doing.WRITE)


def translated(
    error: b2.B2Error, *, doing: Doing, shown: str, secrets: tuple[Secret, ...]
) -> StoreError:
    """The error that says in one sentence what went wrong and what would mend it."""
    said = one_line(str(error), secrets)
    if isinstance(error, b2.NonExistentBucket | b2.BucketIdNotFound):
        return NoRepository(f"no repository here: the bucket that {shown} names is not there")
    if isinstance(error, b2.FileNotPresent):
        return Gone(f"what was asked for is not in {shown} (any more)")
    if isinstance(error, b2.InvalidAuthToken):
        return Unauthorized(f"{shown} refuses the login again and again ({said})")
    held = isinstance(error, b2.AccessDenied) or getattr(error, "code", "") == "access_denied"
    if held and doing.changes:
        return Refused(
            f"{shown} will not {doing.name.lower()} the lock ({said}): Object Lock or a legal hold "
            "protects it"
        )
    kinds = b2.Unauthorized | b2.NotAllowedByAppKeyError | b2.RestrictedBucket | b2.AccessDenied
    if isinstance(error, kinds):
        return _denied(doing, shown, said)
    if isinstance(error, b2.CapExceeded):
        return Unreachable(f"{shown} answers no more today: a cap of the account is exceeded")
    if isinstance(error, b2.TooManyRequests | b2.ServiceError):
        return Unreachable(f"{shown} is busy or out of order ({said})")
    return _no_answer(error, doing, shown, said)


def _denied(doing: Doing, shown: str, said: str) -> StoreError:
    if doing is Doing.LOGIN:
        return Unauthorized(
            f"{shown} refuses the credentials ({said}): check B2_ACCOUNT_ID, which is the key's "
            "own ID, and B2_ACCOUNT_KEY"
        )
    mend = f"the application key needs the capability {doing.value}, for this bucket and prefix"
    if doing.changes:
        return Refused(f"{shown} will not {doing.name.lower()} the lock ({said}); {mend}")
    return Unauthorized(f"{shown} denies access ({said}); {mend}")


def _no_answer(error: b2.B2Error, doing: Doing, shown: str, said: str) -> StoreError:
    text = str(error)
    if isinstance(error, b2.B2RequestTimeout) or "timed out" in text:
        return Unreachable(f"{shown} did not answer in time")
    if isinstance(error, b2.UnknownHost) or "Name or service" in text or "resolve" in text:
        return Unreachable(f"{shown} cannot be reached: its host name is not known here")
    if "refused" in text:
        return Unreachable(f"{shown} cannot be reached: nothing listens there (connection refused)")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Unreachable(
            f"{shown} has a TLS certificate that is not trusted; give its CA in the file that "
            "RESTIC_CACERT names"
        )
    if doing.changes and isinstance(error, b2.BadRequest | b2.Conflict):
        return Refused(f"{shown} will not {doing.name.lower()} the lock ({said})")
    return Unreachable(f"{shown} cannot be reached or answered nonsense: {said}")
