"""Repositories, keys, configs and locks as restic writes them, for tests only.

Nothing here is shared with the product's decoder: what it seals was checked against real restic.
`forge_repository(path)` makes a folder that restic itself opens (password `test`);
`Forged` alone, without a path, gives the bytes for a store that lives in memory.

    repository = forge_repository(tmp_path / "shop", version=2)
    lock = repository.lock(hostname="shop-db-backup-29401-x2x9k", time=now - timedelta(hours=8))
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.poly1305 import Poly1305

from janitor.model import LockID
from janitor.restic.crypto import SealKeys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PASSWORD = "test"
POLYNOMIAL = "3da3358b4dc173"
"""An irreducible one: restic checks that."""
TIME = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)


def name_of(stored: bytes) -> LockID:
    """The name under which restic stores these bytes."""
    return LockID(hashlib.sha256(stored).hexdigest())


def forge_keys() -> SealKeys:
    """New random keys of a repository."""
    return SealKeys(os.urandom(32), os.urandom(16), os.urandom(16))


def seal(keys: SealKeys, plain: bytes, *, iv: bytes | None = None) -> bytes:
    """The box that holds `plain`."""
    iv = os.urandom(16) if iv is None else iv
    encryptor = Cipher(algorithms.AES(keys.encrypt), modes.CTR(iv)).encryptor()
    ciphertext = encryptor.update(plain) + encryptor.finalize()
    block = Cipher(algorithms.AES(keys.k), modes.ECB()).encryptor()
    pad = block.update(iv) + block.finalize()
    return iv + ciphertext + Poly1305.generate_tag(keys.r + pad, ciphertext)


def compress(plain: bytes) -> bytes:
    """One zstd frame without a content size, as restic's encoder makes it."""
    options: dict[int, int] = {
        zstd.CompressionParameter.content_size_flag: 0,
        zstd.CompressionParameter.checksum_flag: 0,
    }
    return zstd.compress(plain, options=options)


def forge_key(
    keys: SealKeys,
    password: str | bytes = PASSWORD,
    *,
    n: int = 2,
    r: int = 8,
    p: int = 1,
    **fields: Any,
) -> bytes:
    """A key file that opens with `password`. `n` is 32768 in real life; 2 is legal and fast.

    `fields` replace or add fields of the JSON; None takes one out.
    """
    secret = password.encode() if isinstance(password, str) else password
    salt = os.urandom(64)
    derived = Scrypt(salt=salt, length=64, n=n, r=r, p=p).derive(secret)
    user = SealKeys(derived[:32], derived[32:48], derived[48:])
    master = {"mac": {"k": _base64(keys.k), "r": _base64(keys.r)}, "encrypt": _base64(keys.encrypt)}
    document = {
        "created": "2026-11-24T00:00:00Z",
        "username": "root",
        "hostname": "forge",
        "kdf": "scrypt",
        "N": n,
        "r": r,
        "p": p,
        "salt": _base64(salt),
        "data": _base64(seal(user, json.dumps(master).encode())),
    }
    return _json(document | fields)


def forge_config(
    keys: SealKeys, *, version: int = 2, repository_id: str | None = None, **fields: Any
) -> bytes:
    """A stored `config`."""
    document = {
        "version": version,
        "id": repository_id or os.urandom(32).hex(),
        "chunker_polynomial": POLYNOMIAL,
    }
    return seal(keys, _json(document | fields))


def forge_lock(
    keys: SealKeys,
    *,
    version: int = 2,
    time: datetime | str = TIME,
    hostname: str = "shop-db-backup-29401-x2x9k",
    exclusive: bool = False,
    username: str = "root",
    pid: int = 1,
    uid: int = 0,
    gid: int = 0,
    raw_json: str | bytes | None = None,
    compressed: bool | None = None,
    **fields: Any,
) -> bytes:
    """A stored lock.

    `raw_json` replaces the whole plain content. `compressed` is by default what restic does:
    True in version 2, False in version 1. `fields` replace or add fields; None takes one out.
    """
    document = {
        "time": time if isinstance(time, str) else rfc3339(time),
        "exclusive": exclusive,
        "hostname": hostname,
        "username": username,
        "pid": pid,
        "uid": uid or None,
        "gid": gid or None,
    }
    plain = _json(document | fields) if raw_json is None else raw_json
    plain = plain.encode() if isinstance(plain, str) else plain
    if version >= 2 if compressed is None else compressed:
        plain = b"\x02" + compress(plain)
    return seal(keys, plain)


