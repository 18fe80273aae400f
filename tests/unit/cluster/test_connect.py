"""The way to a server: what people get wrong, in one sentence, and never a credential."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import logging
import os
import stat
import traceback
from pathlib import Path

import pytest
import yaml

import janitor.cluster.connect as connect_module
from janitor.cluster.client import Client
from janitor.cluster.connect import ACCOUNT, _is_loopback, connect, own_pod
from janitor.cluster.errors import (
    BadKubeconfig,
    Busy,
    ClusterError,
    Right,
    Unauthenticated,
    Untrusted,
)
from janitor.cluster.exchange import Limits, Request
from janitor.cluster.observe import ApiCluster, OwnPod
from tests.apiserver import ApiServer
from tests.unit.cluster.conftest import PATIENT
from tests.unit.cluster.pki import make_certificate

CANARY = "c4n4ry-T0k3n"
VERSION = Request(Right("get", "/version", "base"), "GET", "/version")


def reach(environ: dict[str, str], context: str | None = None, **more: object) -> Client:
    return connect(
        context=context,
        environ={"PATH": os.environ["PATH"], **environ},
        clock=lambda: dt.datetime.now(dt.UTC),
        sleep=lambda _: None,
        limits=PATIENT,
        **more,
    )


def config(tmp_path: Path, text: object) -> dict[str, str]:
    file = tmp_path / "kubeconfig"
    file.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    return {"KUBECONFIG": str(file)}


def document(
    user: object = None, cluster: object = None, current: str | None = "one"
) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": "c", "cluster": cluster or {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "u"}},
            {"name": "lost", "context": {"cluster": "nowhere", "user": "u"}},
            {"name": "nobody", "context": {"cluster": "c", "user": "ghost"}},
        ],
    }


def refused(environ: dict[str, str], context: str | None = None, **more: object) -> str:
    with pytest.raises(BadKubeconfig) as raised:
        reach(environ, context, **more)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- kubeconfig ------------------------------------------------------------------------------


def test_no_kubeconfig_names_the_place_and_the_other_way(tmp_path):
    """Else a newcomer sees a traceback of the official client."""
    said = refused({"HOME": str(tmp_path)})
    assert f"{tmp_path}/.kube/config" in said
    assert "--cluster" in said
    assert str(tmp_path / "x") in refused({"KUBECONFIG": str(tmp_path / "x")})


def test_an_unknown_context_lists_those_there_are(tmp_path):
    """Else people guess at names."""
    said = refused(config(tmp_path, document()), "prod")
    assert "'prod'" in said
    assert "lost, nobody, one, two" in said


@pytest.mark.parametrize(
    ("content", "context", "says"),
    [
        ("", "one", "no kubeconfig"),
        ("just words", "one", "no kubeconfig"),
        ("a: [1,\n  b: }", "one", "line 2"),
        ("\x00\x01", "one", "not valid YAML"),
        (document(current=None), None, "no current context"),
        (document(), "lost", "a cluster that is not there"),
        (document(), "nobody", "'ghost'"),
        (document(cluster={"server": "127.0.0.1:6443"}), "one", "no http or https URL"),
        (document(cluster={"server": "https://[bad"}), "one", "no http or https URL"),
        ({"contexts": 3, "clusters": None}, "one", "none at all"),
        (document(user={"client-certificate": "/nowhere/tls.crt"}), "one", "/nowhere/tls.crt"),
        (document(user={"tokenFile": "token"}), "one", "tokenFile"),
        (document(user={"auth-provider": {"name": "azure"}}), "one", "no longer supported"),
        (document(user={"exec": {"command": "no-such-plugin"}}), "one", "'no-such-plugin'"),
    ],
)
def test_a_wrong_kubeconfig_is_one_sentence(tmp_path, content, context, says):
    """Else people get a traceback for a slip of the pen."""
    assert says in refused(config(tmp_path, content), context)


def test_an_unreadable_kubeconfig_is_one_sentence(tmp_path):
    """Else a directory of that name is a traceback."""
    assert "cannot be read" in refused({"KUBECONFIG": str(tmp_path)})


def test_the_named_context_is_used_and_not_the_current_one(server, tmp_path):
    """Else another cluster's pods decide about this one's locks."""
    whole = document(current="two")
    whole["clusters"].append({"name": "right", "cluster": {"server": server.url}})
    whole["contexts"][0]["context"]["cluster"] = "right"
    client = reach(config(tmp_path, whole), "one")
    client.call(VERSION)
    client.close()
    assert client.server == f"127.0.0.1:{server.port}"


def test_of_several_files_the_first_current_context_wins(server, tmp_path):
    """Else the janitor looks at another cluster than kubectl does."""
    first = document(cluster={"server": server.url}, current="one")
    (tmp_path / "first").write_text(json.dumps(first))
    (tmp_path / "second").write_text(json.dumps(document(current="lost")))
    both = f"{tmp_path / 'first'}{os.pathsep}{tmp_path / 'second'}"
    client = reach({"KUBECONFIG": both})
    client.call(VERSION)
    client.close()


# --- signing in ------------------------------------------------------------------------------


def basic(password: str) -> str:
    return base64.b64encode(f"admin:{password}".encode()).decode()


@pytest.mark.parametrize("token", [CANARY, f"  {CANARY}\n"])
def test_a_token_signs_in(server, client_of, token):
    """Else a token file with a newline at its end does not work as with kubectl."""
    server.token = CANARY
    client_of(server, token=token).call(VERSION)


def plugin(tmp_path: Path, script: str) -> dict[str, object]:
    program = tmp_path / "plugin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(program),
            "interactiveMode": "Never",
        }
    }


def test_an_exec_plugin_signs_in(server, client_of, tmp_path):
    """Else nobody on a managed cluster can use the janitor from a terminal."""
    server.token = CANARY
    given = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": CANARY},
    }
    client_of(server, **plugin(tmp_path, f"echo '{json.dumps(given)}'")).call(VERSION)


@pytest.mark.parametrize(
    "script",
    [f"echo {CANARY} >&2; exit 1", f"echo {CANARY}", f'echo \'{{"kind": "{CANARY}"}}\'', "exit 0"],
)
def test_a_failing_exec_plugin_is_named_and_not_quoted(server, client_of, tmp_path, caplog, script):
    """Else a plugin's words, which may hold a token, are printed, or nobody knows what failed."""
    with pytest.raises(BadKubeconfig, match=r"plugin.*failed") as raised:
        client_of(server, **plugin(tmp_path, script))
    assert CANARY not in everything(raised.value) + caplog.text


