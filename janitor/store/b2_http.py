"""The HTTP of b2sdk with less patience: by itself it waits minutes, and tries up to 20 times."""

from __future__ import annotations

import logging
import os
import weakref
from typing import Any

import requests
import urllib3
from b2sdk.v2 import B2Http, B2HttpApiConfig, B2RawHTTPApi
from b2sdk.v2.exception import B2Error

from janitor.store.memory_file import memory_file

TIMEOUT: tuple[float, float] = (5, 15)
"""Seconds to connect, and between two pieces of an answer."""
TRIES = 2
LONGEST_PAUSE = 3
RAW_API: Any = B2RawHTTPApi


class _Session(requests.Session):
    """No redirects, no `.netrc`, no certificates but the given ones."""

    verified_by: str | bool = True

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        options |= {"timeout": TIMEOUT, "verify": self.verified_by, "allow_redirects": False}
        return super().request(*arguments, **options | {"auth": _as_it_is})


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """In the place of what requests would find in a `.netrc`."""
    return request


class _Http(B2Http):  # type: ignore[misc]  # the library is not typed
    """Fewer tries, and no longer pauses than a sweep can bear."""

    @classmethod
    def _translate_errors(cls, fcn: Any, post_params: Any = None) -> Any:
        try:
            return super()._translate_errors(fcn, post_params)
        except B2Error as error:
            if error.retry_after_seconds is not None:
                # a server may ask for an hour
                error.retry_after_seconds = min(error.retry_after_seconds, LONGEST_PAUSE)
            raise

    @classmethod
    def _translate_and_retry(cls, fcn: Any, try_count: int, post_params: Any = None) -> Any:
        return super()._translate_and_retry(fcn, min(try_count, TRIES), post_params)


def impatient(certificates: bytes | None, *, insecure_tls: bool) -> B2HttpApiConfig:
    """The configuration of a session. Its clock is not compared: the janitor does that itself."""
    logging.getLogger("b2sdk").setLevel(logging.CRITICAL + 1)  # it prints whole answers
    if insecure_tls:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def make() -> requests.Session:
        session = _Session()
        session.verified_by = not insecure_tls
        if certificates is not None and not insecure_tls:
            session.verified_by, descriptor = memory_file("certificates", certificates)
            weakref.finalize(session, os.close, descriptor)
        return session

    config = B2HttpApiConfig(http_session_factory=make, install_clock_skew_hook=False)
    config.raw_api_class = lambda _: RAW_API(_Http(config))
    return config
