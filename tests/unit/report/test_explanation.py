"""The page of `explain`: everything that is known, in words, and safe to copy from."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from janitor.judge import judge
from janitor.model import (
    Container,
    ContainerState,
    HolderPattern,
    Lock,
    LockReport,
    Node,
    Observation,
    Pod,
    Policy,
    Repository,
    SeenLock,
    StoreClock,
    Verdict,
)
from janitor.report.explanation import explanation
from janitor.report.words import VERDICT_WORDS

from .reports import NOW, lock_id, lock_report, repository_report
from .test_table import GOLDEN, HOSTILE


def sidecar_report(*holders: HolderPattern) -> LockReport:
    """A lock of a sidecar that was OOM-killed and restarted beside an application that runs on."""
    content = Lock(NOW - timedelta(hours=8), True, "app-0", "root", 17)
    began = NOW - timedelta(days=3)
    restarted = Container(
        "stash",
        state=ContainerState.RUNNING,
        started=NOW - timedelta(hours=7),
        finished=NOW - timedelta(hours=7, minutes=3),
        reason="OOMKilled",
        restart_count=2,
    )
    pod = Pod(
        "shop",
        "app-0",
        "5d1e",
        created=began,
        phase="Running",
        node="worker-3",
        containers=(Container("app", state=ContainerState.RUNNING, started=began), restarted),
    )
    judgement = judge(
        SeenLock(lock_id(7), content, content.time, StoreClock.SERVER, None),
        repository=Repository("shop/app", holders=holders, namespaces=("shop",)),
        observation=Observation(NOW, pods=(pod,), nodes=(Node("worker-3", ready=True),)),
        nodes={},
        policy=Policy(),
        now=NOW,
    )
    age = timedelta(hours=8)
    return LockReport("shop/app", lock_id(7), judgement, content, age, age, dry_run=True)


def test_the_page_about_a_replaced_sidecar_looks_as_it_was_approved() -> None:
    """The seed case. Look at the new text, then write it to golden/."""
    report = sidecar_report(HolderPattern("app-*", ("stash",)))
    expected = (GOLDEN / "explain-holder-replaced.txt").read_text("utf-8")
    assert expected == explanation(report, repository_report("shop/app"))


def test_a_lock_that_is_kept_names_the_container_that_keeps_it() -> None:
    """Without it the reader cannot know that `holders` have to name the sidecar."""
    page = explanation(sidecar_report())
    assert "Verdict: holder-alive (not stale; kept)" in page
    assert "container app may hold it: running since 2026-11-22T01:02:03Z" in page
    assert "container stash cannot hold it" in page
    assert "name those that do in `holders`" in " ".join(page.split())


def test_every_verdict_has_its_words() -> None:
    """A verdict without words would be a KeyError in the middle of a night."""
    assert set(VERDICT_WORDS) == set(Verdict)


@pytest.mark.parametrize("verdict", Verdict)
def test_no_page_recommends_restics_own_unlock(verdict: Verdict) -> None:
    """`restic unlock` goes by age and PID: it removes live locks."""
    page = explanation(lock_report(verdict=verdict), repository_report())
    assert "unlock" not in page
    assert VERDICT_WORDS[verdict].meaning in " ".join(page.split())


def test_evidence_that_the_page_has_no_words_for_is_shown_as_it_is() -> None:
    """New evidence would otherwise be in the JSON only."""
    evidence: dict[str, object] = {"first": {"second": ["third", 4, None, True]}, "empty": []}
    page = explanation(lock_report(evidence=evidence))
    assert page.endswith(
        "More evidence\n  first:\n    second:\n      - third\n      - 4\n      - not known\n"
        "      - yes\n  empty: none\n"
    )


def test_a_hostile_hostname_never_becomes_a_command() -> None:
    """The commands are there to be copied into a shell with cluster rights."""
    hostname = "$(reboot);`id`"
    evidence: dict[str, object] = {"candidates": [{"pod": "shop/x;reboot", "containers": []}]}
    page = explanation(lock_report(hostname=hostname, evidence=evidence), repository_report())
    commands = page.split("Where to look further\n")[1]
    assert "reboot" not in commands
    assert "`id`" not in commands


def test_the_location_in_a_command_is_quoted() -> None:
    """A prefix with a space or a `;` would otherwise split the command."""
    page = explanation(lock_report(), repository_report("a;b c"))
    assert "restic -r 's3:https://s3.example.com/backups/a;b c' --no-lock list locks\n" in page


ODD_TIMES = st.sampled_from(
    ("2026-11-24T01:02:03Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2026-13-01")
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE | ODD_TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=8,
)
KEYS = ("clocks", "candidates", "hostname_is_ours", "min_age_seconds", "observed", "other")


@settings(deadline=None)  # the machine may be busy
@given(
    evidence=st.dictionaries(st.sampled_from(KEYS), JSON),
    clocks=st.dictionaries(st.sampled_from(("now", "lock_time", "store_clock", "x")), ODD_TIMES),
    candidate=st.dictionaries(
        st.sampled_from(("pod", "phase", "node", "created", "containers", "reason", "message")),
        JSON,
    ),
    text=HOSTILE,
    width=st.integers(1, 150),
)
def test_no_evidence_breaks_the_page_or_reaches_the_terminal_raw(
    evidence: dict[str, object],
    clocks: dict[str, str],
    candidate: dict[str, object],
    text: str,
    width: int,
) -> None:
    """`explain` is what a person runs when something is odd: it must not be what fails."""
    evidence.setdefault("clocks", clocks)
    evidence.setdefault("candidates", [candidate, {**candidate, "containers": [candidate]}])
    report = lock_report(
        1, repository=text, hostname=text, username=text, detail=text, evidence=evidence,
        cause=text, advice=text,
    )  # fmt: skip
    page = explanation(report, repository_report(text), width=width)
    assert [line for line in page.split("\n") if not line.isprintable()] == []
    wide = [line for line in page.split("\n") if len(line) > max(width, 40)]
    assert [line for line in wide if not line.startswith(("  restic", "  kubectl"))] == []
