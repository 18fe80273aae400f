from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from janitor.discover.configuration import load_configuration
from janitor.discover.configured import find_configured, select
from janitor.discover.found import Found
from janitor.discover.mistakes import ConfigurationError
from janitor.model import RepositoryState, Secret

from .writing import load, mount

CANARY = "hunter2-canary"
LOCATED = "s3:https://s3.example.com/backups/shop"


def find(folder: Path, entry: str = "", **process: str) -> Found:
    """The one repository `a`, whose Secret is mounted at `shop`."""
    text = f"repositories: [{{name: a, environment: shop{entry}}}]"
    (found,) = find_configured(load(folder, text), process)
    return found


def found_with(folder: Path, values: Mapping[str, bytes | str], entry: str = "") -> Found:
    """The same, with a Secret that holds a location, a password and these."""
    mount(folder / "shop", {"RESTIC_REPOSITORY": LOCATED, "RESTIC_PASSWORD": CANARY} | values)
    return find(folder, entry)


def problem(found: Found) -> str:
    assert found.state is RepositoryState.INCOMPLETE
    assert found.problem is not None
    assert CANARY not in found.problem
    return found.problem


def test_a_mounted_secret_alone_is_enough(tmp_path: Path) -> None:
    """Else the Secret that a backup already has could not be used as it is."""
    found = found_with(tmp_path, {"AWS_ACCESS_KEY_ID": "id", "RESTIC_KEY_HINT": "5f3c01aa"})
    assert (found.state, found.problem) == (None, None)
    assert found.location is not None
    assert (found.location.bucket, found.location.prefix) == ("backups", "shop")
    assert found.repository.location == LOCATED
    assert found.password == Secret(CANARY)
    assert found.key_hint == "5f3c01aa"
    assert found.environment == {"AWS_ACCESS_KEY_ID": Secret("id")}
    assert CANARY not in repr(found)


def test_the_location_of_the_file_wins(tmp_path: Path) -> None:
    """Else one Secret could not serve several repositories."""
    found = found_with(tmp_path, {"RESTIC_REPOSITORY_FILE": "/x"}, ", location: /repos/a")
    assert found.repository.location == "/repos/a"
    assert found.problem is None


def test_a_password_is_used_byte_for_byte_but_its_file_is_trimmed(tmp_path: Path) -> None:
    """Else a repository that restic opens would be `wrong-password` here, or the reverse."""
    assert found_with(tmp_path, {"RESTIC_PASSWORD": "word\n"}).password == Secret("word\n")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"word\n", b"word"),
        (b"\xef\xbb\xbf\t word with blanks \r\n", b"word with blanks"),
        ("\ufeffwörd\n".encode("utf-16-le"), "wörd".encode()),
        ("\ufeffwörd\n".encode("utf-16-be"), "wörd".encode()),
        ("\u00a0word\u3000".encode(), b"word"),
        (b"word\x1f", b"word\x1f"),
        (b"\x85word\xff", b"\x85word\xff"),
    ],
)
def test_a_password_file_is_read_as_restic_reads_it(
    tmp_path: Path, raw: bytes, expected: bytes
) -> None:
    """Else a repository that restic opens would be `wrong-password` here."""
    file = tmp_path / "password"
    file.write_bytes(raw)
    found = found_with(tmp_path, {"RESTIC_PASSWORD_FILE": str(file)})
    assert found.password is not None
    assert found.password.encode() == expected


def test_a_repository_file_is_trimmed(tmp_path: Path) -> None:
    """Else the line break at its end would be part of the bucket's path."""
    file = tmp_path / "repository"
    file.write_bytes(b"\xef\xbb\xbf/repos/a\n")
    found = found_with(tmp_path, {"RESTIC_REPOSITORY": "", "RESTIC_REPOSITORY_FILE": str(file)})
    assert found.repository.location == "/repos/a"


def test_both_spellings_of_the_repository_are_an_error_as_in_restic(tmp_path: Path) -> None:
    """Else the janitor would sweep another repository than restic writes."""
    found = found_with(tmp_path, {"RESTIC_REPOSITORY_FILE": "/x"})
    assert problem(found) == (
        "RESTIC_REPOSITORY and RESTIC_REPOSITORY_FILE are both set: restic allows one"
    )


