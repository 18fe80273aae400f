"""Two repositories (a folder, and one behind rest-server), each with a dead holder's lock and a
living one's; an API server; and a state. All of it can be set back for the next sweep.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from janitor.state import State, decode
from tests.apiserver import ApiServer, node, pod
from tests.faults.commands import Ended
from tests.forge import Forged, forge_repository
from tests.servers.rest import RestServer
from tests.sweep.installation import Installation, old, stamp_of
from tests.unit.cluster.pki import make_certificate

DEAD = "shop-db-backup-29401-aaaaa"
ALIVE = "shop-db-backup-29401-bbbbb"
STATE = ("janitor", "restic-janitor-state")
_numbers = itertools.count()


@dataclass
class Site:
    """Where a sweep happens. In a pod the state is a ConfigMap, else a file."""

    installation: Installation
    api: ApiServer
    in_a_pod: bool = False
    repositories: dict[str, Forged] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    alive: dict[str, str] = field(default_factory=dict)
    _locks: dict[Path, bytes] = field(default_factory=dict)
    _state: str = ""

    def add(self, name: str, path: Path, location: str | None = None, **variables: str) -> None:
        """A repository in a folder, whatever serves it, with one lock of each kind."""
        forged = self.repositories[name] = forge_repository(path)
        self.dead[name] = forged.lock(time=old(), hostname=DEAD)
        self.alive[name] = forged.lock(time=old(), hostname=ALIVE)
        for lock in (self.dead[name], self.alive[name]):
            self._locks[path / "locks" / lock] = (path / "locks" / lock).read_bytes()
        self.installation.remember((name, self.dead[name]), (name, self.alive[name]))
        self._state = self.installation.state.read_text()
        variables = {"RESTIC_PASSWORD": forged.password} | variables
        self.installation.configure(name, location or str(path), **variables)

    def restore(self) -> None:
        """Every lock is there again, and the state is what an earlier sweep left."""
        for path, stored in self._locks.items():
            if not path.exists():
                path.write_bytes(stored)
            os.utime(path, (old().timestamp(),) * 2)
        for left in self.installation.folder.glob(".state.json.*"):
            left.unlink()
        self.installation.state.write_text(self._state)
        self.api.put_configmap(_configmap(self._state))
        self.api.written_events.clear()
        (self.installation.folder / "termination").write_text("")

    def forget(self) -> None:
        """There is no state yet."""
        self.installation.state.unlink()
        self.api.put_configmap(_configmap(""))
        del self.api.configmaps[STATE]["data"]

    def forget_but(self, name: str) -> None:
        """The state knows of one repository only, as before the others were configured."""
        state = json.loads(self.installation.state.read_text())
        state["repositories"] = {name: state["repositories"][name]}
        text = json.dumps(state)
        self.installation.state.write_text(text)
        self.api.put_configmap(_configmap(text))

    def how(self) -> dict[str, Any]:
        """What a command of this site is run with (`Forks.run`)."""
        folder = self.installation.folder
        if not self.in_a_pod:
            kubeconfig = folder / "kubeconfig"
            if not kubeconfig.exists():  # another command may read it now
                self.api.kubeconfig(kubeconfig)
            return {"cluster": False, "environment": {"KUBECONFIG": str(kubeconfig)}}
        environment = {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.api.port),
            "POD_NAMESPACE": "janitor",
            "POD_NAME": "janitor-1",
            "POD_UID": "uid-1",
        }
        how = {"cluster": False, "state": False, "environment": environment}
        return how | {"pod": str(folder)}

    @property
    def words(self) -> tuple[str, ...]:
        """The command line of a sweep."""
        return ("sweep",) if self.in_a_pod else ("sweep", "--context", "test")

    def locks(self, name: str) -> list[str]:
        """What is there now."""
        return self.repositories[name].locks()

    def gone(self) -> dict[str, str]:
        """The locks that are not there any more, with their repositories."""
        every = {(n, lock) for kind in (self.dead, self.alive) for n, lock in kind.items()}
        return {lock: name for name, lock in every if lock not in self.locks(name)}

    def state(self) -> State:
        """The state as it is kept now; not whole, it is a ValueError."""
        if self.in_a_pod:
            return decode(self.api.configmaps[STATE]["data"]["state.json"])
        return decode(self.installation.state.read_text())


def _configmap(text: str) -> dict[str, Any]:
    metadata = {"namespace": STATE[0], "name": STATE[1]}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"state.json": text}}


def assert_told(site: Site, done: Ended) -> None:
    """Whatever is gone was dead, and its record was told before: it can be put back."""
    for lock, name in site.gone().items():
        assert lock == site.dead[name], "the lock of a living holder is gone"
        stored = base64.b64decode(done.records[lock])
        assert hashlib.sha256(stored).hexdigest() == lock


@contextmanager
def site_in(
    folder: Path, rest_server: RestServer, *, in_a_pod: bool, copies: int = 1
) -> Iterator[Site]:
    """A whole site, set back and ready; `copies` of both repositories."""
    installation = Installation(folder / "installation")
    tls = _account(installation.folder) if in_a_pod else None
    name = f"site-{folder.name}-{next(_numbers)}"
    with ApiServer(tls=tls).running() as api:
        site = Site(installation, api, in_a_pod)
        for number in range(copies):
            site.add(f"files-{number}", installation.folder / "repositories" / str(number))
            path = rest_server.data / name / str(number)
            site.add(f"rest-{number}", path, f"rest:{rest_server.url}/{name}/{number}")
        since = stamp_of(old(9))
        api.pods = [pod(ALIVE, created=since, started=since), pod("web-1")]
        api.pods.append(pod("janitor-1", namespace="janitor", uid="uid-1"))
        api.nodes = [node()]
        site.restore()
        try:
            yield site
        finally:
            shutil.rmtree(rest_server.data / name, ignore_errors=True)


def _account(folder: Path) -> tuple[Path, Path]:
    """What the kubelet mounts; returns the API server's certificate and its key."""
    (folder / "account").mkdir()
    tls = make_certificate(folder)
    (folder / "account" / "token").write_text("token")
    (folder / "account" / "ca.crt").write_bytes(tls[0].read_bytes())
    return tls
