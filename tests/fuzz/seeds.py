"""Valid inputs to begin from. Nothing in them is random: an example means the same later."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from janitor.model import LockID
from janitor.restic.crypto import SealKeys
from tests.apiserver import event, node, pod
from tests.forge import PASSWORD, compress, name_of, seal

KEYS = SealKeys(bytes(range(1, 33)), bytes(range(33, 49)), bytes(range(49, 65)))
SALT = bytes(range(64))
IV = bytes(range(1, 17))
USER = Scrypt(salt=SALT, length=64, n=2, r=8, p=1).derive(PASSWORD.encode())
LOCK_TIME = "2026-11-25T04:00:00.123456789Z"
HOST = "shop-db-backup-29401-x2x9k"
IDS = tuple(hashlib.sha256(bytes([number])).hexdigest() for number in range(3))
LONG_AGO, LATER = "2026-11-24T00:00:00Z", "2026-11-25T11:00:00Z"


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def sealed(plain: bytes, keys: SealKeys = KEYS) -> bytes:
    """The box of this content: always the same one."""
    return seal(keys, plain, iv=IV)


MASTER = {
    "mac": {"k": base64_of(KEYS.k), "r": base64_of(KEYS.r)},
    "encrypt": base64_of(KEYS.encrypt),
}


def key_document(master: bytes) -> dict[str, Any]:
    """A key file that opens with `PASSWORD` on this content."""
    user = SealKeys(USER[:32], USER[32:48], USER[48:])
    return {
        "created": "2026-11-24T00:00:00Z",
        "username": "root",
        "hostname": "forge",
        "kdf": "scrypt",
        "N": 2,
        "r": 8,
        "p": 1,
        "salt": base64_of(SALT),
        "data": base64_of(sealed(master, user)),
    }


KEY = key_document(json.dumps(MASTER).encode())
CONFIG = {"version": 2, "id": IDS[0], "chunker_polynomial": "3da3358b4dc173"}
LOCK = {
    "time": LOCK_TIME,
    "exclusive": False,
    "hostname": HOST,
    "username": "root",
    "pid": 1,
    "uid": 1000,
    "gid": 1000,
}


def repository_at(folder: Path) -> dict[LockID, bytes]:
    """Makes a repository of version 2 with one lock; returns its locks."""
    stored = sealed(b"\x02" + compress(json.dumps(LOCK).encode()))
    key = json.dumps(KEY).encode()
    for name in ("keys", "locks"):
        (folder / name).mkdir(parents=True)
    (folder / "config").write_bytes(sealed(json.dumps(CONFIG).encode()))
    (folder / "keys" / name_of(key)).write_bytes(key)
    (folder / "locks" / name_of(stored)).write_bytes(stored)
    return {name_of(stored): stored}


STATE = {
    "version": 1,
    "repositories": {
        "shop-db": {
            IDS[0]: {"first_seen": LONG_AGO},
            IDS[1]: {"first_seen": LATER, "put_back": True},
        }
    },
    "nodes": {
        "worker-1": {"names": ["worker-1", "10.0.0.1"], "last_seen": LATER, "absent_since": None},
        "worker-9": {"names": ["worker-9"], "last_seen": LONG_AGO, "absent_since": LONG_AGO},
    },
    "cluster": "a",
}

_ENDED = {"terminated": {"startedAt": LONG_AGO, "finishedAt": LATER, "exitCode": 137}}


def _dead() -> dict[str, Any]:
    document = pod(
        "dead-x2x9k", phase="Failed", initContainers=[{"name": "i", "restartPolicy": "Always"}]
    )
    document["metadata"] |= {
        "generateName": "dead-",
        "labels": {"pod-template-hash": "5d4f"},
        "ownerReferences": [{"kind": "Job", "name": "dead", "controller": True}],
    }
    document["status"] |= {"reason": "Evicted", "hostIP": "10.0.0.1", "hostIPs": [{"ip": "::1"}]}
    document["status"]["containerStatuses"] = [
        {"name": "backup", "restartCount": 2, "state": {"waiting": {}}, "lastState": _ENDED}
    ]
    return document


PODS = [pod("janitor-1", namespace="janitor", uid="uid-of-the-janitor"), pod(HOST), _dead()]
NODES = [node("worker-1", heartbeat=LATER)]
EVENTS = [event("gone-x2x9k"), event("gone-7k2px", reason="OOMKilling")]
WORDS = (HOST, "worker-1", "shop", "Running", "Failed", "True", "Ready", "Pod", LONG_AGO, LATER)


def page(kind: str, items: list[dict[str, Any]], **metadata: object) -> dict[str, Any]:
    """One page of a list as the API server sends it."""
    return {
        "kind": kind,
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1001", **metadata},
        "items": items,
    }
