"""One part of the repositories, for a sweep that is shared by several pods."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

INDEX, NUMBER = "JOB_COMPLETION_INDEX", "JANITOR_SHARDS"
"""The first is set in each pod of an Indexed Job, from 0 on."""
_MOST = 1_000


class ShardError(ValueError):
    """No part can be made of what was said; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The part `index` of `number` parts, from 0 on."""

    index: int
    number: int

    def has(self, name: str) -> bool:
        """Whether the repository of this name belongs to it: each does to exactly one."""
        return index_of(name, self.number) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.number}"


def index_of(name: str, number: int) -> int:
    """Which of so many parts the repository belongs to: by its name alone, everywhere the same."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % number


def parse_shard(text: str) -> Shard:
    """`I/N`, with I from 0 to N-1. Raises ShardError."""
    found = re.fullmatch("([0-9]{1,4})/([0-9]{1,4})", text)
    if found is None:
        raise ShardError(f"{text!r} is no part; write it like 0/4, the first of four")
    index, number = int(found[1]), int(found[2])
    if not 1 <= number <= _MOST:
        raise ShardError(f"{text!r}: from 1 to {_MOST} parts can be made")
    if index >= number:
        raise ShardError(
            f"{text!r}: parts are counted from 0, so the last is {number - 1}/{number}"
        )
    return Shard(index, number)


def number_of(environment: Mapping[str, str]) -> int | None:
    """How many parts JANITOR_SHARDS says there are; None: it says nothing. Raises ShardError."""
    text = environment.get(NUMBER)
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= _MOST:
        raise ShardError(f"{NUMBER} must be a whole number from 1 to {_MOST}")
    return int(text)


def shard_of_pod(environment: Mapping[str, str]) -> Shard | None:
    """The part of this pod of an Indexed Job; None where nothing is shared. Raises ShardError."""
    number, index = number_of(environment), environment.get(INDEX)
    if number is None and index is None:
        return None
    if number is None:
        raise ShardError(
            f"{INDEX} is set, so this is one pod of several, and {NUMBER} is not: set it to their "
            "number"
        )
    if index is None:
        raise ShardError(f"{NUMBER} is set and {INDEX} is not: say which part with `--shard I/N`")
    return parse_shard(f"{index}/{number}")
