"""Google Cloud Storage: how restic's variables become a client.

restic takes an access token, else what GOOGLE_APPLICATION_CREDENTIALS names, else the identity that
the cloud gives to the pod or the machine (`internal/backend/gs`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from obstore.store import GCSStore

from janitor.model import Secret, SecretFile
from janitor.store.connections import Connections
from janitor.store.errors import Unauthorized, Unsupported
from janitor.store.location import Location
from janitor.store.object_client import RETRIES, ObjectClient, client_options, hidden_variables
from janitor.store.object_errors import GCS
from janitor.store.object_store import ObjectStore
from janitor.store.variables import certificates_of, fit_for_a_header, secrets_of, text_of

BASE_URL = "https://storage.googleapis.com"
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_LIMIT = 64 * 1024
"""Bytes of a credentials file; a service account's has about 2,400."""
_USED = ("client_email", "private_key", "private_key_id")
"""Of a service account's key. Its other fields name servers, and only Google's own are asked."""


def open_gcs(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    insecure_tls: bool = False,
) -> ObjectStore:
    """The store of a `gs:` location; nothing is asked yet. Raises Unsupported, Unauthorized."""
    if text_of(environment, "RESTIC_TLS_CLIENT_CERT"):
        raise Unsupported("RESTIC_TLS_CLIENT_CERT is not supported for Google Cloud Storage")
    settings = _Settings(
        bucket=location.bucket,
        credentials=_credentials(environment),
        certificates=certificates_of(environment),
        insecure_tls=insecure_tls,
    )
    made = partial(
        connections.recent,
        settings,
        lambda: ObjectClient(settings.make, bucket=settings.bucket, dialect=GCS),
    )
    return ObjectStore(made, location, secrets_of(environment))


@dataclass(frozen=True, slots=True)
class _Settings:
    """Everything that makes one client differ from another."""

    bucket: str
    credentials: tuple[tuple[str, str], ...] = field(repr=False)
    certificates: bytes | None = field(repr=False)
    insecure_tls: bool

    def make(self) -> GCSStore:
        """The client."""
        tls = BASE_URL.startswith("https:")
        config: Any = {"base_url": BASE_URL, **dict(self.credentials)}
        with hidden_variables("GOOGLE_"):
            return GCSStore(
                self.bucket,
                config=config,
                client_options=client_options(
                    tls=tls, insecure_tls=self.insecure_tls, certificates=self.certificates
                ),  # type: ignore[arg-type]
                retry_config=RETRIES,
            )


def _credentials(environment: Mapping[str, Secret]) -> tuple[tuple[str, str], ...]:
    """Options of the client; none: the identity of the pod or the machine."""
    if token := text_of(environment, "GOOGLE_ACCESS_TOKEN"):
        return (("bearer_token", fit_for_a_header("GOOGLE_ACCESS_TOKEN", token.strip())),)
    if not environment.get(_FILE):
        return ()
    document = _document(environment[_FILE])
    kind = document.get("type")
    if kind != "service_account":
        raise Unsupported(
            f"what {_FILE} stands for is of the type {str(kind)[:40]!r}; supported are the key of "
            "a service account, GOOGLE_ACCESS_TOKEN, and the identity of the pod (leave it out)"
        )
    missing = [name for name in _USED[:2] if not isinstance(document.get(name), str)]
    if missing:
        raise Unauthorized(f"what {_FILE} stands for has no {missing[0]} in it")
    used = {name: str(document.get(name, "")) for name in _USED}
    return (("service_account_key", json.dumps(used, sort_keys=True)),)


def _document(value: Secret) -> Mapping[str, Any]:
    if isinstance(value, SecretFile):
        raw = value.encode()
    else:
        path = value.reveal()
        try:
            with Path(path).open("rb") as file:
                raw = file.read(_LIMIT)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            raise Unsupported(
                f"{_FILE} names {path!r}, which cannot be read here ({reason}); mount the file"
            ) from None
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Unsupported(f"what {_FILE} stands for is not the JSON of Google's credentials")
    return document
