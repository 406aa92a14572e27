"""A real server, whoever started it: publishing databases on it and knowing its people."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ..client.errors import ClientError
from ..sats import Identity
from .errors import ServerGone, TokenRefused
from .names import DatabaseNames
from .output import tail_of
from .token_check import claims_of, told_by_token

if TYPE_CHECKING:
    from ..client.http import HttpApi
    from ..client.http_models import Credentials
    from ..client.link import Transport
    from ..client.loop_thread import LoopThread
    from ..engine.module import Module
    from .caller import Caller
    from .remote_handle import RemoteHandle

Result = TypeVar("Result")
ResetStrategy = Literal["fresh", "clear", "reducer"]
REQUEST_SECONDS = 60.0
"""The most that a request to a server may take; publishing compiles the module."""
CLOSE_SECONDS = 2.0
"""The most that letting go of one connection may take."""


class RemoteServer:
    """A server that is reached over the network.

    Args:
        url: Its address, as ``http://127.0.0.1:3000``; None as long as it was not started.
        run_id: Id of the run that names of databases carry; a random one unless given.
        token: Token of the owner of databases; the server makes somebody up unless given.
        prefix: Start of the names of databases.
        log_file: File that the server's output is written to, where there is one.

    Example:
        >>> server = RemoteServer("http://127.0.0.1:3000")  # doctest: +SKIP
        >>> handle = server.database("first", Module.load_file("game.wasm"))  # doctest: +SKIP
    """

    backend = "external"

    def __init__(
        self,
        url: str | None = None,
        *,
        run_id: str | None = None,
        token: str | None = None,
        prefix: str = "iu",
        log_file: Path | None = None,
    ) -> None:
        self._url = url.rstrip("/") if url is not None else None
        self.run_id = run_id or secrets.token_hex(5)
        self.log_file = log_file
        self._prefix = prefix
        self._token = token
        self.names = DatabaseNames(self.run_id, prefix)
        """Makes the names of its databases."""

        self._loop: LoopThread | None = None
        self._people: dict[str | None, Credentials] = {}
        self._apis: dict[str | None, HttpApi] = {}
        self._callers: list[Caller] = []
        self._lock = threading.RLock()

    # Facts

    @property
    def url(self) -> str:
        """Its address, as ``http://127.0.0.1:3000``.

        Raises:
            ServerGone: It is not running.
        """
        self.check_running()
        if self._url is None:
            raise ServerGone(self.backend, "it was not started")
        return self._url

    def join(self, run_id: str) -> None:
        """Make this server part of a run, whose id the names of databases carry from now on."""
        self.run_id = run_id
        self.names = DatabaseNames(run_id, self._prefix)

    def check_running(self) -> None:
        """Raise `ServerGone` if it is known to have ended."""

    def version(self) -> str:
        """Return what the server says that it is, as ``1.2.0``."""
        return self.run(self.api().health()).version

    def log_tail(self, count: int) -> list[str]:
        """Return the last lines that the server wrote of itself, as far as they can be seen from here."""
        return tail_of(self.log_file, count) if self.log_file is not None else []

    # Databases

    def database(
        self, prefix: str, module: Module, *, reset: ResetStrategy = "fresh", reset_reducer: str = "truncate_all"
    ) -> RemoteHandle:
        """Publish a module as a new database.

        Args:
            prefix: What the database's name tells a reader; run, process and number are added.
            module: The module.
            reset: How the handle's `reset` comes to a clean state: a new database, publishing again with clearing, or a
                reducer of the module that empties its tables.
            reset_reducer: That reducer.

        Raises:
            InvalidName: A database's name cannot hold the prefix.
            PublishFailed: The server refused the module, or its ``init`` failed.
            ServerGone: The server is not running.
        """
        from .remote_handle import RemoteHandle

        return RemoteHandle(self, prefix, module, reset, reset_reducer)

    # People

    def credentials(self, actor: str | None) -> Credentials:
        """Return identity and token of somebody, made by the server when first asked for.

        Args:
            actor: A name; None for the owner of databases.
        """
        with self._lock:
            found = self._people.get(actor)
            if found is None:
                found = self._people[actor] = self.run(self._introduce(actor))
            return found

    async def _introduce(self, actor: str | None) -> Credentials:
        from ..client.http import HttpApi
        from ..client.http_models import Credentials

        if actor is None and self._token is not None:
            return Credentials(Identity.from_hex(_claimed_identity(self._token, self.url)), self._token)
        async with HttpApi(self.url) as api:
            return await api.new_identity()

    def token_for(self, identity: Identity) -> str | None:
        """Return the token of somebody whom this server object knows, None for all others."""
        with self._lock:
            return next((known.token for known in self._people.values() if known.identity == identity), None)

    # Ways to the server

    def run(self, coroutine: Coroutine[Any, Any, Result], timeout: float = REQUEST_SECONDS) -> Result:
        """Run a coroutine on the thread that talks to the server, and wait for its result."""
        with self._lock:
            if self._loop is None:
                from ..client.loop_thread import LoopThread

                self._loop = LoopThread()
        return self._loop.run(coroutine, timeout)

    def api(self, actor: str | None = None) -> HttpApi:
        """Return the HTTP side of the server as somebody, to be used in `run`."""
        found = self._apis.get(actor)
        if found is None:
            from ..client.http import HttpApi

            found = self._apis[actor] = HttpApi(self.url, self.credentials(actor).token)
        return found

    def open_caller(self, database: str, actor: str | None) -> Caller:
        """Connect somebody to a database, to call reducers.

        Raises:
            ConnectionRejected: The module does not let them in.
        """
        from .caller import Caller

        caller = self.run(Caller.open(self.transport(database, self.credentials(actor).token)))
        with self._lock:
            self._callers = [*(known for known in self._callers if known.is_open), caller]
        return caller

    def transport(self, database: str, token: str | None) -> Transport:
        """Return what a connection to a database is opened over."""
        from ..client.websocket import WebSocketTransport

        return WebSocketTransport(self.url, database, token)

    # End

    def close_clients(self) -> None:
        """Let go of everything that talks to the server; it is made anew when it is needed."""
        with self._lock:
            loop, self._loop = self._loop, None
            open_ones: list[Caller | HttpApi] = [*self._callers, *self._apis.values()]
            self._callers, self._apis = [], {}
        if loop is not None:
            for one in open_ones:
                with contextlib.suppress(ClientError):
                    loop.run(one.close(), CLOSE_SECONDS)
            loop.close()

    def forget_people(self) -> None:
        """Forget identities and tokens, which another server would not know."""
        with self._lock:
            self._people.clear()

    def stop(self) -> None:
        """Let go of the server; one that was started here ends."""
        self.close_clients()


def _claimed_identity(token: str, url: str) -> str:
    """Return the identity that a token speaks for."""
    claims = claims_of(token)
    if claims is None or not isinstance(claims.get("iss"), str) or not isinstance(claims.get("sub"), str):
        raise TokenRefused("it says nobody's name", url, told_by_token(token, time.time()))
    found: str = claims.get("hex_identity") or Identity.derive(claims["iss"], claims["sub"]).hex()
    return found
