"""Opening a store: only what is needed is imported, and what comes later is said."""

from __future__ import annotations

import subprocess
import sys

import pytest

from janitor.store.connections import Connections
from janitor.store.errors import Unsupported
from janitor.store.location import parse_location
from janitor.store.open import open_store

HEAVY = ("asyncssh", "b2sdk", "keystoneauth1", "obstore", "swiftclient", "urllib3")


@pytest.mark.parametrize(
    ("location", "imported"),
    [
        ("/srv/repo", set()),
        ("rest:http://127.0.0.1:1/", {"urllib3"}),
        ("s3:http://127.0.0.1:1/bucket", {"obstore", "urllib3"}),
        ("gs:bucket:/", {"obstore"}),
        ("sftp:me@host:/x", {"asyncssh"}),
        ("rclone:nas:x", {"urllib3"}),
    ],
)
def test_only_the_backend_that_is_used_is_imported(location: str, imported: set[str]) -> None:
    """Else every start would cost the time and memory of all backends."""
    program = (
        "import sys\n"
        "from janitor.store.connections import Connections\n"
        "from janitor.store.location import parse_location\n"
        "from janitor.store.open import open_store\n"
        f"open_store(parse_location({location!r}), {{}}, connections=Connections())\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == imported


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("b2:bucket-name:x", r"S3 endpoint works today: s3:https://s3\."),
    ],
)
def test_a_backend_that_comes_later_is_said(location: str, words: str) -> None:
    """Else people would not know what to do instead."""
    with Connections() as connections, pytest.raises(Unsupported, match=words):
        open_store(parse_location(location), {}, connections=connections)
