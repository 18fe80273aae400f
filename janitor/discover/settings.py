"""The settings of a run: the file's top-level keys, `JANITOR_<KEY>` over them, then the options.

Bounds hold wherever a value comes from. `min_age` has a floor, because younger locks belong to
living backups (docs/safety.md); `max_skew` has a ceiling of half that floor, because a larger
allowance would let a clock hide a whole min_age.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from janitor.discover.durations import DurationError, format_duration, parse_duration
from janitor.discover.mistakes import Mistakes, nearest
from janitor.discover.schema import Document
from janitor.model import Policy

MIN_AGE_FLOOR = timedelta(minutes=30)
UNREFRESHED_FLOOR = timedelta(hours=24)
MAX_SKEW_FLOOR = timedelta(seconds=1)
"""An HTTP `Date` has whole seconds: less could never be kept."""
MAX_SKEW_CEILING = MIN_AGE_FLOOR / 2
_MOST_REMOVALS = 1_000_000

_PREFIX = "JANITOR_"
_DURATIONS = ("min_age", "max_skew", "remove_unrefreshed_after")
_SWITCHES = ("allow_short_min_age", "dry_run")
_OURS = (*_DURATIONS, *_SWITCHES, "max_removals")
_ELSEWHERE = ("metrics_file", "push_url")
"""Read by metrics_settings.py."""
_KEYS = (*_OURS, *_ELSEWHERE)
_NOT_OURS = re.compile(
    "JANITOR_SHARDS|JANITOR_PUSH_(?:USER|PASSWORD|CACERT)"
    # What the kubelet sets for a Service called `janitor` or `janitor-...` (service links).
    r"|JANITOR_(?:[A-Z0-9_]+_)?SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)"
    r"|JANITOR_(?:[A-Z0-9_]+_)?PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?"
)


def read_settings(document: Document, process: Mapping[str, str], mistakes: Mistakes) -> Policy:
    """The policy of the file's top level with the process environment's `JANITOR_<KEY>` over it.

    What is wrong is added to the mistakes; the default stands in its place.
    """
    overrides = _overrides(process, mistakes)
    raw: dict[str, object] = {key: getattr(document, key) for key in _OURS}
    places = {key: (key, None) for key in _OURS} | {
        key: ("", f"{_PREFIX}{key.upper()}") for key in overrides
    }
    raw |= overrides
    allow_short = raw["allow_short_min_age"] is True
    policy = Policy(allow_short_min_age=allow_short, dry_run=raw["dry_run"] is True)
    for key in (*_DURATIONS, "max_removals"):
        value = raw[key]
        if value is None:
            continue
        path, file = places[key]
        problem: str | None = None
        if isinstance(value, int):
            problem = _removals_problem(value)
        elif isinstance(value, str):
            try:
                value = parse_duration(value)
            except DurationError as error:
                problem = f"{error}."
            else:
                problem = duration_problem(key, value, allow_short=allow_short)
        if problem is None:
            policy = replace(policy, **{key: value})  # type: ignore[arg-type]  # checked above
        else:
            mistakes.add(path, problem, file=file)
    return policy


def duration_problem(key: str, duration: timedelta, *, allow_short: bool) -> str | None:
    """What is wrong with this value of `min_age`, `max_skew` or `remove_unrefreshed_after`."""
    if key == "max_skew":
        if MAX_SKEW_FLOOR <= duration <= MAX_SKEW_CEILING:
            return None
        floor, ceiling = format_duration(MAX_SKEW_FLOOR), format_duration(MAX_SKEW_CEILING)
        return f"must be from {floor} to {ceiling}, which is half of the least min_age."
    if key == "remove_unrefreshed_after":
        if duration >= UNREFRESHED_FLOOR:
            return None
        return "must be 24h or more (or null): a suspended backup may still come back."
    if allow_short:
        return None if duration > timedelta(0) else "must be more than 0s."
    if duration >= MIN_AGE_FLOOR:
        return None
    return (
        f"must be {format_duration(MIN_AGE_FLOOR)} or more: younger locks belong to living "
        "backups (only tests set `allow_short_min_age: true`)."
    )


def _removals_problem(count: int) -> str | None:
    if count < 1:
        return "must be 1 or more; `dry_run: true` removes nothing."
    return None if count <= _MOST_REMOVALS else f"must be at most {_MOST_REMOVALS}."


def _overrides(process: Mapping[str, str], mistakes: Mistakes) -> dict[str, object]:
    """The `JANITOR_<KEY>` variables, by key."""
    overrides: dict[str, object] = {}
    for name in sorted(process):
        if not name.startswith(_PREFIX) or _NOT_OURS.fullmatch(name):
            continue
        key = name.removeprefix(_PREFIX).lower()
        if key not in _KEYS or name != f"{_PREFIX}{key.upper()}":
            hint = nearest(key, [each.upper() for each in _KEYS], prefix=_PREFIX)
            mistakes.add("", f"no such setting: {hint}", file=name[:63])
            continue
        if key in _ELSEWHERE:
            continue
        try:
            overrides[key] = _value(key, process[name])
        except ValueError as error:
            mistakes.add("", f"{error}.", file=name)
    return overrides


def _value(key: str, text: str) -> object:
    """The text of a variable as what the file would hold. Raises ValueError with a sentence."""
    if key in _SWITCHES:
        if text.lower() not in ("true", "false"):
            raise ValueError("must be true or false")
        return text.lower() == "true"
    if key == "max_removals":
        if not re.fullmatch("[0-9]{1,9}", text):
            raise ValueError("must be a whole number")
        return int(text)
    if key == "remove_unrefreshed_after" and text == "null":
        return None
    parse_duration(text)
    return text


def override(
    policy: Policy,
    *,
    min_age: timedelta | None = None,
    max_removals: int | None = None,
    dry_run: bool = False,
    fail_on_stale: bool = False,
) -> Policy:
    """The policy with the command line's options over it. None and False change nothing.

    Raises ConfigurationError naming the option: the floors hold here too. `--min-age` is over a
    repository's own `min_age` as well.
    """
    mistakes = Mistakes("")
    if min_age is not None:
        problem = duration_problem("min_age", min_age, allow_short=policy.allow_short_min_age)
        if problem:
            mistakes.add("--min-age", problem)
        policy = replace(policy, min_age=min_age, typed_min_age=min_age)
    if max_removals is not None:
        problem = _removals_problem(max_removals)
        if problem:
            mistakes.add("--max-removals", problem)
        policy = replace(policy, max_removals=max_removals)
    mistakes.raise_if_any()
    return replace(
        policy,
        dry_run=policy.dry_run or dry_run,
        fail_on_stale=policy.fail_on_stale or fail_on_stale,
    )
