"""Asks the API server whether the janitor has a right: a SelfSubjectAccessReview.

Every account may ask this of itself (the ClusterRole system:basic-user), so it needs no grant.
"""

from __future__ import annotations

import msgspec

from janitor.cluster.client import Client
from janitor.cluster.errors import Garbled, Right
from janitor.cluster.exchange import Request

_GROUP = "authorization.k8s.io"
_ASK = Right("create", f"selfsubjectaccessreviews.{_GROUP}", "base")


class _Status(msgspec.Struct):
    allowed: bool = False


class _Review(msgspec.Struct):
    status: _Status


_REVIEW = msgspec.json.Decoder(_Review)


def is_allowed(client: Client, right: Right) -> bool:
    """Whether the server grants it. Raises ClusterError, Denied where it may not be asked."""
    resource, _, group = right.resource.partition(".")
    attributes = {
        "verb": right.verb,
        "group": group,
        "resource": resource,
        "namespace": right.namespace or "",
        "name": right.name or "",
    }
    body = {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = f"/apis/{_GROUP}/v1/selfsubjectaccessreviews"
    answer = client.call(Request(_ASK, "POST", path, body=body, attempts=2))
    try:
        return _REVIEW.decode(answer.body).status.allowed
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled(
            f"Asked whether the janitor may {right}, the API server sent something else."
        ) from None
