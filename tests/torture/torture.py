"""Everything at once: servers, pods, backups, prunes and janitors, then the proof."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.apiserver import ApiServer
from tests.servers.real_restic import PASSWORD, RealRestic
from tests.sweep.installation import Installation
from tests.torture.book import Book
from tests.torture.cluster import NAMESPACE, TruthfulApi
from tests.torture.diary import Diary
from tests.torture.holders import Nursery, Registry
from tests.torture.homes import HOLDERS
from tests.torture.janitors import Janitor, Truth, options_of
from tests.torture.places import Target
from tests.torture.plan import Story
from tests.torture.proof import locks_left, prove
from tests.torture.prunes import Pruner
from tests.torture.stories import Gate, Teller

SETTINGS = {"allow_short_min_age": True, "min_age": "3s", "max_skew": "2s"}
"""As short as the API's lag allows (cluster.LAG): by times of whole seconds a lock looks up to one
second older than it is. The clocks are compared by a Date of whole seconds, and the machine is
busy: a max_skew of one second would doubt them now and then."""
STATE = {"namespace": "janitor", "name": "restic-janitor-state"}
UNLOCKED = 120.0
"""Seconds in which the last dead one's lock must be gone."""


@dataclass(frozen=True)
class Pace:
    """How hard it is."""

    at_once: int
    """Stories at once in each repository."""
    janitors: int
    """The last has a state of its own, in a file; the others share a ConfigMap."""
    janitor_pause: float
    janitor_killed: float
    prune_pause: tuple[float, float]


def torture(
    stories: Iterable[Story],
    targets: dict[str, Target],
    restics: dict[str, RealRestic],
    *,
    folder: Path,
    seed: int,
    pace: Pace,
    progress: Callable[[Diary], None] = lambda _: None,
) -> Diary:
    """Lets all stories happen under prunes and janitors; returns what happened and what failed."""
    diary, registry = Diary(), Registry()
    truth = Truth(targets, registry, diary)
    books = {store: Book(target) for store, target in targets.items()}
    gates = {store: Gate() for store in targets}
    nursery = Nursery(restics, folder / "processes", registry, diary)
    with ExitStack() as stack:
        api = TruthfulApi(diary)
        stack.enter_context(api.running())
        teller = Teller(api, nursery, books, gates, truth, diary, seed)
        over = threading.Event()
        janitors = _janitors(_configured(folder, targets, api), truth, over, seed=seed, pace=pace)
        stack.enter_context(_running(over, *(each.run for each in janitors)))
        stories_over = threading.Event()
        pruners = _pruners(teller, stories_over, pace)
        with _running(stories_over, *(each.run for each in pruners)):
            _tell(stories, teller, pace, progress)
        _wait_until_unlocked(targets, restics["0.19"], janitors, diary)
    prove(books, restics["0.19"], truth, diary)
    return diary


def _pruners(teller: Teller, over: threading.Event, pace: Pace) -> list[Pruner]:
    return [
        Pruner(
            book,
            teller.gates[store],
            teller.api,
            teller.nursery,
            teller.diary,
            random.Random(f"{teller.seed}-prune-{store}"),
            over,
            pace.prune_pause,
        )
        for store, book in teller.books.items()
    ]


def _tell(
    stories: Iterable[Story], teller: Teller, pace: Pace, progress: Callable[[Diary], None]
) -> None:
    """All of them, so many at once in each repository. A fault of the torture itself is raised."""
    pools = {store: ThreadPoolExecutor(pace.at_once) for store in teller.books}
    told: list[Future[None]] = [pools[story.store].submit(teller.tell, story) for story in stories]
    try:
        while not all(each.done() for each in told):
            time.sleep(0.2)
            progress(teller.diary)
    finally:  # also where somebody interrupts it
        teller.nursery.over.set()
        for pool in pools.values():
            pool.shutdown(cancel_futures=True)
    for each in told:
        each.result()


@dataclass(frozen=True)
class _Options:
    """What the janitors are called with."""

    shared: list[str]
    own: list[str]
    environment: dict[str, str]


def _configured(folder: Path, targets: dict[str, Target], api: ApiServer) -> _Options:
    installation = Installation(folder / "janitors", settings=dict(SETTINGS))
    for store, target in targets.items():
        installation.configure(
            store,
            target.location,
            entry={"holders": HOLDERS, "namespaces": [NAMESPACE]},
            RESTIC_PASSWORD=PASSWORD,
            **target.environment,
        )
    config = installation.write_config()
    api.put_configmap({"kind": "ConfigMap", "metadata": dict(STATE)})
    kubeconfig = api.kubeconfig(installation.folder / "kubeconfig")
    variables = {"KUBECONFIG": str(kubeconfig), "POD_NAMESPACE": STATE["namespace"]}
    return _Options(
        shared=options_of(config, f"configmap:{STATE['name']}"),
        own=options_of(config, str(installation.state)),
        environment=installation.environment(variables),
    )


def _janitors(
    options: _Options, truth: Truth, over: threading.Event, *, seed: int, pace: Pace
) -> list[Janitor]:
    return [
        Janitor(
            f"janitor-{number}",
            options.own if number == pace.janitors else options.shared,
            options.environment,
            truth,
            random.Random(f"{seed}-janitor-{number}"),
            over,
            pause=pace.janitor_pause,
            killed=pace.janitor_killed,
        )
        for number in range(1, pace.janitors + 1)
    ]


@contextmanager
def _running(over: threading.Event, *runs: Callable[[], None]) -> Iterator[None]:
    """Threads that run while the block does, and are then told that it is over."""
    with ThreadPoolExecutor(len(runs)) as pool:
        started = [pool.submit(run) for run in runs]
        try:
            yield
        finally:
            over.set()
    for each in started:
        each.result()


def _wait_until_unlocked(
    targets: dict[str, Target], restic: RealRestic, janitors: list[Janitor], diary: Diary
) -> None:
    """All are dead: the janitors must now remove what is left."""
    began = time.monotonic()
    before = sum(each.sweeps for each in janitors)
    while left := locks_left(targets, restic):
        if time.monotonic() - began > UNLOCKED:
            for store, locks in left.items():
                diary.fail(f"locks of dead holders are left on {store}: {', '.join(locks)}")
            break
        time.sleep(0.5)
    diary.count("sweeps until unlocked", sum(each.sweeps for each in janitors) - before)
