"""The end of a torture in a few lines, and the stories of what went wrong."""

from __future__ import annotations

import time

from tests.torture.diary import WIDEST, Diary
from tests.torture.holders import End

SHOWN = 5
"""Failures with their stories."""
LISTED = 20
"""Failures after these, without."""


def summary(diary: Diary, *, seed: int) -> str:
    """For people."""
    counts = diary.counts
    verdicts = _listed(diary, "removed: ")
    lines = [
        f"Torture with seed {seed}, {time.time() - diary.began:.0f} s: "
        + (f"{len(diary.failures)} FAILURES" if diary.failures else "nothing went wrong"),
        f"  backups   {counts['backups']}: {_listed(diary, 'backups: ')}; "
        f"{counts['paused']} paused, {counts['refused']} times refused the lock",
        f"  prunes    {_listed(diary, 'prunes: ')}; {counts['forgotten']} snapshots forgotten",
        f"  janitors  {counts['sweeps']} sweeps, {counts['sweeps: killed']} killed, "
        f"{counts['sweeps: ended 1']} ended 1" + _why(diary),
        f"  locks     {counts['removed']} removed: {verdicts}; "
        f"{counts['removed, exclusive']} of them exclusive",
        f"            {counts['met']} of {counts[f'backups: {End.WELL}']} backups that ended well "
        f"were met alive with an old lock, {counts['meetings']} times",
        f"            {counts['sweeps until unlocked']} sweeps after the last end, none was left",
        f"  restic    check --read-data clean on {counts['checked clean']} of 3 stores; "
        f"{counts['snapshots']} snapshots",
    ]
    lines += [line for failure in diary.failures[:SHOWN] for line in ("", diary.told(failure))]
    others = [failure.sentence.splitlines()[0][:WIDEST] for failure in diary.failures[SHOWN:]]
    lines += ["", *others[:LISTED]] if others else []
    if len(others) > LISTED:
        lines.append(f"... and {len(others) - LISTED} more")
    return "\n".join(lines)


def _listed(diary: Diary, before: str) -> str:
    found = {key: count for key, count in sorted(diary.counts.items()) if key.startswith(before)}
    return ", ".join(f"{count} {key.removeprefix(before)}" for key, count in found.items())


def _why(diary: Diary) -> str:
    said = _listed(diary, "sweeps ended 1: ")
    return f" ({said})" if said else ""