def test_a_plugin_that_cannot_even_be_started_is_named(tmp_path):
    """Else people look for the mistake in their context and not in their plugin."""
    said = refused(config(tmp_path, document(user={"exec": {"command": "sh", "args": 3}})), "one")
    assert "The program 'sh', by which the kubeconfig's user 'u' signs in, failed" in said


def test_a_user_who_cannot_be_used_is_named(tmp_path):
    """Else people look for a plugin that there is not."""
    user = {"username": 7, "password": CANARY}
    said = refused(config(tmp_path, document(user=user)), "one")
    assert "context 'one' or its user 'u' cannot be used" in said


def test_a_failing_plugin_leaves_the_log_as_it_was(server, client_of, tmp_path, monkeypatch):
    """Else the official client sets logging up, and all libraries begin to talk."""
    monkeypatch.setattr(logging.root, "handlers", [])
    filters = list(logging.root.filters)
    with pytest.raises(BadKubeconfig):
        client_of(server, **plugin(tmp_path, "exit 1"))
    assert (logging.root.handlers, logging.root.filters) == ([], filters)


def test_an_exec_plugin_that_hangs_is_not_waited_for_for_ever(
    server, client_of, tmp_path, monkeypatch
):
    """Else a timer's sweep by kubeconfig hangs for good, and so do all that come after it."""
    monkeypatch.setattr(connect_module, "PLUGIN_PATIENCE", 0.3)
    with pytest.raises(BadKubeconfig, match=r"plugin.*did not end within"):
        client_of(server, **plugin(tmp_path, "sleep 3"))


def everything(error: BaseException) -> str:
    """All that could ever be printed of an exception: its texts, and those it hangs on."""
    texts = ["".join(traceback.format_exception(error)), repr(error)]
    seen: list[BaseException | None] = [error.__cause__, error.__context__]
    while seen:
        each = seen.pop()
        if each is not None:
            texts.append(repr(each))
            seen += [each.__cause__, each.__context__]
    return "\n".join(texts)


