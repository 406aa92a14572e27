"""A real server in a container, through testcontainers."""

from __future__ import annotations

import secrets
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import commands
from .docker_check import RUN_LABEL, Engine, find_engine
from .docker_library import alone_with, docker_errors, explanation, is_here
from .errors import DockerMissing, ImageMissing, ServerGone, StartFailed
from .leftovers import ContainerRecord, Run, begin
from .output import plain_lines
from .readiness import LOOPBACK, host_in_url, reachable, wait_until_ready
from .remedies import remedy_for
from .remote import RemoteServer

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

IMAGE = "clockworklabs/spacetime"
"""The vendor's image."""
START_SECONDS = 30.0
STOP_SECONDS = 3
"""What a server with data has to end by itself before it is killed. As first process of its container 1.x does not hear
signals; it needs half a second to write what it has confirmed."""
_PORT = 3000
_DATA = "/data"
_KEPT_LINES = 200


class DockerServer(RemoteServer):
    """Starts a container with a server in it, and removes it again.

    Args:
        image: The image, whose entry point is the vendor's command or the server itself.
        run: The run that it belongs to; one of its own unless given.
        in_memory: Whether rows are kept in memory only.
        volume: Name of a volume for its data, or path of a folder on the engine's machine, which is kept; the container's
            own unless given.
        port: Port to reach it at; 0 has the engine pick a free one.
        host: Address to reach it at; only this machine unless given.
        start_timeout: Seconds that the server has to come up; pulling an image is not counted.

    Example:
        >>> with DockerServer("clockworklabs/spacetime:v1.2.0") as server:  # doctest: +SKIP
        ...     server.url
        'http://localhost:32768'
    """

    backend = "docker"

    def __init__(
        self,
        image: str = IMAGE,
        *,
        run: Run | None = None,
        in_memory: bool = True,
        volume: str | None = None,
        port: int = 0,
        host: str = LOOPBACK,
        start_timeout: float = START_SECONDS,
    ) -> None:
        super().__init__()
        self.image = image
        self._run = run
        self._own_run: Run | None = None
        self._in_memory = in_memory
        self._volume = volume
        self._asked_port = port
        self._host = host
        self._start_timeout = start_timeout
        self._container: Any = None
        self._note: Path | None = None
        self._last_log: list[str] = []
        self._is_here = False
        self._given_up = False
        self.name = ""

    def start(self) -> DockerServer:
        """Start the container and wait until the server answers.

        Raises:
            DockerMissing: No engine answers, or the package testcontainers is not installed.
            ImageMissing: The image is not there and cannot be pulled.
            StartFailed: The server ended, or did not answer in time; the text has the last lines of its log.
        """
        if self._container is not None:
            return self
        engine = find_engine()
        self._last_log = []
        run = self._run
        if run is None:
            run = self._own_run = begin()
        self.join(run.id)
        try:
            address = self._launch(run, engine)
            failure = wait_until_ready(lambda: address, self._is_over, self._start_timeout)
            if failure is not None:
                raise self._start_failure(failure)
        except BaseException:
            self.stop()
            raise
        self._url = address
        return self

    def give_up(self) -> None:
        """Have a start that another thread waits for fail as soon as the container runs, and every later one."""
        self._given_up = True

    def _is_over(self) -> bool:
        return self._given_up or not self.is_running

    def _launch(self, run: Run, engine: Engine) -> str:
        if self._volume is None:
            self.forget_people()  # its keys go with the container
        self.name = f"inner-universe-{run.id}-{secrets.token_hex(3)}"
        with alone_with(engine):
            container = self._made(run)
            errors = docker_errors()

            # Before the container is there, so that there is no moment in which nobody knows of it.
            self._note = run.note(ContainerRecord(self.name, run.id, engine.address))
            self._container = container
            try:
                container.start()
                return self._address(container)
            except errors.ImageNotFound as error:
                raise ImageMissing(container.image, explanation(error)) from None
            except errors.APIError as error:
                if "/images/" in str(getattr(error.response, "url", "")):
                    raise ImageMissing(container.image, explanation(error)) from None
                raise StartFailed(self._shown, explanation(error)) from None
            except (errors.DockerException, ConnectionError) as error:
                raise self._start_failure(str(error)) from None

    def _made(self, run: Run) -> Any:
        try:
            make = import_module("testcontainers.core.container").DockerContainer
        except ImportError as error:
            hint = f"the package {error.name} is not installed; pip install testcontainers"
            raise DockerMissing([], hint) from None
        errors = docker_errors()

        command: Any = commands.start_arguments(_DATA, f"0.0.0.0:{_PORT}", _DATA, self._in_memory)
        try:
            container = make(self.image, name=self.name, labels={RUN_LABEL: run.id}, stop_signal="SIGINT")
        except errors.DockerException as error:
            raise DockerMissing([("the engine", str(error).splitlines()[0])]) from None
        container.with_command(command).with_env("NO_COLOR", "1").with_exposed_ports(_PORT)
        self._is_here = is_here(container)
        if self._is_here:
            container.ports[str(_PORT)] = (self._host, self._asked_port or None)
        elif self._asked_port:
            container.ports[str(_PORT)] = self._asked_port
        if self._volume is not None:
            container.with_volume_mapping(self._volume, _DATA, "rw")
        return container

    def _address(self, container: Any) -> str:
        client = container.get_docker_client()
        if not self._is_here and not client.get_connection_mode().use_mapped_port:
            return f"http://{container.get_container_host_ip()}:{_PORT}"
        host = reachable(self._host) if self._is_here else container.get_container_host_ip()
        return f"http://{host_in_url(host)}:{client.port(container.get_container_id(), _PORT)}"

    def _start_failure(self, missing: str) -> StartFailed:
        if self._given_up:
            return StartFailed(self._shown, "it was given up before it was ready", self.log_tail(10))
        state = self._state()
        if state.get("Running"):
            return StartFailed(self._shown, f"not ready within {self._start_timeout:g} s; {missing}", self.log_tail(10))
        said = f": {state['Error']}" if state.get("Error") else ""
        reason = f"its container ended with code {state['ExitCode']}{said}" if "ExitCode" in state else missing
        log = self.log_tail(10)
        hint = remedy_for("\n".join([reason, *log]), f"{_DATA} in the container", _PORT)
        return StartFailed(self._shown, reason, log, hint)

    def _state(self) -> dict[str, Any]:
        errors = docker_errors()

        if self._container is None:
            return {}
        try:
            wrapped = self._container.get_wrapped_container()
            wrapped.reload()
        except (errors.DockerException, OSError, RuntimeError):
            return {}
        state: dict[str, Any] = wrapped.attrs.get("State", {})
        return state

    @property
    def _shown(self) -> str:
        return f"image {self.image}, container {self.name}"

    @property
    def is_running(self) -> bool:
        """Whether the container runs."""
        return bool(self._state().get("Running"))

    def check_running(self) -> None:
        """Raise `ServerGone` if it is not running."""
        if self._container is None:
            raise ServerGone("container", "it was not started or was stopped", self._last_log)

    def log_tail(self, count: int) -> list[str]:
        """Return the last lines that the server wrote of itself, without colours."""
        if self._container is None:
            return self._last_log[-count:] if count > 0 else []
        errors = docker_errors()

        try:
            text = self._container.get_wrapped_container().logs(tail=count)
        except (errors.DockerException, OSError, RuntimeError):
            return []
        return plain_lines(text)[-count:] if count > 0 else []

    def stop(self) -> None:
        """Remove the container; what a named volume holds stays. Does nothing the second time."""
        self.close_clients()
        container = self._container
        if container is not None:
            self._last_log = self.log_tail(_KEPT_LINES)
            self._container = None
            self._url = None
            self._remove(container)
        if self._own_run is not None:
            self._own_run.close()
            self._own_run = None

    def _remove(self, container: Any) -> None:
        errors = docker_errors()

        try:
            if self._volume is not None and container._container is not None:
                container.get_wrapped_container().stop(timeout=STOP_SECONDS)
            container.stop(force=True, delete_volume=True)
        except errors.NotFound:
            pass  # somebody else has removed it
        except (errors.DockerException, OSError):
            return  # the note stays, so that the next run's sweep tries again
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def __enter__(self) -> DockerServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
