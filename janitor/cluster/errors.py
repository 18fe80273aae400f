"""Everything that can go wrong with a cluster, as a flat family of errors.

Each message is one sentence for a person. None quotes a server's or a library's text, since either
may repeat a token: the sentences are made of what the janitor itself knows.
"""

from __future__ import annotations

from dataclasses import dataclass

_OF_NO_NAMESPACE = ("nodes", "namespaces", "selfsubjectaccessreviews.authorization.k8s.io")


@dataclass(frozen=True, slots=True)
class Right:
    """One thing the janitor does with the API, and the piece of `k8s/` that grants it."""

    verb: str
    """As RBAC spells it: `list`, `get`, `update`, `create`."""
    resource: str
    """As RBAC spells it: `pods`, `configmaps`, or with its group `repositories.k8up.io`."""
    component: str
    """`base`, or the name of a folder under `k8s/components`."""
    namespace: str | None = None
    """None: all namespaces, or a resource that has none."""
    name: str | None = None
    """Of the one object, where only one is meant."""

    def __str__(self) -> str:
        """For example `list pods in namespace shop`."""
        named = f" {self.name}" if self.name else ""
        if self.namespace:
            return f"{self.verb} {self.resource}{named} in namespace {self.namespace}"
        everywhere = " in all namespaces" if self._everywhere else ""
        return f"{self.verb} {self.resource}{named}{everywhere}"

    @property
    def _everywhere(self) -> bool:
        return self.resource not in _OF_NO_NAMESPACE and not self.resource.startswith("/")

    @property
    def granted_by(self) -> str:
        """The path in the project that grants it."""
        return "k8s/base" if self.component == "base" else f"k8s/components/{self.component}"


class ClusterError(Exception):
    """Base of all."""


class Denied(ClusterError):
    """403: the right is missing."""

    def __init__(self, right: Right) -> None:
        super().__init__(
            f"The API server does not let the janitor {right} (403); {right.granted_by} grants it."
        )
        self.right = right


class Unauthenticated(ClusterError):
    """401, or credentials that cannot be sent."""


class Unreachable(ClusterError):
    """No connection, no answer in time, or one that broke off."""


class Untrusted(ClusterError):
    """The TLS connection was refused by one of its two ends."""


class Busy(ClusterError):
    """429 or 5xx, even after the retries; `retry_after` is what the server asked for, seconds."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Expired(ClusterError):
    """410: the continue token of a list is too old."""


class NotFound(ClusterError):
    """404."""


class Conflict(ClusterError):
    """409: the object exists already, or was changed since it was read."""


class Rejected(ClusterError):
    """Any other answer that is no success (3xx, 4xx)."""


class Garbled(ClusterError):
    """The answer is cut off, too large, of another kind, or contradicts itself."""


class BadKubeconfig(ClusterError):
    """There is no usable way to a cluster: a mistake in the installation (exit code 2)."""


class BadClusterFile(ClusterError):
    """The file given with `--cluster` cannot be judged by (exit code 2)."""