@pytest.mark.parametrize(
    "user",
    [
        {"token": CANARY},
        {"token": f"{CANARY}\x07bell"},
        {"token": f"{CANARY}-é"},
        {"token": [CANARY]},
        {"token": {"a": CANARY}},
        {"username": "admin", "password": CANARY},
        {"username": "admin", "password": [CANARY]},
        {"username": 7, "password": CANARY},
        {"client-certificate-data": f"%{CANARY}%", "client-key-data": f"%{CANARY}%"},
        {"auth-provider": {"name": "oidc", "config": {"refresh-token": CANARY}}},
        {"auth-provider": {"name": "gcp", "config": {"access-token": CANARY, "expiry": "x"}}},
        {"exec": {"command": "sh", "env": [{"name": "T", "value": CANARY}], "args": 3}},
        {"exec": {"command": "sh", "env": {"T": CANARY}}},
    ],
)
@pytest.mark.parametrize(
    "fault", [{"status": 401}, {"status": 403}, {"status": 500}, {"drop": True}]
)
def test_no_credential_is_ever_told(  # noqa: PLR0917 - fixtures
    server, client_of, caplog, capfd, user, fault
):
    """Else a password is in the log for everybody who may read it."""
    caplog.set_level(logging.DEBUG)
    echo = {"kind": "Status", "message": f"{CANARY} {basic(CANARY)}"}
    server.fail_next("/", times=99, body=json.dumps(echo).encode(), **fault)
    said = ""
    try:
        client = client_of(server, **user)
        said += repr(client)
        said += repr(
            ApiCluster(client, clock=lambda: dt.datetime.now(dt.UTC)).observe(
                namespaces=None, nodes=True
            )
        )
        client.call(VERSION)
    except ClusterError as error:
        said += everything(error)
    assert said
    said += caplog.text + "".join(capfd.readouterr())
    assert CANARY not in said
    assert basic(CANARY) not in said


def test_a_password_in_the_servers_url_is_not_told(server, tmp_path):
    """Else the URL of a proxy before the API gives its password away."""
    url = server.url.replace("http://", f"http://admin:{CANARY}@")
    client = reach(config(tmp_path, document(cluster={"server": url})), "one")
    server.stop()
    with pytest.raises(ClusterError) as raised:
        client.call(VERSION)
    assert CANARY not in everything(raised.value) + client.server
    assert "127.0.0.1" in str(raised.value)


def test_a_token_that_is_not_accepted_says_whose(server, client_of):
    """Else people renew the wrong credentials."""
    server.token = "another"
    with pytest.raises(Unauthenticated, match="kubeconfig's context 'test'"):
        client_of(server, token=CANARY).call(VERSION)


# --- proxies ---------------------------------------------------------------------------------

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
NOBODY = "http://127.0.0.1:1"
"""Where nothing listens."""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_of_the_environment_is_not_for_this_machine(server, tmp_path, monkeypatch, host):
    """Else a cluster on this machine cannot be reached where a proxy is set, as with kubectl."""
    for name in PROXIES:
        monkeypatch.setenv(name, NOBODY)
    url = server.url.replace("127.0.0.1", host)
    client = reach(config(tmp_path, document(cluster={"server": url})), "one")
    client.call(VERSION)
    client.close()


def test_a_proxy_of_the_environment_is_for_all_others(server, tmp_path, monkeypatch):
    """Else a cluster behind a proxy cannot be reached."""
    for name in PROXIES:
        monkeypatch.setenv(name, server.url)
    client = reach(config(tmp_path, document(cluster={"server": "http://cluster.example"})), "one")
    client.call(VERSION)
    client.close()


def test_a_proxy_of_the_kubeconfig_is_for_this_machine_too(server, tmp_path):
    """Else a tunnel that somebody set up on purpose is passed by."""
    there = {"server": "http://127.0.0.1:1", "proxy-url": server.url}
    client = reach(config(tmp_path, document(cluster=there)), "one")
    client.call(VERSION)
    client.close()


@pytest.mark.parametrize("proxy", ["http://[bad", "ftp://proxy:21", "proxy:3128"])
def test_a_proxy_that_is_no_url_is_one_sentence(tmp_path, proxy):
    """Else a slip of the pen is a traceback, with a password that may stand in it."""
    there = {"server": "http://127.0.0.1:1", "proxy-url": proxy}
    said = refused(config(tmp_path, document(cluster=there)), "one")
    assert "is no URL" in said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://localhost:6443", True),
        ("https://127.0.0.1:6443", True),
        ("https://127.8.9.1", True),
        ("https://[::1]:6443", True),
        ("https://10.0.0.1", False),
        ("https://localhost.example", False),
        ("https://cluster.example", False),
        ("https://", False),
    ],
)
def test_what_this_machine_is(url, expected):
    """Else a proxy that must be used is not, or one that must not is."""
    assert _is_loopback(url) is expected


# --- in a pod --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def tls_server(certificate):
    with ApiServer(tls=certificate).running() as api:
        yield api


@pytest.fixture
def account(tmp_path, certificate) -> Path:
    """What the kubelet mounts."""
    (tmp_path / "ca.crt").write_bytes(certificate[0].read_bytes())
    (tmp_path / "token").write_text(CANARY)
    return tmp_path


def pod_environment(port: int) -> dict[str, str]:
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}


