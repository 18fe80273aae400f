"""Which runs of restic failed on a lock: what sources and pods keep of its last words.

Asked for where a lock is stale, once, and never a reason to fail. What is kept of an object is
only the texts that speak of a lock; which lock it is, blocked.py finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from janitor.cluster.client import Client
from janitor.cluster.decode import timestamp
from janitor.cluster.errors import ClusterError, Denied, NotFound, Right
from janitor.cluster.exchange import Request
from janitor.cluster.objects import newest_version
from janitor.cluster.paging import Kind, each_of, list_all, namespaced
from janitor.cluster.rights import to_list_pods
from janitor.cluster.wire import Wire, WirePage, WirePodMeta, WireTerminated
from janitor.model import FailedRun

Namespaces = frozenset[str] | None

_MOST = 1_000
"""Runs, or pods, of one list."""
_LONGEST = 8_000
"""Characters of one run's texts."""
_DEEPEST = 12
_TIMES = ("lastTransitionTime", "lastUpdateTime", "completionTime", "finishedAt")


@dataclass(frozen=True, slots=True)
class _Run:
    """A kind of objects whose status may hold restic's words."""

    group: str
    kind: str
    plural: str
    lasting: bool = False
    """Whether it is one object for many runs: it was made long before it failed."""


_RUNS: Mapping[str, tuple[_Run, ...]] = {
    "stash": (_Run("stash.appscode.com", "BackupSession", "backupsessions"),),
    "kubestash": (_Run("core.kubestash.com", "BackupSession", "backupsessions"),),
    "volsync": (_Run("volsync.backube", "ReplicationSource", "replicationsources", lasting=True),),
    "k8up": tuple(
        _Run("k8up.io", kind, f"{kind.lower()}s") for kind in ("Backup", "Check", "Prune")
    ),
}


def rights_to_failures(source: str, namespaces: Namespaces) -> Iterator[Right]:
    """What reading the runs of a source needs."""
    for run in _RUNS.get(source, ()):
        for namespace in each_of(namespaces):
            yield _right(run, source, namespace)


def failed_runs(
    client: Client,
    sources: Mapping[str, Namespaces],
    namespaces: Namespaces,
    *,
    own: str | None = None,
) -> tuple[tuple[FailedRun, ...], str | None]:
    """Those whose texts speak of a lock, and why some could not be read. Never raises.

    Args:
        client: of the API server.
        sources: by name, where the runs of each are.
        namespaces: where pods may have failed; None: everywhere.
        own: the namespace of the janitor's pod, for what is said of a missing right.
    """
    found: list[FailedRun] = []
    missing: str | None = None
    asked: tuple[Callable[[], tuple[FailedRun, ...]], ...] = (
        *(partial(_of_pods, client, namespace, own) for namespace in each_of(namespaces)),
        *(
            partial(_of_kind, client, run, source, places)
            for source, places in sorted(sources.items())
            for run in _RUNS.get(source, ())
        ),
    )
    for ask in asked:
        try:
            found += ask()
        except Denied as error:
            missing = missing or str(error)
        except ClusterError as error:
            missing = str(error)
            break  # it would be waited for again each time
    return tuple(found), missing


# --- objects of the sources ----------------------------------------------------------------------


def _of_kind(
    client: Client, run: _Run, source: str, namespaces: Namespaces
) -> tuple[FailedRun, ...]:
    version = newest_version(client, run.group, run.plural)
    if version is None:
        return ()
    kind = Kind(f"{run.kind}List", _OBJECTS, partial(_failed, run=run))
    found: list[FailedRun] = []
    for namespace in each_of(namespaces):
        right = _right(run, source, namespace)
        parts = {"group": run.group, "version": version, "plural": run.plural}
        path = "/apis/{group}/{version}/{plural}"
        if namespace is not None:
            path = "/apis/{group}/{version}/namespaces/{namespace}/{plural}"
            parts["namespace"] = namespace
        request = Request(right, "GET", path, parts=parts, attempts=1)
        try:
            found += list_all(client, request, kind, at_most=_MOST).items
        except NotFound:
            continue  # uninstalled since the server was asked
    return tuple(found)


