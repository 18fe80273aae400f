from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from janitor.discover.configuration import load_configuration
from janitor.discover.mistakes import ConfigurationError
from janitor.discover.settings import override
from janitor.model import Policy

from .writing import ONE, load, mistake, mistakes

MINUTE = timedelta(minutes=1)


def test_without_settings_the_defaults_hold(tmp_path: Path) -> None:
    """Else an empty file would be less careful than the documents say."""
    assert load(tmp_path, ONE).policy == Policy()


def test_every_setting_of_the_file_arrives(tmp_path: Path) -> None:
    """Else a key would be accepted and ignored."""
    text = """
        min_age: 45m
        max_removals: 7
        max_skew: 1m
        remove_unrefreshed_after: 7d
        allow_short_min_age: true
        dry_run: true
        observe: {namespaces: [shop, media], nodes: false}
    """
    assert load(tmp_path, dedent(text) + ONE).policy == Policy(
        min_age=45 * MINUTE,
        max_removals=7,
        max_skew=MINUTE,
        remove_unrefreshed_after=timedelta(days=7),
        allow_short_min_age=True,
        dry_run=True,
        observe_namespaces=("shop", "media"),
        observe_nodes=False,
    )


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    """Else a kustomize patch or an option would be typed in vain."""
    text = "min_age: 40m\nmax_removals: 4\ndry_run: true\n" + ONE
    policy = load(
        tmp_path, text, JANITOR_MIN_AGE="50m", JANITOR_MAX_REMOVALS="5", JANITOR_DRY_RUN="false"
    ).policy
    assert (policy.min_age, policy.max_removals, policy.dry_run) == (50 * MINUTE, 5, False)
    policy = override(policy, min_age=60 * MINUTE, max_removals=6, dry_run=True, fail_on_stale=True)
    assert (policy.min_age, policy.max_removals) == (60 * MINUTE, 6)
    assert (policy.dry_run, policy.fail_on_stale) == (True, True)
    assert override(policy) == policy


def test_variables_set_the_policy_without_a_file_too() -> None:
    """Else the CronJob of one repository could not be patched."""
    policy = load_configuration(
        None,
        process={"JANITOR_MAX_SKEW": "30s", "JANITOR_REMOVE_UNREFRESHED_AFTER": "48h"},
    ).policy
    assert policy.max_skew == timedelta(seconds=30)
    assert policy.remove_unrefreshed_after == timedelta(days=2)


def test_a_variable_can_switch_the_unrefreshed_verdict_off(tmp_path: Path) -> None:
    """Else an overlay could not take back the one risky setting of its base."""
    text = "remove_unrefreshed_after: 7d\n" + ONE
    policy = load(tmp_path, text, JANITOR_REMOVE_UNREFRESHED_AFTER="null").policy
    assert policy.remove_unrefreshed_after is None


def test_the_floor_of_min_age_binds_the_file(tmp_path: Path) -> None:
    """Else a living backup's lock would be old enough."""
    assert mistake(tmp_path, "min_age: 29m59s\n" + ONE) == (
        "janitor.yaml: min_age: must be 30m or more: younger locks belong to living backups "
        "(only tests set `allow_short_min_age: true`)."
    )


def test_the_floor_of_min_age_binds_a_repository(tmp_path: Path) -> None:
    """Else the floor could be passed under, one repository at a time."""
    text = "repositories: [{name: a, location: /repos/a, min_age: 1m}]\n"
    assert mistake(tmp_path, text).startswith("janitor.yaml: repositories[0].min_age: must be 30m")


def test_the_floor_of_min_age_binds_the_environment(tmp_path: Path) -> None:
    """Else a kustomize patch could pass under it."""
    assert mistake(tmp_path, ONE, JANITOR_MIN_AGE="5m").startswith("JANITOR_MIN_AGE: must be 30m")


def test_the_floor_of_min_age_binds_the_option() -> None:
    """Else a typed option could pass under it."""
    with pytest.raises(ConfigurationError, match=r"^--min-age: must be 30m or more"):
        override(Policy(), min_age=5 * MINUTE)
    short = Policy(allow_short_min_age=True)
    assert override(short, min_age=5 * MINUTE).min_age == 5 * MINUTE


