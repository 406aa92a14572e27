"""The controller: brings a server, the module and a connected client up, and takes down what it brought up."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import deployment
from .config import InnerUniverseConfig
from .connected_operations import ConnectedOperations
from .inner_universe import InnerUniverseClient
from .module_build import build_module
from .running import OwnServer, RunningServer
from .starting import Backend, ServerStarter, StartOrAttach

DOCUMENT_VARIABLE = "INNER_UNIVERSE_CONFIG"
"""Names the document of the configuration to the build of a module."""


class InnerUniverseController(ConnectedOperations):
    """Runs a server for Inner Universe, or uses the one that answers at the configured address already.

    What it started, it ends: with `stop`, at the end of an ``async with`` statement, when a start fails or is cancelled, and
    with its process. A server that was there goes on.

    Args:
        config: Settings, as a configuration or as a dict that `InnerUniverseConfig.from_dict` reads; the defaults if not given.
        backend: What is started: ``process``, ``docker``, or ``embedded``, whose data ends with it.
        binary: The server program, for ``process``; looked for unless given.
        image: The image, for ``docker``; the vendor's unless given.
        start_timeout: Seconds that a server has to come up; 30 unless given.
        stop_timeout: Seconds that a process has to end when asked, before it is killed; 5 unless given.
        starter: Brings a server up in some other way; the arguments from ``backend`` on do not count then.

    Example:
        >>> async with InnerUniverseController({"db_path": "/srv/db"}) as controller:  # doctest: +SKIP
        ...     await controller.deploy()
        ...     await controller.client.create_entity("Person", {"name": "Ada"})
    """

    def __init__(
        self,
        config: InnerUniverseConfig | Mapping[str, Any] | None = None,
        *,
        backend: Backend = "process",
        binary: str | os.PathLike[str] | None = None,
        image: str | None = None,
        start_timeout: float | None = None,
        stop_timeout: float | None = None,
        starter: ServerStarter | None = None,
    ) -> None:
        given = InnerUniverseConfig.from_dict(config) if isinstance(config, Mapping) else config
        logger = logging.getLogger("inner_universe_controller")
        starter = starter or StartOrAttach(
            backend,
            binary=binary,
            image=image,
            start_timeout=start_timeout,
            stop_timeout=stop_timeout,
            logger=logger,
        )
        super().__init__(given or InnerUniverseConfig(), starter, logger)

    # Facts

    @property
    def process(self) -> OwnServer | None:
        """The server that this controller started; None before, after, and where it attached to another's."""
        return getattr(self._server, "process", None)

    @property
    def is_attached(self) -> bool:
        """Whether the server that it uses was there already."""
        return self._server is not None and not self._server.is_own

    @property
    def url(self) -> str | None:
        """Address of the server, None while there is none."""
        return None if self._server is None else self._server.url

    def log_tail(self, count: int) -> list[str]:
        """Return the last lines that a server of this controller wrote of itself."""
        return [] if self._server is None else self._server.log_tail(count)

    # Modes

    async def start_deployment_mode(self) -> dict[str, Any]:
        """Build the module if the configuration says so, publish it, apply the configuration, and connect a client.

        Server and client stay, so that `start_server_mode` has nothing left to do. A deployment to a server that this
        controller runs already connects its client anew. The data of the database stays.

        Returns:
            ``{"status": "deployed", "stdout": text}``, the text telling what was done, line by line.

        Raises:
            ValidationError: The configuration has mistakes; nothing was started.
            ControllerError: A `RuntimeError`: `ModuleBuildError`, `ServerStartError`, `DeploymentError` or `NoClientError`. What was
                started for this has ended.
        """
        async with self._lock:
            was_running = self._server is not None
            with deployment.checked_document(self.config) as document:
                told: list[str] = []
                built = None
                if self.config.build_module and self.config.module_dir is not None:
                    built = await self._build_module(document)
                    told.append(f"built {built}")
                wasm = deployment.read_module(self.config, built)
                try:
                    server = await self._serve()
                    published = await server.deploy(wasm)
                    await self._disconnect()
                    self.client = await server.connect()
                    if published is not None:
                        told.append(published)
                        await self._configure(server, None)
                except BaseException:
                    if not was_running:
                        await self._take_down()
                    raise
            return {"status": "deployed", "stdout": "\n".join(told)}

    async def start_server_mode(self) -> InnerUniverseClient:
        """Start the server, or use the one that is there, and connect a client; the same client again when that is done.

        Raises:
            ValidationError: The configuration has mistakes.
            ServerStartError: No server came up; what it wrote is in ``.stderr``.
            NoClientError: It does not let the client in, or nothing was ever deployed to it. It has been stopped.
        """
        async with self._lock:
            is_up = self._server is not None and not self._server.has_ended
            if is_up and self.client is not None and self.client.is_connected:
                return self.client
            self.config.validate()
            try:
                await self._disconnect()
                server = await self._serve()
                self.client = await server.connect()
            except BaseException:
                await self._take_down()
                raise
            return self.client

    async def stop(self) -> dict[str, str]:
        """Disconnect the client and end the server, unless it was there before; harmless the second time.

        Returns:
            ``{"status": "stopped"}``.
        """
        async with self._lock:
            await self._take_down()
        return {"status": "stopped"}

    async def deploy(self) -> dict[str, Any]:
        """Do what `start_deployment_mode` does."""
        return await self.start_deployment_mode()

    async def start_server(self) -> InnerUniverseClient:
        """Do what `start_server_mode` does."""
        return await self.start_server_mode()

    async def __aenter__(self) -> InnerUniverseController:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    # Steps

    async def initialize_schema(self, *, clear: bool = False) -> None:
        """Publish the configured module, starting a server if there is none: tables come with the module.

        Args:
            clear: Whether to lose the data that is there.

        Raises:
            ControllerError: There is no server, or it refused the module.
        """
        async with self._lock:
            self.config.validate()
            was_running = self._server is not None
            try:
                await (await self._serve()).deploy(deployment.read_module(self.config), clear=clear)
            except BaseException:
                if not was_running:
                    await self._take_down()
                raise

    async def _build_module(self, document: Path | None = None) -> Path:
        """Build the module of ``module_dir`` and return the file; see `build_module`."""
        self.logger.info("building the module in %s", self.config.module_dir)
        variables = {} if document is None else {DOCUMENT_VARIABLE: str(document)}
        return await build_module(self.config.module_dir or ".", variables)

    def _create_temp_config(self) -> str:
        """Return the path of a new ``.json`` file with the configuration; whoever asked removes it."""
        return str(deployment.write_document(self.config))

    # Parts, each with the lock held

    async def _serve(self) -> RunningServer:
        if self._server is not None and self._server.has_ended:
            self.logger.warning("the server at %s has ended by itself", self._server.url)
            await self._take_down()
        if self._server is None:
            self._server = await self._starter(self.config)
            self.logger.info("%s %s", "started" if self._server.is_own else "attached to", self._server.url)
        return self._server

    async def _take_down(self) -> None:
        server, self._server = self._server, None
        try:
            await self._disconnect()
        finally:
            if server is not None:
                await server.stop()
                self.logger.info("%s %s", "stopped" if server.is_own else "left", server.url)
