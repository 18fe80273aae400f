"""The command itself, in processes of its own: an empty HOME, no variable but those named."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from janitor.arguments import parse_arguments
from janitor.put_back import PutBackError, read_record
from tests.apiserver import ApiServer, node, pod
from tests.servers.process import free_ports
from tests.servers.scripted import Reply, Request, scripted
from tests.sweep.installation import COMMAND, PATIENCE, Done, Installation, old, run, stamp_of

HELD = "shop-db-backup-29401-x2x9k"

LOCK_FIELDS = [
    "event",
    "repository",
    "lock",
    "verdict",
    "stale",
    "removed",
    "dry_run",
    "hostname",
    "username",
    "pid",
    "exclusive",
    "created",
    "age_seconds",
    "unchanged_seconds",
    "evidence",
    "cause",
    "advice",
    "detail",
    "record",
    "failed_runs",
]


def stale_in(installation: Installation, name: str = "shop-db", **lock: Any) -> str:
    """A repository with one lock that a sweep removes."""
    shop = installation.repository(name)
    made = shop.lock(time=old(), **lock)
    installation.remember((name, made))
    return made


# --- what a sweep prints ---------------------------------------------------------------------


def test_a_sweep_removes_and_prints_the_lines_of_its_contract(installation: Installation) -> None:
    """Else alerts and scripts that read the lines break, or nothing is removed at all."""
    lock = stale_in(installation)
    done = installation.run("sweep")
    assert done.code == 0, done.out + done.err
    told, repository, total = done.lines
    assert list(told) == LOCK_FIELDS
    assert told | {"repository": "shop-db", "lock": lock, "stale": True, "removed": True} == told
    assert told["verdict"] == "holder-absent"
    assert (told["hostname"], told["pid"], told["exclusive"]) == (HELD, 1, False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["created"])
    assert 28_000 < told["age_seconds"] < 30_000
    assert repository == {
        "event": "repository",
        "repository": "shop-db",
        "source": "configured",
        "location": str(installation.folder / "repositories" / "shop-db"),
        "state": "read",
        "locks": 1,
        "removed": 1,
        "detail": None,
        "owners": [],
    }
    assert {key: value for key, value in total.items() if key != "duration_seconds"} == {
        "event": "sweep",
        "repositories": 1,
        "failed": 0,
        "locks": 1,
        "stale": 1,
        "removed": 1,
        "kept": 0,
        "dry_run": False,
        "exit_code": 0,
        "detail": None,
    }
    assert installation.run("sweep").states == {"shop-db": "unlocked"}


def test_fail_on_stale_is_about_what_is_still_there(installation: Installation) -> None:
    """Else a check in a pipeline is green while backups are blocked, or red after a clean sweep."""
    stale_in(installation)
    assert installation.run("list").code == 0
    listed = installation.run("list", "--fail-on-stale")
    assert listed.code == 1
    assert listed.of("sweep")[0]["exit_code"] == 1
    assert installation.run("sweep", "--dry-run", "--fail-on-stale").code == 1
    assert installation.run("sweep", "--fail-on-stale").code == 0


def test_outside_a_pod_a_sweep_without_a_named_cluster_only_reports(
    installation: Installation,
) -> None:
    """Else whatever context a laptop has decides about locks of another cluster."""
    lock = stale_in(installation)
    with ApiServer().running() as api:
        api.pods, api.nodes = [pod("web-1")], [node()]
        kubeconfig = api.kubeconfig(installation.folder / "kubeconfig")
        environment = {"KUBECONFIG": str(kubeconfig)}
        done = installation.run("sweep", cluster=False, environment=environment)
        (told,) = done.of("lock")
        assert (told["verdict"], told["removed"], told["dry_run"]) == ("holder-absent", False, True)
        assert "--context" in done.of("sweep")[0]["detail"]
        done = installation.run(
            "sweep", "--context", "test", cluster=False, environment=environment
        )
    (told,) = done.of("lock")
    assert (told["lock"], told["removed"]) == (lock, True)


def test_repository_takes_names_and_globs(installation: Installation) -> None:
    """Else a person's sweep of one repository touches others."""
    for name in ("shop-db", "shop-web", "media"):
        stale_in(installation, name)
    only = installation.run("list", "--repository", "shop-*")
    assert set(only.states) == {"shop-db", "shop-web"}
    both = installation.run("list", "--repository", "media", "--repository", "*-web")
    assert set(both.states) == {"media", "shop-web"}
    none = installation.run("sweep", "--repository", "shp-*")
    assert none.code == 2
    assert "shp-*" in none.err
    assert "shop-db" in none.err
    installation.run("sweep", "--repository", "media")
    assert installation.run("list").states == {
        "shop-db": "read",
        "shop-web": "read",
        "media": "unlocked",
    }


