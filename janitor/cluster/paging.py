"""One whole list from one snapshot, page by page.

The first page is asked for without a resourceVersion, so it is read from a quorum and not from a
cache that may lag. Its continue tokens name the same snapshot for every later page, and so does
the resourceVersion that each page carries: a page of another one is no page of this list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, Expired, Garbled, Right
from janitor.cluster.exchange import Request
from janitor.cluster.wire import WirePage

PAGE = 500
_MOST_PAGES = 2_000
_ATTEMPTS = 3
_LONGEST = timedelta(minutes=5)
"""API servers keep a snapshot for five minutes at least; what takes longer is not current."""

_Wire = TypeVar("_Wire")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Wire, _Item]):
    """What a list holds: its name in the API, its decoder, and its items in the model's words."""

    name: str
    decoder: msgspec.json.Decoder[WirePage[_Wire]]
    item_of: Callable[[_Wire], _Item | None]
    """None: an item that is not wanted."""


@dataclass(frozen=True, slots=True)
class Listed(Generic[_Item]):
    """A whole list, and when its last page arrived."""

    items: tuple[_Item, ...]
    completed: datetime
    version: str
    """The resourceVersion that the whole list is of."""


class _Short(Garbled):
    """Fewer items came than a page had announced."""


def each_of(namespaces: frozenset[str] | None) -> tuple[str | None, ...]:
    """Each namespace to be asked; None: one list of them all."""
    return (None,) if namespaces is None else tuple(sorted(namespaces))


def namespaced(
    resource: str,
    right: Right,
    *,
    query: tuple[tuple[str, str], ...] = (),
    attempts: int | None = None,
) -> Request:
    """The request for a list in the right's namespace, or in all."""
    if right.namespace is None:
        return Request(right, "GET", f"/api/v1/{resource}", query=query, attempts=attempts)
    path = f"/api/v1/namespaces/{{namespace}}/{resource}"
    parts = {"namespace": right.namespace}
    return Request(right, "GET", path, parts=parts, query=query, attempts=attempts)


def list_all(
    client: Client, request: Request, kind: Kind[_Wire, _Item], *, at_most: int | None = None
) -> Listed[_Item]:
    """Every item of the list, or a ClusterError. With `at_most`, about so many of them will do.

    An expired continue token (410) begins the whole list anew, and so do fewer items than were
    announced, since the API calls that number an estimate: three times in all.
    """
    failure: ClusterError = Garbled(f"The janitor could not {request.right}.")
    for _ in range(_ATTEMPTS):
        try:
            return _one_snapshot(client, request, kind, at_most)
        except (Expired, _Short) as error:
            # its traceback would keep what was read so far, while all is read anew
            failure = error.with_traceback(None)
    raise failure


def _one_snapshot(
    client: Client, request: Request, kind: Kind[_Wire, _Item], at_most: int | None
) -> Listed[_Item]:
    items: list[_Item] = []
    count = announced = 0
    token, tokens = "", {""}
    first: datetime | None = None
    snapshot: str | None = None
    for _ in range(_MOST_PAGES):
        answer = client.call(replace(request, query=_query(request, token)))
        page = _page(answer.body, kind, request.right)
        first = first or answer.received
        snapshot = snapshot or page.metadata.resource_version
        if not snapshot:
            raise Garbled(f"Asked to {request.right}, the API server sent a list of no version.")
        if page.metadata.resource_version != snapshot:
            raise Garbled(f"Asked to {request.right}, the API server changed the snapshot midway.")
        if answer.received - first > _LONGEST:
            raise Garbled(f"It took more than five minutes to {request.right}: that is too old.")
        entries = page.items or []
        items.extend(item for item in map(kind.item_of, entries) if item is not None)
        count += len(entries)
        announced = max(announced, count + (page.metadata.remaining_item_count or 0))
        token = page.metadata.continue_ or ""
        if not token:
            if count < announced:
                raise _Short(
                    f"Asked to {request.right}, the API server announced {announced} items "
                    f"and sent {count}."
                )
            return Listed(tuple(items), answer.received, snapshot)
        if at_most is not None and len(items) >= at_most:
            return Listed(tuple(items), answer.received, snapshot)
        if token in tokens:
            raise Garbled(f"Asked to {request.right}, the API server sent one page twice.")
        tokens.add(token)
    raise Garbled(f"Asked to {request.right}, the API server never came to an end.")


def _query(request: Request, token: str) -> tuple[tuple[str, str], ...]:
    limit = ("limit", str(PAGE))
    return (*request.query, limit, ("continue", token)) if token else (*request.query, limit)


def _page(body: bytes, kind: Kind[_Wire, _Item], right: Right) -> WirePage[_Wire]:
    try:
        page = kind.decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Garbled(
            f"Asked to {right}, the API server sent what is no {kind.name}, or only part of one."
        ) from None
    if page.kind != kind.name:
        raise Garbled(f"Asked to {right}, the API server sent what is no {kind.name}.")
    return page
