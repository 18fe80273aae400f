"""The command as people run it: a folder with configuration, credentials, a cluster and a state."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from janitor.model import LockID
from janitor.state import Listing, State, decode, encode, stamp
from tests.apiserver import node, pod
from tests.forge import Forged, forge_repository

COMMAND = str(Path(sys.executable).with_name("restic-janitor"))
PATIENCE = 60
"""Seconds for one command, on a busy machine."""
AGE = timedelta(hours=8)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The objects on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        """The objects of one kind."""
        return [line for line in self.lines if line["event"] == event]

    @property
    def states(self) -> dict[str, str]:
        """The state of each repository."""
        return {line["repository"]: line["state"] for line in self.of("repository")}

    @property
    def details(self) -> dict[str, str | None]:
        """What was said of each repository."""
        return {line["repository"]: line["detail"] for line in self.of("repository")}

    @property
    def verdicts(self) -> list[str]:
        """Of all locks, sorted."""
        return sorted(line["verdict"] for line in self.of("lock"))


@dataclass
class Installation:
    """One janitor. Its repositories are entries of the configuration, by name."""

    folder: Path
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("home", "secrets", "repositories"):
            (self.folder / name).mkdir(parents=True)

    # --- what there is ---------------------------------------------------------------------------

    def repository(self, name: str, **options: Any) -> Forged:
        """Makes a repository in a folder, and configures it."""
        forged = forge_repository(self.folder / "repositories" / name, **options)
        self.configure(name, str(forged.path), RESTIC_PASSWORD=forged.password)
        return forged

    def configure(
        self,
        name: str,
        location: str | None,
        *,
        entry: Mapping[str, Any] | None = None,
        **variables: str,
    ) -> None:
        """Adds an entry, with its variables in a folder of files as a mounted Secret has them."""
        secret = self.folder / "secrets" / name
        secret.mkdir(exist_ok=True)
        for variable, value in variables.items():
            (secret / variable).write_bytes(value.encode())
        self.entries[name] = {
            "name": name,
            "location": location,
            "environment": str(secret),
            "holders": ["shop-db-backup-*"],
            "namespaces": ["shop"],
        } | dict(entry or {})

    @property
    def config(self) -> Path:
        return self.folder / "janitor.yaml"

    def write_config(self) -> Path:
        """JSON is YAML."""
        entries = [
            {key: value for key, value in entry.items() if value is not None}
            for entry in self.entries.values()
        ]
        text = json.dumps(self.settings | {"repositories": entries})
        if not self.config.exists() or self.config.read_text() != text:
            self.config.write_text(text)  # not while another command reads it
        return self.config

    # --- the cluster and the state ---------------------------------------------------------------

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster.json"

    def observe(self, *pods: dict[str, Any]) -> None:
        """Writes what kubectl would, now: these pods, two others, and a Ready Node."""
        now = stamp_of(datetime.now(UTC))
        others = [pod("coredns", namespace="kube-system"), pod("web-1")]
        items = [*pods, *others, node(heartbeat=now)]
        self.cluster.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    def remember(self, *locks: tuple[str, str], ago: timedelta = AGE) -> None:
        """As if an earlier sweep had seen these locks, each (repository, ID)."""
        before = decode(self.state.read_text()) if self.state.exists() else State()
        listings: dict[str, list[LockID]] = {}
        for name, lock in locks:
            listings.setdefault(name, []).append(LockID(lock))
        shown = {name: Listing(tuple(each), whole=False) for name, each in listings.items()}
        moment = datetime.now(UTC) - ago
        after = stamp(before, shown, now=moment, max_skew=timedelta(minutes=5))
        self.state.write_text(encode(after))

    # --- running -----------------------------------------------------------------------------

    def command(self, *arguments: str, cluster: bool = True, state: bool = True) -> list[str]:
        """`restic-janitor` with the options that a sweep of this installation has."""
        words = [COMMAND, *arguments, "--config", str(self.write_config())]
        if state:
            words += ["--state", str(self.state)]
        if cluster:
            if not self.cluster.exists():
                self.observe()
            words += ["--cluster", str(self.cluster)]
        return words

    def run(
        self,
        *arguments: str,
        cluster: bool = True,
        state: bool = True,
        environment: Mapping[str, str] | None = None,
        given: str = "",
    ) -> Done:
        """One command of this installation, to its end."""
        words = self.command(*arguments, cluster=cluster, state=state)
        return run(words, self.environment(environment), given=given)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {"HOME": str(self.folder / "home")} | dict(more or {})


def run(words: list[str], environment: Mapping[str, str], *, given: str = "") -> Done:
    """Any command, with nothing but these variables."""
    done = subprocess.run(
        words,
        env=dict(environment),
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def old(hours: float = 8) -> datetime:
    """So long ago, by the real clock."""
    return datetime.now(UTC) - timedelta(hours=hours)


def stamp_of(time: datetime) -> str:
    """As Kubernetes writes times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
