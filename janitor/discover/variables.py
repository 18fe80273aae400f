"""The environment variables that restic's backends read: the only ones the janitor looks at.

From restic's source (`internal/global`, `internal/backend/*/config.go`) and from the libraries
that find its credentials: minio-go (`pkg/credentials`), azidentity and Google's default
credentials. docs/backends.md has the same table; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from janitor.model import Secret


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of restic's."""

    secret: bool = False
    """Its value is a credential: it may not stand in the configuration file."""
    file_for: tuple[str, ...] = ()
    """Its value is a path that is read for locations of these schemes."""
    unless: tuple[str, ...] = ()
    """That path is not read where all of these are set: they come first."""


_PLAIN = Variable()
_SECRET = Variable(secret=True)
_OVER_HTTP = ("s3", "rest", "gs", "azure", "b2", "swift")
_S3_FILE = Variable(file_for=("s3",), unless=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
_AZURE_FILE = Variable(file_for=("azure",), unless=("AZURE_ACCOUNT_KEY",))

VARIABLES: Mapping[str, Variable] = {
    # the repository
    "RESTIC_REPOSITORY": _PLAIN,
    "RESTIC_REPOSITORY_FILE": _PLAIN,
    "RESTIC_PASSWORD": _SECRET,
    "RESTIC_PASSWORD_FILE": _PLAIN,
    "RESTIC_PASSWORD_COMMAND": _PLAIN,
    "RESTIC_KEY_HINT": _PLAIN,
    "RESTIC_CACERT": Variable(file_for=_OVER_HTTP),
    "RESTIC_TLS_CLIENT_CERT": Variable(file_for=_OVER_HTTP),
    # S3
    "AWS_ACCESS_KEY_ID": _PLAIN,
    "AWS_ACCESS_KEY": _PLAIN,
    "AWS_SECRET_ACCESS_KEY": _SECRET,
    "AWS_SECRET_KEY": _SECRET,
    "AWS_SESSION_TOKEN": _SECRET,
    "AWS_DEFAULT_REGION": _PLAIN,
    "AWS_REGION": _PLAIN,
    "AWS_PROFILE": _PLAIN,
    "AWS_SHARED_CREDENTIALS_FILE": _S3_FILE,
    "AWS_ROLE_ARN": _PLAIN,
    "AWS_ROLE_SESSION_NAME": _PLAIN,
    "AWS_WEB_IDENTITY_TOKEN_FILE": _S3_FILE,
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": _PLAIN,
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": _PLAIN,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": _SECRET,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": _S3_FILE,
    "MINIO_ROOT_USER": _PLAIN,
    "MINIO_ROOT_PASSWORD": _SECRET,
    "MINIO_ACCESS_KEY": _PLAIN,
    "MINIO_SECRET_KEY": _SECRET,
    "RESTIC_AWS_ASSUME_ROLE_ARN": _PLAIN,
    "RESTIC_AWS_ASSUME_ROLE_SESSION_NAME": _PLAIN,
    "RESTIC_AWS_ASSUME_ROLE_EXTERNAL_ID": _PLAIN,
    "RESTIC_AWS_ASSUME_ROLE_POLICY": _PLAIN,
    "RESTIC_AWS_ASSUME_ROLE_REGION": _PLAIN,
    "RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT": _PLAIN,
    # Azure
    "AZURE_ACCOUNT_NAME": _PLAIN,
    "AZURE_ACCOUNT_KEY": _SECRET,
    "AZURE_ACCOUNT_SAS": _SECRET,
    "AZURE_ENDPOINT_SUFFIX": _PLAIN,
    "AZURE_FORCE_CLI_CREDENTIAL": _PLAIN,
    "AZURE_TENANT_ID": _PLAIN,
    "AZURE_CLIENT_ID": _PLAIN,
    "AZURE_CLIENT_SECRET": _SECRET,
    "AZURE_CLIENT_CERTIFICATE_PATH": _AZURE_FILE,
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": _SECRET,
    "AZURE_FEDERATED_TOKEN_FILE": _AZURE_FILE,
    "AZURE_AUTHORITY_HOST": _PLAIN,
    # Google Cloud Storage
    "GOOGLE_PROJECT_ID": _PLAIN,
    "GOOGLE_APPLICATION_CREDENTIALS": Variable(file_for=("gs",), unless=("GOOGLE_ACCESS_TOKEN",)),
    "GOOGLE_ACCESS_TOKEN": _SECRET,
    # Backblaze B2
    "B2_ACCOUNT_ID": _PLAIN,
    "B2_ACCOUNT_KEY": _SECRET,
    # Swift
    "ST_AUTH": _PLAIN,
    "ST_USER": _PLAIN,
    "ST_KEY": _SECRET,
    "OS_AUTH_URL": _PLAIN,
    "OS_REGION_NAME": _PLAIN,
    "OS_USERNAME": _PLAIN,
    "OS_USER_ID": _PLAIN,
    "OS_PASSWORD": _SECRET,
    "OS_TENANT_ID": _PLAIN,
    "OS_TENANT_NAME": _PLAIN,
    "OS_USER_DOMAIN_NAME": _PLAIN,
    "OS_USER_DOMAIN_ID": _PLAIN,
    "OS_PROJECT_NAME": _PLAIN,
    "OS_PROJECT_DOMAIN_NAME": _PLAIN,
    "OS_PROJECT_DOMAIN_ID": _PLAIN,
    "OS_TRUST_ID": _PLAIN,
    "OS_APPLICATION_CREDENTIAL_ID": _PLAIN,
    "OS_APPLICATION_CREDENTIAL_NAME": _PLAIN,
    "OS_APPLICATION_CREDENTIAL_SECRET": _SECRET,
    "OS_STORAGE_URL": _PLAIN,
    "OS_AUTH_TOKEN": _SECRET,
    "SWIFT_DEFAULT_CONTAINER_POLICY": _PLAIN,
    # REST server
    "RESTIC_REST_USERNAME": _PLAIN,
    "RESTIC_REST_PASSWORD": _SECRET,
    # SFTP, by ssh
    "SSH_AUTH_SOCK": Variable(file_for=("sftp",)),
    # rclone
    "RCLONE_CONFIG": Variable(file_for=("rclone",)),
}

_RCLONE = re.compile(r"RCLONE_[A-Z0-9_]+")
_RCLONE_SECRET = re.compile(r"RCLONE_\w*(PASS|SECRET|TOKEN|KEY|CREDENTIALS)\w*")

_POD_IDENTITY: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "AWS": (
        (
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_REGION",
        ),
        (
            "AWS_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "MINIO_ROOT_USER",
            "MINIO_ACCESS_KEY",
        ),
    ),
    "AZURE": (
        (
            "AZURE_TENANT_ID",
            "AZURE_CLIENT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_AUTHORITY_HOST",
        ),
        (
            "AZURE_ACCOUNT_KEY",
            "AZURE_ACCOUNT_SAS",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_FEDERATED_TOKEN_FILE",
        ),
    ),
}
"""What EKS and AKS put into the janitor's own pod, and what a repository may have instead."""


def is_restic_variable(name: str) -> bool:
    """Whether restic, or the rclone that it starts, reads this variable."""
    return name in VARIABLES or _RCLONE.fullmatch(name) is not None


def is_path(name: str) -> bool:
    """Whether restic, or a library of it, expects the path of a file in this variable."""
    if name in ("RESTIC_REPOSITORY_FILE", "RESTIC_PASSWORD_FILE"):
        return True
    return name in VARIABLES and bool(VARIABLES[name].file_for)


def is_secret(name: str) -> bool:
    """Whether the value of this variable is a credential."""
    if name in VARIABLES:
        return VARIABLES[name].secret
    return _RCLONE_SECRET.fullmatch(name) is not None


def pod_identity(own: Mapping[str, Secret], process: Mapping[str, str]) -> dict[str, Secret]:
    """The identity of the janitor's pod, for a repository that brings no credentials of its own.

    A cloud's webhook writes these into the pod, where no configuration file could name them.
    """
    identity: dict[str, Secret] = {}
    for granted, instead in _POD_IDENTITY.values():
        if any(own.get(name) for name in instead):
            continue
        identity |= {name: Secret(process[name]) for name in granted if process.get(name)}
    return identity