def test_a_pod_uses_its_service_account(tls_server, account):
    """Else the CronJob cannot do anything."""
    client = reach(pod_environment(tls_server.port), account=account)
    client.call(VERSION)
    client.close()
    assert tls_server.requests[0].authorization.lower() == f"bearer {CANARY}".lower()


def test_a_pod_and_a_kubeconfig_of_one_ca_are_one_cluster(tls_server, account, tmp_path):
    """Else Nodes that a person's dry run saw are another cluster's to the CronJob."""
    inside = reach(pod_environment(tls_server.port), account=account)
    ca = (account / "ca.crt").read_bytes()
    data = base64.b64encode(ca.replace(b"\n", b"\r\n")).decode()
    there = {"server": "https://another.name:6443", "certificate-authority-data": data}
    outside = reach(config(tmp_path, document(cluster=there)), "one")
    expected = hashlib.sha256(b"".join(ca.split())).hexdigest()[:16]
    assert inside.identity == outside.identity == expected


def test_in_a_pod_a_context_still_means_the_kubeconfig(server, tmp_path, account):
    """Else a person in a debug pod looks at the wrong cluster."""
    environ = pod_environment(1) | config(tmp_path, document(cluster={"server": server.url}))
    client = reach(environ, "one", account=account)
    assert client.server == f"127.0.0.1:{server.port}"


def test_the_account_is_where_the_kubelet_mounts_it():
    """Else the CronJob finds no token."""
    assert Path("/var/run/secrets/kubernetes.io/serviceaccount") == ACCOUNT


@pytest.mark.parametrize("damage", ["folder", "bytes"])
def test_a_token_that_cannot_be_read_names_the_setting(account, damage):
    """Else a damaged mount ends in a traceback."""
    token = account / "token"
    token.unlink()
    token.mkdir() if damage == "folder" else token.write_bytes(b"\xff\xfe")
    assert "automountServiceAccountToken" in refused(pod_environment(443), account=account)


def test_the_limits_that_are_given_hold(server, tmp_path):
    """Else a server that fails is asked for a minute where once was asked for."""
    server.fail_next("/version", times=99, status=500)
    client = connect(
        context="one",
        environ=config(tmp_path, document(cluster={"server": server.url})),
        clock=lambda: dt.datetime.now(dt.UTC),
        sleep=lambda _: None,
        limits=Limits(attempts=1),
    )
    with pytest.raises(Busy):
        client.call(VERSION)
    assert len(server.requests) == 1


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_no_mounted_account_names_the_setting(account, missing):
    """Else a pod without a token ends in a traceback."""
    (account / missing).unlink()
    said = refused(pod_environment(443), account=account)
    assert "automountServiceAccountToken" in said


def test_another_certificate_is_not_trusted_and_not_tried_again(
    tls_server, account, tmp_path_factory
):
    """Else whoever sits between may say which pods there are."""
    other, _ = make_certificate(tmp_path_factory.mktemp("other"))
    (account / "ca.crt").write_bytes(other.read_bytes())
    client = reach(pod_environment(tls_server.port), account=account)
    with pytest.raises(Untrusted, match="is not trusted"):
        client.call(VERSION)
    assert tls_server.requests == []


def test_a_broken_ca_is_one_sentence(tls_server, account):
    """Else a damaged mount ends in a traceback."""
    (account / "ca.crt").write_text("no certificate")
    client = reach(pod_environment(tls_server.port), account=account)
    with pytest.raises(Untrusted):
        client.call(VERSION)


def test_https_to_a_server_that_speaks_http_is_one_sentence(server, account):
    """Else a wrong port ends in a traceback."""
    client = reach(pod_environment(server.port), account=account)
    with pytest.raises(Untrusted, match="no TLS connection"):
        client.call(VERSION)


def test_tls_that_is_not_verified_warns_nobody_per_request(tls_server, tmp_path):
    """Else a kubeconfig with insecure-skip-tls-verify floods the log."""
    insecure = {"server": tls_server.url, "insecure-skip-tls-verify": True}
    client = reach(config(tmp_path, document(cluster=insecure)), "one")
    client.call(VERSION)
    client.close()


def test_the_witness_comes_from_the_downward_api():
    """Else a manifest without POD_UID sweeps without a witness."""
    whole = {"POD_NAMESPACE": "janitor", "POD_NAME": "janitor-1", "POD_UID": "u"}
    assert own_pod(whole) == OwnPod(namespace="janitor", name="janitor-1", uid="u")
    with pytest.raises(BadKubeconfig, match="POD_NAME, POD_UID"):
        own_pod({"POD_NAMESPACE": "janitor", "POD_UID": ""})
