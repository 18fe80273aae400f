"""An API server with many pods of about 9 KB, in a process of its own, until standard input ends.

python -m bench.cluster KUBECONFIG PODS: prints `ready`, and in the end what it was asked
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.apiserver import ApiServer, node, pod

SIZE = 9_000


def main(kubeconfig: Path, count: int) -> None:
    with ApiServer().running() as api:
        api.nodes = [node()]
        api.pods = [_padded(number) for number in range(count)]
        api.kubeconfig(kubeconfig)
        print("ready", flush=True)
        sys.stdin.read()
        print(json.dumps(_asked(api)), flush=True)


def _asked(api: ApiServer) -> dict[str, int]:
    pages = [
        request
        for request in api.requests
        if request.path == "/api/v1/pods" and "fieldSelector" not in request.query
    ]
    lists = [request for request in pages if "continue" not in request.query]
    return {"lists": len(lists), "pages": len(pages), "requests": len(api.requests)}


def _padded(number: int) -> dict:
    document = pod(f"web-{number:06}", namespace=f"team-{number % 50}")
    missing = SIZE - len(json.dumps(document))
    variables = [{"name": f"SETTING_{each}", "value": "x" * 60} for each in range(missing // 95)]
    document["spec"]["containers"][0]["env"] = variables
    return document


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