# --- bad repositories among good ones --------------------------------------------------------


def _no_password(installation: Installation, name: str) -> None:
    stale_in(installation, name)
    (installation.folder / "secrets" / name / "RESTIC_PASSWORD").unlink()


def _empty_folder(installation: Installation, name: str) -> None:
    (installation.folder / name).mkdir()
    installation.configure(name, str(installation.folder / name), RESTIC_PASSWORD="x")


def _refused_connection(installation: Installation, name: str) -> None:
    (port,) = free_ports(1)
    installation.configure(name, f"rest:http://127.0.0.1:{port}/bad", RESTIC_PASSWORD="x")


def _damaged(installation: Installation, name: str, folder: str, content: bytes) -> None:
    stale_in(installation, name)
    root = installation.folder / "repositories" / name
    for file in (root / folder).iterdir() if folder else [root / "config"]:
        file.write_bytes(content)


BROKEN: dict[str, tuple[Callable[[Installation, str], object], str, list[str]]] = {
    "wrong-password": (
        lambda i, name: [stale_in(i, name), i.configure(name, _at(i, name), RESTIC_PASSWORD="no")],
        "wrong-password",
        ["RESTIC_PASSWORD"],
    ),
    "no-password": (_no_password, "incomplete", ["RESTIC_PASSWORD", "secrets/no-password"]),
    "no-secret": (
        lambda i, name: i.configure(name, "/a", entry={"environment": "/secrets/nowhere"}),
        "incomplete",
        ["/secrets/nowhere", "mounted"],
    ),
    "not-mounted": (
        lambda i, name: i.configure(name, _at(i, name), RESTIC_PASSWORD="x"),
        "not-mounted",
        ["repositories/not-mounted", "mount"],
    ),
    "empty-folder": (_empty_folder, "no-repository", ["empty-folder", "config"]),
    "wrong-prefix": (
        lambda i, name: i.configure(name, _at(i, ""), RESTIC_PASSWORD="x"),
        "no-repository",
        ["config"],
    ),
    "refused-connection": (_refused_connection, "unreachable", ["127.0.0.1"]),
    "password-elsewhere": (
        lambda i, name: i.configure(name, "/a", RESTIC_PASSWORD_FILE="/etc/restic/password"),
        "incomplete",
        ["RESTIC_PASSWORD_FILE", "mounted"],
    ),
    "no-location": (
        lambda i, name: i.configure(name, None, RESTIC_PASSWORD="x"),
        "incomplete",
        ["RESTIC_REPOSITORY"],
    ),
    "bad-location": (
        lambda i, name: i.configure(name, None, RESTIC_PASSWORD="x", RESTIC_REPOSITORY="s3:"),
        "incomplete",
        ["s3"],
    ),
    "command": (
        lambda i, name: i.configure(name, "/a", RESTIC_PASSWORD_COMMAND="cat /etc/shadow"),
        "incomplete",
        ["RESTIC_PASSWORD_COMMAND", "RESTIC_PASSWORD_FILE"],
    ),
    "damaged-key": (lambda i, name: _damaged(i, name, "keys", b"{}"), "wrong-password", ["key"]),
    "damaged-config": (
        lambda i, name: _damaged(i, name, "", b"x" * 100),
        "no-repository",
        ["config"],
    ),
}


