"""The same situation in every kind of store ends in the same verdicts, and real restic agrees that
nothing was broken.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from datetime import timedelta
from pathlib import Path

import obstore
import pytest

from janitor.discover.variables import is_secret
from janitor.model import LockID, StoreClock
from tests.apiserver import ApiServer, node, pod
from tests.forge import PASSWORD, Forged, name_of
from tests.servers.fixtures import SERVERS
from tests.servers.real_restic import PASSWORD as REAL_PASSWORD
from tests.servers.real_restic import RealRestic
from tests.servers.rest import RestServer
from tests.servers.seaweedfs import SeaweedFS
from tests.store.places import KINDS, SSH, Folders, Place, make_place
from tests.sweep.installation import Done, Installation, old, run, stamp_of

VERDICTS = {
    "dead": "holder-absent",
    "alive": "holder-alive",
    "foreign": "foreign-host",
    "damaged": "unreadable",
}


def _situation(place: Place, name: str) -> dict[str, str]:
    """Puts a repository with four locks into the place; returns their IDs by what they are."""
    forged = Forged()
    locks = {
        "dead": forged.lock_bytes(time=old(), hostname="shop-db-backup-29401-aaaaa"),
        "alive": forged.lock_bytes(time=old(), hostname="shop-db-backup-29401-bbbbb"),
        "foreign": forged.lock_bytes(time=old(), hostname="a-laptop"),
        "damaged": b"no lock at all" * 9,
    }
    key = forged.key_bytes()
    tree = {"config": forged.config_bytes(), f"keys/{name_of(key)}": key}
    place.write(name, tree | {f"locks/{name_of(stored)}": stored for stored in locks.values()})
    return {what: name_of(stored) for what, stored in locks.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_store_ends_in_the_same_verdicts_and_sentences(
    kind: str, installation: Installation, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Else what is safe on one backend is not on another, or one is never cleaned."""
    place = make_place(kind, request, tmp_path / "files")
    name = f"same-{kind}-{time.time_ns()}"
    locks = _situation(place, name)
    # What was put there just now is old only by the janitor's own clock and the lock's: the time
    # that a server stamped needs a min_age of a second, and the mtime is set back.
    if isinstance(place, Folders):
        for path in (place.base / name).rglob("locks/*"):
            _age(path)
    time.sleep(2.1 if place.clock is StoreClock.SERVER else 0)  # the cluster file has whole seconds
    installation.settings = {"allow_short_min_age": True, "min_age": "1s"}
    variables = {key: value for key, value in place.environment.items() if key.isupper()}
    installation.configure(
        "shop-db",
        place.location(name),
        entry={"ssh": place.environment.get(SSH)},
        RESTIC_PASSWORD=PASSWORD,
        **variables,
    )
    installation.remember(*(("shop-db", lock) for lock in locks.values()))
    since = stamp_of(old(9))
    installation.observe(pod("shop-db-backup-29401-bbbbb", created=since, started=since))
    before = place.tree(name)
    command = [sys.executable, "-c", _WITH_SERVERS, json.dumps(SERVERS)]
    words = [*command, *installation.command("sweep")[1:]]
    done = run(words, installation.environment())
    assert done.code == 0, done.out + done.err
    assert {line["lock"]: line["verdict"] for line in done.of("lock")} == {
        lock: VERDICTS[what] for what, lock in locks.items()
    }
    said = {line["verdict"]: line["detail"] for line in done.of("lock")}
    assert {
        verdict: said[verdict][: len(words)] for verdict, words in SENTENCES.items()
    } == SENTENCES
    after = place.tree(name)
    assert before.keys() - after.keys() == {f"locks/{locks['dead']}"}
    assert all(after[path] == before[path] for path in after)
    for secret in (value for key, value in variables.items() if is_secret(key)):
        assert secret not in done.out + done.err


_WITH_SERVERS = """
import importlib, json, sys
for place, url in json.loads(sys.argv.pop(1)).items():
    module, _, name = place.rpartition(".")
    setattr(importlib.import_module(module), name, url)
from janitor.cli import main
sys.exit(main())
"""
"""The command, with the emulators of clouds where the clouds are."""


SENTENCES = {
    "holder-absent": "No pod has the name 'shop-db-backup-29401-aaaaa', and it is ours",
    "holder-alive": "Pod shop/shop-db-backup-29401-bbbbb may hold it: container 'backup' is",
    "foreign-host": "Nothing shows that 'a-laptop' is a host of this cluster",
    "unreadable": "Its authentication code does not fit",
}


