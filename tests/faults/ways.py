"""Ways to a store on which something goes wrong, and what must come of each."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace

from tests.apiserver import pod
from tests.faults.proxy import Fault, Proxy
from tests.forge import PASSWORD, Forged, name_of
from tests.store.places import Place
from tests.sweep.installation import Installation, old, stamp_of

DEAD = "shop-db-backup-29401-aaaaa"
ALIVE = "shop-db-backup-29401-bbbbb"
LOCKS = {"rest": "GET /{}/locks/ ", "s3": "prefix="}
"""In the first line of a listing."""
NO_ANSWER = ("did not answer in time", "did not answer within")
CUT = ("cannot be reached or answered nonsense", "answered nonsense")
_numbers = itertools.count()


@dataclass(frozen=True)
class Way:
    """A fault, and what must come of it."""

    fault: Fault
    state: str = "read"
    removed: bool = True
    says: tuple[str, ...] = ()
    """One of these is in the sentence about the repository, or about the lock."""


WAYS = {
    "sound": Way(Fault(times=0)),
    "slow": Way(Fault(latency=0.25)),
    "narrow": Way(Fault(bandwidth=600)),
    "cut-at-first": Way(Fault(cut_before=True, times=1)),
    "cut-always": Way(Fault(cut_before=True), "unreachable", False, CUT),
    "closed-always": Way(Fault(cut_before=True, politely=True), "unreachable", False, CUT),
    "reset-in-head": Way(Fault(cut_after=20), "unreachable", False, CUT),
    "reset-in-listing": Way(Fault("LOCKS", cut_after=200), "unreachable", False, CUT),
    "closed-in-listing": Way(
        Fault("LOCKS", cut_after=200, politely=True), "unreachable", False, CUT
    ),
    "reset-in-key": Way(Fault("/keys/", cut_after=150), "unreachable", False, CUT),
    "half-open": Way(Fault(swallow=True), "unreachable", False, NO_ANSWER),
    "half-open-later": Way(Fault(after=2, swallow=True), "unreachable", False, NO_ANSWER),
    "delete-unanswered": Way(Fault("DELETE", cut_after=0)),
    "delete-lost": Way(Fault("DELETE", cut_before=True), "read", False, CUT),
    "delete-half-open": Way(Fault("DELETE", swallow=True), "read", False, NO_ANSWER),
}


@dataclass
class Repository:
    """One way of one kind of store."""

    way: Way
    place: Place
    at: str
    proxy: Proxy
    dead: str
    alive: str

    def locks(self) -> set[str]:
        """What is stored, seen without the proxy."""
        return {
            path.removeprefix("locks/")
            for path in self.place.tree(self.at)
            if path.startswith("locks/")
        }


def make(installation: Installation, place: Place, port: int, name: str, way: Way) -> Repository:
    """A repository with one lock of each kind; the janitor's way to it leads through a proxy."""
    at = f"{name}-{next(_numbers)}-{time.time_ns()}"
    where = LOCKS[place.kind].format(at) if way.fault.where == "LOCKS" else way.fault.where
    between = Proxy(port, replace(way.fault, where=where))
    forged = Forged()
    dead, alive = (forged.lock_bytes(time=old(), hostname=each) for each in (DEAD, ALIVE))
    key = forged.key_bytes()
    tree = {"config": forged.config_bytes(), f"keys/{name_of(key)}": key}
    place.write(at, tree | {f"locks/{name_of(each)}": each for each in (dead, alive)})
    location = place.location(at).replace(f":{port}/", f":{between.port}/")
    installation.configure(name, location, RESTIC_PASSWORD=PASSWORD, **place.environment)
    installation.remember((name, name_of(dead)), (name, name_of(alive)))
    return Repository(way, place, at, between, name_of(dead), name_of(alive))


def age(installation: Installation) -> None:
    """A server that stamps objects itself calls them a second old by then; that is legal here."""
    installation.settings = {"allow_short_min_age": True, "min_age": "1s"}
    time.sleep(1.1)
    since = stamp_of(old(9))
    installation.observe(pod(ALIVE, created=since, started=since))
