"""One SSH connection with its SFTP session, for all repositories of an account on a server.

restic starts OpenSSH's `ssh`; here the asyncssh library speaks for itself, in a thread of its own,
so that every wait has an end and nothing can ask a question. The keys and the known hosts are
those of one folder that is laid out as `~/.ssh` is. Nothing else of that folder is read: a `config`
there could name programs to run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from janitor.store.errors import StoreError, Unauthorized, Unreachable, Unsupported, one_line
from janitor.store.first_failure import FirstFailure

CONNECT: float = 5
"""Seconds for the connection, and as many for the login."""
PATIENCE: float = 20
"""Seconds for one operation."""
_KEEPALIVE = 15
_KEY_LIMIT = 64 * 1024
_KEY_NAMES = ("id_*", "ssh-privatekey")
"""As ssh-keygen calls them, and the key of Secrets of the type kubernetes.io/ssh-auth."""

Result = TypeVar("Result")
Ask = Callable[[asyncssh.SFTPClient], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to be, where, and by what."""

    host: str
    port: int
    user: str
    folder: Path
    """`known_hosts` and the keys."""
    agent: str | None = None
    """The socket of an agent."""

    @property
    def shown(self) -> str:
        """For sentences."""
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 22 else "")  # noqa: PLR2004


class SshServer:
    """A connection that is made when it is first needed, and again where it was lost."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._connecting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._session: asyncssh.SFTPClient | None = None
        self._failure = FirstFailure()

    def ask(self, ask: Ask[Result], *, patience: float | None = None) -> Result:
        """The answer of the server. Raises a StoreError where there is no session, and asyncssh's
        SFTPError where the server refuses what was asked.
        """
        session = self._opened()
        try:
            return self._run(_answer(ask, session), PATIENCE if patience is None else patience)
        except (TooLate, TimeoutError):
            raise Unreachable(f"{self._account.shown} did not answer in time") from None
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, OSError):
            raise Unreachable(f"{self._account.shown} ended the connection") from None
        except asyncssh.SFTPError:
            raise
        except (asyncssh.Error, ValueError) as error:
            words = one_line(str(error), ())
            raise Unreachable(f"{self._account.shown} does not speak SFTP: {words}") from None

    def close(self) -> None:
        """Ends the connection and its thread. May be called twice."""
        with self._connecting:
            loop, self._loop = self._loop, None
            connection, self._connection = self._connection, None
            if loop is None:
                return
            if connection is not None:
                loop.call_soon_threadsafe(connection.abort)
            loop.call_soon_threadsafe(loop.stop)

    # --- the connection ---------------------------------------------------------------------

    def _opened(self) -> asyncssh.SFTPClient:
        with self._connecting, self._failure.kept():
            if self._session is None or self._connection is None or self._connection.is_closed():
                self._open()
            assert self._session is not None  # noqa: S101 - _open made it, or raised
            return self._session

    def _open(self) -> None:
        known_hosts, keys = self._known_hosts(), self._keys()
        if not keys and self._account.agent is None:
            raise Unsupported(
                f"there is no SSH key in {self._account.folder}; put one there, called "
                f"{' or '.join(_KEY_NAMES)}"
            )
        try:
            self._connection, self._session = self._run(
                self._connect(known_hosts, keys), 3 * CONNECT
            )
        except asyncssh.Error as error:
            raise _refusal(error, self._account) from None
        except (TooLate, TimeoutError):
            raise Unreachable(f"{self._account.shown} did not answer in time") from None
        except (OSError, ValueError) as error:
            raise _no_answer(error, self._account) from None

    async def _connect(
        self, known_hosts: Any, keys: list[asyncssh.SSHKeyPair]
    ) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        account = self._account
        agent = await asyncssh.connect_agent(account.agent) if account.agent else None
        try:
            if agent is not None:
                keys = [*keys, *await agent.get_keys()]
            connection = await self._login(known_hosts, keys)
        finally:
            if agent is not None:
                agent.close()
        return connection, await connection.start_sftp_client(path_errors="surrogateescape")

    async def _login(
        self, known_hosts: Any, keys: list[asyncssh.SSHKeyPair]
    ) -> asyncssh.SSHClientConnection:
        account = self._account
        return await asyncssh.connect(
            account.host,
            account.port,
            username=account.user,
            config=None,
            known_hosts=known_hosts,
            client_keys=keys or None,
            agent_path=None,
            preferred_auth="publickey",
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            gss_auth=False,
            gss_kex=False,
            gss_host=None,
            x509_trusted_certs=None,
            x509_trusted_cert_paths=[],
            pkcs11_provider=None,
            connect_timeout=CONNECT,
            login_timeout=CONNECT,
            keepalive_interval=_KEEPALIVE,
        )

    def _run(self, coroutine: Coroutine[Any, Any, Result], patience: float) -> Result:
        """The result of a coroutine in the thread of this connection."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_turn, args=(self._loop,), name="ssh", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(patience)
        except TooLate:
            future.cancel()
            raise

    # --- what proves who is who ---------------------------------------------------------------

    def _known_hosts(self) -> Any:
        path = self._account.folder / "known_hosts"
        try:
            return asyncssh.import_known_hosts(_text(path))
        except OSError as error:
            raise Unsupported(
                f"{path} cannot be read ({error.strerror}); the keys of SSH servers are always "
                f"checked: `ssh-keyscan {self._account.host}` prints what belongs there"
            ) from None
        except ValueError as error:
            raise Unsupported(f"{path} is not a file of known hosts: {error}") from None

    def _keys(self) -> list[asyncssh.SSHKeyPair]:
        pairs: list[asyncssh.SSHKeyPair] = []
        folder = self._account.folder
        for path in sorted(path for name in _KEY_NAMES for path in folder.glob(name)):
            if path.suffix == ".pub" or not path.is_file():
                continue
            try:
                key = asyncssh.import_private_key(_text(path))
            except OSError as error:
                raise Unsupported(f"{path} cannot be read: {error.strerror}") from None
            except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError, ValueError) as error:
                if "assphrase" in str(error):
                    raise Unsupported(
                        f"{path} is protected by a passphrase, and nobody is there to type it; use "
                        "a key without one, or an agent (SSH_AUTH_SOCK)"
                    ) from None
                raise Unsupported(f"{path} is not a private key that SSH could use") from None
            pairs += asyncssh.load_keypairs([key])
        return pairs