def test_a_short_min_age_needs_the_word_and_more_than_nothing(tmp_path: Path) -> None:
    """Else tests could not run, or a lock of this second would count as old."""
    text = "allow_short_min_age: true\n" + ONE
    assert load(tmp_path, "min_age: 1s\n" + text).policy.min_age == timedelta(seconds=1)
    assert (
        mistake(tmp_path, "min_age: 0s\n" + text) == "janitor.yaml: min_age: must be more than 0s."
    )
    patched = load(tmp_path, "min_age: 1s\n" + ONE, JANITOR_ALLOW_SHORT_MIN_AGE="true")
    assert patched.policy.min_age == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("remove_unrefreshed_after: 23h", "must be 24h or more"),
        ("max_skew: 0s", "must be from 1s to 15m"),
        ("max_skew: 16m", "must be from 1s to 15m"),
        ("max_removals: 0", "must be 1 or more; `dry_run: true` removes nothing."),
        ("max_removals: -5", "must be 1 or more"),
        ("max_removals: 1000001", "must be at most 1000000."),
        ("max_removals: 99999999999999999999999", "must be at most 1000000."),
        ("max_removals: yes", "must be a whole number or null, not true or false"),
        ("max_removals: 5.0", "must be a whole number or null, not a number."),
        ("min_age: 90", "must be text or null, not a number: put text in quotes."),
        ("min_age: soon", "must be a duration such as"),
        ("dry_run: 'true'", "must be true or false or null, not text."),
        ("observe: {namespaces: some}", "must be `all` or a list of namespaces."),
        ("observe: {namespaces: []}", "is an empty list"),
        ("observe: {namespaces: [Shop]}", "must be a Kubernetes name"),
    ],
)
def test_impossible_values_say_what_is_allowed(tmp_path: Path, line: str, sentence: str) -> None:
    """Else somebody would search a log for what a sentence can say."""
    place = line.partition(":")[0]
    assert mistake(tmp_path, f"{line}\n{ONE}").startswith(f"janitor.yaml: {place}")
    assert sentence in mistake(tmp_path, f"{line}\n{ONE}")


@pytest.mark.parametrize(
    "name",
    [
        "JANITOR_SHARDS",
        "JANITOR_SERVICE_HOST",
        "JANITOR_SERVICE_PORT",
        "JANITOR_SERVICE_PORT_HTTP_METRICS",
        "JANITOR_PORT",
        "JANITOR_PORT_8080_TCP",
        "JANITOR_PORT_8080_TCP_ADDR",
        "JANITOR_METRICS_SERVICE_HOST",
        "JANITOR_METRICS_PORT_9091_TCP_PROTO",
    ],
)
def test_what_the_kubelet_sets_for_a_service_is_no_setting(tmp_path: Path, name: str) -> None:
    """Else a Service called `janitor` would stop every sweep."""
    assert load(tmp_path, ONE, **{name: "tcp://10.0.0.1:8080"}).policy == Policy()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("JANITOR_MIN_AEG", "2h", "no such setting: did you mean `JANITOR_MIN_AGE`?"),
        ("JANITOR_min_age", "2h", "no such setting: did you mean `JANITOR_MIN_AGE`?"),
        ("JANITOR_REPOSITORIES", "[]", "no such setting: known are `JANITOR_"),
        ("JANITOR_MIN_AGE", "", "must be a duration such as"),
        ("JANITOR_MAX_REMOVALS", "many", "must be a whole number."),
        ("JANITOR_MAX_REMOVALS", "0", "must be 1 or more"),
        ("JANITOR_DRY_RUN", "", "must be true or false."),
        ("JANITOR_DRY_RUN", "1", "must be true or false."),
    ],
)
def test_a_wrong_variable_is_told(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    """Else a misspelt `dry_run` patch would remove locks."""
    assert mistake(tmp_path, ONE, **{name: value}).startswith(f"{name}: {sentence}")


def test_mistakes_of_file_and_environment_are_told_together(tmp_path: Path) -> None:
    """Else they would be found one run at a time."""
    assert len(mistakes(tmp_path, "max_skew: 1h\n" + ONE, JANITOR_MIN_AGE="1m")) == 2
