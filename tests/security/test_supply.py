"""What the image and the development environment are made of: exact versions, by their hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
LOCKS = sorted(path.name for path in CHECKOUT.glob("requirements*.txt"))
ENTRY = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.+!]+)(?P<marker> ; [^\\]+)?"
    r"(?P<hashes>( \\\n    --hash=sha256:[0-9a-f]{64})+)"
)


def entries(lock: str) -> dict[str, str]:
    """The versions in a lock file, by name; whatever else is in it fails the test."""
    text = (CHECKOUT / lock).read_text()
    found = {normal(each["name"]): each["version"] for each in ENTRY.finditer(text)}
    rest = [line for line in ENTRY.sub("", text).splitlines() if line.strip()]
    assert rest == [], "neither a version with hashes nor an empty line"
    return found


def normal(name: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9._-]+", each) for each in requirements)
    return {normal(each[0]) for each in found if each}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_version_is_exact_and_has_its_hashes(lock: str) -> None:
    """Else whoever holds a package's name, or the index, decides what runs with the credentials."""
    assert entries(lock)


def test_nothing_that_is_needed_is_missing_in_the_locks() -> None:
    """Else an installation by the lock file fetches the rest by its name alone."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    needed = names(project["project"]["dependencies"])
    extras = [
        each for group in project["project"]["optional-dependencies"].values() for each in group
    ]
    assert needed <= set(entries("requirements.txt"))
    assert needed | names(extras) <= set(entries("requirements-full.txt"))
    everything = needed | names(extras) | names(project["dependency-groups"]["dev"])
    assert everything <= set(entries("requirements-dev.txt"))
    assert names(project["build-system"]["requires"]) <= set(entries("requirements-build.txt"))
    shipped = entries("requirements.txt").items()
    assert shipped <= entries("requirements-full.txt").items()
    assert shipped <= entries("requirements-dev.txt").items(), (
        "other versions are tested than shipped"
    )


def test_pip_installs_nothing_without_hashes() -> None:
    """Else one line of the image's recipe undoes the lock files."""
    for name in ("Dockerfile", "scripts/venv"):
        text = (CHECKOUT / name).read_text().replace("\\\n", " ")
        installs = re.findall(r"(?:\bpip|\bpip\[@\]\}\"?) install[^\n;&|]*", text)
        assert installs, f"{name} installs by other means"
        for line in installs:
            own = (
                "--no-deps" in line
                and "--no-build-isolation" in line
                and line.endswith("--editable .")
            )
            assert own or "--require-hashes" in line, line


def test_the_image_takes_nothing_else_from_the_network() -> None:
    """Else a program comes in that no lock file and no package manager vouches for."""
    text = (CHECKOUT / "Dockerfile").read_text()
    for word in ("curl", "wget", "ADD ", "http://", "https://", "git clone", "--index-url", "uv "):
        assert word not in text, word
    final = text.rpartition("\nFROM ")[2]
    assert "RUN" not in final
    assert re.search(r"^USER 65532:65532$", final, re.MULTILINE)
