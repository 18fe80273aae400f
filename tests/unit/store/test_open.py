"""Opening a store: only what is needed is imported, and what comes later is said."""

from __future__ import annotations

import subprocess
import sys

import pytest

CREDENTIALS = {
    "B2_ACCOUNT_ID": "id",
    "B2_ACCOUNT_KEY": "key",
    "OS_AUTH_URL": "http://127.0.0.1:1/v3",
}
HEAVY = ("asyncssh", "b2sdk", "keystoneauth1", "obstore", "swiftclient", "urllib3")


@pytest.mark.parametrize(
    ("location", "imported"),
    [
        ("/srv/repo", set()),
        ("rest:http://127.0.0.1:1/", {"urllib3"}),
        ("s3:http://127.0.0.1:1/bucket", {"obstore"}),
        ("gs:bucket:/", {"obstore"}),
        ("sftp:me@host:/x", {"asyncssh"}),
        ("rclone:nas:x", {"urllib3"}),
        ("swift:container:/x", {"urllib3"}),
        ("b2:bucket-name:x", {"b2sdk", "urllib3"}),
    ],
)
def test_only_the_backend_that_is_used_is_imported(location: str, imported: set[str]) -> None:
    """Else every start would cost the time and memory of all backends."""
    program = (
        "import sys\n"
        "from janitor.store.connections import Connections\n"
        "from janitor.store.location import parse_location\n"
        "from janitor.store.open import open_store\n"
        "from janitor.model import Secret\n"
        f"given = {{name: Secret(value) for name, value in {CREDENTIALS!r}.items()}}\n"
        f"open_store(parse_location({location!r}), given, connections=Connections())\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == imported
