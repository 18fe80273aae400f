"""What an object store, or the way to it, answered: from the client library's text to a sentence.

obstore's errors of list and delete have one class for everything, so that the HTTP status, the
server's error code and the kind of network error are taken from the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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

_S3_KEYS = {
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
_BATCH = re.compile(r"Bulk delete request failed for key .*?: ([^:]{1,300}) \(code: (\d{3})\)")
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
class Dialect:
    """How one provider says what others say too."""

    name: str
    """For sentences: `S3`."""
    rights: Mapping[Doing, str]
    """What a refusal lacks, in the provider's own words."""
    wrong_keys: Mapping[str, str] = field(default_factory=dict)
    """Error code to what is wrong with the credentials."""
    missing_bucket: frozenset[str] = frozenset({"NoSuchBucket"})
    bucket: str = "bucket"
    plain: str = ""
    """What to write for a server without TLS; empty: there is none."""


S3 = Dialect(
    "S3",
    rights={
        Doing.LIST: "s3:ListBucket",
        Doing.READ: "s3:GetObject",
        Doing.DELETE: "s3:DeleteObject",
        Doing.WRITE: "s3:PutObject",
    },
    wrong_keys=_S3_KEYS,
    plain="s3:http://...",
)
GCS = Dialect(
    "Google Cloud Storage",
    rights={
        Doing.LIST: "storage.objects.list",
        Doing.READ: "storage.objects.get",
        Doing.DELETE: "storage.objects.delete",
        Doing.WRITE: "storage.objects.create",
    },
    wrong_keys={
        "AuthenticationRequired": "the access token is not valid, or has expired",
        "InvalidSecurity": "the access token is not valid",
        "ExpiredToken": "the access token has expired",
    },
)
AZURE = Dialect(
    "Azure Blob",
    rights={
        Doing.LIST: "to list blobs (Storage Blob Data Contributor has it)",
        Doing.READ: "to read blobs (Storage Blob Data Contributor has it)",
        Doing.DELETE: "to delete blobs (Storage Blob Data Contributor has it)",
        Doing.WRITE: "to write blobs (Storage Blob Data Contributor has it)",
    },
    wrong_keys={
        "AuthenticationFailed": "the account key or the SAS does not fit, or has expired",
        "InvalidAuthenticationInfo": "the token is not valid, or has expired",
        "NoAuthenticationInformation": "none were sent",
    },
    missing_bucket=frozenset({"ContainerNotFound"}),
    bucket="container",
)


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
        if status is None and (batch := _BATCH.search(text)):
            # Azure deletes by a batch, of one: what it says of the one has no code of its own
            return cls(text, int(batch[2]), "Batch", batch[1])
        return cls(
            text=text,
            status=int(status[1]) if status else 0,
            code=unescape(code[1]) if code else "",
            message=unescape(message[1]) if message else "",
        )

    @property
    def denied(self) -> bool:
        """Whether a right is missing, and nothing else is wrong."""
        return self.code in ("AccessDenied", "AuthorizationPermissionMismatch")

    @property
    def too_skewed(self) -> bool:
        """Whether the server finds the request's time too far from its own."""
        return self.code == "RequestTimeTooSkewed" or "date header too old" in self.text

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
    answer: Answer,
    *,
    shown: str,
    bucket: str,
    doing: Doing,
    secrets: tuple[Secret, ...],
    dialect: Dialect = S3,
) -> StoreError:
    """The error that says in one sentence what went wrong and what would mend it."""
    reason = one_line(answer.message or answer.text.partition("Debug source")[0], secrets)
    code = one_line(answer.code, secrets)
    said = f"{code}: {reason}" if code else reason
    if dialect is S3 and answer.other_region:
        named = f" to {answer.region}" if answer.region else " to the bucket's region"
        return Unreachable(f"{shown} is served elsewhere; set AWS_DEFAULT_REGION{named}")
    if answer.status == 0:
        return _no_answer(answer, shown, reason, dialect)
    if answer.code in dialect.missing_bucket:
        return NoRepository(
            f"no repository here: {shown} names the {dialect.bucket} {bucket}, which is not there"
        )
    if answer.too_skewed:
        return Unauthorized(
            f"{shown} refuses the request, because its clock and this one are apart"
        )
    if why := dialect.wrong_keys.get(answer.code):
        return Unauthorized(f"{shown} refuses the credentials: {why} ({answer.code})")
    if answer.status == HTTPStatus.NOT_FOUND and answer.code:
        return Gone(f"what was asked for is not in {shown} (any more)")
    return _refusal(answer, shown, doing, said, dialect)


def _refusal(answer: Answer, shown: str, doing: Doing, said: str, dialect: Dialect) -> StoreError:
    if not answer.code and answer.status not in _BUSY:
        return Unreachable(
            f"{shown} answered {answer.status}, not as {_an(dialect.name)} server does"
        )
    if answer.status in _BUSY or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"{shown} answered {answer.status} ({said})")
    if doing in (Doing.DELETE, Doing.WRITE):
        mend = f"; it needs the right {dialect.rights[doing]}" if answer.denied else ""
        return Refused(f"{shown} will not {doing.value} the lock ({said}){mend}")
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        right = dialect.rights[doing]
        return Unauthorized(f"{shown} denies access ({said}); it needs the right {right}")
    return Unreachable(f"{shown} answered {answer.status} ({said})")


def _an(name: str) -> str:
    return f"a {name}" if name.startswith("G") else f"an {name}"


def _no_answer(answer: Answer, shown: str, reason: str, dialect: Dialect) -> StoreError:
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
        mend = f"; write {dialect.plain} for a plain server" if dialect.plain else ""
        return Unreachable(f"{shown} does not speak TLS{mend}")
    return Unreachable(f"{shown} cannot be reached or answered nonsense: {reason}")
