"""Every lock of every repository that real restic made: known answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from janitor.model import Lock, LockID, Secret, Unreadable
from janitor.restic.config import read_config
from janitor.restic.crypto import SealKeys
from janitor.restic.errors import Unauthenticated
from janitor.restic.key import open_key, order_keys, parse_key
from janitor.restic.lock import read_lock

Derive = Callable[[Path], SealKeys]
REPOSITORIES = [
    (
        "r014-v1",
        1,
        "d1d79a9bda34d59a5a824936147a767235fb500b64173c178eb85d24496472ca",
        "7a8ccdb96f64bb8a570d9db94a3de3198cb0c055af1af1b666d1905692efd7c8",
        Lock(datetime(2026, 11, 25, 1, 8, 19, 793276, UTC), False, "vm", "root", 18862),
    ),
    (
        "r014-v2",
        2,
        "234791100ddace6967b585853b1b6fe75bad806be816dfcdc48ffd48f89d0f11",
        "13875dd9201015340eeda093f05f1dbc4c832aa2081b5760db21a26b7fd74006",
        Lock(datetime(2026, 11, 25, 1, 8, 24, 663629, UTC), False, "vm", "root", 18929),
    ),
    (
        "r014-s3legacy",
        2,
        "e9eabad4831e3867883293d1285ab185be2fe66a690097ccd47bf02bea7305ef",
        "b527ab0fdcc87074f427edced55ed8a3f734aa3f584b0fa6a62a2229db41619a",
        Lock(datetime(2026, 11, 25, 1, 30, 1, 118708, UTC), False, "vm", "root", 9949),
    ),
    (
        "r018-v1",
        1,
        "b7dbad54164e6af79d6f48beedf59edc30d0e1571a710eea288c52c170139955",
        "882298fe835665ae12620b68ce44cea106492445afe05fb553d0798b8f0accb9",
        Lock(datetime(2026, 11, 25, 1, 8, 28, 574003, UTC), False, "vm", "root", 19032),
    ),
    (
        "r018-v2",
        2,
        "b92e863aac7fce2f243f9a873d6f16c33fe11fcf59ee28d7c4f7d15ccb69f5c1",
        "c93d17a08baf6cf6f8b70c9ca82344e2649f3d7a68d5e6da0e6b244905df24d9",
        Lock(datetime(2026, 11, 25, 1, 8, 31, 532436, UTC), False, "vm", "root", 19310),
    ),
    (
        "r019-v1",
        1,
        "cba2379b1d26c58e65129e632f11e3b50dbc5d73d76caed92caa6ee32e0a3148",
        "2832a20e5f83f067205dc3650d13edbeed1d9eb6d29ed97600e93d04c8f340a9",
        Lock(datetime(2026, 11, 25, 1, 8, 35, 630953, UTC), False, "vm", "root", 19359),
    ),
    (
        "r019-v2",
        2,
        "4df49b828e04f378c18852720ec66ae0931e3662def2a68074dfe06a55520f13",
        "cda26248930c38a1acd71bf669f55aeb4133a366c275030640203066a1026569",
        Lock(datetime(2026, 11, 25, 1, 8, 39, 497166, UTC), False, "vm", "root", 19426),
    ),
    (
        "r019-multikey",
        2,
        "c5ed5b115dd1ceebbbe52880c4a81d6a358074a8add93bb4b6c21bdbec742906",
        "94b8415c20954eb9e6bb7af34c5d42942e842d323d32fa76bc29a41a4bcc86c5",
        Lock(datetime(2026, 11, 25, 1, 12, 18, 410977, UTC), False, "vm", "root", 30533),
    ),
]
HINT = "a5f33713"
BLOCKS = "restic 0.15 and later cannot lock the repository while it is there."
MIXED = {
    "b95f9b31b55a41e56230fb217a68ea25d2cef32ada389045339c3142a062dac4": Lock(
        datetime(2026, 11, 24, 23, 56, 41, 73324, UTC), True, "dead-prune-abc12", "root", 31
    ),
    "868f019956e4123de0f53446b286baa531f198fbdbc7ad82ae648c1c6472c4a8": Lock(
        datetime(2026, 11, 25, 0, 26, 41, 637281, UTC),
        False,
        "dead-backup-xyz99",
        "app",
        1,
        1000,
        1000,
    ),
    "c4f7e0a12147aa802d3a3ca79a5223d59e0f42ec64a880f2844dc7144d0028b5": Lock(
        datetime(2026, 11, 25, 1, 55, 42, 201432, UTC), False, "live-backup-0", "root", 1
    ),
    "db820798c10394ed129e9e51e3d6e5a045dc24099e4e6c99c9b87fc2ac832cd3": Lock(
        datetime(2026, 11, 25, 0, 50, 2, 778729, UTC), False, "tz-pod", "root", 7
    ),
    "64d90721e8b0697efa04309375a3d4a0cf1f23ed9c0645cbbc12c5eabff74144": Lock(
        datetime(2026, 11, 25, 3, 56, 43, 322400, UTC), False, "future-pod", "root", 7
    ),
    "e1b6be00fb67bac1574cfb072da73976bd842f870dbbaa685c6e74e85887a978": Lock(
        datetime(2026, 11, 25, 0, 50, 3, 843815, UTC), False, "openshift-pod", "", 13
    ),
    "4fe336adff0d0fbf9d88c19d0b63d7d3c0886bb93f7fd4f525df2a4ddc99e67a": Lock(
        datetime(2026, 11, 25, 0, 50, 4, 370501, UTC), False, "plainjson", "root", 1
    ),
    "837ff6e174009db83ec41f6a633e98cefd09e72cdf337f676dd5e731cf48c86b": Unreadable(
        f"Its content is not valid JSON; {BLOCKS}"
    ),
    "6cd8746e1b726aa44e4b7d1a5e2d529d17b48a779043f6ce9b3ca1de38ccfe6d": Unreadable(
        f"Its SHA-256 is not its name, so it is truncated or altered; {BLOCKS}"
    ),
    "d362b40dd0b6556513a2f490637d4a4fb3c49a42df390e308aaed97b4153fe10": Unreadable(
        f"Its authentication code does not fit the repository's key; {BLOCKS}"
    ),
    "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c": Unreadable(
        "It has 5 bytes; restic up to 0.19.1 crashes when it reads it."
    ),
    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881": Unreadable(
        "It is empty, an upload that was cut off; restic 0.15.1 and later ignore it."
    ),
}


def one_key(repository: Path) -> Path:
    folder = repository / ("key" if repository.name == "r014-s3legacy" else "keys")
    names = order_keys([file.name for file in folder.iterdir()], HINT)
    return folder / names[0]


@pytest.mark.parametrize("row", REPOSITORIES, ids=[row[0] for row in REPOSITORIES])
def test_every_generation_of_restic_is_read(
    real: Path, keys_of: Derive, row: tuple[str, int, str, str, Lock]
) -> None:
    """Else the locks of a whole restic version or format would be unreadable."""
    name, version, repository_id, lock, expected = row
    repository = real / name
    keys = keys_of(one_key(repository))
    config = read_config((repository / "config").read_bytes(), keys)
    assert (config.version, config.id) == (version, repository_id)
    folder = repository / ("lock" if name == "r014-s3legacy" else "locks")
    assert [file.name for file in folder.iterdir()] == [lock]
    assert read_lock(LockID(lock), (folder / lock).read_bytes(), keys, config.version) == expected


def test_each_odd_entry_has_its_own_detail(real: Path, keys_of: Derive) -> None:
    """Else a person could not tell a damaged lock from one of another key or an empty one."""
    repository = real / "r019-mixed"
    keys = keys_of(one_key(repository))
    stored = {
        file.name: file.read_bytes()
        for file in (repository / "locks").iterdir()
        if len(file.name) == 64
    }
    found = {name: read_lock(LockID(name), raw, keys, 2) for name, raw in stored.items()}
    assert found == MIXED
    index = (real / "r019-mixed.INDEX.txt").read_text().splitlines()[1:]
    assert len(index) == len(MIXED) + 1  # the thirteenth is a "-tmp-" file, which is no lock


def test_of_several_keys_the_others_say_that_the_password_does_not_fit(real: Path) -> None:
    """Else the first foreign key would end the search, or be taken for damage."""
    folder = real / "r019-multikey" / "keys"
    names = order_keys([file.name for file in folder.iterdir()], None)
    assert [name[:8] for name in names] == ["25581ba7", "7f775bd2", "8efa3f61", "a5f33713"]
    with pytest.raises(Unauthenticated, match="The password does not fit this key"):
        open_key(parse_key(names[0], (folder / names[0]).read_bytes()), Secret("test"))
