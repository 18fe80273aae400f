"""The cluster of the whole session: made once, with its images, and shared by all workers.

Only test_nodes.py may run on the worker: it is tainted, the control plane is not.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

from .programs import container_tool, get, kubectl, poll, run

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
NAME = os.environ.get("E2E_CLUSTER", "restic-janitor-e2e")
WORKER = f"{NAME}-worker"
LOADED = "e2e/loaded"
"""The annotation of a Node that names the images in its store, for kept clusters."""


def _answers() -> bool:
    """Whether the cluster that is there still lives: a machine that was restarted leaves a dead
    one."""
    exported = run("kind", "export", "kubeconfig", "--name", NAME, check=False)
    asked = run("kubectl", "get", "nodes", "--request-timeout=10s", check=False)
    return exported.returncode == 0 and asked.returncode == 0


def start() -> None:
    """Makes the cluster, or takes the kept one, and waits until it works."""
    if NAME in run("kind", "get", "clusters").stdout.split() and not _answers():
        stop()
    if NAME not in run("kind", "get", "clusters").stdout.split():
        config = os.environ.get("E2E_KIND_CONFIG", str(HERE / "kind.yaml"))
        version = os.environ.get("E2E_KUBERNETES", "").removeprefix("v")
        image = ("--image", f"kindest/node:v{version}") if version else ()
        run(
            "kind",
            "create",
            "cluster",
            "--name",
            NAME,
            "--config",
            config,
            *image,
            "--wait",
            "0s",
            timeout=600,
        )
    run("kind", "export", "kubeconfig", "--name", NAME)
    poll("both nodes are there", lambda: len(get("nodes")["items"]) == 2, seconds=60)
    kubectl(
        "taint",
        "nodes",
        "--all",
        "--overwrite",
        "node-role.kubernetes.io/control-plane-",
        check=False,
    )
    kubectl("taint", "nodes", WORKER, "--overwrite", "e2e=spare:NoSchedule")
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s")


def stop() -> None:
    run("kind", "delete", "cluster", "--name", NAME)


def build(name: str, folder: Path) -> str:
    """Builds an image and loads it into the nodes; returns its name, with a tag of its own."""
    identity = made(folder)
    image = f"localhost/{name}:e2e-{identity.removeprefix('sha256:')[:12]}"
    run(container_tool(), "tag", identity, image)
    load(image)
    return image


def made(folder: Path, *options: str) -> str:
    """Builds an image; returns its ID."""
    with tempfile.NamedTemporaryFile() as written:
        given = shlex.split(os.environ.get("E2E_BUILD_ARGS", ""))
        words = (container_tool(), "build", "--quiet", "--iidfile", written.name)
        run(*words, *given, *options, str(folder), timeout=1200)
        return Path(written.name).read_text().strip()


def load(image: str) -> None:
    nodes = get("nodes")["items"]
    loaded = [node["metadata"].get("annotations", {}).get(LOADED, "").split() for node in nodes]
    if all(image in images for images in loaded):
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = str(Path(folder) / "image.tar")
        form = ["--format", "docker-archive"] if container_tool() == "podman" else []
        run(container_tool(), "save", *form, "-o", archive, image)
        run("kind", "load", "image-archive", "--name", NAME, archive)
    for node, images in zip(nodes, loaded, strict=True):
        kubectl(
            "annotate",
            "node",
            node["metadata"]["name"],
            "--overwrite",
            f"{LOADED}={' '.join([*images, image])}",
        )


def kill_node(name: str) -> None:
    """The machine goes; its API objects stay until the control plane notices."""
    run(container_tool(), "kill", name)


def revive_node(name: str) -> None:
    """Starts the machine again, and waits until it is a Node of the cluster."""
    run(container_tool(), "start", name)
    poll("the node is back", lambda: get("node", name), seconds=120)
    kubectl("taint", "nodes", name, "--overwrite", "e2e=spare:NoSchedule")
    kubectl("wait", "--for=condition=Ready", f"node/{name}", "--timeout=120s")


def kubelet_wants_memory(name: str, available: str | None) -> None:
    """The kubelet evicts until so much memory is free, which is never; None: as before."""
    config = "/var/lib/kubelet/config.yaml"
    if available is not None:
        soft = f"evictionSoft: {{memory.available: {available}}}"
        grace = "evictionSoftGracePeriod: {memory.available: 1s}"
        words = f"cp {config} {config}.before && printf '%s\\n' '{soft}' '{grace}' >>{config}"
    else:
        words = f"mv {config}.before {config}"
    run(container_tool(), "exec", name, "sh", "-c", f"{words} && systemctl restart kubelet")
    if available is None:

        def relieved() -> bool:
            node = get("node", name)
            conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
            taints = {each["key"] for each in node["spec"].get("taints", ())}
            return (conditions["MemoryPressure"], conditions["Ready"]) == (
                "False",
                "True",
            ) and taints <= {"e2e"}

        poll("the pressure is gone", relieved, seconds=180)
