"""Azure Blob Storage: how restic's variables become a client.

restic takes the account's key, else a SAS, else what azidentity finds: a client's secret, the
federated token of a workload identity, or the machine's identity (`internal/backend/azure`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from obstore.store import AzureStore

from janitor.model import Secret
from janitor.store.connections import Connections
from janitor.store.errors import Unauthorized, Unsupported
from janitor.store.location import Location
from janitor.store.object_client import RETRIES, ObjectClient, client_options, hidden_variables
from janitor.store.object_errors import AZURE
from janitor.store.object_store import ObjectStore
from janitor.store.variables import certificates_of, secrets_of, text_of

ENDPOINT = "https://{account}.blob.{suffix}"
_SUFFIX = "core.windows.net"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(:\d{1,5})?")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


def open_azure(
    location: Location,
    environment: Mapping[str, Secret],
    connections: Connections,
    *,
    insecure_tls: bool = False,
) -> ObjectStore:
    """The store of an `azure:` location; nothing is asked yet. Raises Unsupported, Unauthorized."""
    if text_of(environment, "RESTIC_TLS_CLIENT_CERT"):
        raise Unsupported("RESTIC_TLS_CLIENT_CERT is not supported for Azure")
    settings = _Settings(
        container=location.bucket,
        endpoint=_endpoint(environment),
        credentials=_credentials(environment),
        certificates=certificates_of(environment),
        insecure_tls=insecure_tls,
    )
    made = partial(
        connections.recent,
        settings,
        lambda: ObjectClient(settings.make, bucket=settings.container, dialect=AZURE),
    )
    return ObjectStore(made, location, secrets_of(environment))


@dataclass(frozen=True, slots=True)
class _Settings:
    """Everything that makes one client differ from another."""

    container: str
    endpoint: str
    credentials: tuple[tuple[str, str], ...] = field(repr=False)
    certificates: bytes | None = field(repr=False)
    insecure_tls: bool

    def make(self) -> AzureStore:
        """The client."""
        tls = self.endpoint.startswith("https:")
        config: Any = {"endpoint": self.endpoint, **dict(self.credentials)}
        with hidden_variables("AZURE_", "MSI_", "IDENTITY_"):
            return AzureStore(
                self.container,
                config=config,
                client_options=client_options(
                    tls=tls, insecure_tls=self.insecure_tls, certificates=self.certificates
                ),  # type: ignore[arg-type]
                retry_config=RETRIES,
            )


def _account(environment: Mapping[str, Secret]) -> str:
    account = text_of(environment, "AZURE_ACCOUNT_NAME")
    if not account:
        raise Unauthorized("AZURE_ACCOUNT_NAME is not set: the storage account's name")
    if not _ACCOUNT.fullmatch(account):
        raise Unauthorized("AZURE_ACCOUNT_NAME must be 3 to 24 of a-z and 0-9")
    return account


def _endpoint(environment: Mapping[str, Secret]) -> str:
    account = _account(environment)
    suffix = text_of(environment, "AZURE_ENDPOINT_SUFFIX") or _SUFFIX
    if not _HOST.fullmatch(suffix):
        raise Unsupported(f"AZURE_ENDPOINT_SUFFIX must be a host name such as {_SUFFIX}")
    return ENDPOINT.format(account=account, suffix=suffix)


def _credentials(environment: Mapping[str, Secret]) -> tuple[tuple[str, str], ...]:
    """Options of the client."""
    account = ("account_name", _account(environment))
    if key := text_of(environment, "AZURE_ACCOUNT_KEY"):
        return (account, ("account_key", _base64(key.strip())))
    if sas := text_of(environment, "AZURE_ACCOUNT_SAS"):
        return (account, ("sas_key", sas.strip().removeprefix("?")))
    if text_of(environment, "AZURE_FORCE_CLI_CREDENTIAL").lower() in ("1", "t", "true"):
        raise Unsupported("AZURE_FORCE_CLI_CREDENTIAL is not supported, no command is ever run")
    if text_of(environment, "AZURE_CLIENT_CERTIFICATE_PATH"):
        raise Unsupported(
            "AZURE_CLIENT_CERTIFICATE_PATH is not supported; give AZURE_CLIENT_SECRET, or a "
            "workload identity"
        )
    tenant = text_of(environment, "AZURE_TENANT_ID")
    client = text_of(environment, "AZURE_CLIENT_ID")
    identity: tuple[tuple[str, str], ...]
    identity = (account, ("tenant_id", tenant), ("client_id", client))
    if authority := text_of(environment, "AZURE_AUTHORITY_HOST"):
        identity += (("authority_host", authority),)
    if tenant and client and (secret := text_of(environment, "AZURE_CLIENT_SECRET")):
        return (*identity, ("client_secret", secret))
    if tenant and client and (token := text_of(environment, "AZURE_FEDERATED_TOKEN_FILE")):
        if not Path(token).is_file():
            raise Unauthorized(
                f"AZURE_FEDERATED_TOKEN_FILE names {token!r}, which is not there; the janitor's "
                "own service account must have the workload identity"
            )
        return (*identity, ("federated_token_file", token))
    raise Unauthorized(
        "no Azure credentials: set AZURE_ACCOUNT_KEY, AZURE_ACCOUNT_SAS, or AZURE_TENANT_ID, "
        "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET for this repository, or give the pod a workload "
        "identity"
    )


def _base64(key: str) -> str:
    try:
        base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise Unauthorized("AZURE_ACCOUNT_KEY is not base64, which an account's key is") from None
    return key
