"""Real restic processes, and the truth about them: when they lived and how they ended."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from tests.servers.real_restic import RealRestic
from tests.torture.diary import Diary
from tests.torture.places import Target
from tests.torture.plan import Backup, Fate, Pause

OVERDUE = 150.0
"""Seconds that a process may take beyond its plan, on a busy machine."""
SHARED = 3 << 20
"""Bytes at the beginning of many backups: who forgets the one that brought them hits the others."""
OWN = 5 << 20
"""Bytes of its own that follow at once: a pack that nothing refers to until the backup ends."""
LOADING = "loading all snapshots"
"""What a prune says soon after it has its lock, in every version."""
DROP = 64 << 10
"""Bytes that come every `BEAT` seconds after that."""
BEAT = 0.25
LONGER = 60.0
"""Seconds for which a backup waits for the janitors at most."""


class End(StrEnum):
    """How a process ended."""

    WELL = "ended well"
    REFUSED = "did not get its lock"
    KILLED = "was killed"
    TOLD = "ended by SIGTERM"
    OVERDUE = "did not end"
    FAILED = "failed"


@dataclass
class Holder:
    """One process, under its own nodename."""

    who: str
    target: Target
    hostname: str
    process: subprocess.Popen[bytes]
    output: Path
    began: float
    ended: float | None = None
    """None while it lives. Noted after its end, and before its pod tells of it."""
    sent: list[signal.Signals] = field(default_factory=list)
    overdue: bool = False

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace").strip()

    @property
    def end(self) -> End:
        """How it ended, once it has."""
        code = self.process.returncode
        if code == 0:
            return End.WELL
        if self.overdue:
            return End.OVERDUE
        if signal.SIGKILL in self.sent and code == -signal.SIGKILL:
            return End.KILLED
        if signal.SIGTERM in self.sent:
            return End.TOLD
        # Exit code 11 says so since 0.17, and 1 before. Who waits for a lock says "already locked"
        # and may still get it.
        return End.REFUSED if "unable to create lock" in self.said else End.FAILED


Signals = Sequence[tuple[float, signal.Signals]]
"""What is sent to a process, and how many seconds after its beginning."""


def signals_of(
    pause: Pause | None, fate: Fate = Fate.ENDS, fate_after: float = 0
) -> tuple[tuple[float, signal.Signals], ...]:
    """The signals of a life, in their order."""
    planned: list[tuple[float, signal.Signals]] = []
    if pause is not None:
        planned = [(pause.after, signal.SIGSTOP), (pause.after + pause.seconds, signal.SIGCONT)]
    if fate is not Fate.ENDS:
        planned.append((fate_after, signal.SIGKILL if fate is Fate.KILLED else signal.SIGTERM))
    return tuple(sorted(planned))


class Registry:
    """Who held which lock: by repository, nodename and process ID, as the lock itself says."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str, int], list[Holder]] = {}
        self._mutex = threading.Lock()

    def add(self, holder: Holder) -> None:
        key = holder.target.store, holder.hostname, holder.process.pid
        with self._mutex:
            self._holders.setdefault(key, []).append(holder)

    def holder(self, store: str, hostname: str, pid: int, written: datetime) -> Holder | None:
        """The process that wrote such a lock then; process IDs come round."""
        with self._mutex:
            known = tuple(self._holders.get((store, hostname, pid), ()))
        begun = [holder for holder in known if holder.began <= written.timestamp()]
        return begun[-1] if begun else None