def test_a_password_command_is_never_run(tmp_path: Path) -> None:
    """Else whoever writes the Secret would run programs in the janitor's pod."""
    witness = tmp_path / "witness"
    found = found_with(tmp_path, {"RESTIC_PASSWORD_COMMAND": f"touch {witness}"})
    assert problem(found).startswith("RESTIC_PASSWORD_COMMAND is not supported")
    assert not witness.exists()


def test_a_missing_password_names_what_is_there(tmp_path: Path) -> None:
    """Else the key `resticKey` would have to be guessed from the documents."""
    mount(tmp_path / "shop", {"RESTIC_REPOSITORY": LOCATED, "resticKey": CANARY})
    assert problem(find(tmp_path)) == (
        "there is no RESTIC_PASSWORD and no RESTIC_PASSWORD_FILE; "
        f"{tmp_path}/shop holds RESTIC_REPOSITORY, resticKey"
    )


def test_one_broken_repository_does_not_stop_the_others(tmp_path: Path) -> None:
    """Else one missing Secret would stop the sweep of all."""
    mount(tmp_path / "shop", {"RESTIC_PASSWORD": CANARY})
    text = """
repositories:
  - {name: unmounted, location: /repos/a, environment: nowhere}
  - {name: nowhere, environment: shop}
  - {name: fine, location: /repos/c, environment: shop}
"""
    unmounted, nowhere, fine = find_configured(load(tmp_path, text), {})
    assert problem(unmounted) == f"{tmp_path}/nowhere does not exist: is the Secret mounted there?"
    assert unmounted.repository.location == "/repos/a"
    assert problem(nowhere).startswith("there is no `location` and no RESTIC_REPOSITORY; ")
    assert fine.problem is None


def test_a_bad_location_in_a_secret_is_that_repositorys_problem(tmp_path: Path) -> None:
    """Else one wrong Secret would stop the sweep of all, or be printed."""
    found = found_with(tmp_path, {"RESTIC_REPOSITORY": f"rest:https://u:{CANARY}@h/?x"})
    assert "REST location" in problem(found)


@pytest.mark.parametrize(
    ("name", "located"),
    [
        ("RESTIC_CACERT", "rest:https://h/"),
        ("RESTIC_TLS_CLIENT_CERT", "rest:https://h/"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "gs:bucket:/"),
        ("AWS_SHARED_CREDENTIALS_FILE", "s3:https://h/b"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "s3:https://h/b"),
        ("RCLONE_CONFIG", "rclone:remote:path"),
        ("RESTIC_PASSWORD_FILE", "/repos/a"),
    ],
)
def test_a_path_of_another_pod_is_told_with_the_path_here(
    tmp_path: Path, name: str, located: str
) -> None:
    """Else somebody who mounts the backup's own Secret would search for `no such file`."""
    values = {"RESTIC_REPOSITORY": located, name: "/mnt/other/ca.crt", "ca.crt": "x"}
    folder = tmp_path / "shop"
    assert problem(found_with(tmp_path, values)) == (
        f"{name} names a file that does not exist here, but {folder} has one of that name: "
        f"write `variables: {{{name}: {folder}/ca.crt}}`"
    )
    mended = find(tmp_path, f", variables: {{{name}: {folder}/ca.crt}}")
    assert mended.problem is None


def test_a_files_content_instead_of_its_path_is_told_and_not_shown(tmp_path: Path) -> None:
    """Else VolSync's Secret, which holds Google's JSON itself, would end in a log."""
    name = "GOOGLE_APPLICATION_CREDENTIALS"
    values = {"RESTIC_REPOSITORY": "gs:bucket:/", name: f'{{"private_key": "{CANARY}"}}'}
    found = found_with(tmp_path, values)
    path = f"{tmp_path}/shop/{name}"
    assert problem(found).endswith(f"write `variables: {{{name}: {path}}}`")
    assert find(tmp_path, f", variables: {{{name}: {path}}}").problem is None


@pytest.mark.parametrize("value", [CANARY, f"/{CANARY}", f"a/{CANARY}", f"/nowhere/{CANARY}"])
def test_a_password_in_place_of_its_path_is_not_shown(tmp_path: Path, value: str) -> None:
    """Else a mistake that is easily made would print the password."""
    found = found_with(tmp_path, {"RESTIC_PASSWORD_FILE": value})
    assert problem(found) == (
        "RESTIC_PASSWORD_FILE names a file that does not exist here: is it mounted?"
    )


