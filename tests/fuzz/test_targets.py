"""Whatever comes from outside is read, or refused as documented: the short form of `tests.fuzz`.

Every input is made from a valid one. Here a fixed set of them is tried; `python -m tests.fuzz`
goes on from there.
"""

from __future__ import annotations

import pytest

from tests.fuzz.registry import TARGETS
from tests.fuzz.target import Found, Target, search


# http.client leaves the socket of an answer that urllib3 refuses to the collector
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_no_input_is_answered_by_anything_but_a_value_or_its_error(target: Target) -> None:
    """Else one planted file, or one bad answer, ends in a traceback, or hides locks."""
    try:
        search(target, max_examples=target.examples, derandomize=True, database=None)
    except Found as found:
        pytest.fail(f"{found.__cause__!r}; for tests/fuzz/test_found.py:{found}", pytrace=False)
