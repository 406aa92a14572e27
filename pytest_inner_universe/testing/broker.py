"""One server for all workers of a run.

Under pytest-xdist every worker is a process of its own, and none of them outlives the others for certain. So the controller
holds the server: a worker that needs it asks over a loopback connection, the first to ask has it started, and the controller
stops it when the run is over. A run whose tests need no server starts none.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .errors import BackendFailed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from ..server.remote import RemoteServer

WORKER_KEY = "inner_universe_broker"
"""Under which a worker finds the broker among what the controller gave it."""
_MOST_AT_ONCE = 128
"""Workers that may ask at the same moment; the library's own choice is one, and who comes second waits for a second."""


class Place(NamedTuple):
    """Where the server is.

    Args:
        url: Its address.
        token: Token of the owner of databases.
        run_id: The run that it belongs to.
        log_file: File that the server's output goes to; None where there is none.
    """

    url: str
    token: str
    run_id: str
    log_file: str | None = None


class Broker:
    """Starts a server when a worker first asks for it, and tells every worker where it is.

    Args:
        start: Starts the server.
    """

    def __init__(self, start: Callable[[], RemoteServer]) -> None:
        self._start = start
        self._key = os.urandom(16)
        from multiprocessing.connection import Listener

        self._listener = Listener(("127.0.0.1", 0), backlog=_MOST_AT_ONCE, authkey=self._key)
        self._lock = threading.Lock()
        self._server: RemoteServer | None = None
        self._failure: str | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="inner-universe-broker", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int, str]:
        """What a worker needs to ask: host, port and key; it can be sent to workers as it is."""
        host, port = self._listener.address
        return host, port, self._key.hex()

    def _serve(self) -> None:
        while not self._stopping:
            try:
                connection = self._listener.accept()
            except Exception:  # noqa: BLE001, S112 - whatever a stranger does here, the next worker has to be served
                continue
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: Connection) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            if connection.recv() == "place":
                connection.send(self._place())

    def _place(self) -> tuple[str, tuple[str | None, ...]]:
        with self._lock:
            if self._server is None and self._failure is None:
                try:
                    self._server = self._start()
                except Exception as error:  # noqa: BLE001 - the worker's test fails with the text
                    self._failure = str(error)
            if self._server is None:
                return "failed", (self._failure or "",)
            server = self._server
            log_file = None if server.log_file is None else str(server.log_file)
            return "ready", (server.url, server.credentials(None).token, server.run_id, log_file)

    def stop(self) -> None:
        """Stop the server, if one was started, and answer no more; does nothing the second time."""
        if self._stopping:
            return
        self._stopping = True
        with contextlib.suppress(OSError, EOFError):
            host, port, _ = self.address
            from multiprocessing.connection import Client

            Client((host, port), authkey=self._key).close()  # wakes the thread
        self._listener.close()
        self._thread.join(timeout=5)
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()


def ask(address: tuple[str, int, str]) -> Place:
    """Ask the controller for the server.

    Args:
        address: What `Broker.address` is.

    Raises:
        BackendFailed: The server could not be started; the text is that of the controller's error.
    """
    host, port, key = address
    from multiprocessing.connection import Client

    with Client((host, port), authkey=bytes.fromhex(key)) as connection:
        connection.send("place")
        kind, content = connection.recv()
    if kind == "failed":
        raise BackendFailed(content[0])
    return Place(*content)
