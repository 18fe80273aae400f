"""Which context of which file is chosen, as kubectl chooses it, before anything is connected."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from janitor.cluster.errors import BadKubeconfig
from janitor.cluster.kubeconfig import Chosen, _Entry, choose

SERVER = "https://10.0.0.1:6443"
CANARY = "c4n4ry-T0k3n"


def content(
    *, user: object = None, cluster: object = None, current: str | None = "one", **more: object
) -> dict[str, object]:
    return {
        "current-context": current,
        "clusters": [{"name": "c", "cluster": cluster or {"server": SERVER}}],
        "users": [{"name": "u", "user": {} if user is None else user}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
    } | more


def write(file: Path, text: object) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    return str(file)


def chosen(folder: Path, *documents: object, context: str | None = None) -> Chosen:
    files = [write(folder / f"{index}.yaml", each) for index, each in enumerate(documents)]
    return choose(context, {"KUBECONFIG": os.pathsep.join(files)})


def refused(folder: Path, *documents: object, context: str | None = None) -> str:
    with pytest.raises(BadKubeconfig) as raised:
        chosen(folder, *documents, context=context)
    return str(raised.value)


# --- files -----------------------------------------------------------------------------------


def test_the_whole_choice(tmp_path):
    """Else the official client is given another file or context than was checked."""
    assert chosen(tmp_path, content()) == Chosen(
        files=str(tmp_path / "0.yaml"), context="one", user="u", exec_command=None, proxied=False
    )


def test_entries_of_all_files_count(tmp_path):
    """Else a cluster, a user or a context that stands in the second file is not there."""
    first = content(current=None, contexts=[], users=[])
    second = content(clusters=[])
    found = chosen(tmp_path, first, second)
    assert (found.context, found.user) == ("one", "u")
    assert found.files == f"{tmp_path / '0.yaml'}{os.pathsep}{tmp_path / '1.yaml'}"


def test_the_first_entry_of_a_name_wins(tmp_path):
    """Else the janitor looks at another cluster than kubectl does."""
    proxied = content(cluster={"server": SERVER, "proxy-url": "http://proxy:3128"})
    assert chosen(tmp_path, proxied, content()).proxied
    assert not chosen(tmp_path, content(), proxied).proxied


def test_files_that_are_not_there_are_passed_over(tmp_path, monkeypatch):
    """Else KUBECONFIG as people have it, with a file for each cluster, does not work."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "there.yaml", content())
    listed = os.pathsep.join([str(tmp_path / "away.yaml"), "", "~/there.yaml"])
    assert choose(None, {"KUBECONFIG": listed}).files == str(tmp_path / "there.yaml")


@pytest.mark.parametrize("said", [True, False])
def test_without_kubeconfig_the_one_at_home_is_read(tmp_path, monkeypatch, said):
    """Else a terminal without KUBECONFIG has no cluster."""
    monkeypatch.setenv("HOME", str(tmp_path))
    home = write(tmp_path / ".kube" / "config", content())
    assert choose(None, {"HOME": str(tmp_path)} if said else {}).files == home


@pytest.mark.parametrize("text", ["a: 2026-99-99", "[" * 20_000, "\x00"])
def test_yaml_that_breaks_its_reader_is_one_sentence(tmp_path, text):
    """Else a slip of the pen is a traceback."""
    assert refused(tmp_path, text) == f"The kubeconfig {tmp_path / '0.yaml'} is not valid YAML."


# --- entries ---------------------------------------------------------------------------------


def test_what_is_no_entry_is_passed_over(tmp_path):
    """Else one odd line among the contexts ends in a traceback."""
    odd = content()
    odd["contexts"] = ["one", {"name": "two", "context": 3}, *odd["contexts"]]
    assert chosen(tmp_path, odd).context == "one"
    assert "no context 'two'; it has: one." in refused(tmp_path, odd, context="two")


def test_a_context_without_a_user_is_one(tmp_path):
    """Else a cluster behind `kubectl proxy` cannot be used."""
    anonymous = content(contexts=[{"name": "one", "context": {"cluster": "c"}}])
    assert chosen(tmp_path, anonymous).user == ""


def test_a_context_without_a_cluster_is_none(tmp_path):
    """Else a context that was half removed is a traceback."""
    assert "a cluster that is not there" in refused(
        tmp_path, content(contexts=[{"name": "one", "context": {"user": "u"}}])
    )


@pytest.mark.parametrize("server", [5, None, "", "ftp://10.0.0.1", "https://", "10.0.0.1:6443"])
def test_a_server_that_is_no_url(tmp_path, server):
    """Else a slip of the pen is a traceback of the official client."""
    assert "no http or https URL" in refused(tmp_path, content(cluster={"server": server}))


def test_an_entry_does_not_show_what_is_in_it():
    """Else a token is printed by whatever prints an entry."""
    assert CANARY not in repr(_Entry(Path("config"), {"token": CANARY}))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("cluster", "certificate-authority"),
        ("user", "client-certificate"),
        ("user", "client-key"),
        ("user", "tokenFile"),
    ],
)
def test_a_file_that_an_entry_names_must_be_there(tmp_path, kind, key):
    """Else the official client's error, which quotes the whole entry, is all that is known."""
    entry = {"server": SERVER, key: "named.pem"}
    said = refused(tmp_path, content(**{kind: entry}))
    assert f"names a {key} that is not there: {tmp_path / 'named.pem'}." in said
    write(tmp_path / "named.pem", "anything")
    assert chosen(tmp_path, content(**{kind: entry})).context == "one"


@pytest.mark.parametrize("key", ["certificate-authority", "client-certificate", "client-key"])
def test_data_makes_the_file_needless(tmp_path, key):
    """Else a kubeconfig with both, as minikube once wrote it, is refused."""
    entry = {"server": SERVER, key: "/nowhere.pem", f"{key}-data": "AA=="}
    kind = "cluster" if key == "certificate-authority" else "user"
    assert chosen(tmp_path, content(**{kind: entry})).context == "one"


# --- signing in ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gcp", "oidc"])
def test_providers_that_the_official_client_knows(tmp_path, name):
    """Else a user whose sign-in works with the official client is sent away."""
    user = {"auth-provider": {"name": name}}
    assert chosen(tmp_path, content(user=user)).exec_command is None


def test_a_program_on_the_path_signs_in(tmp_path):
    """Else nobody on a managed cluster can use the janitor from a terminal."""
    assert chosen(tmp_path, content(user={"exec": {"command": "sh"}})).exec_command == "sh"


def test_a_program_beside_the_kubeconfig_signs_in(tmp_path):
    """Else a kubeconfig that brings its plugin along cannot be used."""
    program = Path(write(tmp_path / "bin" / "plugin", "#!/bin/sh\n"))
    program.chmod(0o700)
    user = {"exec": {"command": "bin/plugin"}}
    assert chosen(tmp_path, content(user=user)).exec_command == "bin/plugin"


@pytest.mark.parametrize(("plugin", "named"), [({}, "''"), ({"command": "no-such"}, "'no-such'")])
def test_a_program_that_is_not_there_is_named(tmp_path, plugin, named):
    """Else nobody knows what to install."""
    assert f"by the program {named}, which is not installed" in refused(
        tmp_path, content(user={"exec": plugin})
    )


def test_a_token_comes_before_a_program(tmp_path):
    """Else a program that nobody needs must be installed."""
    user = {"token": CANARY, "exec": {"command": "no-such"}}
    assert chosen(tmp_path, content(user=user)).exec_command is None
