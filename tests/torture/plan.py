"""What will be done to whom, from a seed: which backups, where they live and how they end."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

STORES = ("files", "s3", "rest")
VERSIONS = ("0.14", "0.19")
REFRESH = 330.0
"""Seconds after which every restic has written its lock anew once, by a new name."""

Item = TypeVar("Item")


class Fate(StrEnum):
    """How a backup is meant to end."""

    ENDS = "ends well"
    KILLED = "SIGKILL"
    TOLD = "SIGTERM"


class Home(StrEnum):
    """Where a backup lives, so which name its lock carries and what the API says of it."""

    JOB = "a Job's pods"
    """Each under a new name; afterwards Succeeded or Failed, or soon deleted."""
    STATEFUL = "a StatefulSet's pod"
    """Deleted and born again under the same name."""
    SIDECAR = "a container that restarts"
    """In a pod whose other container runs on."""
    LAPTOP = "outside the cluster"
    HOST = "a process on a Node"
    """Nobody may touch the locks of these two, dead or alive, so they always end well."""


@dataclass(frozen=True, slots=True)
class Pause:
    """SIGSTOP, and SIGCONT some seconds later."""

    after: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup; all times are seconds since its process began."""

    name: str
    """Its tag in the repository as well."""
    version: str
    seconds: float
    """How long its input takes to come."""
    fate: Fate
    fate_after: float
    pause: Pause | None
    kept: bool
    """Its snapshot is never forgotten."""


@dataclass(frozen=True, slots=True)
class Story:
    """Backups that live one after the other in the same place."""

    name: str
    store: str
    home: Home
    backups: tuple[Backup, ...]


def plan(
    backups: int, seed: int, *, seconds: tuple[float, float], longest: int = 4
) -> tuple[Story, ...]:
    """As many backups as that, spread over the stores.

    `seconds` is how long their input takes, `longest` how many live in one place at most.

    Of every hundred one runs until restic has refreshed its lock. Homes, fates and versions are
    drawn without putting back, so that a short plan has all of them too.
    """
    draw = _Draw(random.Random(f"torture-{seed}"), seconds)
    stories: list[Story] = []
    number = 0
    while number < backups:
        home = next(draw.homes)
        count = min(next(draw.counts) if home in _REBORN else 1, longest, backups - number)
        long = len(stories) < backups // 100
        made = tuple(
            draw.backup(f"b{number + index:03}", home, long=long and index == 0)
            for index in range(count)
        )
        stories.append(Story(f"story-{len(stories):03}", next(draw.stores), home, made))
        number += count
    stories.sort(key=lambda story: -max(backup.seconds for backup in story.backups))
    return tuple(stories)


_REBORN = (Home.STATEFUL, Home.SIDECAR)
_NOT_OURS = (Home.LAPTOP, Home.HOST)
_HOMES = (*[Home.JOB, Home.STATEFUL, Home.SIDECAR] * 2, *_NOT_OURS)
"""Pruners, which are as many as backups, live in Jobs' pods as well."""
_FATES = (*[Fate.ENDS] * 3, *[Fate.KILLED] * 3, Fate.TOLD)


class _Draw:
    """Draws from bags that are filled again once they are empty."""

    def __init__(self, chance: random.Random, seconds: tuple[float, float]) -> None:
        self._chance = chance
        self._seconds = seconds
        self.stores = _bag(chance, STORES)
        self.homes = _bag(chance, _HOMES)
        self.counts = _bag(chance, (2, 2, 3, 4))
        self._fates = _bag(chance, _FATES)
        self._versions = _bag(chance, VERSIONS)
        self._pauses = _bag(chance, (True, False, False))
        self._keeping = _bag(chance, (True, False, False))

    def backup(self, name: str, home: Home, *, long: bool) -> Backup:
        seconds = REFRESH if long else self._chance.uniform(*self._seconds)
        spared = long or home in _NOT_OURS
        pause = Pause(self._chance.uniform(0.5, 4), self._chance.uniform(3, 8))
        return Backup(
            name=name,
            version=next(self._versions),
            seconds=seconds,
            fate=Fate.ENDS if spared else next(self._fates),
            fate_after=self._chance.uniform(0.1, seconds),
            pause=pause if next(self._pauses) else None,
            kept=next(self._keeping),
        )


def _bag(chance: random.Random, items: Sequence[Item]) -> Iterator[Item]:
    while True:
        yield from chance.sample(items, len(items))
