"""The least that any program must do: list `locks/` of each repository, 16 at once, by obstore.

python -m bench.loop ENDPOINT BUCKET PREFIX COUNT
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.store import S3Store


def main(endpoint: str, bucket: str, prefix: str, count: int) -> None:
    store = S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )

    def step(number: int) -> int:
        return len(obstore.list_with_delimiter(store, f"{prefix}{number}/locks/")["objects"])

    with ThreadPoolExecutor(16) as pool:
        print(sum(pool.map(step, range(count))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
