"""Where the conformance suite keeps repositories: one small adapter for each kind of store, which
looks at, and changes, what is stored without going through the janitor.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import obstore
import pytest

from janitor.model import Secret, StoreClock
from janitor.store.connections import Connections
from janitor.store.errors import StoreError
from janitor.store.location import parse_location
from janitor.store.open import open_store
from janitor.store.port import Store
from tests.servers.backblaze import Backblaze
from tests.servers.emulators import BUCKET
from tests.servers.moto_s3 import Moto
from tests.servers.openssh import OpenSsh
from tests.servers.openstack import Swift
from tests.servers.real_restic import SFTP_COMMAND
from tests.servers.rest import PASSWORD, USER
from tests.servers.seaweedfs import SeaweedFS

KINDS = (
    "files",
    "s3",
    "s3-moto",
    "gs",
    "azure",
    "swift",
    "b2",
    "rest",
    "rest-auth",
    "rest-private",
    "rest-append-only",
    "rest-tls",
    "rest-rclone",
    "rclone",
    "sftp",
)
SSH = "ssh"
"""Among the variables of a place: the folder with its SSH keys, for which restic has none."""
Tree = dict[str, bytes]


class Place(Protocol):
    """A kind of store, with room for many repositories."""

    kind: str
    clock: StoreClock
    environment: dict[str, str]

    def location(self, repository: str) -> str:
        """In restic's syntax."""

    def tree(self, repository: str) -> Tree:
        """Every stored file, by its path in the repository."""

    def write(self, repository: str, tree: Mapping[str, bytes]) -> None:
        """Stores files behind the store's back."""


class Folders:
    """Repositories that end up in a folder of this machine, whatever serves them."""

    def __init__(
        self,
        kind: str,
        base: Path,
        *,
        before: str,
        environment: Mapping[str, str],
        clock: StoreClock = StoreClock.NONE,
    ) -> None:
        self.kind = kind
        self.base = base
        self.clock = clock
        self.environment = dict(environment)
        self._before = before
        self.everybodys = False
        """Whether what serves it is another user than this one."""

    def location(self, repository: str) -> str:
        return f"{self._before}{repository}"

    def tree(self, repository: str) -> Tree:
        root = self.base / repository
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def write(self, repository: str, tree: Mapping[str, bytes]) -> None:
        for name, stored in tree.items():
            path = self.base / repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored)
        self.give(repository)

    def give(self, repository: str) -> None:
        """Lets the server's user write what this one made."""
        if self.everybodys:
            root = self.base / repository
            for path in (root, *root.rglob("*")):
                if path.stat().st_uid == os.getuid():
                    path.chmod(0o777 if path.is_dir() else 0o666)


class Container:
    """Repositories by their prefix in a container of Swift's, or a bucket of B2's."""

    clock = StoreClock.SERVER

    def __init__(self, kind: str, server: Swift | Backblaze) -> None:
        self.kind = kind
        self.environment = dict(server.environment)
        self.location = server.location
        self.tree = server.tree
        self.write = server.write
        self.delete = server.delete


class Bucket:
    """Repositories by their prefix in one bucket."""

    clock = StoreClock.SERVER

    def __init__(
        self, kind: str, bucket: Any, *, before: str, environment: Mapping[str, str]
    ) -> None:
        self.kind = kind
        self.environment = dict(environment)
        self._before = before
        self._bucket = bucket

    def location(self, repository: str) -> str:
        return f"{self._before}{repository}"

    def tree(self, repository: str) -> Tree:
        found: Tree = {}
        for page in obstore.list(self._bucket, repository, chunk_size=1000):
            for each in page:
                name = each["path"].removeprefix(f"{repository}/")
                found[name] = bytes(obstore.get(self._bucket, each["path"]).bytes())
        return found

    def write(self, repository: str, tree: Mapping[str, bytes]) -> None:
        for name, stored in tree.items():
            path = f"{repository}/{name}"
            obstore.put(self._bucket, path, stored, use_multipart=False)

    def delete(self, repository: str, names: Iterable[str]) -> None:
        """Deletes files behind the store's back."""
        for name in names:
            obstore.delete(self._bucket, f"{repository}/{name}")


