"""Several janitors at once, on the same repositories and the same state."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.commands import Ended, Forks
from tests.faults.site import Site, assert_told, site_in
from tests.servers.rest import RestServer


@pytest.mark.parametrize("in_a_pod", [True, False], ids=["configmap", "file"])
@pytest.mark.parametrize("janitors", [2, 8])
def test_janitors_at_once_do_no_harm_to_each_other(
    janitors: int, in_a_pod: bool, tmp_path: Path, rest_server: RestServer, forks: Forks
) -> None:
    """Else two CronJobs, or a person beside one, cost a live lock or a failed sweep."""
    with site_in(tmp_path, rest_server, in_a_pod=in_a_pod, copies=4) as site:
        started = [
            forks.start(site.installation, *site.words, **site.how()) for _ in range(janitors)
        ]
        done = [forks.ended(each) for each in started]
        assert [(each.code, each.err if each.code else "") for each in done] == [
            (0, "")
        ] * janitors, [each.of("sweep") for each in done]
        assert set(site.gone()) == set(site.dead.values())
        assert_told(site, Ended(0, "", "".join(each.err for each in done)))
        assert_shared(site, done)
        state = site.state()
        assert all(lock in state.repositories[name] for name, lock in site.alive.items())
        assert set(state.nodes) == {"worker-1"}


@pytest.mark.parametrize("in_a_pod", [True, False], ids=["configmap", "file"])
@pytest.mark.timeout(600)
def test_one_may_sleep_at_any_step_while_another_sweeps(
    in_a_pod: bool, tmp_path: Path, rest_server: RestServer, forks: Forks
) -> None:
    """Else the slower of two fails, or writes an old state over a newer one."""
    with site_in(tmp_path, rest_server, in_a_pod=in_a_pod) as site:
        how = site.how()
        refused: list[str] = []
        site.forget_but("files-0")
        whole = forks.run(site.installation, *site.words, serial=True, **how)
        for step, what in enumerate(whole.steps, start=1):
            if what.startswith("print"):
                continue
            site.restore()
            site.forget_but("files-0")
            stop = {"step": step, "number": signal.SIGSTOP}
            sleeping = forks.start(site.installation, *site.words, serial=True, **how, **stop)
            wait_until_it_sleeps(sleeping.pid)
            try:
                awake = forks.run(site.installation, *site.words, impatient=True, **how)
            finally:
                os.kill(sleeping.pid, signal.SIGCONT)
            done = forks.ended(sleeping)
            assert done.code == 0, f"{what}: {done.out}{done.err}"
            assert set(site.gone().values()) == {"files-0"}, what
            assert_told(site, Ended(0, "", awake.err + done.err))
            kept = {name: set(locks) for name, locks in site.state().repositories.items()}
            assert all(kept[name] >= set(site.locks(name)) for name in site.repositories), what
            if awake.code:
                refused.append(what)
                assert "another janitor has been writing" in awake.of("sweep")[0]["detail"]
        # only where the one sleeps in the very writing of the file, the other cannot write it
        assert len(refused) == (0 if in_a_pod else 4), refused


def wait_until_it_sleeps(pid: int) -> None:
    """Until the kernel says that it is stopped."""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline, "it never came to that step"
        time.sleep(0.005)


@pytest.mark.parametrize("in_a_pod", [True, False], ids=["configmap", "file"])
def test_what_each_remembers_is_kept_of_all(
    in_a_pod: bool, tmp_path: Path, rest_server: RestServer, forks: Forks
) -> None:
    """Else the first-seen times of one are lost to another, and its locks never get old."""
    with site_in(tmp_path, rest_server, in_a_pod=in_a_pod, copies=4) as site:
        site.forget()
        started = [
            forks.start(site.installation, *site.words, "--repository", name, **site.how())
            for name in site.repositories
        ]
        done = [forks.ended(each) for each in started]
        assert [each.code for each in done] == [0] * len(site.repositories)
        assert site.gone() == {}
        kept = {name: set(locks) for name, locks in site.state().repositories.items()}
        assert kept == {name: set(site.locks(name)) for name in site.repositories}


def assert_shared(site: Site, done: list[Ended]) -> None:
    """Each dead lock was removed; a deletion that came second is a release, or told as one more."""
    told: dict[str, list[str]] = {lock: [] for lock in site.dead.values()}
    for each in done:
        for line in each.of("lock"):
            if line["lock"] in told:
                told[line["lock"]].append("removed" if line["removed"] else line["verdict"])
            else:
                assert line["verdict"] == "holder-alive"
    for lock, words in told.items():
        assert words.count("removed") >= 1, lock
        assert set(words) <= {"removed", "released"}, words
