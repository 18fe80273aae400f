"""Drafts as a source would yield them, for the tests of what becomes of them."""

from __future__ import annotations

from dataclasses import replace

from janitor.discover.draft import Draft
from janitor.model import GeneratedHolder, ObjectReference, Secret

PASSWORD = "not-for-your-eyes"
KEYS = {"AWS_ACCESS_KEY_ID": Secret("AKIA"), "AWS_SECRET_ACCESS_KEY": Secret("hunter2")}


def owner(namespace: str = "media", name: str = "plex", kind: str = "ReplicationSource"):
    return ObjectReference("volsync.backube/v1alpha1", kind, namespace, name, f"uid-{name}")


def draft(
    location: str | None = "s3:https://s3.example.com/backups/plex",
    *,
    namespace: str = "media",
    name: str = "plex",
    kind: str = "ReplicationSource",
    variables: dict[str, Secret] | None = None,
    **fields: object,
) -> Draft:
    """A ReplicationSource whose Secret is complete; `variables` add to it."""
    made = Draft(
        name=f"volsync/{namespace}/{name}",
        source="volsync",
        owners=(owner(namespace, name, kind),),
        location=location,
        variables={"RESTIC_PASSWORD": Secret(PASSWORD)} | KEYS | (variables or {}),
        generated=(GeneratedHolder(f"{kind} {namespace}/{name}", f"volsync-src-{name}-.{{5}}"),),
        namespaces=(namespace,),
    )
    return replace(made, **fields)
