"""The component `monitoring`: its rules and its dashboard ask for numbers that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from janitor.metrics.families import registry_of
from janitor.model import RepositoryCounts, RepositoryState, SweepReport, Verdict
from janitor.sweep import Result
from tests.sweep.installation import old

from .rendering import K8S, of_kind, pod_spec, rendered

COMPONENT = K8S / "components" / "monitoring"
PAGE = (K8S.parent / "docs" / "monitoring.md").read_text("utf-8")


def families() -> dict[str, set[str]]:
    """Each metric with its labels, and those that Prometheus adds by the group of the push."""
    report = SweepReport(1, 0, 1, 1, 0, 1, False, timedelta(seconds=1), 0)
    counts = RepositoryCounts("shop-db", RepositoryState.READ, False, ((Verdict.HOLDER_ABSENT, 1),))
    registry = registry_of(Result(report, counts=(counts,)), now=old())
    return {
        family.name: {*family.samples[0].labels, "namespace", "job", "shard"}
        for family in registry.collect()
    }


def installed(tmp_path: Path) -> tuple[dict[str, Any], ...]:
    """What docs/monitoring.md says to apply."""
    relative = f"{'../' * (len(tmp_path.resolve().parts) - 1)}{str(K8S.parent).lstrip('/')}"
    text = re.search(r"```yaml\n(apiVersion.*?)```", PAGE, re.S)
    assert text is not None
    (tmp_path / "kustomization.yaml").write_text(text[1].replace("../restic-janitor", relative))
    transformer = K8S / "overlays" / "production" / "into-namespace.yaml"
    (tmp_path / "into-namespace.yaml").write_text(transformer.read_text())
    return rendered(tmp_path)


def rules() -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load((COMPONENT / "rules.yaml").read_text())["spec"]
    return spec


def queries() -> list[str]:
    """Every query of the rules and the dashboard, as Prometheus gets it."""
    asked = [rule["expr"] for group in rules()["groups"] for rule in group["rules"]]
    for panel in json.loads((COMPONENT / "dashboard.json").read_text())["panels"]:
        asked += [target["expr"].replace("$namespace", ".*") for target in panel["targets"]]
    assert len(asked) > 15
    return asked


def test_renders_as_documented(tmp_path: Path) -> None:
    """Else the first thing that somebody copies fails, or nothing is pushed."""
    objects = installed(tmp_path)
    env = {each["name"]: each for each in pod_spec(objects)["containers"][0]["env"]}
    assert env["JANITOR_PUSH_URL"]["value"] == "http://pushgateway.example:9091"
    assert env["JANITOR_PUSH_PASSWORD"]["valueFrom"]["secretKeyRef"]["optional"] is True
    assert "POD_NAMESPACE" in env, "the patch adds, and takes nothing away"
    (rule,) = of_kind(objects, "PrometheusRule")
    (dashboard,) = (
        each
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    )
    assert {each["metadata"]["namespace"] for each in (rule, dashboard)} == {"restic-janitor"}
    json.loads(dashboard["data"]["restic-janitor.json"])


def test_alerts_fire_when_they_should_and_not_else(tmp_path: Path, promtool: Path) -> None:
    """Else the one night on which it matters is silent, or all nights are loud."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    shutil.copyfile(Path(__file__).with_name("alerts.yaml"), tmp_path / "alerts.yaml")
    for words in (("check", "rules", "rules.yaml"), ("test", "rules", "alerts.yaml")):
        done = subprocess.run(
            [promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_query_is_one(tmp_path: Path, promtool: Path) -> None:
    """Else a panel shows an error where a number should be."""
    records = [{"record": f"query_{number}", "expr": expr} for number, expr in enumerate(queries())]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))
    done = subprocess.run(
        [promtool, "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("query", queries())
def test_a_query_asks_for_what_there_is(query: str) -> None:
    """Else a panel is empty for ever, and an alert never fires."""
    known = families()
    names = set(re.findall(r"restic_janitor_\w+", query))
    assert names
    assert names <= set(known)
    labels = set().union(*(known[name] for name in names))
    asked = re.findall(r"(?:by|on) \(([^)]*)\)", query) + re.findall(r"[{,](\w+)=", query)
    assert {label.strip() for each in asked for label in each.split(",")} <= labels


def test_every_number_has_a_row() -> None:
    """Else nobody knows what it counts."""
    rows = dict(re.findall(r"^\| `(restic_janitor_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows.items()}
    assert documented == {
        name: labels - {"namespace", "job", "shard"} for name, labels in families().items()
    }
    for rule in rules()["groups"][0]["rules"]:
        assert f"| `{rule['alert']}` |" in PAGE


def test_names_from_outside_are_values_and_nothing_else(promtool: Path) -> None:
    """Else whoever names an object writes numbers of his own."""
    report = SweepReport(1, 0, 0, 0, 0, 0, False, timedelta(0), 0)
    from prometheus_client import generate_latest

    name = 'a"} 1\nrestic_janitor_dry_run 7\\\x1b[2J\ud800é'
    counts = RepositoryCounts(name, RepositoryState.READ, False)
    text = generate_latest(registry_of(Result(report, counts=(counts,)), now=old()))
    assert b"\nrestic_janitor_dry_run 7" not in text
    assert b"\x1b" not in text
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
