"""What the sources ask of a cluster: lists of objects, and single Secrets and ConfigMaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from janitor.model import ObjectReference, Secret

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A kind of objects, as the API and RBAC spell it."""

    group: str
    """Empty: the core group."""
    kind: str
    plural: str
    component: str
    """The folder under `k8s/components` that grants reading it."""
    with_status: bool = False
    """Whether `list` brings the objects' status, which few need."""

    @property
    def resource(self) -> str:
        """As RBAC and sentences spell it: `repositories.stash.appscode.com`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True)
class FoundObject:
    """One object: its reference, and everything in it as plain JSON values."""

    reference: ObjectReference
    content: Mapping[str, Any]

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return strings_at(self.content, "metadata", "annotations")

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return strings_at(self.content, "metadata", "labels")


class Reader(Protocol):
    """The objects of one cluster, read at most once in a sweep.

    Nothing that was read reaches a disk. Used by several threads at once.
    """

    def list(
        self, kind: ObjectKind, namespaces: tuple[str, ...] | None = None, *, selector: str = ""
    ) -> tuple[FoundObject, ...] | None:
        """Every object of the kind, at the newest version served; None: it is not installed.

        `namespaces` None means all, by one list. Raises ClusterError.
        """

    def get(self, kind: ObjectKind, namespace: str, name: str) -> FoundObject | None:
        """One object; None: there is none. Raises ClusterError."""

    def secret(self, namespace: str, name: str) -> Mapping[str, Secret]:
        """A Secret's keys. Raises MissingObject with a sentence where it cannot be read."""

    def config_map(self, namespace: str, name: str) -> Mapping[str, Secret]:
        """A ConfigMap's keys, its binary data too. Raises MissingObject likewise."""


class MissingObject(Exception):
    """A Secret or ConfigMap cannot be read: one sentence that names it, without any value.

    `absent` tells that the server says it does not exist, which `optional` references allow.
    """

    def __init__(self, sentence: str, *, absent: bool = False) -> None:
        super().__init__(sentence)
        self.absent = absent


class Each(Protocol):
    """`map`, or a thread pool's: for what costs a request each."""

    def __call__(
        self, step: Callable[[Item], Result], items: Iterable[Item], /
    ) -> Iterable[Result]:
        """The results in the order of the items."""


def mapping_at(content: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The mapping at this path; an empty one where there is none, or something else."""
    value: Any = content
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text_at(content: Mapping[str, Any], *keys: str) -> str:
    """The text at this path; empty where there is none, or something else."""
    value = mapping_at(content, *keys[:-1]).get(keys[-1])
    return value if isinstance(value, str) else ""


def list_at(content: Mapping[str, Any], *keys: str) -> tuple[Any, ...]:
    """The list at this path; an empty one where there is none, or something else."""
    value = mapping_at(content, *keys[:-1]).get(keys[-1])
    return tuple(value) if isinstance(value, list) else ()


def strings_at(content: Mapping[str, Any], *keys: str) -> Mapping[str, str]:
    """The texts of a mapping at this path."""
    found = mapping_at(content, *keys)
    return {key: value for key, value in found.items() if isinstance(value, str)}
