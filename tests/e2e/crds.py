"""Definitions of the objects that discovery reads: minimal, without any validation, for tests."""

from __future__ import annotations

from typing import Any

_KINDS = {
    ("stash.appscode.com", "v1alpha1"): {"Repository": "repositories"},
    ("stash.appscode.com", "v1beta1"): {
        "BackupConfiguration": "backupconfigurations",
        "BackupBatch": "backupbatches",
        "RestoreSession": "restoresessions",
        "RestoreBatch": "restorebatches",
    },
    ("storage.kubestash.com", "v1alpha1"): {
        "BackupStorage": "backupstorages",
        "Repository": "repositories",
    },
    ("volsync.backube", "v1alpha1"): {
        "ReplicationSource": "replicationsources",
        "ReplicationDestination": "replicationdestinations",
    },
    ("k8up.io", "v1"): {
        kind: f"{kind.lower()}s"
        for kind in ("Schedule", "Backup", "Check", "Prune", "Archive", "Restore")
    },
}


def definitions() -> list[dict[str, Any]]:
    """One CustomResourceDefinition for each kind."""
    return [
        _definition(group, version, kind, plural)
        for (group, version), kinds in _KINDS.items()
        for kind, plural in kinds.items()
    ]


def _definition(group: str, version: str, kind: str, plural: str) -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                }
            ],
        },
    }


def custom(
    api_version: str, kind: str, namespace: str, name: str, spec: Any, **more: Any
) -> dict[str, Any]:
    """One such object; `annotations` go into its metadata."""
    metadata = {"name": name, "namespace": namespace}
    if annotations := more.pop("annotations", None):
        metadata["annotations"] = annotations
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec, **more}
