"""Servers as a controller holds them: one that it started, or one that was there."""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from . import deployment
from .config import InnerUniverseConfig
from .errors import ConnectionError, DeploymentError, NoClientError
from .inner_universe import InnerUniverseClient
from .network import http_api, is_accepted
from .owner_tokens import OWN, OwnerTokens
from .threads import finished

if TYPE_CHECKING:
    from ..client.http_models import MigrationPlan, Published

_LINES_IN_ERRORS = 200


class RunningServer:
    """A server that answers; the base says what one without anything to publish or to stop does."""

    url = ""
    """Its address."""
    is_own = False
    """Whether the controller started it, and may stop it."""

    @property
    def has_ended(self) -> bool:
        """Whether it is known to run no more."""
        return False

    async def deploy(self, wasm: bytes, *, clear: bool = False) -> str | None:
        """Publish the module, and tell what came of it; None where the module is there for good."""
        return None

    @abstractmethod
    async def connect(self) -> InnerUniverseClient:
        """Return a connected client.

        Raises:
            ConnectionError: The server does not let it in.
        """

    def log_tail(self, count: int) -> list[str]:
        """Return the last lines that the server wrote of itself, as far as they are known."""
        return []

    def uptime_seconds(self) -> float | None:
        """Return how long it has been running, None if that is not known."""
        return None

    async def stop(self) -> None:
        """End what was started."""


class OwnServer(Protocol):
    """What is used of `ProcessServer`, `DockerServer` and `EmbeddedHost`."""

    backend: str

    @property
    @abstractmethod
    def url(self) -> str:
        """Its address."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether it runs."""

    @abstractmethod
    def start(self) -> object:
        """Start it and wait until it answers."""

    @abstractmethod
    def give_up(self) -> None:
        """Have a start in another thread fail."""

    @abstractmethod
    def log_tail(self, count: int) -> list[str]:
        """Return the last lines that it wrote."""

    @abstractmethod
    def stop(self) -> None:
        """End it."""


class NetworkServer(RunningServer):
    """A server at an address.

    Args:
        config: Settings, with the address where it answers.
        process: The server, if the controller started it.
        tokens: Where the tokens of owners are kept; None for not at all.
    """

    def __init__(
        self, config: InnerUniverseConfig, process: OwnServer | None = None, tokens: OwnerTokens | None = None
    ) -> None:
        self.config = config
        self.process = process
        self.url = config.url
        self.is_own = process is not None
        self._tokens = tokens
        self._token = config.token
        self._since = time.monotonic()

    @property
    def has_ended(self) -> bool:
        """Whether a server of one's own has ended by itself."""
        return self.process is not None and not self.process.is_running

    async def deploy(self, wasm: bytes, *, clear: bool = False) -> str:
        """Publish the module as the owner, and tell what came of it; errors as `publish`."""
        return deployment.told(self.config, await self.publish(wasm, clear=clear))

    async def publish(self, wasm: bytes, *, clear: bool = False, plan: MigrationPlan | None = None) -> Published:
        """Publish the module as the owner, whom the server makes up at the first time.

        Args:
            wasm: The module.
            clear: Whether to lose the data that is there.
            plan: What the server said that publishing would do; needed where clients break.

        Raises:
            DeploymentError: The server refused the module.
        """
        from ..client.errors import ClientError

        try:
            if await self.owner_token() is None:
                async with http_api(self.config) as api:
                    self._token = (await api.new_identity()).token
                if self._tokens is not None:
                    self._tokens.keep(self._place, self._token)
        except ClientError as error:
            raise DeploymentError(self.config.database, self.url, str(error), self._log()) from error
        return await deployment.publish(replace(self.config, token=self._token), wasm, clear=clear, plan=plan)

    async def connect(self) -> InnerUniverseClient:
        """Return a connected client, which is the owner where the owner's token is known.

        Raises:
            NoClientError: The server does not let it in.
        """
        from ..client.errors import ClientError

        try:
            client = InnerUniverseClient(replace(self.config, token=await self.owner_token()))
            await client.connect_or_raise()
        except (ConnectionError, ClientError) as error:
            reason = str(error).removeprefix("connect: ")
            raise NoClientError(self.config.database, self.url, reason, self._log()) from error
        return client

    async def owner_token(self) -> str | None:
        """Return the owner's token: the configured one, or one that is kept and that the server accepts."""
        if self._token is None and self._tokens is not None:
            found = self._tokens.get(self._place)
            if found is not None and await is_accepted(replace(self.config, token=found)):
                self._token = found
        return self._token

    def _log(self) -> str:
        return "\n".join(self.log_tail(_LINES_IN_ERRORS))

    @property
    def _place(self) -> str:
        return OWN if self.is_own else self.url

    def log_tail(self, count: int) -> list[str]:
        """Return the last lines of the log of a server of one's own."""
        return [] if self.process is None else self.process.log_tail(count)

    def uptime_seconds(self) -> float | None:
        """Return how long a server of one's own has been running; nobody knows that of another."""
        return None if self.process is None else time.monotonic() - self._since

    async def stop(self) -> None:
        """End a server of one's own, whatever becomes of this task; another's goes on."""
        if self.process is not None:
            await finished(self.process.stop)
