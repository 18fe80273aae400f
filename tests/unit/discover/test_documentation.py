from __future__ import annotations

import re
from pathlib import Path

import yaml

from janitor.discover.schema import Document, RepositoryEntry
from janitor.discover.variables import VARIABLES, is_restic_variable, is_secret

from .writing import load

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text("utf-8")
BACKENDS = (Path(__file__).parents[3] / "docs" / "backends.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)


def test_the_full_example_loads_and_says_what_it_seems_to_say(tmp_path: Path) -> None:
    """Else a newcomer who copies it would be told of mistakes."""
    (text,) = [block for block in BLOCKS if block.startswith("# full example")]
    configuration = load(tmp_path, text)
    assert [each.repository.name for each in configuration.repositories] == [
        "shop-db",
        "media",
        "archive",
        "nas",
    ]
    used = set(yaml.safe_load(text))
    used |= {key for entry in yaml.safe_load(text)["repositories"] for key in entry}
    known = {*Document.__struct_fields__, *RepositoryEntry.__struct_fields__}
    assert used == known


def test_every_example_loads(tmp_path: Path) -> None:
    """Else an example would teach a mistake."""
    loaded = 0
    for block in BLOCKS:
        text = block
        if block.startswith("    "):
            text = f"repositories:\n  - name: example\n    location: /repos/a\n{block}"
            text = text.replace("    location: /repos/a\n    location:", "    location:")
        elif "repositories:" not in block:
            text = f"{block}\nrepositories: [{{name: example, location: /repos/a}}]\n"
        if "secretName" not in block:
            load(tmp_path, text)
            loaded += 1
    assert loaded >= 16


def test_the_table_of_variables_is_the_one_in_the_code() -> None:
    """Else a Secret would hold a variable that is documented and ignored."""
    table = BACKENDS.partition("## Variables")[2].partition("| **not read** |")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    told: dict[str, bool] = {}
    for names, meaning in rows:
        for name in re.findall(r"`([A-Z0-9_]+)`", names):
            told[name] = meaning.strip().startswith("*secret*")
    assert told == {name: is_secret(name) for name in VARIABLES}


def test_every_scheme_has_a_row_and_its_example_loads(tmp_path: Path) -> None:
    """Else a backend would be there that nobody can find."""
    rows = BACKENDS.partition("All pass one suite")[0]
    for scheme in ("local", "s3", "gs", "azure", "rest", "swift", "b2", "sftp", "rclone"):
        assert f"`{scheme}:`" in rows
    (example,) = re.findall(r"```yaml\n(.*?)```", BACKENDS, re.S)
    (configured,) = load(tmp_path, example).repositories
    assert configured.ssh == Path("/secrets/nas-ssh")


def test_rclones_variables_are_known_by_their_prefix() -> None:
    """Else a remote that is configured by variables alone would lose them."""
    assert is_restic_variable("RCLONE_CONFIG_NAS_TYPE")
    assert is_secret("RCLONE_CONFIG_NAS_PASS")
    assert is_secret("RCLONE_CONFIG_NAS_SECRET_ACCESS_KEY")
    assert not is_secret("RCLONE_CONFIG_NAS_TYPE")
    assert not is_restic_variable("RCLONE")
    assert not is_restic_variable("XRCLONE_CONFIG")
