"""What is measured, as a user would type it, and the repositories that it is measured on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.measure import Command
from tests.servers import programs
from tests.servers.real_restic import RealRestic
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY

CHECKOUT = Path(__file__).parents[1]
_SHIPPED = CHECKOUT / ".venv-bench" / "bin" / "python"
"""With the packages of requirements.txt alone, as the image has: `make bench` makes it."""
PYTHON = str(_SHIPPED) if _SHIPPED.exists() else sys.executable
JANITOR = [PYTHON, "-m", "janitor"]
RESTIC = programs.restic("0.19")
PASSWORD = "test"


def sweep(
    folder: Path, place: str, *, count: int, keys: Sequence[str] = (ACCESS_KEY,)
) -> list[str | Path]:
    """A sweep of these repositories, which use these access keys in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["repositories:"]
    for index, key in enumerate(keys):
        (folder / f"env{index}").write_text(
            f"RESTIC_PASSWORD={PASSWORD}\n"
            f"AWS_ACCESS_KEY_ID={key}\n"
            f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}\n"
        )
    for number in range(count):
        lines.append(f"- {{name: r{number}, location: '{place.format(number)}',")
        lines.append(f"   environment: env{number % len(keys)}, holders: [gone-*]}}")
    (folder / "janitor.yaml").write_text("\n".join(lines))
    return [*JANITOR, "sweep", "--config", folder / "janitor.yaml", "--output", "json"]


def unlock(place: str, count: int) -> Command:
    """`restic unlock` for each of the first repositories, one after another."""
    return _each(f"'{RESTIC}' -q --no-cache -r '{place}' unlock", count)


def list_locks(place: str, count: int) -> Command:
    """`restic list locks`, which only looks: as `unlock` above."""
    return _each(f"'{RESTIC}' -q --no-cache --no-lock -r '{place}' list locks", count)


def lsf(place: str, count: int) -> Command:
    """`rclone lsf` on each `locks` folder: it derives no key, and says names alone."""
    program = programs.from_wheel("rclone")
    if program is None:
        raise SystemExit("There is no rclone: `make test` fetches it.")
    # S3 has no empty folders: 3 says that there is no such folder
    return _each(f"'{program}' lsf '{place}/locks' || test $? = 3", count)


def _each(line: str, count: int) -> Command:
    lines = (line.format(number) + "\n" for number in range(count))
    return ["sh", "-ec", "".join(lines)]


def make_model(place: Path, environment: Mapping[str, str]) -> Path:
    """A repository by real restic, without locks; returns a real lock of it, made just now."""
    restic = RealRestic(RESTIC, "0.19", place.parent / "restic")
    restic.run(str(place), "init", environment=environment)
    restic.leave_lock(str(place), environment)
    (lock,) = (place / "locks").iterdir()
    return lock.rename(place.parent / lock.name)
