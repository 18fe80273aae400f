"""What a Secret of the cluster holds is in no output, Event, state or termination message, however
wrong the object that names it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver import ApiServer, node, pod

CANARY = "canary-8d1f5c7e"
GROUP = "volsync.backube"
GOOD = {
    "RESTIC_REPOSITORY": "s3:http://127.0.0.1:9/bucket/app",
    "RESTIC_PASSWORD": CANARY,
    "AWS_ACCESS_KEY_ID": CANARY,
    "AWS_SECRET_ACCESS_KEY": CANARY,
}
ODD: dict[str, dict[str, str]] = {
    "complete": {},
    "unknown-scheme": {"RESTIC_REPOSITORY": f"{CANARY}:x"},
    "no-second-colon": {"RESTIC_REPOSITORY": f"gs:{CANARY}"},
    "password-in-url": {"RESTIC_REPOSITORY": f"rest:http://me:{CANARY}@127.0.0.1:9/"},
    "credentials-in-s3-url": {"RESTIC_REPOSITORY": f"s3:http://a:{CANARY}@127.0.0.1:9/b"},
    "spoiled-url": {"RESTIC_REPOSITORY": f"rest:http://me:{CANARY}#@127.0.0.1:9/"},
    "newline": {"RESTIC_REPOSITORY": f"rest:http://me:{CANARY}@127.0.0.1:9/\n"},
    "sftp": {"RESTIC_REPOSITORY": f"sftp:me:{CANARY}@host:/x"},
    "rclone": {"RESTIC_REPOSITORY": f"rclone:remote,pass={CANARY}:x"},
    "command": {
        "RESTIC_REPOSITORY": "s3:http://127.0.0.1:9/bucket/command",
        "RESTIC_PASSWORD_COMMAND": f"echo {CANARY}",
    },
    "no-key": {"AWS_SECRET_ACCESS_KEY": ""},
    "key-with-a-newline": {"AWS_ACCESS_KEY_ID": f"{CANARY}\n"},
    "sts": {"RESTIC_AWS_ASSUME_ROLE_STS_ENDPOINT": f"http://{CANARY}"},
    "local": {"RESTIC_REPOSITORY": "/etc"},
}


def swept(server: ApiServer, folder: Path, sources: str, state: Path) -> str:
    """Everything that a run tells anybody."""
    configuration = folder / "janitor.yaml"
    configuration.write_text(f"discover: {sources}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "KUBECONFIG": str(server.kubeconfig(folder / "kubeconfig")),
    }
    said = ""
    for command in (("sweep", "--output", "json"), ("list", "--output", "table")):
        words = [*command, "--config", configuration, "--context", "test", "--state", state]
        done = subprocess.run(
            [sys.executable, "-m", "janitor", *map(str, words)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
        said += done.stdout + done.stderr
    return said + str(server.written_events)


def test_no_secret_of_a_discovered_repository_is_told(tmp_path: Path) -> None:
    """Else whoever reads the janitor's log opens the backups of the whole cluster."""
    server = ApiServer()
    server.pods, server.nodes = [pod("app")], [node()]
    server.install(GROUP, "v1alpha1", "replicationsources", "ReplicationSource")
    for name, keys in ODD.items():
        server.add_secret("shop", name, **GOOD | keys)
        spec = {"restic": {"repository": name}}
        server.add(GROUP, "replicationsources", "shop", name, spec=spec)
    with server.running():
        state = tmp_path / "state.json"
        told = swept(server, tmp_path, "{volsync: {}}", state)
    for name in ODD:
        assert f"volsync/shop/{name}" in told
    # of a location only the password is one: a bucket's or a remote's name is told
    shown = {"unknown-scheme", "no-second-colon"}
    lines = [line for line in told.splitlines() if CANARY in line]
    assert [line for line in lines if not any(f"shop/{name}" in line for name in shown)] == []
    assert CANARY not in state.read_text()


@pytest.mark.parametrize("key", ["RESTIC_CACERT", "RESTIC_PASSWORD_FILE"])
def test_no_mounted_secret_of_a_workload_is_told(tmp_path: Path, key: str) -> None:
    """Else a certificate's key, or a password in the wrong place, would be in the log."""
    server = ApiServer()
    server.pods, server.nodes = [pod("app")], [node()]
    for kind in ("CronJob", "Job"):
        server.install("batch", "v1", f"{kind.lower()}s", kind)
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        server.install("apps", "v1", f"{kind.lower()}s", kind)
    server.add_secret("shop", "files", odd=f"{CANARY} {CANARY}")
    env: list[dict[str, Any]] = [{"name": key, "value": "/s/odd"}]
    env.append({"name": "RESTIC_REPOSITORY", "value": "rest:https://127.0.0.1:9/"})
    if key != "RESTIC_PASSWORD_FILE":
        env.append({"name": "RESTIC_PASSWORD", "value": "x"})
    mounts = [{"name": "v", "mountPath": "/s"}]
    spec = {
        "containers": [{"name": "restic", "env": env, "volumeMounts": mounts}],
        "volumes": [{"name": "v", "secret": {"secretName": "files"}}],
    }
    labels = {"labels": {"restic-janitor.io/discover": "true"}}
    template = {"template": {"spec": spec}}
    server.add("apps", "deployments", "shop", "app", metadata=labels, spec=template)
    with server.running():
        told = swept(server, tmp_path, "{workloads: {}}", tmp_path / "state.json")
    assert "workloads/shop/app" in told
    assert CANARY not in told
