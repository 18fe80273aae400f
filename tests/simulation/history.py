"""One history: drawn from a seed, played on virtual time, and held against the two claims.

Safety: no lock whose holder is alive is ever removed.
Liveness: once faults stop, the lock of a dead holder that is ours, and that the API shows ended,
replaced or absent, is removed within three sweeps after min_age on all clocks.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from random import Random

import structlog

from janitor.model import Verdict
from janitor.put_back import PutBackError, Record, put_back
from tests.simulation.bucket import Bucket, StoredLock
from tests.simulation.clockwork import HOUR, MINUTE, Clockwork, moment
from tests.simulation.incidents import Incidents
from tests.simulation.janitors import Janitor, Shelf, Told
from tests.simulation.liveness import overdue
from tests.simulation.machines import Cluster, Host, stamp
from tests.simulation.plan import MAX_SKEW, WITHIN, draw_plan
from tests.simulation.workloads import Stage, populate

structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
    cache_logger_on_first_use=False,
)


BY_CLOCKS = frozenset(
    {
        Verdict.UNREADABLE,
        Verdict.PUT_BACK,
        Verdict.IN_THE_FUTURE,
        Verdict.TOO_YOUNG,
        Verdict.RECENTLY_WRITTEN,
        Verdict.AWAITING_CONFIRMATION,
    }
)
"""The verdicts by which a clock alone keeps a lock."""


@dataclass
class Outcome:
    """What a history came to."""

    seed: int
    breaks: str | None
    violations: list[str] = field(default_factory=list)
    """Live locks that were removed, dead ones that stayed, and anything else that is not right."""
    sweeps: int = 0
    removed: int = 0
    exposed: int = 0
    """How often a lock of a living holder was judged that every clock called old."""
    story: list[str] = field(default_factory=list)


class History:
    """Everything in one history."""

    def __init__(self, seed: int, *, breaks: str | None = None, telling: bool = False) -> None:
        self.random = Random(f"{seed} {breaks}")
        self.clockwork = Clockwork()
        self.outcome = Outcome(seed, breaks)
        self.telling = telling
        self.plan = draw_plan(self.random, breaks)
        self.bucket = Bucket(
            self.clockwork,
            self.random,
            clock=self.plan.store_clock,
            clock_ahead=self.plan.store_ahead,
            on_delete=self._deleted,
        )
        self.cluster = self._cluster(self.plan.report_lag)
        self.other = self._cluster(3.0)
        self.stage = Stage(
            self.clockwork, self.random, self.bucket, self.plan, self.tell, processes=[]
        )
        self.shelf = Shelf()
        self.marks_lost = False
        self.corrupt = False
        self.quiet = False
        self.janitor = Janitor(
            self.clockwork,
            self.random,
            self.plan,
            self.bucket,
            self.cluster.api,
            self.other.api,
            self.shelf,
            self.tell,
            self._swept,
        )

    def play(self) -> Outcome:
        """Plays it to its end."""
        self._prepare()
        self.clockwork.run_until(self.plan.length)
        self._calm()
        min_age = self.plan.policy.min_age.total_seconds()
        # A Node must be missed for min_age, a state that was lost sees every lock anew.
        long_enough = self.clockwork.now + 2 * min_age + 4 * MAX_SKEW
        self.clockwork.run_until(long_enough + 3 * self.plan.period + 10 * MINUTE)
        for lock, why in overdue(self.bucket, self.cluster, self.plan, since=self.plan.length):
            self._violation(f"{lock.process} is dead ({why}), and its lock {_short(lock)} stays")
        return self.outcome

    def tell(self, text: str) -> None:
        if self.telling:
            self.outcome.story.append(f"{moment(self.clockwork.now):%H:%M:%S} {text}")

    # --- the beginning -----------------------------------------------------------------------

    def _cluster(self, report_lag: float) -> Cluster:
        return Cluster(self.clockwork, self.random, report_lag=report_lag, tell=self.tell)

    def _prepare(self) -> None:
        for cluster, names in (
            (self.cluster, ("node-1", "node-2", "node-3")),
            (self.other, ("far-1",)),
        ):
            for name in names:
                host = Host(name, self.clockwork, ahead=self._ahead(), drift=self._drift())
                cluster.add_host(host, ready_since=-240 * HOUR)
        control = Host("control-plane", self.clockwork)
        self.cluster.add_host(control, ready_since=-240 * HOUR)
        self.cluster.hosts.remove(control)  # no pods, and no incidents
        for kind in self.plan.workloads:
            populate(self.stage, self.cluster, kind)
        if self.plan.second_cluster:
            for kind in self.plan.workloads:
                if kind != "host":
                    populate(self.stage, self.other, kind)
        self._add_others()
        incidents = Incidents(self.stage, self.cluster)
        for _ in range(self.random.randint(2, 9)):
            time = self.random.uniform(0.02, 1.0) * self.plan.length
            self.clockwork.at(time, incidents.draw())
        self._break(incidents)
        for action in (self._roll_back, self._lose_state, self._corrupt_state, self._put_back):
            if self.random.random() < 0.05:
                self.clockwork.at(self.random.uniform(0.3, 1.0) * self.plan.length, action)
        self.clockwork.at(self.random.uniform(0, self.plan.period), self._next_sweep)

    def _ahead(self) -> float:
        if self.plan.breaks == "store clock and holder clock behind":
            return -self.random.uniform(1, 3) * HOUR
        if self.plan.far_clocks:
            return self.random.uniform(-3, 3) * HOUR
        return self.random.uniform(-WITHIN, WITHIN) * self.random.choice((0, 0.01, 1))

    def _drift(self) -> float:
        return self.random.uniform(-5e-5, 5e-5)

    def _add_others(self) -> None:
        """A laptop that is nobody's, and a pod of another team that has the same name."""
        if self.random.random() < 0.3:
            laptop = Host("mba-home.local", self.clockwork, ahead=self._ahead())
            self.clockwork.at(
                self.random.uniform(0, 1) * HOUR, lambda: self.stage.run(laptop, laptop.name)
            )
        if self.plan.breaks == "wrong namespaces":
            populate(self.stage, self.cluster, "statefulset", namespace="web")

    def _break(self, incidents: Incidents) -> None:
        """Lets the assumption be broken that the plan names, some times."""
        action = {
            "clock set back": incidents.set_clock_back,
            "forced deletion": incidents.force_delete_pod,
            "Node deleted, host alive": incidents.delete_node_of_living_host,
        }.get(self.plan.breaks or "")
        for _ in range(6 if action else 0):
            if action is not None:
                self.clockwork.at(self.random.uniform(0.05, 0.9) * self.plan.length, action)
        for _ in range(3 if self.plan.breaks else 0):
            time = self.random.uniform(0.05, 0.8) * self.plan.length
            self.clockwork.at(time, incidents.pause_process)
        if self.plan.breaks == "store clock and holder clock behind":
            self.bucket._clock_ahead = -2 * HOUR

    # --- janitors ----------------------------------------------------------------------------

    def _next_sweep(self) -> None:
        self._sweep()
        if not self.quiet and self.random.random() < self.plan.two_janitors:
            self.clockwork.after(self.random.choice((0.01, 0.1, 0.4, 10.0)), self._sweep)
        self.clockwork.after(self.plan.period, self._next_sweep)

    def _sweep(self) -> None:
        dies_at = None
        if not self.quiet and self.random.random() < self.plan.janitor_killed:
            dies_at = self.random.randint(1, 30)
        ahead = self.random.uniform(-0.75, 0.75) * MAX_SKEW * self.random.choice((0, 0, 1))
        if not self.quiet and self.random.random() < 0.03:
            ahead = self.random.uniform(-3, 3) * HOUR
        self.outcome.sweeps += 1
        self.janitor.start(ahead=ahead, faults=not self.quiet, dies_at=dies_at)

    def _swept(self, told: Told, ended: bool) -> None:
        for sentence in told.sentences:
            if "unexpected fault" in sentence:
                self._violation(sentence)
        if ended and len(told.sums) != 1:
            self._violation("a sweep ended without its sum")
        self._count_exposed(told)
        for report in told.locks:
            if report.removed and not report.record:
                self._violation(f"{report.lock[:8]} was removed without its record")
        if self.telling:
            for report in told.locks:
                done = "removed" if report.removed else "kept"
                self.tell(
                    f"a janitor {done} {report.lock[:8]}: {report.judgement.verdict}, "
                    f"{report.judgement.detail}"
                )

    def _count_exposed(self, told: Told) -> None:
        living = {
            lock.id
            for lock in self.bucket.locks
            if lock.process.alive and lock.process.lock is lock and lock.looked_at
        }
        self.outcome.exposed += sum(
            report.lock in living and report.judgement.verdict not in BY_CLOCKS
            for report in told.locks
        )

    def _deleted(self, lock: StoredLock) -> None:
        self.outcome.removed += 1
        process = lock.process
        self.tell(f"{_short(lock)} of {process} is deleted")
        if process.alive and process.lock is lock:
            self._violation(f"the lock {_short(lock)} of the living {process} was removed")
        if lock.put_back and not self.marks_lost:
            self._violation(f"the lock {_short(lock)}, which was put back, was removed")

    # --- the state ---------------------------------------------------------------------------

    def _roll_back(self) -> None:
        self.marks_lost = True
        if self.shelf.past:
            self._set_state(self.random.choice(self.shelf.past))

    def _lose_state(self) -> None:
        self.marks_lost = True
        self._set_state(None)

    def _corrupt_state(self) -> None:
        self.marks_lost = self.corrupt = True
        if self.shelf.text:
            self._set_state(self.shelf.text[: self.random.randrange(len(self.shelf.text))])

    def _set_state(self, text: str | None) -> None:
        self.tell("the state is set to something else")
        self.shelf.text = text
        self.shelf.version += 1

    def _put_back(self) -> None:
        """A person puts a removed lock back, by the command."""
        removed = [each for each in self.bucket.lately if not each.process.alive]
        if not removed or not self.bucket.up:
            return
        lock = self.random.choice(removed)
        self.tell(f"{_short(lock)} is put back")
        world = self.janitor.world_of_a_person()
        try:
            put_back(self.janitor.found(), Record(lock.id, lock.stored), world=world)
        except PutBackError as error:
            if not self.corrupt:
                self._violation(f"put-back failed: {error}")

    # --- the end -----------------------------------------------------------------------------

    def _calm(self) -> None:
        """Faults stop, and a person mends what only a person can mend."""
        self.quiet = True
        self.tell("faults stop")
        if not self.bucket.up:
            Incidents(self.stage, self.cluster).bucket_comes_back()
        if self.random.random() < 0.7:
            for host in self.cluster.hosts:
                self.cluster.reconnect(host)
        if self.corrupt:
            self._lose_state()

    def _violation(self, text: str) -> None:
        self.tell(f"*** {text}")
        self.outcome.violations.append(text)


def _short(lock: StoredLock) -> str:
    return f"{lock.id[:8]} (written {stamp(lock.time)[11:19]} by its holder's clock)"


def play(seed: int, *, breaks: str | None = None, telling: bool = False) -> Outcome:
    """Plays the history of a seed."""
    return History(seed, breaks=breaks, telling=telling).play()