def test_broken_repositories_are_one_sentence_each_and_the_others_are_done(
    installation: Installation,
) -> None:
    """Else one typing error leaves every backup blocked, or nobody learns what to mend."""
    statuses = {"status-401": 401, "status-403": 403, "status-500": 500}
    stale_in(installation, "first")
    for name, (spoil, _, _) in BROKEN.items():
        spoil(installation, name)
    stale_in(installation, "last")

    def refuse(request: Request) -> Reply:
        return Reply(next(code for name, code in statuses.items() if name in request.path), b"no")

    with scripted(refuse) as server:
        for name in statuses:
            installation.configure(name, f"rest:{server.url}/{name}", RESTIC_PASSWORD="x")
        done = installation.run("sweep")
    assert done.code == 1
    assert done.states == (
        {name: state for name, (_, state, _) in BROKEN.items()}
        | {"status-401": "unauthorized", "status-403": "unauthorized"}
        | {"status-500": "unreachable", "first": "read", "last": "read"}
    )
    for name, (_, _, words) in BROKEN.items():
        detail = str(done.details[name])
        assert "\n" not in detail
        assert [word for word in words if word not in detail] == [], detail
    for name, code in statuses.items():
        assert str(code) in str(done.details[name])
    assert [line["repository"] for line in done.of("lock") if line["removed"]] == ["first", "last"]
    assert done.of("sweep")[0]["failed"] == len(BROKEN) + len(statuses)


def _at(installation: Installation, name: str) -> str:
    return str(installation.folder / "repositories" / name)


# --- what is wrong before anything is touched ------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty", "repositories"]),
        ("repositories: []", ["repositories"]),
        ("repositories: [", ["line"]),
        ("min_age: 5m\nrepositories: [{name: a, location: /a}]", ["min_age", "30m"]),
        ("min_age: soon\nrepositories: [{name: a, location: /a}]", ["min_age", "30m"]),
        ("max_removals: many\nrepositories: [{name: a, location: /a}]", ["max_removals"]),
        ("min_agee: 1h\nrepositories: [{name: a, location: /a}]", ["min_agee", "min_age"]),
        ("repositories: [{location: /a}]", ["repositories[0]", "name"]),
        ("repositories: [{name: a, location: 's4:/a'}]", ["repositories[0].location"]),
        ("repositories: [{name: a, location: /a}, {name: a, location: /b}]", ["repositories[1]"]),
        (
            "repositories: [{name: a, location: /a, variables: {RESTIC_PASSWORD: hunter2}}]",
            ["RESTIC_PASSWORD", "environment"],
        ),
    ],
)
def test_a_wrong_configuration_is_told_before_anything_is_touched(
    installation: Installation, misused: Callable[[str], Done], text: str, words: list[str]
) -> None:
    """Else a mistake is half obeyed, or ends in a traceback."""
    done = misused(text)
    assert (done.code, done.out) == (2, "")
    assert str(installation.config) in done.err
    assert [word for word in words if word not in done.err] == [], done.err
    assert len(done.err.splitlines()) == 1
    assert "hunter2" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["COMMAND"]),
        (["swep"], ["sweep"]),
        (["sweep"], ["--config", "RESTIC_REPOSITORY"]),
        (["sweep", "--config", "/nowhere/janitor.yaml"], ["/nowhere/janitor.yaml"]),
        (["sweep", "--config", "/"], ["/"]),
        (["sweep", "--config", "CONFIG", "--min-age", "5m"], ["--min-age", "30m"]),
        (["sweep", "--config", "CONFIG", "--min-age", "5"], ["--min-age", "30m"]),
        (["sweep", "--config", "CONFIG", "--max-removals", "0"], ["--max-removals"]),
        (["sweep", "--config", "CONFIG", "--cluster", "/nowhere.json"], ["/nowhere.json"]),
        (["sweep", "--config", "CONFIG", "--cluster", "CONFIG"], ["kubectl get pods,nodes -A"]),
        (["sweep", "--config", "CONFIG", "--context", "prod"], ["kubeconfig"]),
        (["sweep", "--config", "CONFIG", "--observed-at", "2026-01-01T00:00:00"], ["zone"]),
        (["sweep", "--config", "CONFIG", "--state", "configmap:x"], ["kubeconfig"]),
        (["list", "--config", "CONFIG", "--dry-run"], ["--dry-run"]),
        (["explain", "--config", "CONFIG", "nosuch"], ["nosuch", "shop-db"]),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    installation: Installation, arguments: list[str], words: list[str]
) -> None:
    """Else a mistake is a traceback, or a sweep with other settings than were meant."""
    stale_in(installation)
    config = str(installation.write_config())
    typed = [config if word == "CONFIG" else word for word in arguments]
    done = run([COMMAND, *typed], installation.environment())
    assert (done.code, done.out) == (2, ""), done.err
    assert [word for word in words if word not in done.err] == [], done.err
    assert len(installation.run("list").of("lock")) == 1


