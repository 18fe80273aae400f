"""The way to the API server: from inside a pod, or by a kubeconfig.

Every failure is a mistake in the installation and ends in BadKubeconfig. The errors of the
official client and of exec plugins may hold tokens, so they are never chained to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from janitor.cluster.errors import BadKubeconfig
from janitor.cluster.kubeconfig import Chosen, choose

if TYPE_CHECKING:
    from kubernetes.client import Configuration

    from janitor.cluster.access import Access
    from janitor.cluster.client import Client
    from janitor.cluster.exchange import Limits
    from janitor.cluster.observe import OwnPod

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts the service account's token and the cluster's certificate."""
PLUGIN_PATIENCE = 120.0
"""Seconds for an exec plugin: a person may have to sign in with a browser."""


def in_cluster(environ: Mapping[str, str]) -> bool:
    """True in a pod: the kubelet sets this variable in every container."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST"))


def own_pod(environ: Mapping[str, str]) -> OwnPod:
    """The witness, from the downward API. Raises BadKubeconfig where the manifest lacks it."""
    from janitor.cluster.observe import OwnPod  # noqa: PLC0415 - files alone never need it

    names = ("POD_NAMESPACE", "POD_NAME", "POD_UID")
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise BadKubeconfig(
            f"In a pod the janitor needs {', '.join(missing)} from the downward API, as the "
            "CronJob of k8s/base sets them."
        )
    namespace, name, uid = (environ[name] for name in names)
    return OwnPod(namespace=namespace, name=name, uid=uid)


def connect(
    *,
    context: str | None,
    environ: Mapping[str, str],
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    limits: Limits | None = None,
    account: Path = ACCOUNT,
) -> Client:
    """A client for the named context; without a name, of this pod, else of the current context.

    `clock` gives aware times, `sleep` takes seconds. Sends nothing yet, but an exec plugin of the
    kubeconfig is run. Raises BadKubeconfig.
    """
    if context is None and in_cluster(environ):
        access = _of_the_pod(environ, account)
        credentials = "the service account's token"
    else:
        chosen = choose(context, environ)
        access = _of_the_context(chosen)
        credentials = f"the credentials of the kubeconfig's context {chosen.context!r}"
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - files alone never need it

    from janitor.cluster.client import Client  # noqa: PLC0415 - as above

    try:
        return Client(access, clock=clock, sleep=sleep, credentials=credentials, limits=limits)
    except (HTTPError, OSError, ValueError):
        # Only its proxy is looked at so early.
        problem = "The proxy for the API server, from the kubeconfig or the environment, is no URL."
    raise BadKubeconfig(problem)


def _of_the_pod(environ: Mapping[str, str], account: Path) -> Access:
    from janitor.cluster.access import PodAccess  # noqa: PLC0415 - files alone never need it

    try:
        return PodAccess(environ, account)
    except (OSError, ValueError):
        raise BadKubeconfig(
            f"This pod has no usable service account at {account}: it needs "
            "automountServiceAccountToken, as in k8s/base, or --context with a kubeconfig."
        ) from None


def _of_the_context(chosen: Chosen) -> Access:
    from kubernetes.client import Configuration  # noqa: PLC0415 - files alone never need it

    configuration = Configuration()
    loaded = _load(chosen, configuration)
    if loaded is not True and chosen.exec_command is not None:
        ended = "failed" if loaded is False else f"did not end within {PLUGIN_PATIENCE:.0f} seconds"
        raise BadKubeconfig(
            f"The program {chosen.exec_command!r}, by which the kubeconfig's user "
            f"{chosen.user!r} signs in, {ended}: `kubectl --context {chosen.context} version` "
            "shows why."
        )
    if loaded is not True:
        raise BadKubeconfig(
            f"The kubeconfig's context {chosen.context!r} or its user {chosen.user!r} cannot be "
            f"used: `kubectl --context {chosen.context} version` shows why."
        )
    if _is_loopback(configuration.host) and not chosen.proxied:
        # As kubectl does: a proxy of the environment is not for this machine itself.
        configuration.proxy = None
    found: Access = configuration
    return found


def _load(chosen: Chosen, configuration: Configuration) -> bool | None:
    """Whether the official client could use the context; None: its exec plugin did not end.

    The client sets that plugin no limit, so it is waited for in a thread, which is left behind
    with what it waits for. Nothing of the library's errors leaves it.
    """
    from kubernetes.config import load_kube_config  # noqa: PLC0415 - files alone never need it

    results: list[bool] = []

    def load() -> None:
        failed = False
        with _root_log_silenced() as complaints:
            try:
                load_kube_config(  # type: ignore[no-untyped-call]
                    config_file=chosen.files,
                    context=chosen.context,
                    client_configuration=configuration,
                )
            except Exception:  # noqa: BLE001 - a file people wrote meets a library without checks
                failed = True
        results.append(not failed and not (complaints and chosen.exec_command is not None))

    thread = threading.Thread(target=load, name="kubeconfig", daemon=True)
    thread.start()
    thread.join(PLUGIN_PATIENCE)
    return results[0] if results else None


@contextmanager
def _root_log_silenced() -> Iterator[list[int]]:
    """What is logged to the root logger itself is dropped and its levels are collected.

    The official client tells a failing exec plugin only so, with the plugin's own words. The
    handler is there because `logging.error` sets the whole of logging up where none is.
    """
    root = logging.getLogger()
    complaints: list[int] = []

    def drop(record: logging.LogRecord) -> bool:
        complaints.append(record.levelno)
        return False

    handler = logging.NullHandler()
    root.addHandler(handler)
    root.addFilter(drop)
    try:
        yield complaints
    finally:
        root.removeFilter(drop)
        root.removeHandler(handler)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
