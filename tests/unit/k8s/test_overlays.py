"""What `kubectl apply -k` would send."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from janitor import __version__
from janitor.store.bounded import LONGEST_CALL

from .rendering import K8S, OVERLAYS, cronjob, of_kind, overlay, pod_spec, rendered

overlays = pytest.mark.parametrize("name", OVERLAYS)


def seen_from(place: Path, folder: Path) -> str:
    """The relative path that a kustomization in this place needs."""
    return f"{'../' * (len(place.resolve().parts) - 1)}{str(folder).lstrip('/')}"


@overlays
def test_renders_and_is_valid(name):
    """Otherwise the API server would refuse a manifest, or drop a misspelt field without a word."""
    for each in overlay(name):
        kubernetes_validate.validate(each, "1.36", strict=True)


@overlays
def test_every_subject_is_the_service_account_in_its_namespace(name):
    """Otherwise the API server refuses the binding, or gives the rights to somebody else."""
    objects = overlay(name)
    (account,) = of_kind(objects, "ServiceAccount")
    own = account["metadata"]["namespace"]
    bindings = of_kind(objects, "RoleBinding", "ClusterRoleBinding")
    assert bindings
    for binding in bindings:
        expected = [
            {"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": own}
        ]
        assert binding["subjects"] == expected, binding["metadata"]["name"]


@overlays
def test_every_namespaced_object_has_a_namespace(name):
    """Otherwise it lands wherever the user's kubeconfig points at that day."""
    objects = overlay(name)
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    homeless = [
        each["metadata"]["name"]
        for each in objects
        if each["kind"] not in cluster_wide and "namespace" not in each["metadata"]
    ]
    assert homeless == []


def test_roles_stay_in_the_namespaces_they_are_for():
    """Otherwise an overlay's namespace moves the Role for `shop` to where it grants nothing."""
    places = {
        (each["kind"], each["metadata"]["name"]): each["metadata"]["namespace"]
        for each in of_kind(overlay("namespaced"), "Role", "RoleBinding")
    }
    assert places == {
        ("Role", "restic-janitor"): "restic-janitor",
        ("RoleBinding", "restic-janitor"): "restic-janitor",
        ("Role", "restic-janitor-holders"): "shop",
        ("RoleBinding", "restic-janitor-holders"): "shop",
    }


@overlays
def test_every_role_is_bound_in_its_own_namespace(name):
    """Otherwise a Role grants nothing, or a binding names a Role that is not there."""
    objects = overlay(name)
    for kind in ("Role", "ClusterRole"):
        made = {
            (r["metadata"].get("namespace"), r["metadata"]["name"]) for r in of_kind(objects, kind)
        }
        bound = {
            (b["metadata"].get("namespace"), b["roleRef"]["name"])
            for b in of_kind(objects, f"{kind}Binding")
            if b["roleRef"]["kind"] == kind
        }
        assert made == bound


def test_namespaced_installation_has_no_cluster_role():
    """Otherwise it cannot be installed by someone who owns two namespaces and no cluster."""
    assert of_kind(overlay("namespaced"), "ClusterRole", "ClusterRoleBinding") == []


@overlays
def test_state_has_no_data(name):
    """Otherwise Flux or Argo CD would undo what the janitor remembers at each reconciliation."""
    (state,) = [
        each
        for each in of_kind(overlay(name), "ConfigMap")
        if each["metadata"]["name"] == "restic-janitor-state"
    ]
    assert "data" not in state
    assert "binaryData" not in state


@overlays
def test_image_has_the_version_of_this_checkout(name):
    """Otherwise a release would install another version's image; never `latest`."""
    (container,) = pod_spec(overlay(name))["containers"]
    assert container["image"] == f"restic-janitor:{__version__}"


@overlays
def test_pod_meets_the_restricted_standard(name):
    """Otherwise a namespace that enforces it refuses the pod, long after `apply` went well."""
    spec = pod_spec(overlay(name))
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    allowed = {"configMap", "secret", "emptyDir", "persistentVolumeClaim"}
    assert {key for volume in spec["volumes"] for key in volume if key != "name"} <= allowed


