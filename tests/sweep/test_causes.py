"""A sweep says what the holder died of, wherever it tells of the lock."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.apiserver import pod
from tests.sweep.installation import Installation, old, stamp_of
from tests.sweep.pods import STATE, in_a_pod

HOST = "shop-db-backup-29401-x2x9k"
FULL = 'Usage of EmptyDir volume "tmp-dir" exceeds the limit "1Gi". '


def evicted(name: str = HOST, message: str = FULL) -> dict[str, object]:
    """A pod as the kubelet leaves it."""
    before, after = stamp_of(old(9)), stamp_of(old(7))
    made = pod(name, created=before, phase="Failed")
    made["metadata"]["ownerReferences"] = [
        {"kind": "Job", "name": "shop-db-backup-29401", "controller": True}
    ]
    ended = {"exitCode": 137, "reason": "Error", "startedAt": before, "finishedAt": after}
    made["status"] |= {"reason": "Evicted", "message": message}
    made["status"]["containerStatuses"][0]["state"] = {"terminated": ended}
    return made


def stale(installation: Installation) -> str:
    """A lock of that pod."""
    forged = installation.repository("shop-db")
    lock = forged.lock(time=old(), hostname=HOST)
    installation.remember(("shop-db", lock))
    return str(lock)


def test_the_line_of_a_lock_says_the_cause_and_the_field_to_change(
    installation: Installation,
) -> None:
    """Else the next backup dies of the same, and the janitor only tidies up behind it."""
    stale(installation)
    installation.observe(evicted())
    (line,) = installation.run("sweep", "--dry-run").of("lock")
    assert line["verdict"] == "holder-terminated"
    assert line["cause"] == (
        f"Pod shop/{HOST} was evicted: its emptyDir 'tmp-dir' passed the sizeLimit of 1Gi."
    )
    assert line["advice"].startswith(
        "Raise the sizeLimit of the volume 'tmp-dir' in Job shop-db-backup-29401"
    )
    table = installation.run("list", "--output", "table").out
    assert "passed the sizeLimit of 1Gi" in " ".join(table.split())
    page = " ".join(installation.run("explain", "shop-db", "--output", "table").out.split())
    assert f"Why the holder died Pod shop/{HOST} was evicted" in page
    (removed,) = installation.run("sweep").of("lock")
    assert (removed["removed"], removed["cause"]) == (True, line["cause"])


def test_events_in_the_file_tell_of_a_pod_that_is_gone(installation: Installation) -> None:
    """Else a Job that takes its pod along takes the reason with it."""
    stale(installation)
    time = stamp_of(old() + timedelta(minutes=1))
    about = {"kind": "Pod", "namespace": "shop", "name": HOST}
    told = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": about,
        "reason": "Killing",
        "message": "Stopping container backup",
        "lastTimestamp": time,
    }
    job = told | {
        "involvedObject": {"kind": "Job", "namespace": "shop", "name": "shop-db-backup-29401"},
        "reason": "DeadlineExceeded",
        "message": "Job was active longer than specified deadline",
    }
    installation.observe()
    document = json.loads(installation.cluster.read_text())
    document["items"] += [told, job]
    installation.cluster.write_text(json.dumps(document))
    (line,) = installation.run("sweep", "--dry-run").of("lock")
    assert line["cause"].startswith("Job shop-db-backup-29401 passed its activeDeadlineSeconds")


def test_without_any_trace_that_is_said(installation: Installation) -> None:
    """Else a person would search where nothing is."""
    stale(installation)
    (line,) = installation.run("sweep", "--dry-run").of("lock")
    assert line["cause"].startswith("Unknown: Events, which would tell, could not be read")
    assert line["advice"] is None


def test_a_hostile_message_breaks_no_line(installation: Installation) -> None:
    """Else whoever writes a pod's status could paint on the terminal of who reads it."""
    stale(installation)
    installation.observe(evicted(message="bad\x1b[2J\r\nWARNING: `rm -rf /` ](http://evil)"))
    for output in ("table", "json"):
        done = installation.run("list", "--output", output)
        assert done.code == 0, done.err
        assert not {"\x1b", "\r"} & set(done.out)
    page = installation.run("explain", "shop-db", "--output", "table").out
    assert not {"\x1b", "\r"} & set(page)


def test_a_young_lock_has_no_cause(installation: Installation) -> None:
    """Else a holder that lives would be said to have died."""
    forged = installation.repository("shop-db")
    forged.lock(time=datetime.now(UTC), hostname=HOST)
    (line,) = installation.run("sweep", "--dry-run").of("lock")
    assert (line["cause"], line["advice"]) == (None, None)


# --- what failed on it -------------------------------------------------------------------------


def refused(name: str, lock: str, at: float) -> dict[str, object]:
    """A pod of a Job whose restic found the repository locked."""
    ended = stamp_of(old(at))
    message = f"lock was created at 2026-11-24 01:02:03 (2h0m1s ago)\nstorage ID {lock[:8]}\n"
    made = pod(name, created=ended, phase="Failed")
    made["metadata"]["ownerReferences"] = [
        {"kind": "Job", "name": name.rpartition("-")[0], "controller": True}
    ]
    state = {"exitCode": 11, "reason": "Error", "finishedAt": ended, "message": message}
    made["status"]["containerStatuses"][0]["state"] = {"terminated": state}
    return made


def test_the_runs_that_failed_on_it_are_told(installation: Installation, tmp_path: Path) -> None:
    """Else nobody sees for how long there have been no backups."""
    lock = stale(installation)
    with in_a_pod(installation, tmp_path) as inside:
        state = {"state.json": installation.state.read_text()}
        inside.api.put_configmap({"kind": "ConfigMap", "metadata": dict(STATE), "data": state})
        inside.api.pods += [
            refused(f"shop-db-backup-{29402 + number}-aaaaa", lock, 7 - number / 10)
            for number in range(25)
        ]
        inside.api.pods.append(refused("other-1-aaaaa", "f" * 64, 1))
        page = inside.run("explain", "shop-db", output="table").out
        table = " ".join(inside.run("list", output="table").out.split())
        done = inside.run("sweep")
        events = [each["note"] for each in inside.api.written_events.values()]
        first = inside.api.pods[2]["status"]["containerStatuses"][0]
    (line,) = done.of("lock")
    assert line["removed"] is True
    told = line["failed_runs"]
    assert told["count"] == 25
    assert len(told["runs"]) == 20
    assert told["runs"][0] == {
        "kind": "Job",
        "namespace": "shop",
        "name": "shop-db-backup-29402",
        "time": first["state"]["terminated"]["finishedAt"],
    }
    assert told["runs"][-1]["name"] == "shop-db-backup-29426"
    assert told["missing"] is None
    words = "25 runs failed on it, from Job shop/shop-db-backup-29402 ("
    assert words in table
    assert words in events[0]
    assert "What failed on it\n  Job shop/shop-db-backup-29402 (" in page
    assert "\n  15 more\n" in page
    assert "other-1" not in page + table