def rfc3339(time: datetime) -> str:
    """As Go writes it, with nanoseconds that nobody can tell apart."""
    text = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text}123Z"


@dataclass(frozen=True)
class Forged:
    """One repository: its keys, its files, and, where `path` is set, its folder."""

    keys: SealKeys = field(default_factory=forge_keys)
    version: int = 2
    password: str = PASSWORD
    n: int = 2
    path: Path | None = None
    id: str = field(default_factory=lambda: os.urandom(32).hex())
    locks_folder: str = "locks"
    keys_folder: str = "keys"

    def config_bytes(self) -> bytes:
        """A stored `config` with this id and version."""
        return forge_config(self.keys, version=self.version, repository_id=self.id)

    def key_bytes(self, password: str | bytes | None = None, **options: Any) -> bytes:
        """A key file for this or another password of the same repository."""
        secret = self.password if password is None else password
        return forge_key(self.keys, secret, **{"n": self.n} | options)

    def lock_bytes(self, **options: Any) -> bytes:
        """A stored lock: the options of `forge_lock`."""
        return forge_lock(self.keys, **{"version": self.version} | options)

    def lock(self, *, modified: datetime | None = None, **options: Any) -> LockID:
        """Writes a lock (options of `forge_lock`) into the folder.

        `modified` is the file's mtime; by default the lock's own time, as if it was written then.
        """
        time = options.get("time", TIME)
        if modified is None and isinstance(time, datetime):
            modified = time
        return self.put_lock(self.lock_bytes(**options), modified=modified)

    def put_lock(
        self, stored: bytes, *, name: str | None = None, modified: datetime | None = None
    ) -> LockID:
        """Writes any bytes as a lock, under their own name or another."""
        name = name or name_of(stored)
        self._write(f"{self.locks_folder}/{name}", stored, modified)
        return LockID(name)

    def add_key(self, password: str | bytes | None = None, **options: Any) -> str:
        """Writes one more key file; returns its name."""
        stored = self.key_bytes(password, **options)
        self._write(f"{self.keys_folder}/{name_of(stored)}", stored)
        return name_of(stored)

    def locks(self) -> list[str]:
        """The names in the locks folder, sorted."""
        assert self.path is not None, "this repository lives in memory"
        return sorted(entry.name for entry in (self.path / self.locks_folder).iterdir())

    def _write(self, name: str, stored: bytes, modified: datetime | None = None) -> None:
        assert self.path is not None, "this repository lives in memory"
        file = self.path / name
        file.write_bytes(stored)
        if modified is not None:
            os.utime(file, (modified.timestamp(), modified.timestamp()))


def forge_repository(
    path: Path, password: str = PASSWORD, *, version: int = 2, n: int = 2, legacy: bool = False
) -> Forged:
    """Makes a whole repository in a new folder, with one key; `legacy` names folders as very old
    S3 repositories do."""
    forged = Forged(
        version=version,
        password=password,
        n=n,
        path=path,
        locks_folder="lock" if legacy else "locks",
        keys_folder="key" if legacy else "keys",
    )
    others = ["data", "index", "snapshot" if legacy else "snapshots"]
    for folder in (forged.keys_folder, forged.locks_folder, *others):
        (path / folder).mkdir(parents=True)
    (path / "config").write_bytes(forged.config_bytes())
    forged.add_key()
    return forged


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _json(document: dict[str, Any]) -> bytes:
    present = {key: value for key, value in document.items() if value is not None}
    return json.dumps(present, separators=(",", ":"), ensure_ascii=False).encode()
