"""An HTTP endpoint that says whether the database answers, for load balancers, orchestrators and people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .errors import PersistenceError
from .inner_universe import InnerUniverseClient
from .metrics import PrometheusMetrics

if TYPE_CHECKING:
    from aiohttp import web

UP = 200
DOWN = 503


class HealthEndpoint:
    """Answers ``GET /health``, ``GET /status`` and, where figures for Prometheus are kept, ``GET /metrics``.

    ``/health`` has status 200 where the database answers, and 503 with the reason in ``error`` where it does not, is not
    there, or takes too long; it reads one row. ``/status`` has the fields of `SystemStatus`, whose counts cost as much as
    reading the tables.

    Args:
        client: Asks the database; a client that is not connected is "down".
        metrics: What ``/metrics`` shows; there is no such path without it.
        host: Address to listen on; only this machine unless given.
        port: Port to listen on; 0 has the system pick a free one.
        timeout: Seconds that the database has for its answer.

    Example:
        >>> async with HealthEndpoint(manager.client, port=8080) as endpoint:  # doctest: +SKIP
        ...     print(endpoint.url)
        http://127.0.0.1:8080/health
    """

    def __init__(
        self,
        client: InnerUniverseClient,
        metrics: PrometheusMetrics | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        timeout: float = 2.0,
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._host = host
        self._port = port
        self._timeout = timeout
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where ``/health`` is.

        Raises:
            RuntimeError: It was not started.
        """
        if self._runner is None:
            raise RuntimeError("the health endpoint is not running; await start() first")
        host, port, *_ = self._runner.addresses[0]
        return f"http://[{host}]:{port}/health" if ":" in host else f"http://{host}:{port}/health"

    async def start(self) -> HealthEndpoint:
        """Listen; without effect if it does already.

        Raises:
            OSError: The address or port cannot be had.
        """
        from aiohttp import web

        if self._runner is not None:
            return self
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/status", self._status)
        if self._metrics is not None:
            app.router.add_get("/metrics", self._figures)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        return self

    async def close(self) -> None:
        """Stop listening; harmless the second time."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> HealthEndpoint:
        return await self.start()

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def check(self) -> tuple[int, dict[str, Any]]:
        """Ask the database, and return the status and the document that ``/health`` answers with."""

        async def ask() -> dict[str, Any]:
            info = await self._client.get_system_info()
            return {"status": "Running", "version": info["module_version"], "schema_version": info["schema_version"]}

        return await self._answer_of(ask())

    async def _answer_of(self, asking: Awaitable[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        try:
            return UP, await asyncio.wait_for(asking, self._timeout)
        except asyncio.TimeoutError:
            return DOWN, {"status": "Down", "error": f"no answer within {self._timeout:g} s"}
        except PersistenceError as error:
            return DOWN, {"status": "Down", "error": str(error)}

    async def _health(self, _request: web.Request) -> web.Response:
        return _response(*await self.check())

    async def _status(self, _request: web.Request) -> web.Response:
        async def ask() -> dict[str, Any]:
            status = await self._client.get_system_status()
            return {**asdict(status), "status": status.status.value, "start_time": str(status.start_time)}

        return _response(*await self._answer_of(ask()))

    async def _figures(self, _request: web.Request) -> web.Response:
        from aiohttp import web

        assert self._metrics is not None
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.text(), headers=headers)


def _response(status: int, document: dict[str, Any]) -> web.Response:
    from aiohttp import web

    return web.json_response(document, status=status, headers={"Cache-Control": "no-store"})
