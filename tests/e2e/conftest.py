"""The session's cluster, a namespace for each test, and what is shown when a test fails."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import cluster, crds, installation, manifests, stores
from .programs import apply, kubectl, run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--keep-cluster", action="store_true", help="leave the kind cluster for the next run"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: waits for more than a minute; started first")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest starts first, beside everything else."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def controls(session: pytest.Session) -> bool:
    """True in the process that starts the workers; false in those, and where nothing is run."""
    return not hasattr(session.config, "workerinput") and not session.config.option.collectonly


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Before any worker starts: they inherit the environment."""
    if not controls(session):
        return
    started = time.monotonic()

    def tell(what: str) -> None:
        print(f"e2e: {what}: {time.monotonic() - started:.0f} s", flush=True)

    cluster.start()
    tell("cluster")
    os.environ["E2E_IMAGE_BACKUP"] = cluster.build(
        "restic-janitor-backup", cluster.HERE / "images" / "backup"
    )
    os.environ["E2E_IMAGE_JANITOR"] = cluster.build("restic-janitor", cluster.CHECKOUT)
    tell("images")
    apply(*crds.definitions())
    stores.deploy(os.environ["E2E_IMAGE_BACKUP"])
    tell("stores")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if controls(session) and not session.config.getoption("--keep-cluster"):
        cluster.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: Any = yield
    if report.when == "call" and report.failed and "namespace" in getattr(item, "funcargs", {}):
        report.sections.append(("cluster", describe(item.funcargs["namespace"])))
    return report


def describe(namespace: str) -> str:
    """Everything that helps to understand a failure: pods, their logs, Events."""
    parts = [
        kubectl(
            "get",
            "all,configmap,persistentvolumeclaim",
            "-o",
            "wide",
            namespace=namespace,
            check=False,
        ),
        kubectl(
            "get",
            "events",
            "--sort-by=.metadata.creationTimestamp",
            namespace=namespace,
            check=False,
        ),
        kubectl("describe", "pods", namespace=namespace, check=False),
    ]
    for pod in kubectl("get", "pods", "-o", "name", namespace=namespace, check=False).split():
        log = run(
            "kubectl", "-n", namespace, "logs", pod, "--all-containers", "--tail=60", check=False
        )
        parts.append(f"--- log of {pod}\n{log.stdout}{log.stderr}")
    return "\n\n".join(parts)


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new namespace, which enforces the restricted Pod Security Standard."""
    words = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    name = f"{words[:40].strip('-')}-{secrets.token_hex(2)}"
    apply(manifests.namespace(name))
    yield name
    installation.uninstall(name)
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """Which store the repository lies in; parametrised where a test is about stores."""
    return getattr(request, "param", "s3")


@pytest.fixture
def repository(namespace: str, store: str) -> stores.Repository:
    """A new repository; its environment is the Secret `repository` of the test's namespace."""
    made = stores.repository(store, namespace)
    apply(manifests.secret(namespace, "repository", made.environment))
    return made


@pytest.fixture
def install(
    namespace: str, repository: stores.Repository, tmp_path: Path
) -> Callable[..., installation.Janitor]:
    """Installs the janitor for the test's repository; takes what `installation.install` takes."""

    def installed(**settings: Any) -> installation.Janitor:
        return installation.install(namespace, repository, tmp_path, **settings)

    return installed
