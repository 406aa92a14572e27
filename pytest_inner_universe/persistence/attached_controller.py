"""What a manager needs of a controller, and the controller of who brings a connected client along."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

from .inner_universe import InnerUniverseClient


class Controller(Protocol):
    """What the manager needs of a controller."""

    @property
    @abstractmethod
    def client(self) -> InnerUniverseClient | None:
        """The connected client, None before the start."""

    @abstractmethod
    async def start_deployment_mode(self) -> dict[str, Any]:
        """Publish the module."""

    @abstractmethod
    async def start_server_mode(self) -> InnerUniverseClient:
        """Start serving and return a connected client."""

    @abstractmethod
    async def stop(self) -> Any:
        """Take down what was brought up."""


class AttachedController:
    """Controls nothing: hands out a client that somebody else connected, and leaves it connected.

    Args:
        client: The client.
    """

    def __init__(self, client: InnerUniverseClient) -> None:
        self.client = client

    async def start_deployment_mode(self) -> dict[str, Any]:
        """Do nothing: who attaches does not deploy."""
        return {"status": "attached", "stdout": ""}

    async def start_server_mode(self) -> InnerUniverseClient:
        """Return the client, connecting it if it is not.

        Raises:
            ConnectionError: It cannot be connected.
        """
        await self.client.connect_or_raise()
        return self.client

    async def stop(self) -> dict[str, str]:
        """Do nothing: what somebody else started stays."""
        return {"status": "attached"}
