"""One repository on each store, made so that real restic opens it in a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from janitor.restic.crypto import SealKeys
from tests.forge import Forged, forge_repository
from tests.servers.real_restic import PASSWORD
from tests.servers.rest import RestServer
from tests.servers.seaweedfs import SeaweedFS
from tests.store.places import Bucket, Folders


@dataclass(frozen=True)
class Target:
    """A repository to torture."""

    store: str
    location: str
    environment: Mapping[str, str]
    version: int
    """Of restic's format."""
    keys: SealKeys = field(repr=False)


def make_targets(
    folder: Path, name: str, *, seaweedfs: SeaweedFS, rest_server: RestServer
) -> dict[str, Target]:
    """By their store, in both of restic's formats. Their keys are cheap to derive: what is
    tortured is not scrypt.
    """

    def target(store: str, forged: Forged, location: str, **environment: str) -> Target:
        return Target(store, location, environment, forged.version, forged.keys)

    files = forge_repository(folder / "files", PASSWORD)
    rest = forge_repository(rest_server.data / name, PASSWORD, version=1)
    made = folder / "made"
    s3 = forge_repository(made / name, PASSWORD)
    before = f"s3:{seaweedfs.endpoint}/torture/"
    bucket = Bucket(
        "s3", seaweedfs.bucket("torture"), before=before, environment=seaweedfs.environment
    )
    bucket.write(name, Folders("files", made, before="", environment={}).tree(name))
    return {
        "files": target("files", files, str(folder / "files")),
        "s3": target("s3", s3, bucket.location(name), **bucket.environment),
        "rest": target("rest", rest, f"rest:{rest_server.url}/{name}"),
    }