def test_restics_own_variables_are_enough(installation: Installation) -> None:
    """Else a person who has restic's environment at hand must write a file first."""
    shop = installation.repository("shop-db")
    shop.lock(time=old())
    variables = {"RESTIC_REPOSITORY": str(shop.path), "RESTIC_PASSWORD": shop.password}
    done = run([COMMAND, "list"], installation.environment(variables))
    assert done.code == 0
    assert done.states == {"default": "read"}
    assert done.verdicts == ["awaiting-confirmation"]
    assert "--state FILE" in done.of("sweep")[0]["detail"]


# --- signals and pipes -----------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_sweep_with_a_report(
    installation: Installation, number: int, code: int
) -> None:
    """Else a node that drains kills the sweep in the middle and nobody sees what it did."""
    arrived = threading.Event()

    def slow(_: Request) -> Reply:
        arrived.set()
        time.sleep(1)
        return Reply(404)

    with scripted(slow) as server:
        installation.configure("slow", f"rest:{server.url}/slow", RESTIC_PASSWORD="x")
        shop = installation.repository("shop-db")
        installation.remember(("shop-db", shop.lock(time=old())))
        done = _interrupted(installation, "sweep", arrived, (number,))
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.err
    assert set(done.states) == {"slow", "shop-db"}
    assert done.of("sweep")[0]["exit_code"] == code
    assert done.of("sweep")[0]["removed"] == 0
    assert len(shop.locks()) == 1


def test_a_second_interrupt_waits_for_nothing(installation: Installation) -> None:
    """Else a person who has pressed Ctrl-C twice waits for a server that hangs, up to a minute."""
    arrived = threading.Event()

    def hang(_: Request) -> Reply:
        arrived.set()
        return Reply(hang=True)

    with scripted(hang) as server:
        installation.configure("slow", f"rest:{server.url}/slow", RESTIC_PASSWORD="x")
        done = _interrupted(
            installation, "list", arrived, (signal.SIGINT, signal.SIGINT), within=10
        )
    assert done.code == 130
    assert "Traceback" not in done.err


