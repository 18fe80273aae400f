"""Kubeconfigs, which people write, and a library without checks reads."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from janitor.cluster.connect import connect
from janitor.cluster.errors import BadKubeconfig
from janitor.cluster.kubeconfig import choose
from tests.fuzz.mutations import documents, texts
from tests.fuzz.sentences import CANARY, check_sentence
from tests.fuzz.target import Target

_KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "test",
    "clusters": [
        {
            "name": "test",
            "cluster": {
                "server": "https://127.0.0.1:6443",
                "certificate-authority-data": "LS0tCg==",
                "insecure-skip-tls-verify": False,
                "proxy-url": "http://127.0.0.1:3128",
                "tls-server-name": "x",
            },
        }
    ],
    "users": [{"name": "tester", "user": {"token": CANARY, "username": "a", "password": "b"}}],
    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "tester"}}],
}
_WITH_FILES = json.loads(
    json.dumps(_KUBECONFIG).replace('authority-data": "LS0tCg=="', 'authority": ""')
)
_WITH_FILES["users"][0]["user"] = {
    "client-key": "",
    "tokenFile": "",
    "auth-provider": {"name": "x"},
}
_KUBE_WORDS = ("test", "tester", "http://[", "https://", "a" * 300, "a\0b", "localhost", "aGk=")
_ENVIRONS = [
    {"KUBECONFIG": "", "HOME": "~nobody-x"},
    *({"KUBECONFIG": each} for each in ("~nobody-x/a", "/" + "a" * 300, "a\0b", "/proc/1/x", ":")),
]
_KUBE_TOKENS = ("&a ", "*a", "<<: *a\n", "certificate-authority: ", "tokenFile: ", "client-key: ")


def check_kubeconfig(value: tuple[bytes, str | None, dict[str, str]]) -> None:
    """A kubeconfig leads to an API server, or is refused in a line without its credentials."""
    raw, context, named = value
    if b"exec" in raw:
        return  # its program would be run
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config"
        path.write_bytes(raw)
        environ = {"KUBECONFIG": str(path)} | named
        try:
            chosen = choose(context, environ)
            assert chosen.context
            connect(
                context=context,
                environ=environ,
                clock=lambda: None,  # type: ignore[arg-type, return-value]  # nothing is sent
                sleep=lambda _: None,
            ).close()
        except BadKubeconfig as error:
            check_sentence(error, at_most=20_000, on_one_line=False)


def _with_exec(raw: bytes) -> bytes:
    return raw.replace(b'"token"', b'"exec"')


def check_exec(raw: bytes) -> None:
    """A kubeconfig with an exec plugin, which is looked for and not run, is chosen or refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config"
        path.write_bytes(_with_exec(raw))
        try:
            choose(None, {"KUBECONFIG": str(path), "PATH": "/nowhere"})
        except BadKubeconfig as error:
            check_sentence(error, at_most=20_000, on_one_line=False)


TARGETS = (
    Target(
        "kubeconfig",
        st.tuples(
            documents([_KUBECONFIG, _WITH_FILES], _KUBE_WORDS)
            | texts([json.dumps(_KUBECONFIG, indent=1)], _KUBE_TOKENS).map(
                lambda text: text.encode("utf-8", "replace")
            ),
            st.sampled_from([None, "test", "", "é"]),
            st.sampled_from([{}, {}, {}, *_ENVIRONS]),
        ),
        check_kubeconfig,
        examples=100,
    ),
    Target("kubeconfig-exec", documents([_KUBECONFIG], _KUBE_WORDS), check_exec, examples=50),
)
