"""Each repository belongs to exactly one part, whoever asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.shard import Shard, ShardError, index_of, parse_shard, shard_of_pod


@given(st.text(), st.integers(min_value=1, max_value=1000))
def test_no_repository_twice_or_never(name: str, number: int) -> None:
    """ "No repository twice or never": else a lock is nobody's, or two pods race for it."""
    having = [index for index in range(number) if Shard(index, number).has(name)]
    assert having == [index_of(name, number)]


def test_the_parts_are_the_same_in_every_version() -> None:
    """Else an update moves every repository to a state that does not know it."""
    assert [index_of(name, 4) for name in ("shop-db", "media", "stash/shop/db", "ü")] == PARTS


PARTS = [0, 1, 1, 0]


def test_the_parts_are_about_alike() -> None:
    """Else one pod does it all."""
    numbers = [0] * 4
    for number in range(10_000):
        numbers[index_of(f"stash/ns-{number % 100}/db-{number}", 4)] += 1
    assert max(numbers) < 2_700


@pytest.mark.parametrize("text", ["", "1", "4/4", "5/4", "0/0", "-1/4", "0/1001", "a/b", "0/4/4"])
def test_what_is_no_part_is_a_sentence(text: str) -> None:
    """Else a part is swept that nobody meant."""
    with pytest.raises(ShardError, match=r"part"):
        parse_shard(text)


def test_a_pod_knows_its_part_by_the_job_that_made_it() -> None:
    """Else every pod does everything, or nobody does some of it."""
    assert shard_of_pod({}) is None
    assert shard_of_pod({"JOB_COMPLETION_INDEX": "3", "JANITOR_SHARDS": "4"}) == Shard(3, 4)
    for environment, words in (
        ({"JOB_COMPLETION_INDEX": "0"}, "JANITOR_SHARDS is not"),
        ({"JANITOR_SHARDS": "4"}, "say which part with `--shard I/N`"),
        ({"JANITOR_SHARDS": "4", "JOB_COMPLETION_INDEX": "4"}, "the last is 3/4"),
        ({"JANITOR_SHARDS": "many", "JOB_COMPLETION_INDEX": "0"}, "must be a whole number"),
        ({"JANITOR_SHARDS": "0", "JOB_COMPLETION_INDEX": "0"}, "must be a whole number"),
    ):
        with pytest.raises(ShardError, match=words):
            shard_of_pod(environment)
