"""The annotations `restic-janitor.io/...` of an owner object: what its people say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from janitor.discover.durations import DurationError, parse_duration
from janitor.discover.environment import IncompleteError
from janitor.discover.found import Found
from janitor.discover.mistakes import Mistakes, nearest
from janitor.discover.names import read_holder
from janitor.discover.settings import duration_problem
from janitor.model import HolderPattern, Policy

PREFIX = "restic-janitor.io/"
_KNOWN = ("ignore", "min-age", "holders", "shared", "discover")


def annotated(
    found: Found, annotations: Mapping[str, str], policy: Policy
) -> tuple[Found, str | None]:
    """The repository by the words of its owner, and why it is ignored, if it is.

    Raises IncompleteError for an annotation that cannot be followed: guessing what was meant could
    remove a lock.
    """
    ours = {
        name.removeprefix(PREFIX): value
        for name, value in annotations.items()
        if name.startswith(PREFIX)
    }
    for name in sorted(set(ours) - set(_KNOWN)):
        hint = nearest(name, _KNOWN, prefix=PREFIX)
        raise IncompleteError(f"it has an annotation that the janitor does not know: {hint}")
    repository = replace(
        found.repository,
        holders=_holders(ours.get("holders", "")),
        shared=_switch("shared", ours),
        min_age=_min_age(ours.get("min-age"), policy),
    )
    ignored = f"the annotation {PREFIX}ignore says so" if _switch("ignore", ours) else None
    return replace(found, repository=repository), ignored


def _switch(name: str, annotations: Mapping[str, str]) -> bool:
    value = annotations.get(name, "false")
    if value not in ("true", "false"):
        raise IncompleteError(f'its annotation {PREFIX}{name} must be "true" or "false"')
    return value == "true"


def _min_age(text: str | None, policy: Policy) -> timedelta | None:
    if text is None:
        return None
    try:
        duration = parse_duration(text.strip())
    except DurationError as error:
        raise IncompleteError(f"its annotation {PREFIX}min-age {error}") from None
    problem = duration_problem("min_age", duration, allow_short=policy.allow_short_min_age)
    if problem is not None:
        raise IncompleteError(f"its annotation {PREFIX}min-age {problem.rstrip('.')}")
    return duration


def _holders(text: str) -> tuple[HolderPattern, ...]:
    mistakes = Mistakes("")
    patterns = tuple(
        read_holder(name.strip(), None, f"its annotation {PREFIX}holders", mistakes)
        for name in text.split(",")
        if name.strip()
    )
    if sentence := mistakes.first():
        raise IncompleteError(sentence.replace(": ", " ", 1).rstrip("."))
    return patterns
