"""Requests to the API server, repeated where that can help.

Connection errors, 429 and 5xx are tried again, no sooner than a Retry-After asks for; no other
answer is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import urllib3
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from janitor.cluster.access import Access
from janitor.cluster.errors import Busy, Unreachable
from janitor.cluster.exchange import Answer, Connection, Limits, Request

_DEFAULT_WAIT = wait_random_exponential(multiplier=0.5, max=8)


class Client:
    """A connection to one API server.

    `access` is a pod's own, or the official client's configuration. `credentials` says in a few
    words whose they are, for sentences: "the service account's token", "user admin of the
    kubeconfig".
    """

    def __init__(
        self,
        access: Access,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        credentials: str,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._connection = Connection(access, credentials=credentials, limits=self._limits)
        self._clock = clock
        self._sleep = sleep

    @property
    def server(self) -> str:
        """The API server's host and port."""
        return self._connection.server

    @property
    def identity(self) -> str:
        """Which cluster it is: `Observation.cluster`."""
        return self._connection.identity

    def call(self, request: Request) -> Answer:
        """Sends it until it succeeds, fails for good or the retries are used up.

        Raises a ClusterError. A write may have been done although its answer was lost: the two
        writers can be repeated (a resourceVersion, a name that exists).
        """
        retrying = Retrying(
            sleep=self._sleep,
            retry=retry_if_exception_type((Unreachable, Busy)),
            stop=stop_after_attempt(request.attempts or self._limits.attempts)
            | stop_before_delay(self._limits.retrying),
            wait=self._wait,
            reraise=True,
        )
        return retrying(self._attempt, request)

    def close(self) -> None:
        """Lets the connections go."""
        self._connection.close()

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Busy) else None
        return min(_DEFAULT_WAIT(state) if asked is None else asked, self._limits.longest_wait)

    def _attempt(self, request: Request) -> Answer:
        """One exchange in a thread of its own, since no socket timeout ends a server that drips.

        A thread that was given up is a daemon: it holds nobody up at exit.
        """
        exchange = _Exchange(self._connection, request, time.monotonic() + self._limits.total)
        sent = self._clock()
        thread = threading.Thread(target=exchange.run, name="api-request", daemon=True)
        thread.start()
        thread.join(self._limits.total)
        if thread.is_alive():
            exchange.give_up()
            raise self._connection.too_slow(request.right)
        if exchange.failure is not None:
            raise exchange.failure
        return Answer(body=exchange.body, date=exchange.date, sent=sent, received=self._clock())


class _Exchange:
    """One attempt. After `run` either `failure` is set, or `body` and `date` are."""

    def __init__(self, connection: Connection, request: Request, deadline: float) -> None:
        self._connection = connection
        self._request = request
        self._deadline = deadline
        self._response: urllib3.HTTPResponse | None = None
        self.failure: Exception | None = None
        self.body = b""
        self.date: str | None = None

    def run(self) -> None:
        """Never raises: whoever waits for the thread looks at `failure`."""
        try:
            self._response = self._connection.open(self._request)
            self.date = self._response.headers.get("Date")
            self.body = self._connection.read(self._response, self._request, self._deadline)
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            self.failure = error

    def give_up(self) -> None:
        """Ends the reading of a body; a thread that still waits for headers is left to its end."""
        response = self._response
        if response is not None:
            try:
                response.shutdown()
            except (OSError, ValueError, RuntimeError):
                return  # it ended in this very moment
