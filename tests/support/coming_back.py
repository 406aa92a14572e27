"""What tests of connections that come back share: sleep that tests end, ways to lose a server, a diary of callbacks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pytest_inner_universe.client import (
    Connection,
    MemoryTransport,
)
from support.fake_server import FakeEnd, FakeServer

if TYPE_CHECKING:
    import pytest


class Naps:
    """Stands for sleeping: notes how long, and lasts until it is ended."""

    def __init__(self) -> None:
        self.lengths: list[float] = []
        self.is_over = asyncio.Event()

    async def __call__(self, delay: float) -> None:
        self.lengths.append(delay)
        await self.is_over.wait()


async def lose(connection: Connection, server: FakeServer, code: int | None = None, reason: str = "cut") -> None:
    """Cut the connection, and return when the client has noticed."""
    lost = asyncio.Event()
    cancel = connection.on_lost(lambda _: lost.set())
    server.end.closed(code, reason)
    await lost.wait()
    cancel()


async def come_back(connection: Connection, naps: Naps) -> None:
    """Let the client come back, and return when everything is there."""
    restored = asyncio.Event()
    cancel = connection.on_restored(restored.set)
    naps.is_over.set()
    await restored.wait()
    cancel()


def arrival(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return what is set when the next client connects."""
    arrived, attach = asyncio.Event(), server.attach

    def noted(*args: Any) -> FakeEnd:
        arrived.set()
        return attach(*args)

    monkeypatch.setattr(server, "attach", noted)
    return arrived


class Diary:
    """What callbacks said."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    @property
    def callbacks(self) -> dict[str, Any]:
        return {
            "on_insert": lambda row: self.entries.append(f"+{row['name']}"),
            "on_update": lambda old, new: self.entries.append(f"{old['name']}>{new['name']}"),
            "on_delete": lambda row: self.entries.append(f"-{row['name']}"),
        }


class Flaky(MemoryTransport):
    """A way that is blocked at first."""

    def __init__(self, server: FakeServer, errors: list[Exception]) -> None:
        super().__init__(server, "me")
        self.errors = errors

    async def open(self, receiver: Any) -> Any:
        if self.errors and self._is_used:
            raise self.errors.pop(0)
        self._is_used = True
        return await super().open(receiver)

    _is_used = False
