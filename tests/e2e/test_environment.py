"""What a real kubelet gives a container, against what the janitor makes of its template.

With E2E_RECORD set, what was seen goes into tests/data, where ordinary tests find it.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from tests import environments

from . import manifests
from .backups import phase
from .programs import apply, kubectl, poll

DATA = Path(__file__).parents[1] / "data" / "container-environments.json"
PRINT = """
import base64, os
pairs = (name + b"=" + value for name, value in os.environb.items())
print(base64.b64encode(b"\\0".join(pairs)).decode())
"""
"""Not by a shell, which drops names that it cannot use."""
COUNT = 60
A_POD = 20


def printed(namespace: str, pod: str, container: str) -> dict[str, str]:
    """The variables that the container got."""
    text = kubectl("logs", pod, "-c", container, namespace=namespace)
    pairs = base64.b64decode(text).decode("utf-8", "surrogateescape").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_environments_are_those_of_the_kubelet(namespace, repository):
    """Otherwise the janitor looks at another repository than the workload, or with a wrong key."""
    specs = environments.containers(COUNT)
    objects = [
        manifests.secret(namespace, name, keys) for name, keys in environments.SECRETS.items()
    ]
    objects += [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": keys,
        }
        for name, keys in environments.CONFIG_MAPS.items()
    ]
    command = ["python3", "-c", PRINT]
    for start in range(0, COUNT, A_POD):
        containers = [
            manifests.container(f"c{number}", repository.image, command) | specs[number]
            for number in range(start, start + A_POD)
        ]
        metadata = {
            "name": f"pod-{start}",
            "namespace": namespace,
            "labels": environments.LABELS,
        }
        spec = manifests.pod_spec(containers, restartPolicy="Never")
        objects.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    apply(*objects)
    found = []
    for number in range(COUNT):
        pod = f"pod-{number // A_POD * A_POD}"
        poll(f"{pod} ended", lambda pod=pod: phase(namespace, pod) == "Succeeded", seconds=180)
        got = printed(namespace, pod, f"c{number}")
        expected = environments.of_the_janitor(specs[number], namespace)
        assert {name: got.get(name) for name in expected} == expected, specs[number]
        ours = {name for name in got if name.startswith(("T_", "P_", "RESTIC_P", "RESTIC_T"))}
        assert ours - {"RESTIC_PASSWORD"} <= set(expected), specs[number]
        found.append({"spec": specs[number], "environment": {n: got[n] for n in expected}})
    if os.environ.get("E2E_RECORD"):
        rows = [json.dumps(each).replace(namespace, "NAMESPACE") for each in found]
        DATA.write_text("[\n" + ",\n".join(rows) + "\n]\n")