async def _answer(ask: Ask[Result], session: asyncssh.SFTPClient) -> Result:
    return await ask(session)


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    """The thread of one connection: until it is stopped, then what is left is let go."""
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    # asyncssh asks for this user's name, which a pod with any uid does not have
    os.environ.setdefault("LOGNAME", "janitor")
    try:
        loop.run_forever()
        loop.run_until_complete(_let_go())
    finally:
        loop.close()


async def _let_go() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0.01)  # what was aborted closes its socket in the next turns


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_KEY_LIMIT).decode("utf-8", "replace")


def _refusal(error: asyncssh.Error, account: Account) -> StoreError:
    shown = account.shown
    if isinstance(error, asyncssh.PermissionDenied):
        return Unauthorized(
            f"{shown} refuses the keys of {account.folder}: none of them may log in as this user"
        )
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Unreachable(
            f"{shown} shows a host key that {account.folder / 'known_hosts'} does not have; if it "
            f"is the right server, add what `ssh-keyscan {account.host}` prints"
        )
    if isinstance(error, asyncssh.ChannelOpenError | asyncssh.SFTPError):
        return Unreachable(f"{shown} lets this user log in, but gives no SFTP session")
    words = one_line(str(error), ())
    return Unreachable(f"{shown} cannot be reached or does not speak SSH: {words}")


def _no_answer(error: Exception, account: Account) -> Unreachable:
    if isinstance(error, socket.gaierror):
        why = "its host name is not known here"
    elif isinstance(error, ConnectionRefusedError) or "refused" in str(error):
        why = "nothing listens there (connection refused)"
    else:
        why = one_line(getattr(error, "strerror", None) or str(error), ()).lower()
    return Unreachable(f"{account.shown} cannot be reached: {why}")
