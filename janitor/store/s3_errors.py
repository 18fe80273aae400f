"""What an S3 server, or the way to it, answered: from the client library's text to one sentence.

obstore's errors of list and delete have one class for everything, so that the HTTP status, the
server's error code and the kind of network error are taken from the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from html import unescape
from http import HTTPStatus

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

_WRONG_KEYS = {
    "InvalidAccessKeyId": "the server does not know the access key",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "ExpiredToken": "the session token has expired",
    "InvalidToken": "the session token is not valid",
    "TokenRefreshRequired": "the session token has expired",
    "InvalidClientTokenId": "the server does not know the access key",
    "AuthorizationQueryParametersError": "the server cannot read the access key",
}
_WRONG_REGION = frozenset(
    {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
)
_LONGEST = 64 * 1024
"""Characters of the library's text that are looked at: it holds the server's whole answer."""
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_MOVED = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)


class Doing(Enum):
    """What was asked of the server, which decides what a refusal means."""

    LIST = "list"
    READ = "read"
    DELETE = "delete"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Answer:
    """The parts of a failure that say what happened."""

    text: str
    status: int = 0
    """The HTTP status; 0 where there was no answer."""
    code: str = ""
    message: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Answer:
        """Takes the library's text apart."""
        text = str(error)[:_LONGEST]
        status = re.search(r"status code: (\d{3})", text)
        code = re.search(r"<Code>([^<]{1,80})</Code>", text)
        message = re.search(r"<Message>([^<]*)</Message>", text)
        return cls(
            text=text,
            status=int(status[1]) if status else 0,
            code=unescape(code[1]) if code else "",
            message=unescape(message[1]) if message else "",
        )

    @property
    def other_region(self) -> bool:
        """Whether the bucket is served under another region than was asked."""
        return (
            self.code in _WRONG_REGION
            or self.status in _MOVED
            or "redirect without LOCATION" in self.text
        )

    @property
    def region(self) -> str:
        """The region that the server names, where it does."""
        found = re.search(
            r"<Region>([a-z0-9-]{1,40})</Region>|expecting '([a-z0-9-]{1,40})'", self.text
        )
        return (found[1] or found[2]) if found else ""


def translated(
    answer: Answer, *, shown: str, bucket: str, doing: Doing, secrets: tuple[Secret, ...]
) -> StoreError:
    """The error that says in one sentence what went wrong and what would mend it."""
    reason = one_line(answer.message or answer.text.partition("Debug source")[0], secrets)
    code = one_line(answer.code, secrets)
    said = f"{code}: {reason}" if code else reason
    if answer.other_region:
        named = f" to {answer.region}" if answer.region else " to the bucket's region"
        return Unreachable(f"{shown} is served elsewhere; set AWS_DEFAULT_REGION{named}")
    if answer.status == 0:
        return _no_answer(answer, shown, reason)
    if answer.code == "NoSuchBucket":
        return NoRepository(
            f"no repository here: {shown} names the bucket {bucket}, which is not there"
        )
    if why := _WRONG_KEYS.get(answer.code):
        return Unauthorized(f"{shown} refuses the credentials: {why} ({answer.code})")
    if answer.code == "RequestTimeTooSkewed":
        return Unauthorized(
            f"{shown} refuses the request, because its clock and this one are apart"
        )
    if answer.status == HTTPStatus.NOT_FOUND and answer.code:
        return Gone(f"what was asked for is not in {shown} (any more)")
    return _refusal(answer, shown, doing, said)


def _refusal(answer: Answer, shown: str, doing: Doing, said: str) -> StoreError:
    if not answer.code and answer.status not in _BUSY:
        return Unreachable(f"{shown} answered {answer.status}, not as an S3 server does")
    if answer.status in _BUSY or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"{shown} answered {answer.status} ({said})")
    if doing in (Doing.DELETE, Doing.WRITE):
        right = "s3:DeleteObject" if doing is Doing.DELETE else "s3:PutObject"
        mend = f"; it needs the right {right}" if answer.code == "AccessDenied" else ""
        return Refused(f"{shown} will not {doing.value} the lock ({said}){mend}")
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        right = "s3:ListBucket" if doing is Doing.LIST else "s3:GetObject"
        return Unauthorized(f"{shown} denies access ({said}); it needs the right {right}")
    return Unreachable(f"{shown} answered {answer.status} ({said})")


def _no_answer(answer: Answer, shown: str, reason: str) -> StoreError:
    text = answer.text
    if re.search(r"invalid peer certificate|certificate|UnknownIssuer", text):
        kind = re.search(r"UnknownIssuer|Expired|NotValidForName|CaUsedAsEndEntity", text)
        why = f" ({kind[0]})" if kind else ""
        return Unreachable(
            f"{shown} has a TLS certificate that is not trusted{why}; "
            "give its CA in the file that RESTIC_CACERT names"
        )
    if "dns error" in text or "lookup address" in text:
        return Unreachable(f"{shown} cannot be reached: its host name is not known here")
    if "Connection refused" in text:
        return Unreachable(f"{shown} cannot be reached: nothing listens there (connection refused)")
    if re.search(r"timed ?out|TimedOut", text):
        return Unreachable(f"{shown} did not answer in time")
    if re.search(r"InvalidContentType|InvalidMessage|corrupt message|wrong version", text):
        return Unreachable(f"{shown} does not speak TLS; write s3:http://... for a plain server")
    return Unreachable(f"{shown} cannot be reached or answered nonsense: {reason}")
