"""A sweep is ended at each of its steps, by SIGTERM and by SIGKILL; then the next one comes."""

from __future__ import annotations

import base64
import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import pytest

from tests.faults.commands import Ended, Forks, Started
from tests.faults.proxy import Fault, Proxy, nothing
from tests.faults.site import Site, assert_told, site_in
from tests.faults.ways import Way, age, make
from tests.forge import name_of
from tests.servers.rest import RestServer
from tests.store.places import make_place
from tests.sweep.installation import Installation


def sweep(forks: Forks, site: Site, *, step: int = 0, number: int = 0) -> Ended:
    how = site.how()
    return forks.run(site.installation, *site.words, serial=True, step=step, number=number, **how)


@pytest.mark.parametrize(
    ("in_a_pod", "number"),
    [(True, signal.SIGTERM), (True, signal.SIGKILL), (False, signal.SIGKILL)],
)
@pytest.mark.timeout(600)
def test_a_sweep_may_end_at_any_step(
    in_a_pod: bool, number: signal.Signals, tmp_path: Path, rest_server: RestServer, forks: Forks
) -> None:
    """Else a node that drains, or a pod out of memory, costs a live lock, the record of a dead one,
    or the state; or leaves what no later sweep mends.
    """
    with site_in(tmp_path, rest_server, in_a_pod=in_a_pod) as site:
        end_at_every_step(site, forks, number)


def end_at_every_step(site: Site, forks: Forks, number: int) -> None:
    whole = sweep(forks, site)
    assert (whole.code, site.gone()) == (0, {lock: name for name, lock in site.dead.items()})
    assert len(whole.steps) > 30, "the steps are no longer seen"
    codes = set()
    for step in range(1, len(whole.steps) + 1):
        site.restore()
        done = sweep(forks, site, step=step, number=number)
        codes.add(done.code)
        try:
            assert_ended(site, done, number)
            assert_told(site, done)
            assert set(site.state().repositories) == set(site.repositories)
            after = sweep(forks, site)
            assert after.code == 0
            assert_told(site, Ended(0, "", done.err + after.err))
            assert set(site.gone()) == set(site.dead.values())
            assert after.of("sweep")[0]["kept"] == len(site.alive)
        except Exception as failure:
            failure.add_note(f"at step {step}, {whole.steps[step - 1]}:\n{done.out}{done.err}")
            raise
    assert 143 in codes if number == signal.SIGTERM else codes == {-number}


def assert_ended(site: Site, done: Ended, number: int) -> None:
    """The exit code says what became of it."""
    if done.code == -signal.SIGTERM:
        assert (done.out, site.gone()) == ("", {}), "it ended at once after it had begun"
    elif done.code != -number:
        (told,) = done.of("sweep")
        assert told["exit_code"] == done.code
        assert told["removed"] == len(site.gone()), "what was removed is not all in the report"
        assert done.code == 143 or told["removed"] == len(site.dead)


@pytest.mark.parametrize("kind", ["rest", "s3"])
@pytest.mark.timeout(600)
def test_a_sweep_may_be_killed_while_a_store_answers(  # noqa: PLR0917 - fixtures
    kind: str,
    installation: Installation,
    ports: dict[str, int],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    forks: Forks,
) -> None:
    """Else a deletion whose answer nobody saw is a lock without a record."""
    place = make_place(kind, request, tmp_path)
    made = make(installation, place, ports[kind], "shop-db", Way(Fault(times=0)))
    stored = place.tree(made.at)
    remembered = installation.state.read_text()
    try:
        age(installation)
        whole = forks.run(installation, "sweep")
        assert (whole.code, made.locks()) == (0, {made.alive})
        requests = len(made.proxy.seen)
        assert requests > 5
        for number in range(2 * requests):
            if made.dead not in made.locks():
                place.write(made.at, stored)
                age(installation)
            installation.state.write_text(remembered)
            killed = kill_at(made.proxy, number // 2, answered=bool(number % 2))
            done = forks.ended(killed(forks.start(installation, "sweep")))
            assert done.code == -signal.SIGKILL
            if made.dead not in made.locks():
                assert name_of(base64.b64decode(done.records[made.dead])) == made.dead
            after = forks.run(installation, "sweep")
            assert (after.code, made.locks()) == (0, {made.alive}), after.out
    finally:
        made.proxy.stop()


def kill_at(between: Proxy, number: int, *, answered: bool) -> Callable[[Started], Started]:
    """Kills what is started then at a request, before the server sees it or after it answered."""
    started: Queue[Started] = Queue()
    count = itertools.count()

    def hook(_: str) -> None:
        if next(count) == number:
            os.kill(started.get().pid, signal.SIGKILL)

    between.before = between.after = nothing
    if answered:
        between.after = hook
    else:
        between.before = hook

    def tell(process: Started) -> Started:
        started.put(process)
        return process

    return tell
