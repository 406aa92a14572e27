"""Where universes of a run come from: the engine in this process, or a real server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .broker import Broker, ask
from .errors import BackendFailed

if TYPE_CHECKING:
    from ..engine.module import Module
    from ..server.handle import DatabaseHandle
    from ..server.remote import RemoteServer
    from .settings import Settings

OWNED = ("process", "docker")
"""Backends whose server the run starts and stops itself."""


class Source(Protocol):
    """Databases with one module."""

    def handle(self, prefix: str) -> DatabaseHandle:
        """Return a new database.

        Args:
            prefix: Start of its name.
        """

    def close(self) -> None:
        """Let go of what it holds."""


class RemoteSource:
    """Databases with one module on a real server.

    Args:
        server: The server, which others use as well.
        module: The module.
        settings: The run's settings, which say how its handles come to a clean state.
    """

    def __init__(self, server: RemoteServer, module: Module, settings: Settings) -> None:
        self.server = server
        self.module = module
        self._settings = settings

    def handle(self, prefix: str) -> DatabaseHandle:
        """Publish the module as a new database."""
        settings = self._settings
        return self.server.database(
            prefix, self.module, reset=settings.reset_strategy, reset_reducer=settings.reset_reducer
        )

    def close(self) -> None:
        """Do nothing: the server is not its own."""


def source_of(settings: Settings, module: Module, server: RemoteServer | None, release: str) -> Source:
    """Return where databases with a module come from.

    Args:
        settings: The run's settings.
        module: The module.
        server: The real server, None for the engine in this process.
        release: The release that the engine imitates.
    """
    if server is None:
        from ..engine.release import release_named
        from ..server.embedded import EmbeddedServer

        return EmbeddedServer(module, settings.call_limit, release=release_named(release))
    return RemoteSource(server, module, settings)


def server_of(settings: Settings, broker: tuple[str, int, str] | None) -> RemoteServer | None:
    """Return the real server of a run, None for the engine in this process.

    Args:
        settings: The run's settings.
        broker: Where the controller of pytest-xdist can be asked, None without workers.

    Raises:
        BackendFailed: It could not be started or reached; the text says what was tried and what to do.
    """
    if settings.backend == "embedded":
        return None
    if broker is not None:
        from ..server.remote import RemoteServer

        place = ask(tuple(broker))  # type: ignore[arg-type]
        log_file = None if place.log_file is None else Path(place.log_file)
        server = RemoteServer(place.url, run_id=place.run_id, token=place.token, log_file=log_file)
        server.backend = settings.backend
        return server
    return start(settings)


def broker_for(settings: Settings) -> Broker | None:
    """Return what serves the workers of a run, None where they need nothing from their controller."""
    wanted = settings.on_server if settings.parity else settings
    return Broker(lambda: start(wanted)) if wanted.backend in OWNED else None


def start(settings: Settings) -> RemoteServer:
    """Start the server of the chosen backend, or see that it is there.

    Raises:
        BackendFailed: It could not be started or reached.
    """
    from ..server.errors import ServerError

    try:
        return _start(settings)
    except (ServerError, ValueError) as error:
        raise BackendFailed(str(error)) from error


def _start(settings: Settings) -> RemoteServer:
    if settings.backend == "process":
        from ..server.process import ProcessServer

        return ProcessServer(settings.binary).start()
    if settings.backend == "docker":
        from ..server.docker import DockerServer

        return (DockerServer(settings.image) if settings.image else DockerServer()).start()
    from ..server.external import ExternalServer

    if not settings.url:
        raise BackendFailed(
            "the backend 'external' needs the address of a server.\n"
            "Give it with --universe-url, the ini value universe_url or INNER_UNIVERSE_URL, as http://127.0.0.1:3000."
        )
    return ExternalServer(settings.url, settings.token, allow=settings.allow, confirm=settings.confirm).start()
