"""Writes what a person or a cluster would: a configuration file, a mounted Secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from janitor.discover.configuration import Configuration, load_configuration
from janitor.discover.mistakes import ConfigurationError

ONE = "repositories: [{name: a, location: /repos/a}]\n"


def load(folder: Path, text: str, **process: str) -> Configuration:
    """The configuration that this text makes."""
    file = folder / "janitor.yaml"
    file.write_text(text)
    return load_configuration(file, process=process)


def mistakes(folder: Path, text: str, **process: str) -> list[str]:
    """The sentences that this text earns, without the file's path."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, **process)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def mistake(folder: Path, text: str, **process: str) -> str:
    """The one sentence that this text earns."""
    (sentence,) = mistakes(folder, text, **process)
    return sentence


def mount(folder: Path, values: Mapping[str, bytes | str]) -> Path:
    """A Secret as the kubelet mounts it: names are links through `..data` into a dated folder."""
    dated = folder / "..2026_11_24_01_02_03.123456789"
    dated.mkdir(parents=True)
    (folder / "..data").symlink_to(dated.name)
    for name, value in values.items():
        raw = value if isinstance(value, bytes) else value.encode()
        (dated / name).write_bytes(raw)
        (folder / name).symlink_to(f"..data/{name}")
    return folder
