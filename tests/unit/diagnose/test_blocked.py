"""Which lock restic's words are about: this one, or none that is told."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.blocked import failed_on, names
from janitor.model import FailedRun, Lock, LockID

ID = LockID("5f3c01aa" + "0" * 56)
TIME = datetime.fromisoformat("2026-11-24T01:02:03.456789Z")
LOCK = Lock(TIME, exclusive=False, hostname="db-backup-0", username="", pid=17)
FIRST = (
    "unable to create lock in backend: repository is already locked by PID 17 on db-backup-0 by "
)
SECOND = "lock was created at 2026-11-24 01:02:03 (2h0m1.5s ago)"
STORAGE = "storage ID 5f3c01aa"
HINT = "the `unlock` command can be used to remove stale locks"
WHOLE = f"{FIRST} root (UID 0, GID 0)\n{SECOND}\n{STORAGE}\n{HINT}"
OLD = f"{FIRST}  (UID 0, GID 0)\n{SECOND}"
"""Before 0.13, and by a process without a name."""


@pytest.mark.parametrize(
    "words",
    [
        WHOLE,
        f"Fatal: {WHOLE}",
        f"repo already locked, waiting up to 0s for the lock\n{WHOLE}",
        WHOLE.replace("locked by", "locked exclusively by"),
        json.dumps({"message_type": "exit_error", "code": 11, "message": WHOLE}),
        json.dumps({"error": json.dumps({"message": WHOLE})}),
        WHOLE.replace("\n", " "),
        WHOLE.replace("\n", "\r\n\t"),
        f"{SECOND}\n{STORAGE}\n{HINT}",  # Stash keeps the last lines
        f"{STORAGE}",
        f"\x1b[31m{WHOLE}\x1b[0m".replace("ID 5f", "ID \x1b[1m5f"),
        "\n".join(f"backup-1 | 2026-11-24 ERROR {line}" for line in WHOLE.splitlines()),
        f"{WHOLE.replace('5f3c01aa', '11111111')}\n{WHOLE}",  # first another one, then this
        OLD,
        OLD.replace("01:02:03", "20:47:03").replace("11-24", "11-23"),  # UTC-04:15
        OLD.replace("01:02:03", "15:02:03"),
        f"{OLD.replace('PID 17', 'PID 18')} and later {'x' * 100} {OLD}",
    ],
)
def test_words_that_name_it(words: str) -> None:
    """Else nobody learns how long backups have been broken."""
    assert names(words, ID, LOCK)


@pytest.mark.parametrize(
    "words",
    [
        "",
        HINT,
        "repository is already locked",
        WHOLE.replace("5f3c01aa", "5f3c01ab"),
        WHOLE.replace("5f3c01aa", "5f3c01aa0"),
        f"{FIRST} root\n{SECOND}\nstorage ID 5f3c",  # cut: it may go on otherwise
        OLD.replace("PID 17", "PID 18"),
        OLD.replace("db-backup-0", "db-backup-00"),
        OLD.replace("01:02:03", "01:02:04"),
        OLD.replace("01:02:03", "16:02:03"),  # no zone is so far away
        OLD.replace("01:02:03", "09:02:03").replace("11-24", "11-23"),
        OLD.replace("11-24", "13-24"),
        FIRST,
    ],
)
def test_words_that_may_mean_another(words: str) -> None:
    """Else a run that failed for another reason is blamed on this lock."""
    assert not names(words, ID, LOCK)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.text(max_size=20))
def test_no_words_do_harm(before: str, after: str) -> None:
    """Else whoever writes a status ends the sweep."""
    names(before + after, ID, LOCK)
    assert names(f"{before} {WHOLE} {after}", ID, LOCK)


def test_hostile_words_cost_little() -> None:
    """Else a status of a megabyte holds up the sweep."""
    for piece in ("already locked by PID 1 on x by ", "storage ID ", FIRST, "\\n", "lock was "):
        assert not names(piece * 8_000, ID, LOCK)


def test_runs_are_told_once_and_in_their_order() -> None:
    """Else the first failure is not the first that is read."""
    day = timedelta(days=1)
    runs = [
        FailedRun("BackupSession", "shop", "c", TIME + 2 * day, STORAGE),
        FailedRun("BackupSession", "shop", "other", TIME, "storage ID 11111111"),
        FailedRun("BackupSession", "shop", "a", TIME + day, STORAGE),
        FailedRun("Job", "shop", "b", None, WHOLE),
        FailedRun("BackupSession", "shop", "a", TIME + day, WHOLE),
    ]
    assert [run.name for run in failed_on(ID, LOCK, runs)] == ["b", "a", "c"]
    alike = [
        FailedRun("BackupSession", "shop", "b", TIME, STORAGE),
        FailedRun("BackupSession", "shop", "a", TIME, STORAGE),
        FailedRun("BackupSession", "shop", "a", TIME + day, STORAGE),
        FailedRun("BackupSession", "web", "a", TIME, STORAGE),
        FailedRun("Prune", "shop", "a", TIME, STORAGE),
    ]
    assert [run.name for run in failed_on(ID, LOCK, alike)] == ["a", "a", "a", "b", "a"]
