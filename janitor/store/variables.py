"""Restic's variables as the backends read them: which are secret, and which cannot work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from janitor.model import Secret, SecretFile
from janitor.store.errors import Unsupported

HARMLESS = frozenset(
    {
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_ENDPOINT_URL_STS",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "HOME",
        "RESTIC_CACERT",
        "RESTIC_PASSWORD_FILE",
        "RESTIC_REPOSITORY_FILE",
        "RESTIC_TLS_CLIENT_CERT",
    }
)
"""Variables whose values may be read by people. Every other value is treated as a credential."""

CERTIFICATES_LIMIT = 4 * 1024 * 1024
"""Bytes of a CA file; the whole Mozilla bundle has about 250 kB."""


def secrets_of(environment: Mapping[str, Secret]) -> tuple[Secret, ...]:
    """Every value that must not reach an output."""
    return tuple(value for name, value in environment.items() if value and name not in HARMLESS)


def text_of(environment: Mapping[str, Secret], *names: str) -> str:
    """The first of these variables that is set and not empty, else an empty text.

    Raises Unsupported where it is not UTF-8, which no header and no path here could carry.
    """
    for name in names:
        if value := environment.get(name):
            text = value.reveal()
            if re.search(r"[\ud800-\udfff]", text):
                raise Unsupported(f"the value of {name} is not UTF-8 text")
            return text
    return ""


def fit_for_a_header(name: str, text: str) -> str:
    """The text, unless no HTTP header can carry it. Raises Unsupported, naming the variable."""
    if re.search(r"[\x00-\x1f\x7f]", text):
        where = "ends with a newline" if text.endswith("\n") else "contains a control character"
        raise Unsupported(f"{name} {where}, so no request can carry it; write it without")
    return text


def header_bytes(name: str, text: str) -> str:
    """The text, so that its UTF-8 goes out, as restic sends it: Python's headers are Latin-1."""
    return fit_for_a_header(name, text).encode().decode("latin-1")


def certificates_of(environment: Mapping[str, Secret]) -> bytes | None:
    """The PEM files that RESTIC_CACERT names, with commas between them; None where it is not set.

    Raises Unsupported where one is not there or has no certificate in it.
    """
    value = environment.get("RESTIC_CACERT")
    if isinstance(value, SecretFile):
        return _with_certificate(value.encode(), "what RESTIC_CACERT stands for")
    paths = text_of(environment, "RESTIC_CACERT")
    return b"\n".join(_certificates(path) for path in paths.split(",")) if paths else None


def _certificates(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            pem = file.read(CERTIFICATES_LIMIT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise Unsupported(
            f"RESTIC_CACERT names {path!r}, which cannot be read here ({reason}); mount the file"
        ) from None
    return _with_certificate(pem, f"RESTIC_CACERT names {path!r}, which")


def _with_certificate(pem: bytes, what: str) -> bytes:
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise Unsupported(f"{what} has no PEM certificate in it")
    return pem
