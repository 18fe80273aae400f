"""What mends a fault, in a sentence or two for the person who has to do it."""

from __future__ import annotations

from janitor.cluster.errors import (
    Busy,
    ClusterError,
    Denied,
    Right,
    Unauthenticated,
    Unreachable,
    Untrusted,
)
from janitor.model import RepositoryState

_ONE_NAMESPACE = ("namespaced/holders", "secrets")
"""Included from a folder that sets its `namespace:`, as every `.../namespace` is."""

REPOSITORY = {
    RepositoryState.UNREACHABLE: (
        "From the janitor's namespace: does the name resolve, does the port answer? A "
        "NetworkPolicy must allow the store's port; RESTIC_CACERT names a certificate authority "
        "of its own."
    ),
    RepositoryState.UNAUTHORIZED: (
        "Try the same variables with `restic cat config`. Expired keys, another region, a policy "
        'without list or get: docs/install.md, "Rights at the store".'
    ),
    RepositoryState.WRONG_PASSWORD: (
        "Put the password that the backup uses into the janitor's Secret: `restic cat config` with "
        "the same variables shows when it is right."
    ),
    RepositoryState.NO_REPOSITORY: (
        "Compare bucket, prefix and path with what the backup uses, byte by byte. One that never "
        "was initialised: run `restic init`, or take the entry out."
    ),
    RepositoryState.NOT_MOUNTED: (
        "Mount the volume (k8s/components/volume) in the claim's namespace; a discovered one also "
        "needs an entry under `volumes`."
    ),
    RepositoryState.INCOMPLETE: (
        "Add what the sentence names: to the Secret that `environment` or `secrets` names, or to "
        "the owner object."
    ),
}

CLOCKS = (
    "Set the time right (NTP) on the janitor's Node and on the control plane: `timedatectl` on "
    "each. Until then every lock is kept."
)
WITNESS = (
    "POD_NAME, POD_NAMESPACE and POD_UID must come from the downward API, as in k8s/base, and the "
    "API server must be this pod's own. Until then every lock is kept."
)
STATE = (
    'docs/runbook.md, "The state is unreadable, or of a newer version", says what to do. Until '
    "then nothing is removed."
)
STATE_FILE = "Make the folder, let this user write in it, or give `--state` another file."
NO_SERVER = (
    "Name a kubeconfig's context with `--context NAME`, or run it in the janitor's pod "
    "(docs/install.md)."
)
EMPTY_SOURCE = (
    "See what it looks for in docs/sources.md: are there such objects, are they in `namespaces`, "
    "do they carry the label? If there will be none, take it out of `discover`."
)


def source(name: str) -> str:
    """What to do about a source that could not be read."""
    return f"Mend what the sentence names, or take `discover.{name}` out of the configuration."


def mend_of_right(right: Right) -> str:
    """Which piece of `k8s/` to add, and how."""
    granted = right.granted_by
    if right.component == "base":
        return f"Apply {granted}, which grants it; its binding must name the janitor's account."
    if right.component in _ONE_NAMESPACE or right.component.endswith("/namespace"):
        named = f", and put {right.name} into its resourceNames" if right.name else ""
        return f"Add {granted} in a folder with `namespace: {right.namespace}`{named}."
    return f"Add {granted} to `components` of your kustomization, and apply it."


def mend_of(error: ClusterError) -> str:
    """What to look at after this failure to ask the API server."""
    match error:
        case Denied():
            return mend_of_right(error.right)
        case Unauthenticated():
            return (
                "In a pod: mount the service account's token (automountServiceAccountToken, as in "
                "k8s/base). Elsewhere: sign in anew; `kubectl auth whoami` shows who you are."
            )
        case Untrusted():
            return (
                "See that the address and its certificate authority belong together: "
                "`kubectl cluster-info`; a proxy that opens TLS needs its own."
            )
        case Unreachable() | Busy():
            return (
                "See that it can be reached from here (a NetworkPolicy must allow 443 and 6443, as "
                "k8s/components/networkpolicy does) and is well: `kubectl get --raw /readyz`."
            )
        case _:
            return "Run it again; if it stays so, look at what stands between (a proxy)."
