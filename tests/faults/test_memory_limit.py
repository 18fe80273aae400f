"""Ten thousand repositories within the memory of the CronJob's pod."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.apiserver import ApiServer, node, pod
from tests.forge import Forged, forge_repository
from tests.sweep.installation import COMMAND, Done, Installation, old, stamp_of

LIMIT = 192 << 20
"""Bytes, as in k8s/base; the test below compares."""
REPOSITORIES = 10_000
LOCKED = 300
REAL_KEYS = int(os.environ.get("REAL_KEYS", "12"))
"""Keys of restic's own size among them, 33 MB and a tenth of a second each."""
PODS = 2_000
ALIVE = "shop-db-backup-29401-bbbbb"
DEAD = "shop-db-backup-29401-aaaaa"


@contextmanager
def limited(memory: int) -> Iterator[Callable[[], None]]:
    """What a new process calls to get no more than so much; nothing, where no cgroup can be made.

    Then the kernel ends what takes more, as it does in a pod.
    """
    for base, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup") / base / f"restic-janitor-{os.getpid()}"
        try:
            group.mkdir()
            (group / name).write_text(str(memory))
        except OSError:
            with suppress(OSError):
                group.rmdir()
            continue
        try:
            yield partial(_move_to, group)
        finally:
            with suppress(OSError):
                group.rmdir()
        return
    yield lambda: None


def _move_to(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


@dataclass
class Crowd:
    """Many repositories in folders with short names: a configuration has 1 MiB at most."""

    base: Path
    model: Forged

    def make(self, number: int) -> None:
        """One repository; what is the same in all is on the disk once."""
        root = self.base / f"r{number}"
        if number < REAL_KEYS:
            forge_repository(root, n=32768).lock(time=old(), hostname=ALIVE)
            return
        root.mkdir()
        os.link(self._of_model("config"), root / "config")
        if number < LOCKED:
            for folder in ("keys", "locks"):
                (root / folder).mkdir()
                for path in self._of_model(folder).iterdir():
                    os.link(path, root / folder / path.name)

    def _of_model(self, name: str) -> Path:
        assert self.model.path is not None
        return self.model.path / name

    def configuration(self, secret: Path) -> str:
        """As people write it who have so many: by anchors."""
        shared = (
            f"environment: &e {secret}, holders: &h ['shop-db-backup-*'], namespaces: &n [shop]"
        )
        same = "environment: *e, holders: *h, namespaces: *n"
        lines = [
            f"- {{name: r{number}, location: {self.base}/r{number}, {same if number else shared}}}"
            for number in range(REPOSITORIES)
        ]
        return "repositories:\n" + "\n".join(lines) + "\n"


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    base = Path(tempfile.mkdtemp(prefix="j"))
    model = forge_repository(base / "model")
    for hostname in (ALIVE, DEAD):
        model.lock(time=old(), hostname=hostname)
    made = Crowd(base, model)
    for number in range(REPOSITORIES):
        made.make(number)
    yield made
    shutil.rmtree(base)


def test_the_limit_is_that_of_the_cronjob() -> None:
    """Else the test below is about another pod than the one that is shipped."""
    text = (Path(__file__).parents[2] / "k8s" / "base" / "cronjob.yaml").read_text()
    template = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == f"{LIMIT >> 20}Mi"


LOOK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code & 255)
"""


@pytest.mark.timeout(600)
def test_ten_thousand_repositories_fit(crowd: Crowd, installation: Installation) -> None:
    """Else the kernel ends the sweep of a large installation in the middle, every time."""
    secret = installation.folder / "secrets" / "all"
    secret.mkdir()
    (secret / "RESTIC_PASSWORD").write_text(crowd.model.password)
    installation.config.write_text(crowd.configuration(secret))
    shared = crowd.model.locks()
    installation.remember(*((f"r{n}", lock) for n in range(REAL_KEYS, LOCKED) for lock in shared))
    since = stamp_of(old(9))
    with ApiServer().running() as api, limited(LIMIT) as enter:
        api.pods = [pod(f"web-{number}") for number in range(PODS)]
        api.pods.append(pod(ALIVE, created=since, started=since))
        api.nodes = [node()]
        kubeconfig = api.kubeconfig(installation.folder / "kubeconfig")
        environment = installation.environment({"KUBECONFIG": str(kubeconfig)})
        words = [COMMAND, "sweep", "--config", str(installation.config), "--context", "test"]
        words += ["--state", str(installation.state), "--max-removals", str(LOCKED)]
        done, peak = run(words, environment, enter)
    assert done.code == 0, done.err
    (told,) = done.of("sweep")
    assert (told["repositories"], told["failed"]) == (REPOSITORIES, 0)
    assert told["locks"] == REAL_KEYS + 2 * (LOCKED - REAL_KEYS)
    assert told["removed"] == LOCKED - REAL_KEYS
    print(f"{peak >> 20} MiB")
    assert peak < LIMIT, f"{peak >> 20} MiB"


def run(
    words: list[str], environment: dict[str, str], enter: Callable[[], None]
) -> tuple[Done, int]:
    """How a command ended, and the most memory that it had, in bytes.

    A small process starts it and looks: the kernel counts what a process had before its `exec`,
    which would be as much as pytest has.
    """
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
        tempfile.NamedTemporaryFile("r") as peak,
    ):
        code = subprocess.call(
            [sys.executable, "-c", LOOK, peak.name, *words],
            env=environment,
            stdout=out,
            stderr=err,
            preexec_fn=enter,
        )
        out.seek(0)
        err.seek(0)
        return Done(code, out.read(), err.read()), int(peak.read()) * 1024
