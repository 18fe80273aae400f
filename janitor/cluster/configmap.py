"""What the janitor remembers, in one key of one ConfigMap.

Needs `get` and `update` on that one ConfigMap and nothing else, so it is shipped empty and never
made, patched or deleted from here. Whoever writes says which version was read (resourceVersion).
"""

from __future__ import annotations

from typing import Any

import msgspec

from janitor.cluster.client import Client
from janitor.cluster.errors import ClusterError, Conflict, NotFound, Right
from janitor.cluster.exchange import Request
from janitor.model import StateConflict, StateUnavailable

KEY = "state.json"


class ConfigMapShelf:
    """A text under `state.json` of a ConfigMap. Used by one thread at a time."""

    def __init__(self, client: Client, *, name: str, namespace: str) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace
        self._read: dict[str, Any] = {}

    def read(self) -> tuple[str | None, object]:
        """The text, None where there is none yet, and the version to give back to `write`.

        Raises StateUnavailable, in one sentence.
        """
        self._read = self._get()
        data = self._read.get("data")
        text = data.get(KEY) if isinstance(data, dict) else None
        return (text if isinstance(text, str) else None), _version(self._read)

    def write(self, text: str, version: object) -> None:
        """Stores the text if the ConfigMap is still the one of that version.

        Its other keys, labels and annotations stay as they are. Raises StateConflict where
        somebody wrote since, StateUnavailable for anything else.
        """
        whole = self._read if _version(self._read) == version else self._get()
        if _version(whole) != version:
            raise StateConflict(f"The ConfigMap {self._named} was changed since it was read.")
        data = whole.get("data")
        kept = data if isinstance(data, dict) else {}
        body = {**whole, "data": {**kept, KEY: text}}
        try:
            self._client.call(self._request("update", "PUT", body))
        except Conflict:
            raise StateConflict(
                f"The ConfigMap {self._named} was changed since it was read."
            ) from None
        except ClusterError as error:
            raise self._unavailable(error) from None
        self._read = {}

    @property
    def rights(self) -> tuple[Right, Right]:
        """What it needs."""
        return self._right("get"), self._right("update")

    @property
    def _named(self) -> str:
        return f"{self._namespace}/{self._name}"

    def _get(self) -> dict[str, Any]:
        try:
            answer = self._client.call(self._request("get", "GET", None))
            whole: object = msgspec.json.decode(answer.body)
        except ClusterError as error:
            raise self._unavailable(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            whole = None
        if isinstance(whole, dict) and whole.get("kind") == "ConfigMap" and _version(whole):
            return whole
        raise StateUnavailable(
            f"Asked for the ConfigMap {self._named}, the API server sent something else."
        )

    def _request(self, verb: str, method: str, body: dict[str, Any] | None) -> Request:
        path = "/api/v1/namespaces/{namespace}/configmaps/{name}"
        parts = {"namespace": self._namespace, "name": self._name}
        return Request(self._right(verb), method, path, parts=parts, body=body)

    def _right(self, verb: str) -> Right:
        return Right(verb, "configmaps", "base", namespace=self._namespace, name=self._name)

    def _unavailable(self, error: ClusterError) -> StateUnavailable:
        if isinstance(error, NotFound):
            return StateUnavailable(
                f"There is no ConfigMap {self._named} to remember in: k8s/base brings it, empty."
            )
        return StateUnavailable(str(error))


def _version(whole: dict[str, Any]) -> str:
    """Its resourceVersion; empty where it has none, which no ConfigMap of a server lacks."""
    metadata = whole.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""
