"""The cluster to judge by and the place of the state, by the command line and the environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from janitor.arguments import Arguments
from janitor.circumstances import Circumstances
from janitor.cluster.connect import connect, in_cluster, own_pod
from janitor.cluster.errors import BadKubeconfig
from janitor.cluster.port import Cluster
from janitor.discover.mistakes import ConfigurationError
from janitor.model import Observation
from janitor.state import Shelf
from janitor.state_file import FileShelf

if TYPE_CHECKING:
    from janitor.cluster.client import Client
    from janitor.cluster.observe import OwnPod

DEFAULT_STATE = "configmap:restic-janitor-state"
"""Where repositories are shared by several pods, each part has one of its own: `...-state-0`."""
_UNWITNESSED = (
    "nothing is removed, since outside a pod nothing shows that this is the right cluster: name "
    "it with `--context NAME`, or give `--cluster FILE`"
)

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one run judges by and remembers in."""

    cluster: Cluster
    shelf: Shelf | None
    client: Client | None = None
    own_pod: OwnPod | None = None
    """Set, with `client`, in a pod."""
    reports_only: str | None = None
    """Why a sweep may not remove anything here, in one sentence."""


def surround(
    arguments: Arguments,
    environment: Mapping[str, str],
    stack: ExitStack,
    *,
    clock: Clock,
    wanted_by: str = "",
    part: int | None = None,
) -> Surroundings:
    """Finds the cluster and the state. Raises BadKubeconfig, BadClusterFile, ConfigurationError.

    `wanted_by` is the key of the configuration that cannot do without an API server, if one is;
    `part` is the number of the shard, if there are several: the usual state is then that part's.

    In a pod both are the pod's own cluster. Elsewhere nothing vouches that a kubeconfig's current
    context is the right cluster, so a sweep only reports unless it is named.
    """
    inside = in_cluster(environment) and arguments.context is None
    usual = DEFAULT_STATE if part is None else f"{DEFAULT_STATE}-{part}"
    state = arguments.state or (usual if inside else "none")
    state = usual if state == DEFAULT_STATE else state
    client, problem = None, None
    if arguments.cluster is None or state.startswith("configmap:") or wanted_by:
        try:
            client = connect(
                context=arguments.context, environ=environment, clock=clock, sleep=time.sleep
            )
            stack.callback(client.close)
        except BadKubeconfig as error:
            if inside or arguments.context is not None or state.startswith("configmap:"):
                raise
            if wanted_by:
                raise BadKubeconfig(f"`{wanted_by}` needs an API server. {error}") from None
            problem = str(error)
    shelf = _shelf(state, environment, client)
    if arguments.cluster is not None:
        return Surroundings(_file(arguments, arguments.cluster, clock), shelf, client)
    if client is None:
        return Surroundings(Unknown(problem or "", clock), shelf, reports_only=_UNWITNESSED)
    from janitor.cluster.observe import ApiCluster  # noqa: PLC0415 - not for `--cluster FILE`

    witness = own_pod(environment) if inside else None
    cluster = ApiCluster(client, clock=clock, own_pod=witness)
    named = inside or arguments.context is not None
    return Surroundings(cluster, shelf, client, witness, None if named else _UNWITNESSED)


def _file(arguments: Arguments, path: Path, clock: Clock) -> Cluster:
    from janitor.cluster.file import FileCluster  # noqa: PLC0415 - seldom needed

    return FileCluster(path, observed_at=arguments.observed_at, clock=clock)


def _shelf(state: str, environment: Mapping[str, str], client: Client | None) -> Shelf | None:
    """Where the state is kept. A ConfigMap lies in the janitor's own namespace."""
    if state == "none":
        return None
    if client is None or not state.startswith("configmap:"):
        return FileShelf(Path(state))
    from janitor.cluster.configmap import ConfigMapShelf  # noqa: PLC0415 - seldom outside a pod

    namespace = environment.get("POD_NAMESPACE")
    if not namespace:
        raise ConfigurationError(
            f"--state {state}: its namespace is not known; outside a pod set POD_NAMESPACE to the "
            "janitor's own."
        )
    return ConfigMapShelf(client, name=state.removeprefix("configmap:"), namespace=namespace)


class Unknown:
    """No cluster at all: locks are read and shown, and nothing can be said of their holders."""

    def __init__(self, why: str, clock: Clock) -> None:
        self._why = why
        self._clock = clock

    def now(self) -> datetime:
        """The janitor's clock."""
        return self._clock()

    def check_clock(self, max_skew: timedelta) -> str | None:  # noqa: ARG002 - the port's
        """There is no other clock."""
        return None

    def observe(
        self,
        *,
        namespaces: frozenset[str] | None,  # noqa: ARG002 - the port's
        nodes: bool,  # noqa: ARG002
    ) -> Observation:
        """Nothing but the doubt."""
        return Observation(taken=self._clock(), doubt=self._why)

    def investigate(
        self,
        pods: Collection[tuple[str, str]],  # noqa: ARG002 - the port's
        *,
        namespaces: frozenset[str] | None,  # noqa: ARG002
        sources: Mapping[str, frozenset[str] | None],  # noqa: ARG002
    ) -> Circumstances:
        """Nothing is known."""
        return Circumstances()
