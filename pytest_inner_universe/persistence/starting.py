"""How a controller comes by a server: the one that answers already, or one that it starts."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from .config import InnerUniverseConfig
from .errors import ServerStartError
from .network import why_no_answer
from .owner_tokens import OwnerTokens
from .running import NetworkServer, OwnServer, RunningServer
from .threads import finished

Backend = Literal["process", "docker", "embedded"]
ServerStarter = Callable[[InnerUniverseConfig], Awaitable[RunningServer]]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

_LEVEL = re.compile(r"\b(WARN|ERROR)\b")
_LEVELS = {"WARN": logging.WARNING, "ERROR": logging.ERROR}


class StartOrAttach:
    """Brings a server up for a configuration, unless it says to use one that is there.

    Args:
        backend: What to start: ``process``, ``docker`` or ``embedded``, which keeps nothing beyond its end.
        binary: The server program, for ``process``; looked for unless given.
        image: The image, for ``docker``; the vendor's unless given.
        release: Which release of the server ``embedded`` imitates; the newest unless given.
        start_timeout: Seconds that a server has to come up; the backend's own choice unless given.
        stop_timeout: Seconds that a process has to end when asked, before it is killed; likewise.
        logger: Takes what a process writes, in a child called ``server``.

    Raises:
        ValueError: There is no such backend.
    """

    def __init__(
        self,
        backend: Backend = "process",
        *,
        binary: str | os.PathLike[str] | None = None,
        image: str | None = None,
        release: str | None = None,
        start_timeout: float | None = None,
        stop_timeout: float | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(f"unknown backend {backend!r}, there are {', '.join(BACKENDS)}")
        self.backend: Backend = backend
        self.binary = binary
        self.image = image
        self.release = release
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._logger = (logger or logging.getLogger(__name__)).getChild("server")

    async def __call__(self, config: InnerUniverseConfig) -> NetworkServer:
        """Return a server that answers.

        Raises:
            ServerStartError: None came up, or the configuration wants one that is there and none is.
        """
        if config.attach != "never":
            missing = "port 0 is nobody's address" if config.port == 0 else await why_no_answer(config)
            if missing is None:
                return NetworkServer(config, tokens=OwnerTokens(config.db_path))
            if config.attach == "always":
                raise ServerStartError(config.url, f"attach is 'always', and {missing}")
        if config.scheme == "https":
            raise ServerStartError(
                config.url, "a server of one's own has no TLS; use http, or attach to a proxy that adds it"
            )
        return await self._start(config)

    async def _start(self, config: InnerUniverseConfig) -> NetworkServer:
        from ..server.errors import ServerError

        server = self._made(config)
        try:
            await finished(server.start, server.give_up)
            address = urlsplit(server.url)
        except ServerError as error:
            log = "\n".join(getattr(error, "log", ()))
            raise ServerStartError(config.url, str(error), log) from error
        except BaseException:
            await finished(server.stop)
            raise
        found = replace(config, address=address.hostname or config.address, port=address.port or config.port)
        return NetworkServer(found, server, OwnerTokens(config.db_path) if self.keeps_data else None)

    def what_is_there(self) -> str:
        """Tell what a server would be started with.

        Raises:
            ServerError: There is nothing; the text says what was looked for.
        """
        if self.backend == "process":
            from ..server.binary import find_binary

            return str(find_binary(self.binary))
        if self.backend == "docker":
            from ..server.docker_check import find_engine

            engine = find_engine()
            return f"a Docker engine answers at {engine.address or engine.place}"
        return "the embedded server needs nothing"

    @property
    def keeps_data(self) -> bool:
        """Whether a server of this backend writes its data into the configuration's ``db_path``."""
        return self.backend != "embedded"

    def _made(self, config: InnerUniverseConfig) -> OwnServer:
        if self.backend == "embedded":
            from ..server.embedded_host import EmbeddedHost

            named = {} if self.release is None else {"release": self.release}
            return EmbeddedHost(host=config.address, port=config.port, **named)
        data = Path(config.db_path).absolute()
        if self.backend == "docker":
            from ..server import docker

            return docker.DockerServer(
                self.image or docker.IMAGE,
                in_memory=False,
                volume=str(data),
                host=config.address,
                port=config.port,
                start_timeout=self._start_timeout or docker.START_SECONDS,
            )
        from ..server import process

        return process.ProcessServer(
            self.binary,
            data_dir=data,
            in_memory=False,
            host=config.address,
            port=config.port,
            log_level=config.log_level,
            on_line=self._log,
            start_timeout=self._start_timeout or process.START_SECONDS,
            stop_timeout=self._stop_timeout or process.STOP_SECONDS,
        )

    def _log(self, line: str) -> None:
        level = _LEVEL.search(line)
        self._logger.log(_LEVELS.get(level[1], logging.DEBUG) if level else logging.DEBUG, "%s", line)
