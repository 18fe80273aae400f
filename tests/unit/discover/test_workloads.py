"""The source `workloads`: one label, and nothing else to write."""

from __future__ import annotations

import re

import pytest

from janitor.discover.workloads import find_workloads, holders_of
from janitor.model import RepositoryState

from .fake_reader import FakeReader

LABEL = "restic-janitor.io/discover=true"
LABELS = {"restic-janitor.io/discover": "true"}
RESTIC = {
    "name": "backup",
    "image": "restic/restic",
    "env": [
        {"name": "RESTIC_REPOSITORY", "value": "s3:https://s3.example.com/shop"},
        {"name": "RESTIC_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "restic", "key": "p"}}},
    ],
}


@pytest.fixture
def reader() -> FakeReader:
    reader = FakeReader()
    reader.add_secret("shop", "restic", p="word")
    return reader


def template(*containers: dict, **spec: object) -> dict:
    return {"template": {"metadata": {}, "spec": {"containers": list(containers), **spec}}}


def cronjob(reader: FakeReader, name: str = "backup", *containers: dict, **metadata: object):
    spec = {"jobTemplate": {"spec": template(*(containers or (RESTIC,)))}}
    return reader.add("CronJob", "shop", name, spec, labels=LABELS, **metadata)


def found(reader: FakeReader):
    return find_workloads(reader, namespaces=None, selector=LABEL, each=map)


def fits(draft, hostname: str) -> bool:
    return any(re.fullmatch(holder.expression, hostname) for holder in draft.generated)


def test_a_labelled_cronjob_is_a_repository(reader):
    """Else most people who run restic need a configuration."""
    cronjob(reader, annotations={"restic-janitor.io/min-age": "2h"})
    (draft,) = found(reader)
    assert draft.name == "workloads/shop/backup"
    assert draft.location == "s3:https://s3.example.com/shop"
    assert draft.variables["RESTIC_PASSWORD"].reveal() == "word"
    assert draft.namespaces == ("shop",)
    assert draft.annotations == {"restic-janitor.io/min-age": "2h"}
    assert str(draft.owners[0]) == "CronJob shop/backup"
    assert draft.generated[0].containers == ("backup",)
    assert fits(draft, "backup-29401234-x2x9k")
    assert not fits(draft, "backup-far-29401234-x2x9k")
    assert draft.problem is None


def test_one_without_the_label_is_none_of_ours(reader):
    """Else the janitor would read Secrets that nobody gave it."""
    reader.add("CronJob", "shop", "other", {"jobTemplate": {"spec": template(RESTIC)}})
    assert found(reader) == ()
    assert not any(asked.startswith("Secret") for asked in reader.asked)


@pytest.mark.parametrize(
    ("kind", "hostname"),
    [
        ("Job", "db-x2x9k"),
        ("Deployment", "db-7d9c8b7b9f-x2x9k"),
        ("StatefulSet", "db-0"),
        ("DaemonSet", "db-x2x9k"),
    ],
)
def test_every_kind_of_workload(reader, kind, hostname):
    """Else a StatefulSet with a restic sidecar would be left out."""
    reader.add(kind, "shop", "db", template(RESTIC), labels=LABELS)
    (draft,) = found(reader)
    assert fits(draft, hostname)
    assert not fits(draft, "db")


def test_a_sidecar_beside_an_application(reader):
    """Else the seed case, a sidecar that was killed beside a database that runs on, is kept."""
    app = {"name": "postgres", "image": "postgres:17"}
    reader.add("StatefulSet", "shop", "db", template(app, RESTIC), labels=LABELS)
    (draft,) = found(reader)
    assert draft.generated[0].containers == ("backup",)


def test_whatever_may_run_restic_is_named_as_well(reader):
    """Else a living backup, in a container whose script calls restic, would look dead."""
    script = {"name": "prune", "image": "alpine", "command": ["sh", "-c", "restic prune"]}
    reader.add("StatefulSet", "shop", "db", template(script, RESTIC), labels=LABELS)
    (draft,) = found(reader)
    assert set(draft.generated[0].containers) == {"backup", "prune"}


def test_several_containers_are_several_repositories(reader):
    """Else the second one's locks would stay."""
    second = {**RESTIC, "name": "offsite"}
    cronjob(reader, "backup", RESTIC, second)
    assert [draft.name for draft in found(reader)] == [
        "workloads/shop/backup/backup",
        "workloads/shop/backup/offsite",
    ]


def test_the_jobs_of_a_found_cronjob_are_not_told_again(reader):
    """Else each run of the CronJob would be a repository of its own."""
    cronjob(reader)
    owner = [{"kind": "CronJob", "name": "backup", "controller": True}]
    reader.add("Job", "shop", "backup-1", template(RESTIC), labels=LABELS, ownerReferences=owner)
    reader.add("Job", "shop", "by-hand", template(RESTIC), labels=LABELS)
    assert [draft.name for draft in found(reader)] == [
        "workloads/shop/backup",
        "workloads/shop/by-hand",
    ]


def test_a_script_that_computes_its_repository_is_told(reader):
    """Else a label would be believed to work where nothing is found."""
    script = {"name": "run", "image": "restic/restic", "command": ["sh", "-c", "restic -r $R x"]}
    cronjob(reader, "backup", script)
    (draft,) = found(reader)
    assert draft.state is RepositoryState.INCOMPLETE
    assert "no container of CronJob shop/backup has RESTIC_REPOSITORY" in draft.problem


def test_a_missing_secret_is_that_workloads_problem_alone(reader):
    """Else one broken workload would hide all."""
    cronjob(reader)
    broken = {**RESTIC, "envFrom": [{"secretRef": {"name": "none"}}]}
    cronjob(reader, "broken", broken)
    good, bad = sorted(found(reader), key=lambda draft: draft.name)
    assert good.problem is None
    assert bad.problem == "container backup of CronJob shop/broken: there is no Secret shop/none"


def test_an_indexed_job_and_a_fixed_hostname(reader):
    """Else their locks would be foreign hosts'."""
    spec = template(RESTIC) | {"completionMode": "Indexed"}
    reader.add("Job", "shop", "part", spec, labels=LABELS)
    reader.add("Deployment", "shop", "db", template(RESTIC, hostname="Fixed"), labels=LABELS)
    drafts = {draft.name: draft for draft in found(reader)}
    assert fits(drafts["workloads/shop/part"], "part-12")
    assert fits(drafts["workloads/shop/db"], "fixed")


def test_pods_of_the_host_network_claim_no_name(reader):
    """Else a Node's own locks would be taken for the workload's."""
    reader.add("DaemonSet", "shop", "db", template(RESTIC, hostNetwork=True), labels=LABELS)
    (draft,) = found(reader)
    assert draft.generated == ()


def test_a_workload_without_a_template_is_a_sentence(reader):
    """Else a damaged object would end the sweep."""
    reader.add("CronJob", "shop", "odd", {"jobTemplate": 3}, labels=LABELS)
    assert found(reader)[0].problem == "CronJob shop/odd has no pod template"


def test_a_thousand_workloads_cost_one_list_of_each_kind(reader):
    """Else a sweep of a large cluster would be a load on its API server."""
    for number in range(1000):
        cronjob(reader, f"backup-{number}")
    assert len(found(reader)) == 1000
    lists = {asked: count for asked, count in reader.asked.items() if asked.startswith("list")}
    assert set(lists.values()) == {1}
    assert len(lists) == 5


# --- `workloads:` of a configured repository ----------------------------------------------------


def test_configured_workloads_give_their_names_and_containers(reader):
    """Else `workloads` would be a second way to write `holders`, and no better one."""
    cronjob(reader)
    app = {"name": "app", "image": "app"}
    reader.add("StatefulSet", "shop", "db", template(app))
    holders, problem = holders_of(
        reader, [("CronJob", "backup"), ("StatefulSet", "db")], ("shop", "other")
    )
    assert problem is None
    assert [(holder.owner, holder.containers) for holder in holders] == [
        ("CronJob shop/backup", ("backup",)),
        ("StatefulSet shop/db", ()),
    ]
    assert not any(asked.startswith("list") for asked in reader.asked)


def test_a_configured_workload_that_is_not_there_is_a_sentence(reader):
    """Else its locks would quietly be foreign hosts'."""
    assert holders_of(reader, [("CronJob", "none")], ("shop", "web")) == (
        (),
        "there is no CronJob none in shop, web: `workloads` names it",
    )
