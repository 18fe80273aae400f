"""The least that opening repositories costs: the janitor's start, and scrypt once for each key.

python -m bench.keys PASSWORD KEY...
"""

from __future__ import annotations

import sys
from pathlib import Path

from janitor import cli, wiring
from janitor.model import Secret
from janitor.restic.key import open_key, parse_key


def main(password: str, keys: list[str]) -> None:
    assert cli
    assert wiring
    for key in keys:
        open_key(parse_key(Path(key).name, Path(key).read_bytes()), Secret(password))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
