"""Why a REST server did not answer: from urllib3's errors to one sentence."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

import urllib3.exceptions as urllib3_errors

from janitor.model import Secret
from janitor.store.errors import Unreachable, one_line


def no_answer(
    error: Exception, shown: str, secrets: Iterable[Secret], *, cacert: str = "RESTIC_CACERT"
) -> Unreachable:
    """The sentence for a request without an answer, with the mend where there is one. `cacert`:
    the variable that names the file with the CA.
    """
    reason: object = error
    while isinstance(reason, urllib3_errors.MaxRetryError) and reason.reason is not None:
        reason = reason.reason
    if isinstance(reason, urllib3_errors.NameResolutionError):
        return Unreachable(f"{shown} cannot be reached: its host name is not known here")
    if isinstance(reason, urllib3_errors.NewConnectionError):
        # tested before the timeouts, which urllib3 counts it among
        words = one_line(re.sub(r".*?: |\[Errno \d+\] ", "", str(reason)), secrets).lower()
        if "refused" in str(reason):
            words = "nothing listens there (connection refused)"
        return Unreachable(f"{shown} cannot be reached: {words}")
    if isinstance(reason, urllib3_errors.TimeoutError | TimeoutError):
        return Unreachable(f"{shown} did not answer in time")
    if isinstance(reason, urllib3_errors.SSLError | ssl.SSLError):
        return _tls(str(reason), shown, cacert)
    words = one_line(re.sub(r"<[^>]*object at 0x[0-9a-f]+>:?", "", str(reason)), secrets)
    return Unreachable(f"{shown} cannot be reached or answered nonsense: {words}")


def broken_off(shown: str) -> Unreachable:
    """The sentence for an answer that ended before it said how long it is."""
    return Unreachable(
        f"{shown} cannot be reached or answered nonsense: the connection ended within the answer"
    )


def redirected(shown: str, target: str, secrets: Iterable[Secret]) -> Unreachable:
    """The sentence for a redirect, which is never followed; of its target only the host is told."""
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    where = f" to {one_line(f'{parts.scheme}://{host}', secrets)}" if host else ""
    return Unreachable(
        f"{shown} redirects{where}; redirects are not followed, since they would carry the "
        "credentials along: write the address that it leads to"
    )


def _tls(text: str, shown: str, cacert: str) -> Unreachable:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        found = re.search(r"certificate verify failed: ([^(]+)", text)
        why = f" ({found[1].strip()})" if found else ""
        return Unreachable(
            f"{shown} has a TLS certificate that is not trusted{why}; "
            f"give its CA in the file that {cacert} names"
        )
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
        return Unreachable(f"{shown} does not speak TLS; write http:// for a plain server")
    kind = re.search(r"\[SSL: ([A-Z0-9_]+)\]", text)
    return Unreachable(f"{shown} fails at TLS ({kind[1] if kind else 'handshake'})")
