"""The least that any program must do: list `locks/` of each repository, 16 at once, by obstore.

python -m bench.loop PLACE COUNT: a folder or s3:ENDPOINT/BUCKET/r{} where `{}` is the number
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import obstore
from obstore.store import LocalStore, S3Store


def main(place: str, count: int) -> None:
    store, path = _opened(place)

    def step(number: int) -> int:
        return len(obstore.list_with_delimiter(store, f"{path.format(number)}/locks/")["objects"])

    with ThreadPoolExecutor(16) as pool:
        print(sum(pool.map(step, range(count))))


def _opened(place: str) -> tuple[Any, str]:
    if not place.startswith("s3:"):
        folder, _, name = place.rpartition("/")
        return LocalStore(folder), name
    endpoint, bucket, path = place.removeprefix("s3:").rsplit("/", 2)
    store = S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )
    return store, path


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
