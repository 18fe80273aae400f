"""The numbers at a Pushgateway, for a Prometheus that cannot ask a pod which is gone by then."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from prometheus_client import pushadd_to_gateway

from janitor.metrics.families import registry_of
from janitor.model import Secret
from janitor.shard import Shard
from janitor.store.errors import StoreError
from janitor.store.http_client import HttpClient, make_pool
from janitor.sweep import Result

JOB = "restic-janitor"
USER, PASSWORD, CACERT = "JANITOR_PUSH_USER", "JANITOR_PUSH_PASSWORD", "JANITOR_PUSH_CACERT"


class _PushError(Exception):
    """The gateway did not take it; the message is a sentence."""


def push(
    url: str,
    result: Result,
    *,
    shard: Shard | None,
    environment: Mapping[str, str],
    now: datetime,
) -> str | None:
    """Adds the numbers to the group of this job, POD_NAMESPACE and shard; what a failed run does
    not know (the time of the last success) stays there as it was.

    Returns:
        None, or one sentence why they were not taken: that is a warning and no failure.
    """
    namespace = environment.get("POD_NAMESPACE")
    group = {"namespace": namespace} if namespace else {}
    if shard is not None:
        group["shard"] = str(shard.index)
    try:
        pushadd_to_gateway(
            url,
            job=JOB,
            registry=registry_of(result, now=now),
            grouping_key=group,
            handler=_sender(url, environment),
        )
    except (StoreError, _PushError) as error:
        return str(error)
    return None


def _sender(gateway: str, environment: Mapping[str, str]) -> Callable[..., Callable[[], None]]:
    """What sends for the library: bounded in time and size, and never redirected, since a
    password goes along.
    """
    password = Secret(environment.get(PASSWORD, ""))
    basic = _basic(environment.get(USER, ""), password)
    secrets = (password, basic)
    credentials = {"Authorization": f"Basic {basic.reveal()}"} if USER in environment else {}
    pool = make_pool(gateway, certificates=_certificates(environment), insecure_tls=False)
    client = HttpClient(pool, shown=gateway, secrets=secrets, cacert=CACERT)

    def handler(
        *, url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        del timeout  # the pool has its own

        def send() -> None:
            answer = client.ask(
                method, url, what="the answer", headers=dict(headers) | credentials, body=data
            )
            if answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
                raise _PushError(f"{gateway} does not take them: {answer.said}")

        return send

    return handler


def _basic(user: str, password: Secret) -> Secret:
    """What HTTP's basic authentication sends: the bytes as they came, whatever they are."""
    both = user.encode("utf-8", "surrogateescape") + b":" + password.encode()
    return Secret(base64.b64encode(both).decode())


def _certificates(environment: Mapping[str, str]) -> bytes | None:
    path = environment.get(CACERT)
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _PushError(f"{CACERT} ({path}) cannot be read: {error.strerror or error}") from None