def _right(run: _Run, source: str, namespace: str | None) -> Right:
    resource = f"{run.plural}.{run.group}"
    component = f"discover-{source}" if namespace is None else f"discover-{source}/namespace"
    return Right("list", resource, component, namespace=namespace)


def _failed(content: Mapping[str, Any], *, run: _Run) -> FailedRun | None:
    metadata = content.get("metadata")
    meta = metadata if isinstance(metadata, dict) else {}
    texts = list(_texts(content.get("status"), None, 0))
    if not texts:
        return None
    made = None if run.lasting else _time(meta.get("creationTimestamp"))
    times = [time for _, time in texts if time is not None]
    return FailedRun(
        run.kind,
        str(meta.get("namespace") or ""),
        str(meta.get("name") or ""),
        max(times, default=made),
        "\n".join(text for text, _ in texts)[:_LONGEST],
    )


def _texts(
    value: object, time: datetime | None, depth: int
) -> Iterator[tuple[str, datetime | None]]:
    """The texts that speak of a lock, each with the time that stands beside it."""
    if isinstance(value, str):
        if speaks_of_a_lock(value):
            yield _about_the_lock(value), time
    elif isinstance(value, dict) and depth < _DEEPEST and value.get("result") != "Successful":
        beside = next((found for key in _TIMES if (found := _time(value.get(key)))), time)
        for each in value.values():
            yield from _texts(each, beside, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for each in value:
            yield from _texts(each, time, depth + 1)


def _time(value: object) -> datetime | None:
    return timestamp(value) if isinstance(value, str) else None


_WORDS = ("already locked", "storage ID", "lock was created at")


def speaks_of_a_lock(text: str) -> bool:
    """Whether restic's words about a lock, or a part of them, are in it."""
    return any(words in text for words in _WORDS)


def _about_the_lock(text: str) -> str:
    """The text from the first of these words on: a long log may come before them."""
    return text[min(found for words in _WORDS if (found := text.find(words)) >= 0) :]


# --- pods ----------------------------------------------------------------------------------------


class _Terminated(WireTerminated):
    message: str | None = None


class _State(Wire):
    terminated: _Terminated | None = None


class _ContainerStatus(Wire):
    state: _State | None = None
    last_state: _State | None = None


class _PodStatus(Wire):
    container_statuses: list[_ContainerStatus] | None = None
    init_container_statuses: list[_ContainerStatus] | None = None


class _Pod(Wire):
    metadata: WirePodMeta
    status: _PodStatus | None = None


def _of_pods(client: Client, namespace: str | None, own: str | None) -> tuple[FailedRun, ...]:
    right = to_list_pods(namespace, own)
    query = (("fieldSelector", "status.phase=Failed"),)
    request = namespaced("pods", right, query=query, attempts=1)
    return list_all(client, request, _PODS, at_most=_MOST).items


def _failed_pod(wire: _Pod) -> FailedRun | None:
    status = wire.status or _PodStatus()
    ends = [
        state.terminated
        for each in (*(status.init_container_statuses or ()), *(status.container_statuses or ()))
        for state in (each.state, each.last_state)
        if state is not None and state.terminated is not None
    ]
    texts = [each for each in ends if speaks_of_a_lock(each.message or "")]
    if not texts:
        return None
    meta = wire.metadata
    owner = next((each for each in meta.owner_references or () if each.controller), None)
    times = [time for each in texts if (time := timestamp(each.finished_at))]
    return FailedRun(
        owner.kind if owner else "Pod",
        meta.namespace,
        owner.name if owner else meta.name,
        max(times, default=None),
        "\n".join(_about_the_lock(each.message or "") for each in texts)[:_LONGEST],
    )


_OBJECTS = msgspec.json.Decoder(WirePage[dict[str, Any]])
_PODS = Kind("PodList", msgspec.json.Decoder(WirePage[_Pod]), _failed_pod)
