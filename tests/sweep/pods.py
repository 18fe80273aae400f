"""An installation in a pod, with a real API server's stand-in, and `doctor` in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.apiserver import ApiServer, node, pod
from tests.sweep.installation import Done, Installation, run
from tests.unit.cluster.pki import make_certificate

STATE = {"namespace": "janitor", "name": "restic-janitor-state"}


@dataclass
class InAPod:
    """What is there, and how the command is run there."""

    installation: Installation
    api: ApiServer
    folder: Path

    def doctor(self, *more: str, output: str = "json", **environment: str) -> Done:
        return self.run("doctor", *more, output=output, **environment)

    def run(self, command: str, *more: str, output: str = "json", **environment: str) -> Done:
        variables = {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.api.port),
            "POD_NAMESPACE": "janitor",
            "POD_NAME": "janitor-1",
            "POD_UID": "uid-1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        words = [sys.executable, "-m", "tests.sweep.in_a_pod", str(self.folder), command]
        words += ["--config", str(self.installation.write_config()), "--output", output, *more]
        return run(words, self.installation.environment(variables | environment))


@contextmanager
def in_a_pod(installation: Installation, folder: Path) -> Iterator[InAPod]:
    """The janitor's pod in a cluster that lets it do what k8s/ grants."""
    account = folder / "account"
    account.mkdir()
    certificate, key = make_certificate(folder)
    (account / "token").write_text("a token")
    (account / "ca.crt").write_bytes(certificate.read_bytes())
    with ApiServer(tls=(certificate, key)).running() as api:
        api.nodes = [node()]
        api.pods = [pod("janitor-1", namespace="janitor", uid="uid-1"), pod("web-1")]
        api.put_configmap({"kind": "ConfigMap", "metadata": dict(STATE)})
        yield InAPod(installation, api, folder)


def by(done: Done, *statuses: str) -> list[dict[str, Any]]:
    """The checks that ended so."""
    return [line for line in done.of("check") if line["status"] in statuses]
