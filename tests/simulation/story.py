"""A failing history, told so that a person can follow it."""

from __future__ import annotations

import re

from tests.simulation.history import History

_MOST_LINES = 60


def story(seed: int, breaks: str | None = None) -> list[str]:
    """What happened around the first violation: its pod, its host, its lock and the janitors."""
    history = History(seed, breaks=breaks, telling=True)
    outcome = history.play()
    if not outcome.violations:
        return [f"seed {seed}: nothing went wrong"]
    words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+|\b[0-9a-f]{8}\b", outcome.violations[0]))
    words |= {process.host.name for process in history.stage.processes if process.hostname in words}
    told = [
        line
        for line in outcome.story
        if any(word in line for word in words) or "***" in line or "faults stop" in line
    ]
    last = next(index for index, line in enumerate(told) if "***" in line)
    head = [
        f"seed {seed}" + (f", breaking: {breaks}" if breaks else ""),
        f"repository: {history.plan.repository}",
        f"policy: {history.plan.policy}",
        f"store clock: {history.plan.store_clock}, witness: {history.plan.witness}",
    ]
    return [*head, *told[max(0, last - _MOST_LINES) : last + 1]]