@overlays
def test_only_the_pod_has_the_token(name):
    """Otherwise any pod that uses the account by mistake could read the cluster's pods."""
    (account,) = of_kind(overlay(name), "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert pod_spec(overlay(name))["automountServiceAccountToken"] is True


@overlays
def test_namespace_enforces_the_restricted_standard(name):
    """Otherwise nobody would notice that a patch of the CronJob weakens it."""
    (namespace,) = of_kind(overlay(name), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_only_the_dry_run_overlay_is_dry():
    """Otherwise a newcomer's first apply would delete, or production would not."""
    dry = {}
    for name in OVERLAYS:
        environment = {
            each["name"]: each.get("value")
            for each in pod_spec(overlay(name))["containers"][0]["env"]
        }
        dry[name] = environment.get("JANITOR_DRY_RUN")
    assert dry == {name: "true" if name == "dry-run" else None for name in OVERLAYS}


def test_only_the_tests_overlay_allows_a_short_min_age():
    """Otherwise a lock could be removed while its holder's next refresh is still to come."""
    for name in OVERLAYS:
        text = yaml.safe_dump_all(overlay(name))
        assert ("ALLOW_SHORT_MIN_AGE" in text or "allow_short_min_age" in text) is (name == "e2e")


@overlays
def test_runs_do_not_pile_up(name):
    """Otherwise a hanging store collects pods, and a failed Job is gone before an alert."""
    spec = cronjob(overlay(name))["spec"]
    job = spec["jobTemplate"]["spec"]
    assert (spec["concurrencyPolicy"], spec["startingDeadlineSeconds"]) == ("Forbid", 300)
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 3)
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (0, 600)
    assert job["ttlSecondsAfterFinished"] == 21600
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_volume_component_mounts_a_claim(tmp_path):
    """Otherwise repositories on a volume cannot be reached as docs/install.md says."""
    folder = K8S.parent / "k8s"
    relative = seen_from(tmp_path, folder)
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{relative}/overlays/dry-run]\ncomponents: [{relative}/components/volume]\n"
    )
    spec = pod_spec(rendered(tmp_path))
    assert {"name": "repositories", "persistentVolumeClaim": {"claimName": "backups"}} in spec[
        "volumes"
    ]
    mounts = {each["name"]: each["mountPath"] for each in spec["containers"][0]["volumeMounts"]}
    assert mounts["repositories"] == "/repos/backups"


def test_the_installation_that_finds_repositories_is_as_documented(tmp_path):
    """Otherwise the first thing that a newcomer copies is refused by the API server."""
    page = (K8S.parent / "docs" / "install.md").read_text("utf-8")
    chapter = page.split("## Let it find the repositories")[1].split("\n## ")[0]
    kustomization, configuration = re.findall(r"```yaml\n(.*?)```", chapter, re.S)
    mine = tmp_path / "my-janitor"
    mine.mkdir()
    relative = seen_from(mine, K8S.parent)
    mine.joinpath("kustomization.yaml").write_text(
        kustomization.replace("../restic-janitor", relative)
    )
    mine.joinpath("janitor.yaml").write_text(configuration)
    transformer = K8S / "overlays" / "dry-run" / "into-namespace.yaml"
    mine.joinpath("into-namespace.yaml").write_text(transformer.read_text())
    objects = rendered(mine)
    for each in objects:
        kubernetes_validate.validate(each, "1.36", strict=True)
    subjects = {each["subjects"][0]["namespace"] for each in of_kind(objects, "ClusterRoleBinding")}
    assert subjects == {"restic-janitor"}
    names = {each["metadata"]["name"] for each in of_kind(objects, "ClusterRole")}
    assert {"restic-janitor-discover-volsync", "restic-janitor-discover-workloads-secrets"} <= names
    (found,) = [
        each
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"]["name"] == "restic-janitor"
    ]
    assert found["data"]["janitor.yaml"] == configuration


@pytest.mark.parametrize("order", [("namespaced", "sharded"), ("sharded", "namespaced")])
def test_shards_of_a_namespaced_installation_see_pods(tmp_path, order):
    """Otherwise no pod finds itself, and no lock is ever removed."""
    relative = seen_from(tmp_path, K8S)
    components = ", ".join(f"{relative}/components/{each}" for each in order)
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{relative}/base]\ncomponents: [{components}]\n"
    )
    (role,) = of_kind(rendered(tmp_path), "Role")
    granted = {tuple(rule["resources"]): rule for rule in role["rules"]}
    assert granted["pods", "events"]["verbs"] == ["list"]
    assert granted[("configmaps",)]["resourceNames"][-1] == "restic-janitor-state-3"


def test_the_pod_may_end_what_it_does():
    """Otherwise a run that is told to end while a store hangs is killed before it reports."""
    spec = pod_spec(rendered(K8S / "base"))
    assert spec["terminationGracePeriodSeconds"] > LONGEST_CALL


def test_shards_fit_together(tmp_path):
    """Otherwise a part of the repositories is swept by nobody, or forgets at every run."""
    relative = seen_from(tmp_path, K8S)
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: [{relative}/overlays/production]\n"
        f"components: [{relative}/components/sharded]\ntransformers: [into-namespace.yaml]\n"
    )
    transformer = K8S / "overlays" / "production" / "into-namespace.yaml"
    (tmp_path / "into-namespace.yaml").write_text(transformer.read_text())
    objects = rendered(tmp_path)
    (cronjob,) = of_kind(objects, "CronJob")
    job = cronjob["spec"]["jobTemplate"]["spec"]
    env = {each["name"]: each.get("value") for each in pod_spec(objects)["containers"][0]["env"]}
    number = int(env["JANITOR_SHARDS"])
    assert (job["completionMode"], job["completions"], job["parallelism"]) == (
        "Indexed",
        number,
        number,
    )
    assert (job["backoffLimitPerIndex"], "backoffLimit" in job) == (0, False)
    states = [
        each["metadata"]["name"]
        for each in of_kind(objects, "ConfigMap")
        if "state" in each["metadata"]["name"]
    ]
    assert states == [f"restic-janitor-state-{index}" for index in range(number)]
    named = [
        rule["resourceNames"]
        for role in of_kind(objects, "Role")
        for rule in role["rules"]
        if "configmaps" in rule["resources"]
    ]
    assert named == [states]
    for each in objects:
        kubernetes_validate.validate(each, "1.36", strict=True)
