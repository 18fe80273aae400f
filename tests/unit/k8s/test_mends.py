"""What `doctor` says grants a right, against what the manifests grant."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from janitor.checks.installation import Installation
from janitor.checks.mends import mend_of_right
from janitor.checks.needs import Need, needs_of
from janitor.cluster.configmap import ConfigMapShelf
from janitor.cluster.observe import OwnPod
from janitor.discover.configuration import load_configuration
from janitor.discover.found import Found
from janitor.surroundings import Unknown
from janitor.world import World

from .rendering import K8S

OWN = "restic-janitor"
STATE = "restic-janitor-state"
EVERYWHERE = """
observe: {namespaces: all, nodes: true}
repositories: [{name: a, location: /a}]
discover: {stash: {}, kubestash: {}, volsync: {}, k8up: {}, workloads: {}}
"""
NARROW = """
observe: {namespaces: [shop], nodes: false}
repositories: [{name: a, location: /a}]
discover:
  stash: {namespaces: [shop]}
  kubestash: {namespaces: [shop]}
  volsync: {namespaces: [shop]}
  k8up: {namespaces: [shop]}
  workloads: {namespaces: [shop]}
"""
ENTRIES = """
repositories:
- name: a
  secrets: [{namespace: shop, name: restic}]
  namespaces: [shop]
  workloads: [CronJob/a, Job/b, Deployment/c, StatefulSet/d, DaemonSet/e]
"""


def needs(tmp_path: Path, text: str) -> tuple[Need, ...]:
    """What a janitor in a pod needs with this configuration."""
    file = tmp_path / "janitor.yaml"
    file.write_text(text)
    configuration = load_configuration(file, process={})
    clock = lambda: datetime.now(UTC)  # noqa: E731
    world = World(
        clock=clock,
        pool=ThreadPoolExecutor(1),
        open_store=lambda _: None,
        cluster=Unknown("", clock),
        shelf=ConfigMapShelf(None, name=STATE, namespace=OWN),
    )
    return needs_of(
        Installation(
            tuple(Found(each.repository, None) for each in configuration.repositories),
            world,
            configuration.policy,
            configuration,
            own_pod=OwnPod(OWN, "restic-janitor-1", "uid-1"),
        )
    )


def rules_in(folder: Path) -> Iterator[dict]:
    """Every rule that this piece of k8s/ adds, what it includes and patches as well."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    for name in kustomization.get("resources", ()):
        for document in yaml.safe_load_all((folder / name).read_text()):
            yield from document.get("rules") or ()
    for name in kustomization.get("components", ()):
        yield from rules_in(folder / name)
    for patch in kustomization.get("patches", ()):
        body = yaml.safe_load(patch["patch"])
        yield from (each["value"] for each in body if isinstance(body, list))


@pytest.mark.parametrize("text", [EVERYWHERE, NARROW, ENTRIES])
def test_what_a_mend_names_grants_the_right(tmp_path, text):
    """Otherwise a person adds a component in the night, and the right is still missing."""
    for need in needs(tmp_path, text):
        right = need.right
        resource, _, group = right.resource.partition(".")
        granting = [
            rule
            for rule in rules_in(K8S.parent / right.granted_by)
            if group in rule["apiGroups"]
            and resource in rule["resources"]
            and right.verb in rule["verbs"]
        ]
        assert granting, f"{right}: not by {right.granted_by}"
        assert right.granted_by in mend_of_right(right)


@pytest.mark.parametrize("text", [EVERYWHERE, NARROW, ENTRIES])
def test_what_is_included_by_folder_is_a_kustomization_and_the_rest_are_components(tmp_path, text):
    """Otherwise kustomize refuses what the mend says."""
    for need in needs(tmp_path, text):
        right = need.right
        if right.component == "base":
            continue
        folder = K8S.parent / right.granted_by
        kind = yaml.safe_load((folder / "kustomization.yaml").read_text())["kind"]
        said = mend_of_right(right)
        assert ("to `components`" in said) == (kind == "Component"), said
        assert ("`namespace: shop`" in said) == (kind == "Kustomization"), said


def test_the_docs_command_makes_a_doctor_of_the_sweep():
    """Otherwise the command of docs/install.md starts another sweep."""
    docs = (K8S.parent / "docs" / "install.md").read_text()
    command = 'sed \'s/"sweep"/"doctor", "--output", "table"/\''
    assert docs.count(command) == 1
    (cronjob,) = yaml.safe_load_all((K8S / "base" / "cronjob.yaml").read_text())
    spec = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert [each["args"][0] for each in spec["containers"]] == ["sweep"]
    assert str(cronjob).count("'sweep'") == 1