class Nursery:
    """Starts processes and sees them through to their end."""

    def __init__(
        self, restics: dict[str, RealRestic], folder: Path, registry: Registry, diary: Diary
    ) -> None:
        self._restics = restics
        self._folder = folder
        self._registry = registry
        self._diary = diary
        self.over = threading.Event()
        """Set when everybody is to come to an end."""
        self._number = 0
        self._mutex = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def backup(
        self,
        backup: Backup,
        target: Target,
        hostname: str,
        *,
        chance: random.Random,
        enough: Callable[[Holder], bool],
        at_last: Callable[[Holder], None],
    ) -> Holder:
        """A backup of an input that comes slowly, from its beginning to its end.

        The input ends only when it is `enough`, or much later, and `at_last` is called while the
        process still waits for more.
        """
        words = ["backup", "--stdin", "--stdin-filename", "data", "--tag", backup.name]
        holder = self._begin(backup.name, backup.version, target, hostname, words)
        signals = signals_of(backup.pause, backup.fate, backup.fate_after)
        with _sending(holder, signals, backup.seconds + OVERDUE, self._diary):
            _feed(holder, backup.seconds, chance, lambda: enough(holder), self.over)
            if holder.process.poll() is None and backup.fate is Fate.ENDS:
                at_last(holder)
            self._bury(holder)
        return holder

    def prune(
        self,
        who: str,
        version: str,
        target: Target,
        hostname: str,
        words: Sequence[str],
        *,
        signals: Signals,
        locked: Callable[[], None],
    ) -> Holder:
        """Another command, from its beginning to its end. `locked` is called, and the signals'
        time begins, when it has its lock, which it shows by what it says.
        """
        holder = self._begin(who, version, target, hostname, words)
        with _sending(holder, (), OVERDUE, self._diary):
            while holder.process.poll() is None and LOADING not in holder.said:
                time.sleep(0.01)
            if LOADING in holder.said:
                locked()
            since = time.time() - holder.began
            later = [(since + after, number) for after, number in signals]
            with _sending(holder, later, OVERDUE, self._diary):
                self._bury(holder)
        return holder

    def _begin(
        self, who: str, version: str, target: Target, hostname: str, words: Sequence[str]
    ) -> Holder:
        restic = self._restics[version]
        with self._mutex:
            self._number += 1
            output = self._folder / f"{self._number:04}-{who}.log"
        command = restic.command(
            target.location,
            *("--pack-size", "4"),
            *words,
            environment=target.environment,
            hostname=hostname,
        )
        began = time.time()
        with output.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=restic.environment(target.environment),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        holder = Holder(who, target, hostname, process, output, began)
        self._registry.add(holder)
        said = f"restic {version} {' '.join(words)} as pid {process.pid} on {hostname}"
        self._diary.write(who, target.store, hostname, said)
        return holder

    def _bury(self, holder: Holder) -> None:
        assert holder.process.stdin is not None
        with suppress(BrokenPipeError):
            holder.process.stdin.close()
        code = holder.process.wait()
        holder.ended = time.time()
        said = f"{holder.end}, exit code {code}: {holder.said}"
        self._diary.write(holder.who, holder.target.store, holder.hostname, said)


class _sending:  # noqa: N801 - used as a context manager
    """Sends the signals while the block runs, and kills who does not end at all."""

    def __init__(self, holder: Holder, signals: Signals, overdue: float, diary: Diary) -> None:
        self._holder = holder
        self._signals = signals
        self._overdue = overdue
        self._diary = diary
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        for after, number in (*self._signals, (self._overdue, signal.SIGKILL)):
            if self._over.wait(max(self._holder.began + after - time.time(), 0)):
                return
            self._holder.overdue = after == self._overdue
            self._holder.sent.append(number)
            self._holder.process.send_signal(number)
            store, hostname = self._holder.target.store, self._holder.hostname
            self._diary.write(self._holder.who, store, hostname, f"gets {number.name}")


def _feed(
    holder: Holder,
    seconds: float,
    chance: random.Random,
    enough: Callable[[], bool],
    over: threading.Event,
) -> None:
    """Writes the input at the speed that is wanted, as long as somebody reads it."""
    pipe = holder.process.stdin
    assert pipe is not None
    shared = random.Random(chance.randrange(2)).randbytes(SHARED)
    first = shared + chance.randbytes(OWN)
    until = holder.began + seconds
    with suppress(BrokenPipeError):
        pipe.write(first)
        while (now := time.time()) < until or (now < until + LONGER and not enough()):
            pipe.write(chance.randbytes(DROP))
            pipe.flush()
            if over.wait(BEAT):
                return
