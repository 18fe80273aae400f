"""Between the janitor and its stores: slow, cut and half-open connections.

One sweep meets them all, each on the way to another repository, so that each must leave the others
alone.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.commands import Ended, Forks
from tests.faults.ways import WAYS, Repository, age, make
from tests.store.places import make_place
from tests.sweep.installation import Installation


@pytest.mark.timeout(400)
def test_each_way_costs_its_own_repository_at_most(
    installation: Installation,
    ports: dict[str, int],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    forks: Forks,
) -> None:
    """Else one bad connection hangs or fails the sweep of all, a cut listing hides locks, or what
    was removed is told as kept.
    """
    made: dict[str, Repository] = {}
    with ExitStack() as stack:
        for kind, port in ports.items():
            place = make_place(kind, request, tmp_path)
            for name, way in WAYS.items():
                made[f"{kind}-{name}"] = make(installation, place, port, f"{kind}-{name}", way)
                stack.callback(made[f"{kind}-{name}"].proxy.stop)
        age(installation)
        done = forks.run(installation, "sweep", impatient=True)
    assert done.code == 1
    assert {name: done.states[name] for name in made} == {n: r.way.state for n, r in made.items()}
    wrong = {name: problem for name, each in made.items() if (problem := judged(name, each, done))}
    assert wrong == {}
    assert done.of("sweep")[0]["removed"] == sum(each.way.removed for each in made.values())


def judged(name: str, repository: Repository, done: Ended) -> str:
    """What is wrong with the outcome; nothing: empty."""
    way, there = repository.way, repository.locks()
    if repository.alive not in there:
        return "the living holder's lock is gone"
    if (repository.dead in there) == way.removed:
        return f"removed should be {way.removed}"
    told = {line["lock"]: line for line in done.of("lock") if line["repository"] == name}
    if way.state == "read" and told[repository.dead]["removed"] != way.removed:
        return "the report says otherwise"
    if not way.removed:
        said = str(done.details[name] or told[repository.dead]["detail"])
        if not any(words in said for words in way.says) or "\n" in said:
            return said
    if way.removed and repository.dead not in done.records:
        return "its record was not told"
    return ""