def test_a_path_with_a_line_break_is_told(tmp_path: Path) -> None:
    """Else `echo path | base64` would be a file that everybody can see and nobody can open."""
    file = tmp_path / "password"
    file.write_text("word")
    found = found_with(tmp_path, {"RESTIC_PASSWORD_FILE": f"{file}\n"})
    assert "begins or ends with a blank or a line break" in problem(found)


def test_files_that_restic_would_not_read_may_be_missing(tmp_path: Path) -> None:
    """Else a Secret shared by several backends would open none of them."""
    found = found_with(
        tmp_path,
        {
            "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/x",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/x",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": CANARY,
        },
    )
    assert found.problem is None


def test_several_certificates_stand_with_commas(tmp_path: Path) -> None:
    """Else two certificates would be one file that does not exist."""
    for name in ("one", "two"):
        (tmp_path / name).write_text("x")
    values = {"RESTIC_CACERT": f"{tmp_path}/one,{tmp_path}/two"}
    assert found_with(tmp_path, values).problem is None


def test_a_repository_without_credentials_takes_the_pods_identity(tmp_path: Path) -> None:
    """Else workload identity, which a webhook writes into the pod, could not be used."""
    token = tmp_path / "token"
    token.write_text("x")
    process = {
        "AWS_ROLE_ARN": "arn:aws:iam::1:role/janitor",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_SECRET_ACCESS_KEY": "somebody-elses",
        "RESTIC_REST_PASSWORD": "somebody-elses",
    }
    mount(tmp_path / "shop", {"RESTIC_REPOSITORY": LOCATED, "RESTIC_PASSWORD": CANARY})
    found = find(tmp_path, "", **process)
    assert set(found.environment) == {"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}


def test_a_repository_with_credentials_never_gets_the_pods(tmp_path: Path) -> None:
    """Else one repository would be read with another's rights."""
    mount(
        tmp_path / "shop",
        {
            "RESTIC_REPOSITORY": LOCATED,
            "RESTIC_PASSWORD": CANARY,
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "key",
        },
    )
    found = find(tmp_path, "", AWS_ROLE_ARN="arn", AWS_WEB_IDENTITY_TOKEN_FILE="/x")
    assert set(found.environment) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_without_a_file_restics_own_variables_are_the_repository() -> None:
    """Else `restic-janitor list` beside a working `restic snapshots` would need a file first."""
    process = {
        "RESTIC_REPOSITORY": LOCATED,
        "RESTIC_PASSWORD": CANARY,
        "AWS_ACCESS_KEY_ID": "id",
        "PATH": "/bin",
    }
    (found,) = find_configured(load_configuration(None, process=process), process)
    assert (found.repository.name, found.repository.location) == ("default", LOCATED)
    assert found.password == Secret(CANARY)
    assert found.environment == {"AWS_ACCESS_KEY_ID": Secret("id")}


def test_without_a_file_and_without_a_repository_the_usage_is_told() -> None:
    """Else a command without anything would be a sweep of nothing, and say 0."""
    with pytest.raises(ConfigurationError, match="give --config FILE, or RESTIC_REPOSITORY"):
        find_configured(load_configuration(None, process={}), {"RESTIC_PASSWORD": CANARY})


def test_without_a_file_a_missing_password_is_incomplete() -> None:
    """Else the exit code would say that a file is wrong."""
    process = {"RESTIC_REPOSITORY": LOCATED}
    (found,) = find_configured(load_configuration(None, process=process), process)
    assert problem(found) == "there is no RESTIC_PASSWORD and no RESTIC_PASSWORD_FILE"
    assert found.repository.location == LOCATED


def test_repositories_are_chosen_by_globs_of_their_names(tmp_path: Path) -> None:
    """Else an option would sweep more than was asked for."""
    text = "repositories: [{name: shop-db}, {name: shop-web}, {name: media}]"
    found = find_configured(load(tmp_path, text), {})

    def names(*patterns: str) -> list[str]:
        return [each.repository.name for each in select(found, patterns)]

    assert names() == ["shop-db", "shop-web", "media"]
    assert names("shop-*") == ["shop-db", "shop-web"]
    assert names("media", "shop-db") == ["shop-db", "media"]
    with pytest.raises(ConfigurationError) as caught:
        names("shop-*", "Media")
    assert str(caught.value) == (
        "No repository is called Media; there are: shop-db, shop-web, media."
    )