def _interrupted(
    installation: Installation,
    command: str,
    arrived: threading.Event,
    numbers: tuple[int, ...],
    *,
    within: float = PATIENCE,
) -> Done:
    """What a command left that got these signals when its server had been asked, and ended within
    so many seconds of the last.
    """
    process = subprocess.Popen(
        installation.command(command),
        env=installation.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert arrived.wait(PATIENCE)
        for index, number in enumerate(numbers):
            if index:
                time.sleep(0.5)  # two at once would be one
            process.send_signal(number)
        out, err = process.communicate(timeout=within)
    finally:
        process.kill()
        process.wait()
    return Done(process.returncode, out, err)


def test_a_reader_that_has_enough_is_no_traceback(installation: Installation) -> None:
    """Else `restic-janitor list | head` ends in a page of Python."""
    shop = installation.repository("shop-db")
    for pid in range(400):
        shop.lock(time=old(), pid=pid)
    process = subprocess.Popen(
        installation.command("list", "--output", "json"),
        env=installation.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


# --- help ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["sweep", "--help"]])
def test_help_needs_nothing_heavy(installation: Installation, words: list[str]) -> None:
    """Else a person waits a second for a line of help, or it fails where a library is broken."""
    heavy = ("kubernetes", "obstore", "urllib3", "cryptography", "structlog", "yaml", "msgspec")
    program = (
        "import sys, contextlib\n"
        "from janitor.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({words!r})\n"
        f"print('loaded:', sorted(set({heavy!r}) & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", program], installation.environment())
    assert done.out.splitlines()[-1] == "loaded: []"
    assert done.err == ""
    assert len(done.out) > 30
    assert run([COMMAND, *words], installation.environment()).code == 0


# --- put-back --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["line", "record", "stdin"])
def test_a_removed_lock_comes_back_and_stays(installation: Installation, form: str) -> None:
    """Else a removal that was wrong cannot be undone, or is done again at the next sweep."""
    lock = stale_in(installation)
    line = installation.run("sweep").out.splitlines()[0]
    shop = installation.folder / "repositories" / "shop-db" / "locks"
    assert list(shop.iterdir()) == []
    record = {"line": line, "record": json.loads(line)["record"], "stdin": "-"}[form]
    done = installation.run(
        "put-back", "shop-db", record, cluster=False, given=line if form == "stdin" else ""
    )
    assert done.code == 0, done.err
    assert done.lines == [{"event": "put-back", "repository": "shop-db", "lock": lock}]
    assert [each.name for each in shop.iterdir()] == [lock]
    for _ in range(2):
        assert installation.run("sweep").verdicts == ["put-back"]
    assert [each.name for each in shop.iterdir()] == [lock]


def test_a_wrong_record_is_refused(installation: Installation) -> None:
    """Else anything at all can be written into a repository's locks."""
    stale_in(installation)
    other = stale_in(installation, "other")
    lines = {line["repository"]: line for line in installation.run("sweep").of("lock")}
    own, foreign = lines["shop-db"], lines["other"]
    changed = own | {"lock": other}
    refused = {
        "neither": "what is this?",
        "SHA-256": json.dumps(changed),
        "'other'": json.dumps(foreign),
        "no lock of shop-db": foreign["record"],
        "empty": json.dumps({"record": ""}),
    }
    for words, record in refused.items():
        done = installation.run("put-back", "shop-db", record, cluster=False)
        assert (done.code, done.out) == (1, ""), done.err
        assert words in done.err
        assert len(done.err.splitlines()) == 1
    without = installation.run("put-back", "shop-db", own["record"], cluster=False, state=False)
    assert without.code == 1
    assert "--state" in without.err
    assert list((installation.folder / "repositories" / "shop-db" / "locks").iterdir()) == []
    forced = installation.run(
        "put-back", "shop-db", own["record"], "--state", "none", cluster=False, state=False
    )
    assert forced.code == 0
    again = installation.run("put-back", "shop-db", own["record"], cluster=False)
    assert again.code == 1
    assert "there" in again.err


# --- explain ---------------------------------------------------------------------------------


def test_explain_shows_every_verdict_and_changes_nothing(installation: Installation) -> None:
    """Else a person who asks why gets no answer, or the asking itself removes something."""
    shop = installation.repository("shop-db")
    hour_ago = stamp_of(old(1))
    locks = {
        "holder-absent": shop.lock(time=old(), hostname="shop-db-backup-29401-aaaaa"),
        "holder-alive": shop.lock(time=old(), hostname="shop-db-backup-29401-bbbbb"),
        "holder-replaced": shop.lock(time=old(), hostname="shop-db-backup-0"),
        "holder-terminated": shop.lock(time=old(), hostname="shop-db-backup-29401-ccccc"),
        "foreign-host": shop.lock(time=old(), hostname="a-laptop"),
        "node-exists": shop.lock(time=old(), hostname="worker-1"),
        "in-the-future": shop.lock(time=old(-2), modified=old()),
        "too-young": shop.lock(time=old(0)),
        "recently-written": shop.lock(time=old(), modified=old(0), pid=7),
        "unreadable": shop.put_lock(b"no lock at all" * 9, modified=old()),
    }
    installation.remember(*(("shop-db", lock) for lock in locks.values()))
    locks["awaiting-confirmation"] = shop.lock(time=old(), pid=9)
    ended = pod("shop-db-backup-29401-ccccc", phase="Failed", created=stamp_of(old(9)))
    ended["status"]["containerStatuses"] = []
    installation.observe(
        pod("shop-db-backup-29401-bbbbb", created=stamp_of(old(9)), started=stamp_of(old(9))),
        pod("shop-db-backup-0", created=hour_ago, started=hour_ago),
        ended,
    )
    before = {path: path.stat().st_mtime_ns for path in installation.folder.rglob("*")}
    page = installation.run("explain", "shop-db", "--output", "table")
    assert (page.code, page.err) == (0, "")
    for verdict, lock in locks.items():
        (about,) = [part for part in page.out.split("Lock ") if part.startswith(lock)]
        assert f"Verdict: {verdict} (" in about
    one = installation.run("explain", "shop-db", locks["foreign-host"][:8], "--output", "table")
    assert one.out.count("Verdict:") == 1
    assert "a-laptop" in one.out
    after = {path: path.stat().st_mtime_ns for path in installation.folder.rglob("*")}
    before.pop(installation.config, None)
    after.pop(installation.config, None)
    assert after == before
    every = installation.run("explain", "shop-db", "--output", "json")
    assert every.verdicts == sorted(locks)
    nothing = installation.run("explain", "shop-db", "ffffffffffff")
    assert nothing.code == 1
    assert "ffffffffffff" in nothing.err


def test_explain_says_what_is_wrong_with_the_cluster(installation: Installation) -> None:
    """Else a person cannot tell doubt from a live holder."""
    shop = installation.repository("shop-db")
    installation.remember(("shop-db", shop.lock(time=old())))
    with ApiServer().running() as api:
        api.pods, api.nodes = [pod("web-1")], [node()]
        api.deny("list", "pods")
        kubeconfig = api.kubeconfig(installation.folder / "kubeconfig")
        done = installation.run(
            "explain",
            "shop-db",
            "--output",
            "table",
            "--context",
            "test",
            cluster=False,
            environment={"KUBECONFIG": str(kubeconfig)},
        )
    assert done.code == 1
    assert "Verdict: cluster-unknown" in done.out
    assert "list pods" in done.out


def test_clocks_apart_keep_every_lock(installation: Installation) -> None:
    """Else a node with a wrong clock removes the locks of living backups."""
    lock = stale_in(installation)
    before = installation.state.read_text()
    with ApiServer().running() as api:
        api.pods, api.nodes, api.date_skew = [pod("web-1")], [node()], timedelta(minutes=-20)
        environment = {"KUBECONFIG": str(api.kubeconfig(installation.folder / "kubeconfig"))}
        done = installation.run(
            "sweep", "--context", "test", cluster=False, environment=environment
        )
    assert (done.code, done.verdicts) == (1, ["cluster-unknown"])
    assert installation.state.read_text() == before
    assert (Path(installation.folder) / "repositories" / "shop-db" / "locks" / lock).exists()


@pytest.mark.parametrize(
    "typed",
    [
        ("list", "--observed-at", "2026-11-24T01:02:03Z"),
        ("list", "--cluster", "x.json", "--observed-at", "0001-01-01T00:00:00+01:00"),
    ],
)
def test_a_time_that_cannot_be_meant_is_a_usage_mistake(
    typed: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Else it is ignored in silence, or ends in a traceback."""
    with pytest.raises(SystemExit) as ended:
        parse_arguments(typed)
    assert ended.value.code == 2
    assert "--observed-at" in capsys.readouterr().err


@pytest.mark.parametrize("record", ["é", "\udcff\udcfe", "{", "AAA", ""])
def test_a_record_that_is_none_is_one_sentence(record: str) -> None:
    """Else a slip of the clipboard ends in a traceback."""
    with pytest.raises(PutBackError):
        read_record(record)
