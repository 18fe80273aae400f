"""The names that a real API server and its controllers make, against names.py's rules.

With E2E_RECORD set, what was seen goes into tests/data, where ordinary tests find it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.names.generated import Seen, wrong

from . import manifests
from .programs import apply, get, poll

DATA = Path(__file__).parents[1] / "data" / "generated-names.json"
NOWHERE = {"nodeSelector": {"e2e": "nowhere"}}
"""The pods only have to be made: their names are all that is looked at."""
JOBS = tuple(f"job-{length}-".ljust(length, "j") for length in range(40, 64))
INDEXED = tuple(f"indexed-{length}-".ljust(length, "i") for length in (20, 50, 58, 61))
CRONJOBS = tuple(f"cron-{length}-".ljust(length, "c") for length in (20, 40, 48, 52))
LONG = tuple(f"long-{length}-".ljust(length, "l") for length in (10, 40, 46, 47, 48, 52, 57))
STATEFUL = tuple(name for name in LONG if len(name) <= 48)
"""A longer one gets no pods: the revision's name in their label would be too long."""


def template(namespace: str, image: str) -> dict:
    made = manifests.container("pause", image, ["sleep", "infinity"])
    return {
        "metadata": {"labels": {"app": "names"}},
        "spec": manifests.pod_spec([made], **NOWHERE),
    }


def made(namespace: str, image: str) -> list[dict]:
    pods = template(namespace, image)
    once = {**pods, "spec": pods["spec"] | {"restartPolicy": "Never"}}
    selector = {"selector": {"matchLabels": {"app": "names"}}}

    def of(version: str, kind: str, name: str, **spec: object) -> dict:
        metadata = {"name": name, "namespace": namespace}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}

    indexed = {"completionMode": "Indexed", "completions": 2, "parallelism": 2}
    return [
        *(of("batch/v1", "Job", name, template=once) for name in JOBS),
        *(of("batch/v1", "Job", name, template=once, **indexed) for name in INDEXED),
        *(
            of(
                "batch/v1",
                "CronJob",
                name,
                schedule="* * * * *",
                jobTemplate={"spec": {"template": once}},
            )
            for name in CRONJOBS
        ),
        *(of("apps/v1", "Deployment", f"d-{name}", template=pods, **selector) for name in LONG),
        *(of("apps/v1", "ReplicaSet", f"r-{name}", template=pods, **selector) for name in LONG),
        *(
            of("apps/v1", "StatefulSet", f"s-{name}", template=pods, serviceName="x", **selector)
            for name in STATEFUL
        ),
    ]


def seen(namespace: str) -> list[Seen]:
    """Every pod with the workload that it comes from."""
    owners = {
        (each["kind"], each["metadata"]["name"]): each
        for kind in ("jobs", "replicasets")
        for each in get(kind, namespace=namespace).get("items", [])
    }
    found = []
    for pod in get("pods", namespace=namespace).get("items", []):
        owner = pod["metadata"]["ownerReferences"][0]
        kind, name = owner["kind"], owner["name"]
        above = owners.get((kind, name), {}).get("metadata", {}).get("ownerReferences")
        if above:
            kind, name = above[0]["kind"], above[0]["name"]
        hostname = pod["spec"].get("hostname")
        indexed = "batch.kubernetes.io/job-completion-index" in pod["metadata"].get("labels", {})
        found.append(Seen(kind, name, pod["metadata"]["name"], hostname, indexed))
    return found


@pytest.mark.slow
def test_generated_names_fit_the_rules(namespace, repository):
    """Otherwise a dead backup's lock is a foreign host's, or a neighbour's pod taken for ours."""
    apply(*made(namespace, repository.image))
    expected = {*JOBS, *INDEXED, *CRONJOBS, *(f"{kind}-{name}" for kind in "dr" for name in LONG)}
    expected |= {f"s-{name}" for name in STATEFUL}

    def all_there() -> list[Seen]:
        found = seen(namespace)
        return found if {each.owner for each in found} == expected else []

    found = poll("every workload has a pod", all_there, seconds=150, every=3)
    assert wrong(found) == []
    if os.environ.get("E2E_RECORD"):
        rows = sorted({(e.kind, e.owner, e.pod, e.hostname, e.indexed) for e in found}, key=str)
        DATA.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
