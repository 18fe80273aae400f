"""Several pods share the repositories: together they do what one would."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from janitor.shard import index_of
from tests.sweep.installation import Installation, old
from tests.sweep.pods import in_a_pod

HOST = "shop-db-backup-29401-x2x9k"
NAMES = [f"shop-{number}" for number in range(6)]


def several(installation: Installation) -> dict[str, str]:
    """Six repositories, each with a stale lock."""
    locks = {}
    for name in NAMES:
        locks[name] = str(installation.repository(name).lock(time=old(), hostname=HOST))
    installation.remember(*locks.items())
    return locks


def test_each_repository_is_swept_once(installation: Installation) -> None:
    """Else a lock stays for ever, or two pods race for it."""
    locks = several(installation)
    seen: Counter[str] = Counter()
    for index in range(3):
        done = installation.run("sweep", "--shard", f"{index}/3")
        assert done.code == 0, done.err
        seen.update(line["repository"] for line in done.of("repository"))
        assert all(line["removed"] for line in done.of("lock"))
    assert seen == Counter(list(locks))


def test_a_part_forgets_nothing_of_the_others(installation: Installation) -> None:
    """Else, where they share one state, each run makes the others wait anew."""
    several(installation)
    installation.run("sweep", "--dry-run", "--shard", "0/2")
    state = json.loads(installation.state.read_text())
    assert sorted(state["repositories"]) == NAMES


def test_each_pod_has_a_part_and_a_state_of_its_own(
    installation: Installation, tmp_path: Path
) -> None:
    """Else four pods write into one ConfigMap, or one never finds its memory again."""
    several(installation)
    state = installation.state.read_text()
    with in_a_pod(installation, tmp_path) as inside:
        for index in range(2):
            metadata = {"namespace": "janitor", "name": f"restic-janitor-state-{index}"}
            inside.api.put_configmap(
                {"kind": "ConfigMap", "metadata": metadata, "data": {"state.json": state}}
            )
        shared = {"JANITOR_SHARDS": "2"}
        parts = [
            inside.run("list", JOB_COMPLETION_INDEX=str(index), **shared) for index in range(2)
        ]
        usual = "configmap:restic-janitor-state"  # as one names it on a laptop, too
        for words in ((), ("--state", usual)):
            explained = inside.run("explain", "shop-0", *words, **shared)
            assert explained.of("lock")[0]["verdict"] == "holder-absent"
        written = [each.path for each in inside.api.requests if "configmaps" in each.path]
        undecided = inside.run("sweep", **shared)
    for index, part in enumerate(parts):
        assert {line["verdict"] for line in part.of("lock")} == {"holder-absent"}
        assert [line["repository"] for line in part.of("repository")] == [
            name for name in NAMES if index_of(name, 2) == index
        ]
    # one repository is explained in whichever pod, by its own part's state
    assert written[-1].endswith(f"restic-janitor-state-{index_of('shop-0', 2)}")
    assert (undecided.code, "`--shard I/N`" in undecided.err) == (2, True)


def test_a_part_that_is_none_is_a_usage_mistake(installation: Installation) -> None:
    """Else a typing error leaves repositories out."""
    several(installation)
    done = installation.run("sweep", "--shard", "4/4")
    assert (done.code, "the last is 3/4" in done.err) == (2, True)
