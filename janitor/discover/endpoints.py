"""Which server a location leads to, and whether the configuration allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from janitor.model import Secret
from janitor.store.location import Location
from janitor.store.web_address import host_of


def endpoints_of(location: Location, values: Mapping[str, Secret]) -> tuple[str, ...]:
    """The hosts, or host:port, that a repository's requests go to, in lower case.

    Of Swift, whose identity service names one more: see `Found.endpoints`. Empty where a URL of
    Swift's may be read in two ways.
    """
    match location.scheme:
        case "s3":
            return (location.endpoint,)
        case "rest":
            return (_host(location.url),)
        case "gs":
            return ("storage.googleapis.com",)
        case "azure":
            suffix = _text(values, "AZURE_ENDPOINT_SUFFIX") or "core.windows.net"
            return (f"{_text(values, 'AZURE_ACCOUNT_NAME')}.blob.{suffix}".lower(),)
        case "b2":
            return ("api.backblazeb2.com",)
        case "swift":
            given = (_text(values, name) for name in ("OS_STORAGE_URL", "OS_AUTH_URL", "ST_AUTH"))
            return tuple(host_of(url) for url in given if url)
        case _:
            return (location.host,)


def allowed(endpoint: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits: with a port it must fit whole, without one the port is free."""
    host = _without_port(endpoint)
    return any(
        fnmatchcase(endpoint, pattern.lower()) or fnmatchcase(host, pattern.lower())
        for pattern in patterns
    )


def _text(values: Mapping[str, Secret], name: str) -> str:
    value = values.get(name)
    return "" if value is None else value.reveal()


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def _without_port(endpoint: str) -> str:
    host, colon, port = endpoint.rpartition(":")
    return host if colon and port.isdecimal() else endpoint
