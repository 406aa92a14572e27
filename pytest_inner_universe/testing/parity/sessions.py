"""The two sides of a run that compares backends: what holds the universes of each, and who watches them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_inner_universe.server.embedded_handle import EmbeddedHandle
from pytest_inner_universe.server.remote_handle import RemoteHandle
from pytest_inner_universe.testing.parity.visits import VisitedHandle
from pytest_inner_universe.testing.parity.witness import Witness
from pytest_inner_universe.testing.session import UniverseSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from pytest_inner_universe.engine.release import Release
    from pytest_inner_universe.server.handle import DatabaseHandle
    from pytest_inner_universe.testing.backends import Source
    from pytest_inner_universe.testing.settings import Settings
    from pytest_inner_universe.testing.universe import Universe

    Broker = tuple[str, int, str] | None
    Current = Callable[[], pytest.Item]


class Side(UniverseSession):
    """The universes of one side, each with a witness."""

    def __init__(self, settings: Settings, broker: Broker, current: Current) -> None:
        super().__init__(settings, broker, current)
        self.witnesses: list[Witness] = []
        """Those of the universes that the present test has, in the order in which it got them."""
        self.others: list[Witness] = []
        """Those of the other side, where that has run before."""

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.settings.backend

    def begin(self, others: list[Witness]) -> None:
        """Forget what was seen before.

        Args:
            others: what the side saw that ran before; nothing for the first one.
        """
        self.witnesses = []
        self.others = others

    def universe_on(self, handle: DatabaseHandle, seed: int) -> Universe:
        """Make a universe of a database, which remembers all calls."""
        from pytest_inner_universe.testing.universe import Universe

        return Universe(handle, seed, most_calls=None)

    def note(self, node: pytest.Item | pytest.Collector, universe: Universe) -> None:
        """Remember a universe, and watch it from now on."""
        super().note(node, universe)
        place = len(self.witnesses)
        other = self.others[place] if place < len(self.others) else None
        release, handle = self.release(), universe.handle
        is_visit = release is not None and release.sql_is_a_visit
        # To ask over HTTP would be a visit, which changes what is compared.
        read = handle.rows_over_connection if is_visit else universe.rows  # type: ignore[attr-defined]
        is_there = partial(handle.has_client, by_sql=not is_visit) if isinstance(handle, RemoteHandle) else None
        universe.witness = Witness(universe, other, read, is_there)
        self.witnesses.append(universe.witness)

    @abstractmethod
    def release(self) -> Release | None:
        """What is imitated beside the real server; None if there is no server, and tests run on the engine instead.

        Raises:
            BackendFailed: the server is not to be had.
        """


class ServerSide(Side):
    """The side of the real server."""

    _release: Release | None = None

    def release(self) -> Release | None:
        """See `Side.release`."""
        server = self.real_server()
        if self._release is None and server is not None:
            from pytest_inner_universe.engine.release import release_like

            self._release = release_like(server.version())
        return self._release


class EmbeddedSide(Side):
    """The side of the embedded engine, which imitates the release of the real server.

    Args:
        settings: the run's settings.
        current: gives the test that is being set up.
        real: the other side, whose server is started first.
    """

    def __init__(self, settings: Settings, current: Current, real: ServerSide) -> None:
        super().__init__(settings, None, current)
        self._server_side = real

    def server(self, path: Path | str, release: str | None = None) -> Source:
        """See `UniverseSession.server`; the release is that of the other side, whatever was asked for."""
        imitated = self.release()
        return super().server(path, release if imitated is None else imitated.name)

    def universe_on(self, handle: DatabaseHandle, seed: int) -> Universe:
        """See `Side.universe_on`; where statements are visits on the other side, they are here as well."""
        release = self.release()
        if release is not None and release.sql_is_a_visit and isinstance(handle, EmbeddedHandle):
            handle = VisitedHandle(handle.server, handle.database)
        return super().universe_on(handle, seed)

    def release(self) -> Release | None:
        """See `Side.release`; that of the other side's server, which starts now."""
        return self._server_side.release()


class Sides:
    """Both sides, and the universes of tests that are not compared.

    Args:
        settings: the run's settings.
        broker: where a worker of pytest-xdist asks for the one server of the run; None elsewhere.
        current: gives the test that is being set up.
    """

    def __init__(self, settings: Settings, broker: Broker, current: Current) -> None:
        self.real = ServerSide(settings.on_server, broker, current)
        self.embedded = EmbeddedSide(replace(settings, backend="embedded"), current, self.real)
        self.alone: UniverseSession = UniverseSession(settings, broker, current)
        if settings.backend != "embedded":
            self.alone = self.real

    def close(self) -> None:
        """End everything on both sides."""
        for session in (self.embedded, self.alone, self.real):
            session.close()
