"""What the clients of object stores share: patience, options, and one client for each bucket."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from janitor.model import Secret
from janitor.store.errors import StoreError, Unreachable
from janitor.store.object_errors import Answer, Dialect, Doing, translated

# three tries of a request, 15 s each, with their pauses end before a call's minute is over
REQUEST = timedelta(seconds=15)
CONNECT = timedelta(seconds=5)
RETRIES: Any = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=40),
    "backoff": {
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}

Result = TypeVar("Result")


def client_options(*, tls: bool, insecure_tls: bool, certificates: bytes | None) -> dict[str, Any]:
    """The HTTP options of an obstore client."""
    options: dict[str, Any] = {
        "allow_http": not tls,
        "allow_invalid_certificates": insecure_tls,
        "timeout": REQUEST,
        "connect_timeout": CONNECT,
        "user_agent": "restic-janitor",
    }
    if certificates is not None:
        options["root_certificate"] = certificates
    return options


_environment = threading.Lock()


@contextmanager
def hidden_variables(*prefixes: str) -> Iterator[None]:
    """Hides the process's own variables of these names while a client is made.

    obstore reads them by itself, and some win over its arguments (AWS_ENDPOINT_URL_S3) or would
    lend one repository the keys of another. Only the given environment counts.
    """
    with _environment:
        hidden = {
            name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefixes)
        }
        try:
            yield
        finally:
            os.environ.update(hidden)


class ObjectClient:
    """One bucket's client, made when it is first asked; repositories and threads share it."""

    def __init__(self, make: Callable[[], Any], *, bucket: str, dialect: Dialect) -> None:
        self._make = make
        self._bucket = bucket
        self._dialect = dialect
        self._made: Any = None
        self._lock = threading.Lock()

    def call(
        self,
        ask: Callable[[Any], Result],
        *,
        doing: Doing,
        shown: str,
        secrets: tuple[Secret, ...],
        once: bool = False,  # noqa: ARG002 - a store of one region is never asked elsewhere
    ) -> Result:
        """Asks the server. Raises a StoreError in one sentence that holds none of the secrets."""
        answer: Answer
        try:
            return ask(self._store())
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - obstore also raises OSError and ValueError
            answer = Answer.of(error)
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # Rust's, which is no Exception
                raise
            answer = Answer(f"the {self._dialect.name} client failed on these settings")
        raise translated(
            answer,
            shown=shown,
            bucket=self._bucket,
            doing=doing,
            secrets=secrets,
            dialect=self._dialect,
        )

    def _store(self) -> Any:
        with self._lock:
            if self._made is None:
                try:
                    self._made = self._make()
                except StoreError:
                    raise
                except Exception as error:  # noqa: BLE001 - its text may hold a key
                    kind = type(error).__name__
                    raise Unreachable(
                        f"the {self._dialect.name} client cannot be made for this location and "
                        f"these variables ({kind}); check the credentials and RESTIC_CACERT"
                    ) from None
            return self._made
