"""Which rights listing pods and Events takes, and what of `k8s/` grants them."""

from __future__ import annotations

from janitor.cluster.errors import Right


def to_list_pods(namespace: str | None, own: str | None) -> Right:
    """None for the namespace: all of them; `own` is that of the janitor's pod, if it has one."""
    if namespace is None:
        return Right("list", "pods", "base")
    return Right("list", "pods", _granted_in(namespace, own), namespace=namespace)


def to_list_events(namespace: str | None, own: str | None) -> Right:
    """As `to_list_pods`."""
    if namespace is None:
        return Right("list", "events", "events")
    return Right("list", "events", _granted_in(namespace, own), namespace=namespace)


def _granted_in(namespace: str, own: str | None) -> str:
    return "namespaced" if namespace == own else "namespaced/holders"
