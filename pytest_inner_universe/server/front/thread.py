"""The socket front as a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...engine.release import NEWEST
from ..errors import CannotListen

if TYPE_CHECKING:
    from ..registry import Registry

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a client may do; the defaults are those of a server of the newest release.

    Args:
        body: Bytes of a request's body, except where a module is published.
        message: Bytes of a WebSocket message.
        incoming: Messages of one client that wait to be handled.
        outgoing: Messages that wait for one client to take them.
        ping_interval: Seconds between pings.
        idle_timeout: Seconds without a sign of life after which a client is gone.
        close_timeout: Seconds that a client has to answer when a connection is closed.
    """

    body: int = 2 * MIB
    message: int = 32 * MIB
    incoming: int = 16_384
    outgoing: int = 16_384
    ping_interval: float = NEWEST.ping_interval
    idle_timeout: float = NEWEST.idle_timeout
    close_timeout: float = 0.25


class Front:
    """Lets clients reach the databases of a registry over HTTP and WebSocket.

    Args:
        registry: The databases; more may be added at any time.
        host: Where to listen.
        port: The port; 0 takes a free one.
        limits: What a client may do; unless given, what the imitated release lets clients do.

    Example:
        >>> with Front(Registry()) as front:  # doctest: +SKIP
        ...     print(front.url)
    """

    def __init__(
        self, registry: Registry, host: str = "127.0.0.1", port: int = 0, limits: Limits | None = None
    ) -> None:
        self.registry = registry
        self.host = host
        self.port = port
        release = registry.release
        self.limits = limits or Limits(ping_interval=release.ping_interval, idle_timeout=release.idle_timeout)
        self.url: str | None = None
        """The address, as ``http://127.0.0.1:3000``; None while it does not listen."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def start(self) -> str:
        """Begin to listen, and return the address. Does nothing more when it listens already.

        Raises:
            CannotListen: The address is in use, or not to be had.
        """
        if self.url is None:
            listening = threading.Event()
            self._failure = None
            self._thread = threading.Thread(target=self._run, args=(listening,), name="socket front", daemon=True)
            self._thread.start()
            listening.wait()
            if self._failure is not None:
                self._thread.join()
                self._thread = None
                raise self._failure
        assert self.url is not None
        return self.url

    def stop(self) -> None:
        """Disconnect every client and end the thread; the databases go on. Does nothing when it does not listen."""
        thread, loop, stop = self._thread, self._loop, self._stop
        self._thread = None
        if thread is not None and loop is not None and stop is not None:
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    def __enter__(self) -> Front:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, listening: threading.Event) -> None:
        try:
            asyncio.run(self._serve(listening))
        except BaseException as error:  # noqa: BLE001  # `start` raises it where somebody waits for it
            self._failure = error
        finally:
            self.url = None
            listening.set()

    async def _serve(self, listening: threading.Event) -> None:
        from aiohttp import web

        from .app import make_app

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        app = make_app(self.registry, self.limits)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self.host, self.port)
            try:
                await site.start()
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)
                raise CannotListen(self.host, self.port, reason) from None
            host, port, *_ = runner.addresses[0]
            self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            listening.set()
            await self._stop.wait()
        finally:
            await runner.cleanup()
