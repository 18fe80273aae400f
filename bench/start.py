"""From the first instruction to the first request, of a store and of the API server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.commands import CHECKOUT, JANITOR, PYTHON, sweep
from bench.figures import Figure
from bench.measure import Command, measure, until_request


def figures(folder: Path, environment: Mapping[str, str]) -> list[Figure]:
    (folder / "account").mkdir(parents=True)
    helped = measure([*JANITOR, "--help"], environment)

    def to_store(port: int) -> Command:
        return sweep(folder / "store", f"rest:http://127.0.0.1:{port}/r{{}}", count=1)

    for name in ("token", "ca.crt"):
        (folder / "account" / name).write_text("killed before it is used")

    def to_cluster(port: int) -> Command:
        """As in a pod: by a service account."""
        command = sweep(folder / "cluster", str(folder / "r{}"), count=1)
        variables = [
            f"PYTHONPATH={CHECKOUT}",
            "KUBERNETES_SERVICE_HOST=127.0.0.1",
            f"KUBERNETES_SERVICE_PORT={port}",
            *(f"POD_{name}=janitor" for name in ("NAME", "NAMESPACE", "UID")),
        ]
        in_a_pod = [PYTHON, "-m", "tests.sweep.in_a_pod", folder]
        return ["env", *variables, *in_a_pod, *command[len(JANITOR) :]]

    store = until_request(to_store, environment)
    cluster = until_request(to_cluster, environment)
    whole = "killed when it connects"
    return [
        Figure("`--help`", helped.cpu, 0.1, "s CPU", "whole process"),
        Figure("start to the first request, of a REST server", store.cpu, 0.4, "s CPU", whole),
        Figure("start to the first request, of a pod's cluster", cluster.cpu, 0.4, "s CPU", whole),
    ]
