"""Objects, Secrets and ConfigMaps in dictionaries, for the tests of the sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from janitor.discover.reader import FoundObject, MissingObject, ObjectKind
from janitor.model import ObjectReference, Secret


class FakeReader:
    """A `Reader` that counts what it is asked."""

    def __init__(self) -> None:
        self.objects: dict[str, list[FoundObject]] = {}
        """By kind; a kind that is not there is not installed."""
        self.secrets: dict[tuple[str, str], dict[str, Secret]] = {}
        self.config_maps: dict[tuple[str, str], dict[str, Secret]] = {}
        self.denied: set[tuple[str, str]] = set()
        self.asked: Counter[str] = Counter()

    def add(
        self,
        kind: str,
        namespace: str,
        name: str,
        spec: object = None,
        *,
        status: object = None,
        version: str = "v1",
        **metadata: Any,
    ) -> FoundObject:
        reference = ObjectReference(version, kind, namespace, name, f"uid-{name}")
        content = {
            "metadata": {"namespace": namespace, "name": name, **metadata},
            "spec": {} if spec is None else spec,
            "status": status,
        }
        one = FoundObject(reference, content)
        self.objects.setdefault(kind, []).append(one)
        return one

    def add_secret(self, namespace: str, name: str, **keys: str) -> None:
        self.secrets[namespace, name] = {key: Secret(value) for key, value in keys.items()}

    def list(
        self, kind: ObjectKind, namespaces: tuple[str, ...] | None = None, *, selector: str = ""
    ) -> tuple[FoundObject, ...] | None:
        self.asked[f"list {kind.kind}"] += 1
        if kind.kind not in self.objects:
            return None
        key, _, value = selector.partition("=")
        return tuple(
            one
            for one in self.objects[kind.kind]
            if (namespaces is None or one.reference.namespace in namespaces)
            and (not selector or one.labels.get(key) == value)
        )

    def get(self, kind: ObjectKind, namespace: str, name: str) -> FoundObject | None:
        self.asked[f"get {kind.kind}"] += 1
        for one in self.objects.get(kind.kind, ()):
            if (one.reference.namespace, one.reference.name) == (namespace, name):
                return one
        return None

    def secret(self, namespace: str, name: str) -> Mapping[str, Secret]:
        return self._keys("Secret", self.secrets, namespace, name)

    def config_map(self, namespace: str, name: str) -> Mapping[str, Secret]:
        return self._keys("ConfigMap", self.config_maps, namespace, name)

    def _keys(
        self,
        kind: str,
        found: Mapping[tuple[str, str], Mapping[str, Secret]],
        namespace: str,
        name: str,
    ) -> Mapping[str, Secret]:
        self.asked[f"{kind} {namespace}/{name}"] += 1
        if (namespace, name) in self.denied:
            raise MissingObject(f"the {kind} {namespace}/{name} cannot be read: denied")
        if (namespace, name) not in found:
            raise MissingObject(f"there is no {kind} {namespace}/{name}", absent=True)
        return found[namespace, name]