def make_place(kind: str, request: pytest.FixtureRequest, base: Path) -> Place:
    """The place of a kind, with its server started."""
    if kind == "files":
        return Folders(kind, base, before=f"{base}/", environment={}, clock=StoreClock.WRITER)
    if kind == "s3":
        weed: SeaweedFS = request.getfixturevalue("seaweedfs")
        before = f"s3:{weed.endpoint}/{BUCKET}/"
        return Bucket(kind, weed.bucket(BUCKET), before=before, environment=weed.environment)
    if kind == "s3-moto":
        other: Moto = request.getfixturevalue("moto")
        before = f"s3:{other.endpoint}/{BUCKET}/"
        return Bucket(kind, other.bucket(), before=before, environment=other.environment)
    if kind in ("gs", "azure"):
        cloud = request.getfixturevalue("fake_gcs" if kind == "gs" else "azurite")
        before = f"{kind}:{BUCKET}:/"
        return Bucket(kind, cloud.bucket(), before=before, environment=cloud.environment)
    if kind in ("swift", "b2"):
        fixture = {"swift": "swift", "b2": "backblaze"}[kind]
        return Container(kind, request.getfixturevalue(fixture))
    if kind == "rclone":
        base.mkdir(exist_ok=True)
        config = base / "rclone.conf"
        config.write_text("[nas]\ntype = local\n")
        variables = {"RCLONE_CONFIG": str(config)}
        return Folders(kind, base, before=f"rclone:nas:{base}/", environment=variables)
    if kind == "sftp":
        sshd: OpenSsh = request.getfixturevalue("openssh")
        before = sshd.location(sshd.data) + "/"
        found = Folders(kind, sshd.data, before=before, environment={}, clock=StoreClock.WRITER)
        found.environment = {SSH: str(sshd.ssh), SFTP_COMMAND: sshd.command}
        found.everybodys = True
        return found
    fixture = kind.replace("rest", "rest_server", 1).replace("-", "_")
    server = request.getfixturevalue(fixture)
    if kind == "rest-auth":  # credentials in the URL, as many write them
        url = server.url.replace("//", f"//{USER}:{quote(PASSWORD, safe='')}@")
        return Folders(kind, server.data, before=f"rest:{url}/", environment={})
    if kind == "rest-private":
        before = f"rest:{server.url}/{USER}/"
        return Folders(kind, server.data / USER, before=before, environment=server.environment)
    return Folders(kind, server.data, before=f"rest:{server.url}/", environment=server.environment)


@contextmanager
def for_restic(place: Place, repository: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Where restic finds the repository, and with which variables.

    restic asks real clouds only, so there it works on a copy, which goes back where it came from.
    """
    if place.kind == "rclone":
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # restic starts it as well
        yield place.location(repository), place.environment | {"PATH": path}
        return
    if place.kind not in ("gs", "azure", "b2"):
        yield place.location(repository), place.environment
        return
    assert isinstance(place, Bucket | Container)
    copy = Folders("files", folder, before=f"{folder}/", environment={})
    before = place.tree(repository)
    copied(before, copy, repository)
    yield copy.location(repository), {}
    after = copy.tree(repository)
    place.write(repository, {name: after[name] for name in after.keys() - before.keys()})
    place.delete(repository, before.keys() - after.keys())


@contextmanager
def opened(location: str, environment: Mapping[str, str]) -> Iterator[Store]:
    """The janitor's store of a location, with these variables and no others."""
    variables = {name: Secret(value) for name, value in environment.items()}
    ssh = Path(environment[SSH]) if SSH in environment else None
    with Connections() as connections:
        store = open_store(parse_location(location), variables, connections=connections, ssh=ssh)
        yield store
        store.close()


def refusal(location: str, environment: Mapping[str, str]) -> StoreError:
    """What a first look raises."""
    with pytest.raises(StoreError) as raised, opened(location, environment) as store:
        store.look()
    return raised.value


def copied(tree: Mapping[str, bytes], place: Place, repository: str) -> None:
    """Puts a whole repository into a place; on files with the folders that restic makes."""
    place.write(repository, tree)
    if isinstance(place, Folders):
        (place.base / repository / "locks").mkdir(exist_ok=True)
        place.give(repository)


def removed(place: Place, repository: str) -> None:
    """Forgets a repository in a folder, so that the session's disk stays small."""
    if isinstance(place, Folders):
        shutil.rmtree(place.base / repository, ignore_errors=True)
