"""Names that a server or a folder makes up lead nowhere."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from janitor.model import LockID
from janitor.store.errors import StoreError
from tests.forge import PASSWORD, Forged, name_of
from tests.servers.scripted import Reply, Request, scripted
from tests.store.places import opened
from tests.store.test_s3_faults import KEYS, root
from tests.sweep.doubles import LONG_AGO, DiaryStore, Scene
from tests.sweep.installation import Installation, old

ID = "[0-9a-f]{64}"


def hostile(name: str) -> list[str]:
    """What might become part of a path."""
    return [
        "../config",
        "../keys/" + name,
        f"../../other/locks/{name}",
        f"{name}/../../config",
        f"..%2f{name}",
        f"{name}?versionId=1",
        f"{name}#",
        f"{name}\n",
        f"/{name}",
        "/etc/passwd",
        name.upper(),
        f"{name}-tmp-1",
        name[:63] + "\u0661",
        "." * 64,
        "",
    ]


def test_what_a_rest_server_lists_leads_to_no_other_path(installation: Installation) -> None:
    """Else a hostile server makes the janitor delete, with its rights, somewhere else."""
    forged = Forged()
    key, lock = forged.key_bytes(), forged.lock_bytes(time=old())
    files = {"config": forged.config_bytes(), f"keys/{name_of(key)}": key}
    files[f"locks/{name_of(lock)}"] = lock

    def answer(request: Request) -> Reply:
        path = request.path.removeprefix("/repo/")
        if path in ("keys/", "locks/"):
            real = [each.removeprefix(path) for each in files if each.startswith(path)]
            names = [name for each in real for name in (each, *hostile(each))]
            names += hostile(name_of(lock))
            body = json.dumps([{"name": name, "size": 1} for name in names]).encode()
            return Reply(body=body)
        if request.method == "DELETE":
            del files[path]
        return Reply(200, files.get(path, b"")) if path in files else Reply(404)

    with scripted(answer) as server:
        installation.configure("shop-db", f"rest:{server.url}/repo", RESTIC_PASSWORD=PASSWORD)
        installation.remember(("shop-db", name_of(lock)))
        done = installation.run("sweep")
        asked = [(each.method, each.path) for each in server.requests]
    assert done.code in (0, 1)
    legal = re.compile(f"/repo/(config|keys/|locks/|(keys|locks)/{ID})")
    assert [each for each in asked if not legal.fullmatch(each[1])] == []
    changing = [each for each in asked if each[0] != "GET"]
    assert changing == [("DELETE", f"/repo/locks/{name_of(lock)}")]


def test_what_an_s3_server_lists_leads_to_no_other_path() -> None:
    """Else a hostile server makes the janitor read and delete in another prefix."""
    lock = name_of(b"lock")
    keys = [f"repo/locks/{name}" for name in hostile(lock)]
    keys += [f"other/locks/{name_of(b'foreign')}", f"repo/keys/{name_of(b'foreign')}"]
    listed = [""]

    def answer(request: Request) -> Reply:
        if "delimiter" in request.path:
            return root("keys", "locks")
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>1</Size>"
            "<LastModified>2026-11-24T01:02:03Z</LastModified></Contents>"
            for key in (f"repo/locks/{lock}", listed[0])
        )
        body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        return Reply(body=body.encode())

    with scripted(answer) as server, opened(f"s3:{server.url}/bucket/repo", KEYS) as store:
        for key in keys:
            listed[0] = key
            with suppress(StoreError):  # the client refuses some of them, and with them the listing
                assert [each.id for each in store.list_locks(at_most=99).locks] == [lock]
            for call in (store.read_lock, store.delete_lock):
                with pytest.raises(ValueError, match="64 hex digits"):
                    call(LockID(key.removeprefix("repo/locks/")))
        assert {each.method for each in server.requests} == {"GET"}


def test_a_folder_that_becomes_a_link_before_the_deletion_is_not_followed(
    scene: Scene, tmp_path: Path
) -> None:
    """Else whoever may write the repository makes the janitor delete in another folder."""
    shop = scene.repository()
    lock = shop.lock(time=LONG_AGO)
    scene.remember()
    elsewhere = tmp_path / "elsewhere"

    def swap(_: LockID) -> None:
        assert shop.path is not None
        (shop.path / "locks").rename(elsewhere)
        (shop.path / "locks").symlink_to(elsewhere)

    def prepare(store: DiaryStore) -> None:
        store.before_delete = swap

    scene.prepared["shop-db"] = prepare
    told, result = scene.sweep()
    assert [path.name for path in elsewhere.iterdir()] == [lock]
    assert (result.report.removed, result.report.exit_code) == (0, 1)
    assert "symbolic link" in told.said
