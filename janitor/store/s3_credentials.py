"""Which credentials and region restic would use for S3, out of its own variables.

The order is that of restic's `internal/backend/s3/s3.go` and the minio client below it: keys in
variables, the shared credentials file, then what the cloud gives a pod or an instance.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from janitor.model import Secret, SecretFile
from janitor.store.errors import Unauthorized, Unsupported
from janitor.store.location import Location
from janitor.store.variables import fit_for_a_header, text_of

_KEYS = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_ACCESS_KEY", "AWS_SECRET_KEY"),
    ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
    ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
)
_CONTAINER = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
_AMAZON = re.compile(r"s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?\.?")
_FILE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """Either keys, or settings that make the client fetch them."""

    key: Secret | None = None
    secret: Secret | None = None
    token: Secret | None = None
    settings: tuple[tuple[str, str], ...] = field(default=())
    """Options of the client for web identity, the container's or the instance's role."""
    metadata: str = ""
    """The instance's metadata service, where nothing else was given."""


def region_of(location: Location, environment: Mapping[str, Secret]) -> str:
    """The bucket's region: from the variables, an Amazon host's name, else `us-east-1`."""
    if region := text_of(environment, "AWS_DEFAULT_REGION"):
        return fit_for_a_header("AWS_DEFAULT_REGION", region)
    if found := _AMAZON.fullmatch(location.endpoint.partition(":")[0]):
        return found[1]
    return fit_for_a_header("AWS_REGION", text_of(environment, "AWS_REGION")) or "us-east-1"


def credentials_of(environment: Mapping[str, Secret]) -> Credentials:
    """The credentials that restic would use. Raises Unauthorized or Unsupported."""
    if environment.get("RESTIC_AWS_ASSUME_ROLE_ARN"):
        raise Unsupported(
            "RESTIC_AWS_ASSUME_ROLE_ARN is not supported; give the janitor keys of its own or "
            "a web identity (AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE)"
        )
    for key_name, secret_name in _KEYS:
        key, secret = text_of(environment, key_name), text_of(environment, secret_name)
        if key and secret:
            return _keys(key, secret, text_of(environment, "AWS_SESSION_TOKEN"), key_name)
        if bool(key) != bool(secret) and key_name == "AWS_ACCESS_KEY_ID":
            missing = secret_name if key else key_name
            raise Unauthorized(f"half of the S3 credentials is missing: {missing} is not set")
    return _from_file(environment) or _from_the_cloud(environment)


def _keys(key: str, secret: str, token: str, name: str) -> Credentials:
    return Credentials(
        key=Secret(fit_for_a_header(name, key)),
        secret=Secret(secret),
        token=Secret(fit_for_a_header("AWS_SESSION_TOKEN", token)) if token else None,
    )


def _from_file(environment: Mapping[str, Secret]) -> Credentials | None:
    """The profile of the shared credentials file; None where there is no such file."""
    named = text_of(environment, "AWS_SHARED_CREDENTIALS_FILE")
    home = text_of(environment, "HOME")
    if not named and not home:
        return None
    if isinstance(environment.get("AWS_SHARED_CREDENTIALS_FILE"), SecretFile):
        return _from_profile(environment, named, "what AWS_SHARED_CREDENTIALS_FILE stands for")
    path = Path(named) if named else Path(home) / ".aws" / "credentials"
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_FILE_LIMIT)
    except (OSError, ValueError) as error:
        if not named:
            return None
        reason = getattr(error, "strerror", None) or "not a text file"
        raise Unsupported(
            f"AWS_SHARED_CREDENTIALS_FILE names {str(path)!r}, which cannot be read here "
            f"({reason}); mount the file"
        ) from None
    try:
        return _from_profile(environment, text, repr(str(path)))
    except _NoProfile:
        if not named:
            return None
        raise


class _NoProfile(Unauthorized):
    """The file has no such section: no fault where nobody named the file."""


def _from_profile(environment: Mapping[str, Secret], text: str, shown: str) -> Credentials:
    """The profile's keys, from the text of a credentials file as AWS writes them."""
    profile = text_of(environment, "AWS_PROFILE") or "default"
    # no interpolation: a secret key may contain a percent sign
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="\n")
    try:
        parser.read_string(text)
    except configparser.Error:  # whose text quotes the line
        raise Unsupported(f"{shown} is not a credentials file as AWS writes them") from None
    if not parser.has_section(profile):
        raise _NoProfile(f"{shown} has no profile {profile!r}; AWS_PROFILE names another")
    section = parser[profile]
    if "credential_process" in section:
        raise Unsupported(f"{shown} uses credential_process, which the janitor never runs")
    key, secret = section.get("aws_access_key_id"), section.get("aws_secret_access_key")
    if not key or not secret:
        raise Unauthorized(f"the profile {profile!r} of {shown} has no access key in it")
    return _keys(key, secret, section.get("aws_session_token") or "", "aws_access_key_id")


def _from_the_cloud(environment: Mapping[str, Secret]) -> Credentials:
    """Web identity (IRSA), EKS Pod Identity or ECS, else the instance's role, in minio's order."""
    token_file = text_of(environment, "AWS_WEB_IDENTITY_TOKEN_FILE")
    role = text_of(environment, "AWS_ROLE_ARN")
    if token_file and role:
        return Credentials(settings=_web_identity(environment, token_file, role))
    settings = tuple(
        (name.removeprefix("AWS_").lower(), text)
        for name in _CONTAINER
        if (text := text_of(environment, name))
    )
    if any(name.endswith("_uri") for name, _ in settings):
        return Credentials(settings=settings)
    if text_of(environment, "AWS_EC2_METADATA_DISABLED").lower() == "true":
        raise Unauthorized(NO_CREDENTIALS)
    endpoint = text_of(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT")
    return Credentials(metadata=endpoint.rstrip("/") or "http://169.254.169.254")


def _web_identity(
    environment: Mapping[str, Secret], token_file: str, role: str
) -> tuple[tuple[str, str], ...]:
    if not Path(token_file).is_file():
        raise Unauthorized(
            f"AWS_WEB_IDENTITY_TOKEN_FILE names {token_file!r}, which is not there; the janitor's "
            "own service account must be bound to the role"
        )
    settings = [("web_identity_token_file", token_file), ("role_arn", role)]
    session = text_of(environment, "AWS_ROLE_SESSION_NAME") or "restic-janitor"
    settings.append(("role_session_name", session))
    region = text_of(environment, "AWS_REGION", "AWS_DEFAULT_REGION")
    endpoint = text_of(environment, "AWS_ENDPOINT_URL_STS")
    if not endpoint:
        suffix = ".cn" if region.startswith("cn-") else ""
        dotted = f".{region}" if region else ""
        endpoint = f"https://sts{dotted}.amazonaws.com{suffix}"
    settings.append(("endpoint_url_sts", endpoint))
    return tuple(settings)


NO_CREDENTIALS = (
    "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for this repository (no "
    "web identity and no instance role is at hand here)"
)
