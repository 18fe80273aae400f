"""Reads owner objects, Secrets and ConfigMaps of one cluster: each once in a sweep.

Nothing that is read reaches a disk, a log or a sentence but names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from threading import Lock
from typing import Any

from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, NotFound, Right
from janitor.cluster.objects import (
    get_object,
    list_objects,
    newest_version,
    read_config_map,
    read_secret,
)
from janitor.discover.reader import FoundObject, MissingObject, ObjectKind, text_at
from janitor.model import ObjectReference, Secret


class _Once:
    """Does each thing once, whoever asks first; the others get the same result or exception."""

    def __init__(self) -> None:
        self._mutex = Lock()
        self._results: dict[Hashable, Future[Any]] = {}

    def do(self, key: Hashable, what: Callable[[], Any]) -> Any:
        with self._mutex:
            future = self._results.get(key)
            first = future is None
            if future is None:
                future = self._results[key] = Future()
        if first:
            try:
                future.set_result(what())
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()


class ClusterReader:
    """A `Reader` of the cluster behind this client."""

    def __init__(
        self, client: Client, *, component: str = "secrets", once: _Once | None = None
    ) -> None:
        self._client = client
        self._component = component
        self._once = once or _Once()

    def granted_by(self, component: str) -> ClusterReader:
        """The same reader, for whoever is let read Secrets by this folder of `k8s/components`."""
        return ClusterReader(self._client, component=component, once=self._once)

    def list(
        self, kind: ObjectKind, namespaces: tuple[str, ...] | None = None, *, selector: str = ""
    ) -> tuple[FoundObject, ...] | None:
        """Every object of the kind; None: the kind is not installed. Raises ClusterError."""
        version = self._version(kind)
        if version is None:
            return None
        found: list[FoundObject] = []
        for namespace in (None,) if namespaces is None else namespaces:
            found.extend(self._listed(kind, version, namespace, selector))
        return tuple(found)

    def get(self, kind: ObjectKind, namespace: str, name: str) -> FoundObject | None:
        """One object; None: there is none, or its kind is not installed. Raises ClusterError."""
        version = self._version(kind)
        if version is None:
            return None
        place = namespace or None  # of a kind that has none: Namespaces
        right = Right("get", kind.resource, kind.component, namespace=place, name=name)
        content = self._once.do(
            (kind, namespace, name),
            lambda: get_object(self._client, right=right, group=kind.group, version=version),
        )
        return None if content is None else _object(kind, version, content)

    def secret(self, namespace: str, name: str) -> Mapping[str, Secret]:
        """A Secret's keys. Raises MissingObject."""
        return self._keys("Secret", namespace, name, read_secret)

    def config_map(self, namespace: str, name: str) -> Mapping[str, Secret]:
        """A ConfigMap's keys. Raises MissingObject."""
        return self._keys("ConfigMap", namespace, name, read_config_map)

    def _version(self, kind: ObjectKind) -> str | None:
        found: str | None = self._once.do(
            ("version", kind.group, kind.plural),
            lambda: newest_version(self._client, kind.group, kind.plural),
        )
        return found

    def _listed(
        self, kind: ObjectKind, version: str, namespace: str | None, selector: str
    ) -> tuple[FoundObject, ...]:
        def ask() -> tuple[FoundObject, ...]:
            right = Right("list", kind.resource, kind.component, namespace=namespace)
            contents = list_objects(
                self._client,
                right=right,
                group=kind.group,
                version=version,
                kind=kind.kind,
                selector=selector,
                status=kind.with_status,
            )
            return tuple(_object(kind, version, content) for content in contents)

        found: tuple[FoundObject, ...] = self._once.do((kind, namespace, selector), ask)
        return found

    def _keys(
        self,
        kind: str,
        namespace: str,
        name: str,
        read: Callable[..., Mapping[str, bytes]],
    ) -> Mapping[str, Secret]:
        right = Right("get", f"{kind.lower()}s", self._component, namespace=namespace, name=name)

        def ask() -> Mapping[str, Secret]:
            raw = read(self._client, right=right)
            return {key: Secret.of_bytes(value) for key, value in raw.items()}

        try:
            keys: Mapping[str, Secret] = self._once.do((kind, namespace, name), ask)
        except NotFound:
            sentence = f"there is no {kind} {namespace}/{name}"
            raise MissingObject(sentence, absent=True) from None
        except ClusterError as error:
            raise MissingObject(f"the {kind} {namespace}/{name} cannot be read: {error}") from None
        return keys


def _object(kind: ObjectKind, version: str, content: Mapping[str, Any]) -> FoundObject:
    api_version = f"{kind.group}/{version}" if kind.group else version
    reference = ObjectReference(
        api_version=api_version,
        kind=kind.kind,
        namespace=text_at(content, "metadata", "namespace"),
        name=text_at(content, "metadata", "name"),
        uid=text_at(content, "metadata", "uid"),
    )
    return FoundObject(reference, content)
