"""What is in the image, and what is not."""

from __future__ import annotations

import json
import os

from . import cluster
from .programs import container_tool, run

LIBRARIES = {
    "annotated-types",
    "backports.zstd",
    "certifi",
    "cffi",
    "charset-normalizer",
    "cryptography",
    "durationpy",
    "idna",
    "kubernetes",
    "msgspec",
    "oauthlib",
    "obstore",
    "prometheus-client",
    "pycparser",
    "pydantic",
    "pydantic-core",
    "python-dateutil",
    "pyyaml",
    "requests",
    "requests-oauthlib",
    "structlog",
    "tenacity",
    "typing-extensions",
    "typing-inspection",
    "tzdata",
    "urllib3",
    "websocket-client",
}
"""What files, S3, REST and the API server need; most come with the Kubernetes client."""
LOOK = """
import importlib.metadata, importlib.util, json, os, pathlib, shutil, sys
names = {d.name.lower().replace("_", "-") for d in importlib.metadata.distributions()}
app = pathlib.Path("/app")
sources = [p for p in app.rglob("*.py")]
compiled = importlib.util.cache_from_source
bare = [str(p) for p in sources if not pathlib.Path(compiled(p)).exists()]
programs = {p.name for f in ("/usr/bin", "/usr/sbin") for p in pathlib.Path(f).iterdir()}
try:
    (app / "written").touch()
    writable = True
except OSError:
    writable = False
print(json.dumps({
    "libraries": sorted(names), "bare": bare, "programs": sorted(programs), "user": os.getuid(),
    "pip": importlib.util.find_spec("pip") is not None, "aio": (app / "kubernetes/aio").exists(),
    "writable": writable,
}))
"""


def in_image(*command: str) -> str:
    """What a program of the image prints, with a read-only root and no network."""
    options = ("--rm", "--read-only", "--network", "none", "--entrypoint", command[0])
    image = os.environ["E2E_IMAGE_JANITOR"]
    return run(container_tool(), "run", *options, image, *command[1:]).stdout


def test_holds_what_it_needs_and_nothing_else():
    """Otherwise the image grows, and with it what an attacker finds in it."""
    found = json.loads(in_image("python3", "-c", LOOK))
    assert set(found["libraries"]) == LIBRARIES
    assert found["programs"] == ["python3", "python3.13"]
    assert (found["pip"], found["aio"], found["bare"]) == (False, False, [])
    assert (found["user"], found["writable"]) == (65532, False)


def test_runs_without_a_shell_and_without_writing():
    """Otherwise the CronJob's read-only root, or the missing shell, would stop it at once."""
    assert "usage: restic-janitor" in in_image("python3", "-m", "janitor", "--help")


def test_is_labelled():
    """Otherwise nobody can tell from an image what it is and under which licence."""
    shown = run(container_tool(), "image", "inspect", os.environ["E2E_IMAGE_JANITOR"]).stdout
    labels = json.loads(shown)[0]["Config"]["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[f"{prefix}title"] == "restic-janitor"
    assert labels[f"{prefix}licenses"] == "Apache-2.0"


def test_is_small(tmp_path):
    """Otherwise every node pulls what nobody needs: the goal is 60 MB, compressed."""
    archive = tmp_path / "image.tar"
    run(container_tool(), "save", "-o", str(archive), os.environ["E2E_IMAGE_JANITOR"])
    run("gzip", "-6", str(archive))
    megabytes = archive.with_name("image.tar.gz").stat().st_size / 1e6
    assert megabytes < 60


def test_every_backend_is_in_the_full_image():
    """Otherwise one would need a library of the system that is not there: the build loads each."""
    assert cluster.made(cluster.CHECKOUT, "--build-arg", "EXTRAS=full")
