"""Where a repository is, read from restic's own location syntax. Pure: no I/O, no environment.

The rules are those of restic's `internal/backend/location` and of each backend's `config.go`
(0.19). Two locations that restic would read as the same place are equal here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_to_bytes

from janitor.model import Secret
from janitor.store.errors import BadLocation


@dataclass(frozen=True, slots=True)
class Location:
    """A parsed location. Which fields are filled depends on `scheme`."""

    scheme: str
    """`local`, `s3`, `rest`, `gs`, `azure`, `b2`, `swift`, `sftp` or `rclone`."""
    shown: str = field(compare=False)
    """For people: the text without any password."""
    path: str = ""
    """local and sftp: the folder. rclone: the remote, as it is."""
    endpoint: str = ""
    """s3: host, or host:port, in lower case."""
    tls: bool = True
    """s3: whether the endpoint speaks TLS."""
    bucket: str = ""
    """s3, gs, b2: the bucket. azure, swift: the container."""
    prefix: str = ""
    """Below the bucket, without a slash at the end; empty at the bucket's root. Only for s3 may it
    begin with a slash: then the keys do."""
    url: str = ""
    """rest: without credentials, with a slash at the end."""
    host: str = ""
    """sftp"""
    port: str = ""
    """sftp"""
    user: str = ""
    """sftp"""
    username: Secret | None = field(default=None, compare=False, repr=False)
    """rest: decoded; None where the URL has neither user name nor password."""
    password: Secret | None = field(default=None, compare=False, repr=False)
    """rest: decoded."""


def parse_location(text: str) -> Location:
    """Reads a location as restic does. Raises BadLocation, in one sentence without passwords."""
    if not text:
        raise BadLocation("the repository's location is empty")
    scheme, colon, rest = text.partition(":")
    parser = _PARSERS.get(scheme) if colon else None
    if parser is not None:
        return parser(rest)
    if ":" in text and not _is_path(text):
        if text != text.strip():
            raise BadLocation(
                "the repository's location begins or ends with a blank, which restic does not trim"
            )
        raise BadLocation(
            "the repository's location begins with no scheme that restic knows "
            f"({', '.join(_PARSERS)}); for a folder write local:/path"
        )
    return _local(text)


# --- folders and remotes -------------------------------------------------------------------


def _is_path(text: str) -> bool:
    return bool(re.match(r"\.\.[/\\]|[/\\]|[A-Za-z]:[/\\]", text))


def _local(rest: str) -> Location:
    if not rest:
        raise BadLocation("the location local: names no folder; write local:/path")
    if "\0" in rest:
        raise BadLocation("the folder's path contains a NUL byte")
    return Location("local", shown=rest, path=_clean(rest))


def _rclone(rest: str) -> Location:
    if not rest:
        raise BadLocation("the location rclone: names no remote; write rclone:remote:path")
    # a connection string (remote,key=value:path) may hold credentials
    remote, comma, options = rest.partition(",")
    path = options.rpartition(":")[2]
    shown = f"rclone:{remote},***:{path}" if comma and ":" in options else f"rclone:{rest}"
    return Location("rclone", shown=shown, path=rest)


def _sftp(rest: str) -> Location:
    user = host = port = ""
    if rest.startswith("//"):
        authority, slash, folder = rest[2:].partition("/")
        if not slash:
            raise BadLocation("the sftp location names no folder; write sftp://user@host/path")
        credentials, _, place = authority.rpartition("@")
        user = unquote(credentials.partition(":")[0])
        found = re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::(\d*))?", place)
        if found is None:
            raise BadLocation(
                "the sftp location has no usable host; write sftp://user@host:port/path"
            )
        host, port = found[1].strip("[]"), found[2] or ""
        folder = unquote(folder.partition("?")[0].partition("#")[0])
        shown = f"sftp://{user + '@' if user else ''}{place}/{folder}"
    else:
        place, colon, folder = rest.partition(":")
        if not colon:
            raise BadLocation("the sftp location needs a second colon; write sftp:user@host:path")
        user, _, host = place.rpartition("@")
        # restic takes no password here, but people type one all the same
        shown = "sftp:" + re.sub(r"^([^:/@]*):[^/]*@", r"\1:***@", rest)
    folder = _clean(folder)
    if folder.startswith("~"):
        raise BadLocation("the sftp path begins with ~, which restic refuses; write it relative")
    if not host:
        raise BadLocation("the sftp location names no host; write sftp:user@host:path")
    return Location("sftp", shown=shown, path=folder, host=host, port=port, user=user)


# --- object stores -------------------------------------------------------------------------


def _s3(rest: str) -> Location:
    tls = True
    if rest.startswith("http"):
        found = re.fullmatch(r"(https?)://([^/?#]*)(/[^?#]*)?(?:[?#].*)?", rest, re.DOTALL)
        if found is None:
            raise BadLocation("the S3 URL is not complete; write s3:https://host/bucket/prefix")
        _refuse_control_characters(rest)
        tls = found[1] == "https"
        endpoint = found[2].rpartition("@")[2]  # restic drops credentials in the URL as well
        path = unquote(_checked_escapes(found[3] or ""))[1:]
    else:
        endpoint, _, path = rest.removeprefix("//").partition("/")
    bucket, _, prefix = path.partition("/")
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@\[\]/\\?#]+)(:\d+)?", endpoint):
        raise BadLocation("the S3 location has no usable host; write s3:https://host/bucket/prefix")
    if not bucket:
        raise BadLocation("the S3 location names no bucket; write s3:https://host/bucket/prefix")
    endpoint = endpoint.lower().removesuffix(":443" if tls else ":80")
    prefix = _clean_prefix(prefix)
    shown = f"s3:{'https' if tls else 'http'}://{endpoint}/{bucket}{'/' + prefix if prefix else ''}"
    return Location("s3", shown=shown, endpoint=endpoint, tls=tls, bucket=bucket, prefix=prefix)


def _bucket_and_path(scheme: str, rest: str, *, colon_needed: bool) -> Location:
    bucket, colon, prefix = rest.partition(":")
    if not bucket or (colon_needed and not colon):
        raise BadLocation(
            f"the {scheme} location needs a bucket and a second colon: {scheme}:bucket:/prefix"
        )
    prefix = _clean_prefix(prefix).removeprefix("/")
    return Location(scheme, shown=f"{scheme}:{bucket}:/{prefix}", bucket=bucket, prefix=prefix)


def _gs(rest: str) -> Location:
    return _bucket_and_path("gs", rest, colon_needed=True)


def _azure(rest: str) -> Location:
    return _bucket_and_path("azure", rest, colon_needed=True)


def _b2(rest: str) -> Location:
    if not re.fullmatch(r"[a-zA-Z0-9-]{6,50}", rest.partition(":")[0]):
        raise BadLocation(
            "the B2 bucket's name must be 6 to 50 letters, digits and dashes; write b2:bucket:path"
        )
    return _bucket_and_path("b2", rest, colon_needed=False)


def _swift(rest: str) -> Location:
    container, _, prefix = rest.partition(":")
    if not container or not prefix.startswith("/"):
        raise BadLocation("the swift location needs a path; write swift:container:/path")
    prefix = prefix.removeprefix("/")
    shown = f"swift:{container}:/{prefix}"
    return Location("swift", shown=shown, bucket=container, prefix=prefix.rstrip("/"))


# --- REST ----------------------------------------------------------------------------------

_USERINFO = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")


def _rest(rest: str) -> Location:
    found = re.fullmatch(r"(https?|http\+unix)://([^/?#]*)([^?#]*)", rest, re.DOTALL)
    if found is None:
        raise BadLocation(
            "the REST location must be rest:http://host/path or https://host/path, without ? or "
            "#; in a user name or password these, / and % are written percent-encoded"
        )
    _refuse_control_characters(rest)
    protocol, authority, path = found.groups()
    credentials, at, host = authority.rpartition("@")
    if not _USERINFO.fullmatch(credentials):
        raise BadLocation(
            "the user name or password in the REST location has a character that must be "
            "percent-encoded; better give RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD"
        )
    if protocol != "http+unix" and not re.fullmatch(r"(\[[^]\s]+\]|[^\s:\[\]\\]+)(:\d*)?", host):
        raise BadLocation(
            "the REST location has no usable host or port; in a user name or password : / ? # % "
            "and @ must be percent-encoded"
        )
    name, colon, word = _checked_escapes(credentials).partition(":")
    url = f"{protocol}://{host.lower()}{_checked_escapes(path).removesuffix('/')}/"
    given = bool(at) and bool(name or colon)
    shown = url
    if given:
        shown = url.replace("://", f"://{name}{':***' if colon else ''}@", 1)
    return Location(
        "rest",
        shown=f"rest:{shown}",
        url=url,
        username=Secret.of_bytes(unquote_to_bytes(name)) if given else None,
        password=Secret.of_bytes(unquote_to_bytes(word)) if given else None,
    )


# --- what they share -----------------------------------------------------------------------


def _clean(path: str) -> str:
    """Go's `path.Clean`, which POSIX's differs from by keeping two slashes at the front."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _clean_prefix(prefix: str) -> str:
    """The prefix that joined keys begin with: cleaned, and empty where it is the root."""
    cleaned = _clean(prefix) if prefix else ""
    if cleaned in {"", "."}:
        return ""
    if cleaned == ".." or cleaned.startswith("../"):
        raise BadLocation("the prefix leaves the bucket by `..`; write it without")
    return cleaned


def _checked_escapes(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise BadLocation("the URL has a % that begins no escape; write %25 for a percent sign")
    return text


def _refuse_control_characters(url: str) -> None:
    if re.search(r"[\x00-\x1f\x7f]", url):
        raise BadLocation(
            "the URL contains a newline or another control character; restic does not trim "
            "RESTIC_REPOSITORY, RESTIC_REPOSITORY_FILE it does"
        )


_PARSERS: dict[str, Callable[[str], Location]] = {
    "local": _local,
    "s3": _s3,
    "rest": _rest,
    "gs": _gs,
    "azure": _azure,
    "b2": _b2,
    "swift": _swift,
    "sftp": _sftp,
    "rclone": _rclone,
}
