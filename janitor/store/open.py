"""From a location and restic's own variables to a store. Only the given environment counts.

A backend's library is imported when the first location needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from janitor.model import Secret
from janitor.store.bounded import BoundedStore
from janitor.store.connections import Connections
from janitor.store.errors import Unsupported
from janitor.store.extras import missing_extra
from janitor.store.files import FilesStore
from janitor.store.location import Location
from janitor.store.port import Store

_LATER = {
    "b2": "b2: comes with a later version; its S3 endpoint works today: "
    "s3:https://s3.<region>.backblazeb2.com/bucket/prefix with an application key",
}


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

    `environment` has restic's own names. `insecure_tls` accepts any certificate, as restic's
    `--insecure-tls` does; `ssh` is a folder as `~/.ssh` is; `allowed` says which hosts may be
    asked beyond the location's own. Raises Unsupported where this location or these variables
    cannot be served.
    """
    store: Store
    match location.scheme:
        case "local":
            store = FilesStore(location)
        case "s3":
            from janitor.store.s3 import open_s3  # noqa: PLC0415 - obstore only where it is needed

            store = open_s3(location, environment, connections, insecure_tls=insecure_tls)
        case "rest":
            from janitor.store.rest import open_rest  # noqa: PLC0415 - likewise urllib3

            store = open_rest(location, environment, connections, insecure_tls=insecure_tls)
        case "gs":
            from janitor.store.gcs import open_gcs  # noqa: PLC0415 - likewise obstore

            store = open_gcs(location, environment, connections, insecure_tls=insecure_tls)
        case "azure":
            from janitor.store.azure import open_azure  # noqa: PLC0415 - likewise obstore

            store = open_azure(location, environment, connections, insecure_tls=insecure_tls)
        case "rclone":
            from janitor.store.rclone import open_rclone  # noqa: PLC0415 - likewise urllib3

            store = open_rclone(location, environment, connections)
        case "swift":
            from janitor.store.swift import open_swift  # noqa: PLC0415 - likewise urllib3

            store = open_swift(
                location, environment, connections, insecure_tls=insecure_tls, allowed=allowed
            )
        case "sftp":
            try:
                from janitor.store.sftp import open_sftp  # noqa: PLC0415 - likewise asyncssh
            except ImportError:
                raise missing_extra("sftp") from None

            store = open_sftp(location, environment, connections, ssh=ssh)
        case scheme:
            raise Unsupported(_LATER[scheme])
    return BoundedStore(store, shown=location.shown)
