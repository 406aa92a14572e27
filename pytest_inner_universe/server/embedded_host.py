"""The embedded server as a server of its own: empty at first, reached over HTTP and WebSocket only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..engine.release import NEWEST, release_named
from .errors import ServerGone
from .readiness import LOOPBACK, host_in_url, reachable

if TYPE_CHECKING:
    from types import TracebackType

    from .front import Front


class EmbeddedHost:
    """Listens in this process as a real server does in one of its own; what is published to it lasts as long as it runs.

    Args:
        host: Address to listen on; only this machine unless given.
        port: Port to listen on; 0 has the system pick a free one.
        release: The release of the server that is imitated, ``2.8`` or ``1.2``.

    Raises:
        ValueError: The release is none that can be imitated.

    Example:
        >>> with EmbeddedHost() as server:  # doctest: +SKIP
        ...     server.url
        'http://127.0.0.1:41011'
    """

    backend = "embedded"

    def __init__(self, *, host: str = LOOPBACK, port: int = 0, release: str = NEWEST.name) -> None:
        self._release = release_named(release)
        self._host = host
        self._port = port
        self._front: Front | None = None

    def start(self) -> EmbeddedHost:
        """Begin to listen.

        Raises:
            CannotListen: The address is in use, or not to be had.
        """
        if self._front is None:
            from .front import Front
            from .registry import Registry

            front = Front(Registry(release=self._release), self._host, self._port)
            front.start()
            self._front = front
        return self

    @property
    def url(self) -> str:
        """Its address, as ``http://127.0.0.1:3000``.

        Raises:
            ServerGone: It is not running.
        """
        if self._front is None or self._front.url is None:
            raise ServerGone("embedded", "it was not started or was stopped")
        return f"http://{host_in_url(reachable(self._host))}:{urlsplit(self._front.url).port}"

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._front is not None and self._front.url is not None

    def give_up(self) -> None:
        """Do nothing: a start takes no time."""

    def log_tail(self, count: int) -> list[str]:
        """Return nothing: it writes no log of itself."""
        return []

    def stop(self) -> None:
        """Disconnect every client and forget every database; does nothing the second time."""
        front, self._front = self._front, None
        if front is not None:
            front.stop()
            front.registry.close()

    def __enter__(self) -> EmbeddedHost:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
