from __future__ import annotations

import os
from pathlib import Path

import pytest

from janitor.discover.environment import IncompleteError, read_environment
from janitor.model import Secret

from .writing import mount

CANARY = "hunter2-canary"


def read(*sources: Path, **variables: str) -> dict[str, str]:
    """The variables of these sources, in the clear."""
    values = read_environment(sources, variables).values
    return {name: value.reveal() for name, value in values.items()}


def problem(*sources: Path) -> str:
    with pytest.raises(IncompleteError) as caught:
        read_environment(sources, {})
    return str(caught.value)


def test_a_mounted_secret_is_read_through_its_links(tmp_path: Path) -> None:
    """Else `..data` and the dated folder would be variables, or the Secret unreadable."""
    folder = mount(
        tmp_path / "shop",
        {"RESTIC_PASSWORD": "word", "AWS_ACCESS_KEY_ID": "id", "README.md": "x", "PATH": "/bin"},
    )
    assert read(folder) == {"RESTIC_PASSWORD": "word", "AWS_ACCESS_KEY_ID": "id"}


def test_values_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """Else a password whose Secret ends in a line break opens in restic and not here."""
    raw = b" w\xffrd\r\n\n"
    folder = mount(tmp_path / "shop", {"RESTIC_PASSWORD": raw})
    assert read_environment([folder], {}).values["RESTIC_PASSWORD"].encode() == raw


def test_the_later_source_wins_and_variables_win_over_all(tmp_path: Path) -> None:
    """Else a shared Secret could not be corrected for one repository."""
    first = mount(
        tmp_path / "first", {"AWS_PROFILE": "1", "AWS_REGION": "1", "AWS_DEFAULT_REGION": "1"}
    )
    second = tmp_path / "second.env"
    second.write_text("AWS_REGION=2\nAWS_DEFAULT_REGION=2\n")
    assert read(first, second, AWS_DEFAULT_REGION="3") == {
        "AWS_PROFILE": "1",
        "AWS_REGION": "2",
        "AWS_DEFAULT_REGION": "3",
    }


def test_an_empty_value_is_unset_as_for_restic(tmp_path: Path) -> None:
    """Else an empty RESTIC_PASSWORD_FILE would be taken for a file without a name."""
    folder = mount(tmp_path / "shop", {"RESTIC_PASSWORD_FILE": "", "RESTIC_PASSWORD": "word"})
    assert read(folder) == {"RESTIC_PASSWORD": "word"}


def test_env_files_are_read_as_docker_and_shells_agree(tmp_path: Path) -> None:
    """Else the file that people source for restic would give another password."""
    file = tmp_path / "shop.env"
    file.write_bytes(
        b"\xef\xbb\xbf# comment\n"
        b"\n"
        b"export AWS_ACCESS_KEY_ID=id\r\n"
        b"  RESTIC_PASSWORD='a $b \\c \"d\"'\n"
        b'RESTIC_REPOSITORY="s3:https://h/b"  \n'
        b"AWS_SECRET_ACCESS_KEY=a=b # no comment\n"
        b"HOME=/root\n"
        b"B2_ACCOUNT_KEY=it's\n"
        b"AWS_PROFILE="
    )
    assert read(file) == {
        "AWS_ACCESS_KEY_ID": "id",
        "RESTIC_PASSWORD": 'a $b \\c "d"',
        "RESTIC_REPOSITORY": "s3:https://h/b",
        "AWS_SECRET_ACCESS_KEY": "a=b # no comment",
        "B2_ACCOUNT_KEY": "it's",
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (CANARY, "line 2: is not KEY=VALUE"),
        (f"1A={CANARY}", "line 2: is not KEY=VALUE"),
        (f"RESTIC_PASSWORD = {CANARY}", "line 2: is not KEY=VALUE"),
        (f"RESTIC_PASSWORD='{CANARY}", "line 2: RESTIC_PASSWORD begins with a quote"),
        (f"RESTIC_PASSWORD='{CANARY}' x", "line 2: RESTIC_PASSWORD begins with a quote"),
        ("RESTIC_PASSWORD='", "line 2: RESTIC_PASSWORD begins with a quote"),
        (f'RESTIC_PASSWORD="${CANARY}"', "line 2: RESTIC_PASSWORD has a backslash, $ or `"),
        (f"RESTIC_PASSWORD={CANARY}\0", "line 2: RESTIC_PASSWORD holds a NUL byte"),
    ],
)
def test_a_doubtful_line_is_named_and_not_repeated(tmp_path: Path, line: str, why: str) -> None:
    """Else a password would be read wrong in silence, or stand in a log."""
    file = tmp_path / "shop.env"
    file.write_text(f"# first\n{line}\n")
    assert problem(file).startswith(f"{file}, {why}")
    assert CANARY not in problem(file)


def test_a_missing_source_asks_for_the_mount(tmp_path: Path) -> None:
    """Else the most common mistake would be told as a missing password."""
    assert problem(tmp_path / "shop") == (
        f"{tmp_path}/shop does not exist: is the Secret mounted there?"
    )


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    """Else a FIFO in a folder would hold the sweep up for ever."""
    os.mkfifo(tmp_path / "RESTIC_PASSWORD")
    assert problem(tmp_path) == f"{tmp_path}/RESTIC_PASSWORD is not a file"
    assert problem(tmp_path / "RESTIC_PASSWORD").endswith("RESTIC_PASSWORD is not a file")
    (tmp_path / "RESTIC_PASSWORD").unlink()
    (tmp_path / "RESTIC_PASSWORD").symlink_to("nowhere")
    assert problem(tmp_path).endswith("cannot be read: No such file or directory")


def test_a_nul_byte_or_far_too_much_is_told(tmp_path: Path) -> None:
    """Else restic, which could never see such a value, would be blamed for the difference."""
    (tmp_path / "RESTIC_PASSWORD").write_bytes(b"a\0b")
    assert "holds a NUL byte" in problem(tmp_path)
    (tmp_path / "RESTIC_PASSWORD").write_bytes(b"a" * ((1 << 20) + 1))
    assert "is larger than 1 MiB" in problem(tmp_path)


def test_secrets_do_not_print(tmp_path: Path) -> None:
    """Else a debug line would give the password away."""
    folder = mount(tmp_path / "shop", {"RESTIC_PASSWORD": CANARY})
    environment = read_environment([folder], {})
    assert environment.values["RESTIC_PASSWORD"] == Secret(CANARY)
    assert CANARY not in repr(environment)