def test_a_wrong_bucket_and_a_wrong_key_are_named(
    installation: Installation, seaweedfs: SeaweedFS
) -> None:
    """Else a typing error in a bucket's name looks like a repository that is not there yet."""
    right = seaweedfs.environment
    wrong = right | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    obstore.put(seaweedfs.bucket("filled"), "something/else", b"x")
    places = {
        "bucket": (f"s3:{seaweedfs.endpoint}/no-such-bucket/shop", right),
        "prefix": (f"s3:{seaweedfs.endpoint}/filled/shop", right),
        "key": (f"s3:{seaweedfs.endpoint}/filled/shop", wrong),
    }
    for name, (location, variables) in places.items():
        installation.configure(name, location, RESTIC_PASSWORD="x", **variables)
    done = installation.run("sweep")
    assert done.code == 1
    assert done.states == {
        "bucket": "no-repository",
        "prefix": "no-repository",
        "key": "unauthorized",
    }
    assert "no-such-bucket" in str(done.details["bucket"])
    assert "filled" in str(done.details["prefix"])


# --- real restic -----------------------------------------------------------------------------


def _real(installation: Installation, location: str) -> None:
    """restic runs here, so this machine's name is the holder's."""
    installation.settings = {"allow_short_min_age": True, "min_age": "2s"}
    installation.configure(
        "shop-db",
        location,
        entry={"holders": [socket.gethostname()]},
        RESTIC_PASSWORD=REAL_PASSWORD,
    )


def _until_removed(installation: Installation, kubeconfig: Path) -> Done:
    """Sweeps as a CronJob does, until every lock is old enough by every clock."""
    environment = {"KUBECONFIG": str(kubeconfig)}
    for _ in range(12):
        done = installation.run(
            "sweep", "--context", "test", cluster=False, environment=environment
        )
        assert done.code == 0, done.out + done.err
        if done.of("sweep")[0]["removed"]:
            return done
        assert set(done.verdicts) <= {"too-young", "recently-written", "awaiting-confirmation"}
        time.sleep(0.7)
    raise AssertionError(f"never removed: {done.out}")


@pytest.mark.parametrize("version", ["0.14", "0.19"])
def test_a_killed_backups_lock_goes_and_restic_works_again(
    version: str, installation: Installation, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Else the product does not do what it is for, or what is left is no sound repository."""
    restic: RealRestic = request.getfixturevalue(f"restic_{version.replace('.', '_')}")
    location = str(tmp_path / "repository")
    restic.init(location)
    restic.leave_lock(location)
    (lock,) = (tmp_path / "repository" / "locks").iterdir()
    blocked = restic_fails(restic, location, "forget", "--keep-last", "1", "--prune")
    assert "locked" in blocked
    _real(installation, location)
    with ApiServer().running() as api:
        api.pods, api.nodes = [pod("web-1")], [node()]
        kubeconfig = api.kubeconfig(installation.folder / "kubeconfig")
        done = _until_removed(installation, kubeconfig)
    (told,) = done.of("lock")
    assert (told["lock"], told["verdict"]) == (LockID(lock.name), "holder-absent")
    assert list((tmp_path / "repository" / "locks").iterdir()) == []
    restic.run(location, "forget", "--keep-last", "1", "--prune")
    assert "no errors were found" in restic.run(location, "check", "--read-data")


def test_a_running_backup_keeps_its_lock_and_ends_well(
    installation: Installation, restic_0_19: RealRestic, rest_server: RestServer
) -> None:
    """Else the janitor breaks a repository that it is there to keep whole."""
    name = f"running-{time.time_ns()}"
    location = f"rest:{rest_server.url}/{name}"
    restic_0_19.init(location)
    _real(installation, location)
    with restic_0_19.backup_running(location) as backup:
        (lock,) = (rest_server.data / name / "locks").iterdir()
        time.sleep(3.2)  # the file's time has whole seconds
        installation.remember(("shop-db", lock.name), ago=timedelta(hours=1))
        since = stamp_of(old(1))
        installation.observe(pod(socket.gethostname().lower(), created=since, started=since))
        done = installation.run("sweep")
        assert done.verdicts == ["holder-alive"], done.out
        assert lock.exists()
        out, _ = backup.communicate("what is worth keeping\n", timeout=60)
        assert backup.returncode == 0, out
    assert installation.run("sweep").states == {"shop-db": "unlocked"}
    assert "no errors were found" in restic_0_19.run(location, "check")


def restic_fails(restic: RealRestic, location: str, *arguments: str) -> str:
    """What restic says when it does not succeed."""
    with pytest.raises(AssertionError) as failed:
        restic.run(location, *arguments)
    return str(failed.value)


def _age(path: Path) -> None:
    moment = old().timestamp()
    os.utime(path, (moment, moment))
