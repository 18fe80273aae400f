"""Meets monsters in a process of its own: `python -m tests.fuzz.monsters NAME=PLACE ...`.

Prints one JSON object for each: what the janitor said, and the most memory that the whole process
has taken so far. It has loaded what a sweep loads, so the number is what the pod's limit is about.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import janitor.cli
import janitor.store.rest
import janitor.store.s3
from janitor.cluster.connect import connect
from janitor.cluster.file import FileCluster
from janitor.cluster.observe import ApiCluster
from janitor.discover.configuration import load_configuration
from janitor.discover.found import Found
from janitor.keyring import Keyring
from janitor.model import LockID, Repository, Secret
from janitor.put_back import read_record
from janitor.read import list_repository, open_locks
from janitor.restic.lock import read_lock
from janitor.state import load
from janitor.state_file import FileShelf
from janitor.store.connections import Connections
from janitor.store.location import parse_location
from janitor.store.open import open_store
from tests.forge import PASSWORD
from tests.fuzz import seeds

_CEILING = 6 << 30
"""Bytes of address space, so that a fault found here does not take the machine along."""


def most_memory() -> int:
    """Bytes: the high-water mark of this very process, which `getrusage` takes from its parent."""
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) << 10


def bomb() -> bytes:
    """A zstd frame of 10 MB that inflates to 10 GB: runs of one byte, 4 KiB each."""
    header = bytes.fromhex("28b52ffd0058")
    run, last = b"\x02\x80\x00 ", b"\x03\x80\x00 "
    return header + run * 2_600_000 + last


# --- what is met -----------------------------------------------------------------------------


def frame(_: str) -> str:
    """The frame, as the content of a lock."""
    stored = seeds.sealed(b"\x02" + bomb())
    return str(read_lock(LockID(hashlib.sha256(stored).hexdigest()), stored, seeds.KEYS, 2))


def repository(location: str) -> str:
    """A repository: its locks are listed and read, as a sweep does it."""
    environment = {name: Secret("x") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    parsed = parse_location(location)
    found = Found(Repository("a"), parsed, environment, Secret(PASSWORD))
    with Connections() as connections:
        listed = list_repository(
            found, lambda each: open_store(parsed, each.environment, connections=connections)
        )
        if listed.store is None:
            return f"{listed.state.value}: {listed.detail}"
        opened = open_locks(listed, [lock.id for lock in listed.locks[:5]], Keyring())
        contents = "; ".join(str(content) for content, _ in opened.contents.values())
        return f"{opened.state.value}: {listed.detail}: {opened.detail}: {contents}"


def apiserver(kubeconfig: str) -> str:
    """A cluster is observed."""
    client = connect(
        context="test",
        environ={"KUBECONFIG": kubeconfig},
        clock=lambda: datetime.now(UTC),
        sleep=lambda _: None,
    )
    cluster = ApiCluster(client, clock=lambda: datetime.now(UTC))
    return str(cluster.observe(namespaces=None, nodes=True).doubt)


def state(path: str) -> str:
    """A state file."""
    return str(load(FileShelf(Path(path))).problem)


def configuration(path: str) -> str:
    """A configuration file."""
    return str(load_configuration(Path(path), process={}))


def kubectl(path: str) -> str:
    """A file given with --cluster."""
    return str(FileCluster(Path(path), observed_at=None, clock=lambda: datetime.now(UTC)))


def record(path: str) -> str:
    """What `put-back` is given."""
    return str(read_record(Path(path).read_text()))


_MET: dict[str, Callable[[str], str]] = {
    met.__name__: met
    for met in (frame, repository, apiserver, state, configuration, kubectl, record)
}


def main(monsters: list[str]) -> None:
    """Meets them in turn; an exception that has a sentence for people is an answer too."""
    resource.setrlimit(resource.RLIMIT_AS, (_CEILING, _CEILING))
    assert janitor.cli
    for monster in monsters:
        name, _, place = monster.partition("=")
        try:
            said = _MET[name](place)
        except Exception as error:  # noqa: BLE001 - the test looks at its name
            said = f"{type(error).__name__}: {error}"
        print(json.dumps({"said": said[:2000], "memory": most_memory()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
