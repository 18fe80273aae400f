from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from janitor.cluster.client import Client
from janitor.cluster.connect import connect
from janitor.cluster.exchange import Limits
from janitor.cluster.observe import ApiCluster, OwnPod
from tests.apiserver import ApiServer, node, pod

PATIENT = Limits(connect=5.0, read=10.0, total=20.0)
"""For a machine that has much else to do."""
HASTY = Limits(connect=2.0, read=1.0, total=1.5, attempts=2)
"""For servers that let one wait."""


def limits_for(fault: dict) -> Limits:
    """Hasty where the fault is that nothing comes."""
    return HASTY if {"hang", "drip_headers", "drip_body"} & set(fault) else PATIENT


JANITOR = OwnPod(namespace="janitor", name="janitor-1", uid="uid-of-the-janitor")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A cluster with the janitor, a holder in `shop`, and one Ready Node."""
    with ApiServer().running() as api:
        api.pods = [
            pod("janitor-1", namespace="janitor", uid=JANITOR.uid),
            pod("shop-db-backup-x2x9k", namespace="shop"),
        ]
        api.nodes = [node("worker-1")]
        yield api


@pytest.fixture
def sleeps() -> list[float]:
    """What the client slept, in seconds: no test waits."""
    return []


@pytest.fixture
def client_of(tmp_path: Path, sleeps: list[float]) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def build(server: ApiServer, limits: Limits = PATIENT, **user: object) -> Client:
        file = server.kubeconfig(tmp_path / f"kubeconfig-{len(clients)}", **user)
        client = connect(
            context="test",
            environ={"KUBECONFIG": str(file), "PATH": os.environ["PATH"]},
            clock=lambda: dt.datetime.now(dt.UTC),
            sleep=sleeps.append,
            limits=limits,
        )
        clients.append(client)
        return client

    yield build
    for client in clients:
        client.close()


@pytest.fixture
def cluster_of(client_of: Callable[..., Client]) -> Callable[..., ApiCluster]:
    def build(
        server: ApiServer, own_pod: OwnPod | None = JANITOR, limits: Limits = PATIENT
    ) -> ApiCluster:
        client = client_of(server, limits)
        return ApiCluster(client, clock=lambda: dt.datetime.now(dt.UTC), own_pod=own_pod)

    return build
