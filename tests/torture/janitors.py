"""The real janitor, as a process, again and again; every removal is held against the truth."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from janitor.model import Lock, LockID
from janitor.restic.lock import read_lock
from tests.servers.programs import CHECKOUT
from tests.torture.diary import Diary
from tests.torture.holders import Holder, Registry
from tests.torture.places import Target

JANITOR = [sys.executable, "-m", "janitor"]
PATIENCE = 120.0
"""Seconds for one sweep, on a busy machine."""
BY_CLOCKS = ("too-young", "recently-written", "awaiting-confirmation", "cluster-unknown")
"""Verdicts that kept a lock before anybody asked about its holder."""


class Truth:
    """What the janitors said about each lock, and whether they were right to remove it."""

    def __init__(self, targets: Mapping[str, Target], registry: Registry, diary: Diary) -> None:
        self._targets = targets
        self._registry = registry
        self.diary = diary
        self._said: dict[tuple[str, str], str] = {}
        self._removed: set[str] = set()
        self._mutex = threading.Lock()
        self._met: Counter[tuple[str, str, int]] = Counter()

    def removing(self, who: str, line: Mapping[str, Any]) -> None:
        """A janitor is about to delete this lock: its holder must have ended before.

        It said when, and the lock's own bytes say whose it is.
        """
        target, lock = self._targets[line["repository"]], LockID(line["lock"])
        record = base64.b64decode(line["record"])
        content = read_lock(lock, record, target.keys, target.version)
        assert isinstance(content, Lock), content
        moment = datetime.fromisoformat(line["timestamp"]).timestamp()
        holder = self._registry.holder(target.store, content.hostname, content.pid, content.time)
        said = f"removes {lock[:8]} of pid {content.pid}: {line['verdict']}"
        self.diary.write(who, target.store, content.hostname, said, at=moment)
        with self._mutex:
            again = lock in self._removed
            self._removed.add(lock)
        if not again:
            self.diary.count("removed")
            self.diary.count(f"removed: {line['verdict']}")
            self.diary.count("removed, exclusive", int(content.exclusive))
        self._hold_against(who, lock, line["verdict"], holder, moment)

    def _hold_against(
        self, who: str, lock: LockID, verdict: str, holder: Holder | None, moment: float
    ) -> None:
        if holder is None:
            self.diary.fail(f"{who} removed {lock[:8]}, which none of the processes here wrote")
        elif holder.ended is None or holder.ended > moment:
            self.diary.fail(
                f"{who} removed the lock {lock[:8]} of {holder.who} as {verdict} while it lived",
                store=holder.target.store,
                hostnames={holder.hostname},
            )

    def met(self, holder: Holder) -> int:
        """How often its lock was old enough, so that only the cluster could tell that it lives."""
        with self._mutex:
            return self._met[holder.target.store, holder.hostname, holder.process.pid]

    def judged(self, who: str, line: Mapping[str, Any]) -> None:
        """What a report says of one lock; it is noted when it is something new."""
        hostname, verdict = line["hostname"], line["verdict"]
        self.diary.count(f"verdict: {verdict}")
        if hostname is None:
            return
        with self._mutex:
            self._met[line["repository"], hostname, line["pid"]] += verdict not in BY_CLOCKS
            new = self._said.get((who, line["lock"])) != verdict
            self._said[who, line["lock"]] = verdict
        if new:
            said = f"{line['lock'][:8]} of pid {line['pid']} is {verdict}: {line['detail']}"
            self.diary.write(who, line["repository"], hostname, said)


@dataclass
class Janitor:
    """One janitor that sweeps in a loop, as a CronJob would within minutes."""

    who: str
    options: Sequence[str]
    environment: Mapping[str, str]
    truth: Truth
    chance: random.Random
    over: threading.Event
    pause: float
    """Seconds between two sweeps."""
    killed: float
    """The share of its sweeps that get a SIGKILL on the way."""
    sweeps: int = 0

    @property
    def diary(self) -> Diary:
        return self.truth.diary

    def run(self) -> None:
        """Until it is over."""
        while not self.over.is_set():
            self.sweep()
            self.over.wait(self.pause)

    def sweep(self) -> None:
        """One sweep, to its end or its SIGKILL."""
        process = subprocess.Popen(
            [*JANITOR, "sweep", "--output", "json", *self.options],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        doomed = self.chance.random() < self.killed
        after = self.chance.uniform(0.3, 1.5) if doomed else PATIENCE
        try:
            out, err = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            if not doomed:
                self.diary.fail(f"{self.who}: a sweep did not end within {after:.0f} s")
        self._read(out, err)
        self._count(process.returncode, out, err)

    def _read(self, out: str, err: str) -> None:
        for line in _objects(err):
            if line.get("event") == "removing":
                self.truth.removing(self.who, line)
        for line in _objects(out):
            if line["event"] == "lock":
                self.truth.judged(self.who, line)

    def _count(self, code: int, out: str, err: str) -> None:
        self.sweeps += 1
        self.diary.count("sweeps")
        if code < 0:
            self.diary.count("sweeps: killed")
        elif code == 1:
            self.diary.count("sweeps: ended 1")
            self.diary.count(f"sweeps ended 1: {_reasons(out)}")
        elif code != 0 or "unexpected fault" in out + err:
            self.diary.fail(f"{self.who}: a sweep ended {code}: {out[-500:]} {err[-1500:]}")


def _objects(text: str) -> list[dict[str, Any]]:
    """The lines that are whole; a process that was killed may leave half a one."""
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _reasons(out: str) -> str:
    """Why a sweep ended 1, in the janitor's own words."""
    said = [
        str(line["detail"])
        for line in _objects(out)
        if line["event"] in ("repository", "sweep") and line["detail"]
    ]
    return " / ".join(dict.fromkeys(said))


def options_of(config: Path, state: str) -> list[str]:
    """Of a sweep that may remove, outside a pod."""
    return ["--config", str(config), "--context", "test", "--state", state]
