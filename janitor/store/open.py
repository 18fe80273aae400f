"""From a location and restic's own variables to a store. Only the given environment counts.

A backend's library is imported when the first location needs it.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from janitor.model import Secret
from janitor.store.bounded import BoundedStore
from janitor.store.connections import Connections
from janitor.store.extras import missing_extra
from janitor.store.files import FilesStore
from janitor.store.location import Location
from janitor.store.port import Store
from janitor.store.silence import server_of


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What `open_store` was given."""

    location: Location
    environment: Mapping[str, Secret]
    connections: Connections
    insecure_tls: bool
    ssh: Path | None
    allowed: Callable[[str], bool] | None


def open_store(
    location: Location,
    environment: Mapping[str, Secret],
    *,
    connections: Connections,
    insecure_tls: bool = False,
    ssh: Path | None = None,
    allowed: Callable[[str], bool] | None = None,
) -> Store:
    """The store of a location, with the credentials in these variables; nothing is asked yet.

    Raises Unsupported or Unauthorized where this location or these variables cannot be served.

    Args:
        location: where the repository is.
        environment: restic's own names.
        connections: what the stores of a run share.
        insecure_tls: accepts any certificate, as restic's `--insecure-tls` does.
        ssh: a folder as `~/.ssh` is.
        allowed: which hosts may be asked beyond the location's own; None: any.
    """
    wanted = _Wanted(location, environment, connections, insecure_tls, ssh, allowed)
    return BoundedStore(
        _OPENERS[location.scheme](wanted),
        shown=location.shown,
        silence=connections.silence,
        server=server_of(location),
    )


def _local(wanted: _Wanted) -> Store:
    return FilesStore(wanted.location)


def _s3(wanted: _Wanted) -> Store:
    from janitor.store.s3 import open_s3

    return open_s3(*_parts(wanted), insecure_tls=wanted.insecure_tls)


def _gs(wanted: _Wanted) -> Store:
    from janitor.store.gcs import open_gcs

    return open_gcs(*_parts(wanted), insecure_tls=wanted.insecure_tls)


def _azure(wanted: _Wanted) -> Store:
    from janitor.store.azure import open_azure

    return open_azure(*_parts(wanted), insecure_tls=wanted.insecure_tls)


def _rest(wanted: _Wanted) -> Store:
    from janitor.store.rest import open_rest

    return open_rest(*_parts(wanted), insecure_tls=wanted.insecure_tls)


def _swift(wanted: _Wanted) -> Store:
    from janitor.store.swift import open_swift

    return open_swift(*_parts(wanted), insecure_tls=wanted.insecure_tls, allowed=wanted.allowed)


def _b2(wanted: _Wanted) -> Store:
    try:
        from janitor.store.b2 import open_b2
    except ImportError as error:
        raise missing_extra("b2", error) from None

    return open_b2(*_parts(wanted), insecure_tls=wanted.insecure_tls)


def _sftp(wanted: _Wanted) -> Store:
    try:
        from janitor.store.sftp import open_sftp
    except ImportError as error:
        raise missing_extra("sftp", error) from None

    return open_sftp(*_parts(wanted), ssh=wanted.ssh)


def _rclone(wanted: _Wanted) -> Store:
    from janitor.store.rclone import open_rclone

    return open_rclone(*_parts(wanted))


def _parts(wanted: _Wanted) -> tuple[Location, Mapping[str, Secret], Connections]:
    return wanted.location, wanted.environment, wanted.connections


_OPENERS: Mapping[str, Callable[[_Wanted], Store]] = {
    "local": _local,
    "s3": _s3,
    "gs": _gs,
    "azure": _azure,
    "rest": _rest,
    "swift": _swift,
    "b2": _b2,
    "sftp": _sftp,
    "rclone": _rclone,
}
