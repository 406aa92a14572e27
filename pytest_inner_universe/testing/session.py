"""The servers and universes of one pytest run: which module runs where, and how a test gets a clean one.

Modules are compiled and servers started when the first test needs them, and are shared by path: a suite may test several
modules, by marker, by fixture factory or by a conftest per folder.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_inner_universe.testing.backends import Source, server_of, source_of
from pytest_inner_universe.testing.errors import BackendFailed, SettingError, UnusableModule
from pytest_inner_universe.testing.settings import Given, Settings, from_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_inner_universe.engine.module import Module
    from pytest_inner_universe.persistence.config import InnerUniverseConfig
    from pytest_inner_universe.server.handle import DatabaseHandle
    from pytest_inner_universe.server.remote import RemoteServer
    from pytest_inner_universe.testing.universe import Universe


UNIVERSES: pytest.StashKey[list[Universe]] = pytest.StashKey()
"""On a test, module or session: the universes opened for it, for its report."""


@contextmanager
def explained() -> Iterator[None]:
    """Fail with the text alone of an error that tells a user everything; a traceback would only hide it."""
    try:
        yield
    except (SettingError, BackendFailed, UnusableModule) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@contextmanager
def temporary_config(module: Path | str) -> Iterator[InnerUniverseConfig]:
    """A configuration for a server of one's own: a folder that is removed afterwards, and any free port.

    Args:
        module: path of the module to publish.
    """
    from pytest_inner_universe.persistence.config import InnerUniverseConfig

    with tempfile.TemporaryDirectory(prefix="inner-universe-") as folder:
        # A fixed port would clash as soon as two runs, or two workers of one, share a machine.
        yield InnerUniverseConfig(
            address="127.0.0.1",
            port=0,
            db_path=os.path.join(folder, "db"),
            log_level="info",
            module_path=os.path.abspath(module),
        )


class _Choice(NamedTuple):
    """What a universe is made with: module, seed, and release of the server."""

    path: str
    seed: int
    release: str


class UniverseSession:
    """What one pytest process holds while its tests run.

    Args:
        settings: the run's settings.
        broker: where a worker of pytest-xdist asks for the one server of the run; None elsewhere.
        current: gives the test that is being set up.
    """

    def __init__(
        self, settings: Settings, broker: tuple[str, int, str] | None, current: Callable[[], pytest.Item]
    ) -> None:
        self.settings = settings
        self._current = current
        self._broker = broker
        self._modules: dict[str, Module] = {}
        self._sources: dict[tuple[str, str], Source] = {}
        self._places: dict[str, str] = {}
        self._lasting: dict[tuple[_Choice, str], Universe] = {}
        self._real: RemoteServer | None = None
        self._failure: BackendFailed | None = None

    def module(self, path: Path | str) -> Module:
        """The compiled module of a file.

        Raises:
            UnusableModule: there is no such file, or its content is not a module that can run.
        """
        key = os.path.abspath(path)
        module = self._modules.get(key)
        if module is None:
            from pytest_inner_universe.engine.module import Module
            from pytest_inner_universe.engine.wasm.errors import ModuleError

            try:
                module = self._modules[key] = Module.load_file(key)
            except ModuleError as error:
                raise UnusableModule(error, self._place(key)) from error
        return module

    def server(self, path: Path | str, release: str | None = None) -> Source:
        """The server that holds databases of a module; raises what `module` raises.

        Args:
            path: the wasm file.
            release: the release that the embedded server imitates; that of the settings unless given.

        Raises:
            BackendFailed: the chosen backend's server is not to be had, and the settings do not say what else.
        """
        file, release = os.path.abspath(path), release or self.settings.release
        source = self._sources.get((file, release))
        if source is None:
            real, module = self.real_server(), self.module(file)
            source = self._sources[file, release] = source_of(self.settings, module, real, release)
        return source

    def real_server(self) -> RemoteServer | None:
        """The server of the chosen backend, started when it is first asked for; None for the engine in this process.

        Raises:
            BackendFailed: it is not to be had, and the settings do not say what else.
        """
        if self._real is None and self.settings.backend != "embedded":
            if self._failure is None:
                try:
                    self._real = server_of(self.settings, self._broker)
                except BackendFailed as error:
                    self._failure = error
            if self._failure is not None:
                if self.settings.missing == "skip":
                    raise pytest.skip.Exception(str(self._failure)) from None
                if self.settings.missing == "fail":
                    raise self._failure
                warnings.warn(f"tests run on the embedded engine: {self._failure}", stacklevel=2)
                self.settings = replace(self.settings, backend="embedded")
        return self._real

    def open(
        self,
        node: pytest.Item | pytest.Collector,
        path: Path | str,
        seed: int,
        name: str,
        factory: Mapping[str, Given | None] | None = None,
    ) -> Universe:
        """A universe of its own, with the module, seed and release that the strongest place names.

        Args:
            node: the test, or what else has it, whose marker may choose another module, seed or release.
            path: the wasm file unless something stronger names another.
            seed: where generated data starts, likewise.
            name: start of the universe's name.
            factory: arguments of the fixture factory, stronger than the marker.
        """
        with explained():
            universe = self._universe(self._chosen(node, path, seed, factory), name)
        self.note(node, universe)
        return universe

    def open_clean(self, path: Path | str, seed: int, name: str) -> Universe:
        """A universe for the test that is being set up, clean as the settings' `reset` says; arguments as `open` takes them."""
        test = self._current()
        if not self.settings.lasts:
            return self.open(test, path, seed, name)
        with explained():
            chosen = self._chosen(test, path, seed, None)
            lasting = self._lasting.get((chosen, name))
            if lasting is None or lasting.closed:
                lasting = self._lasting[chosen, name] = self._universe(chosen, name)
            else:
                self._set_back(lasting)
        self.note(test, lasting)
        return lasting

    def universe_on(self, handle: DatabaseHandle, seed: int) -> Universe:
        """Make a universe of a database."""
        from pytest_inner_universe.testing.universe import Universe

        return Universe(handle, seed)

    def note(self, node: pytest.Item | pytest.Collector, universe: Universe) -> None:
        """Remember that a universe is there for a test, or for what else has it."""
        node.stash.setdefault(UNIVERSES, []).append(universe)

    def finish(self, universe: Universe) -> None:
        """Close a test's universe unless the next test gets it too."""
        if not self.settings.lasts:
            universe.close()

    def _set_back(self, universe: Universe) -> None:
        reset = self.settings.reset
        universe.disconnect_actors()
        universe.forget_answers()
        if reset == "reducer" and universe.backend == "embedded":
            universe.call(self.settings.reset_reducer)
        elif reset != "never":
            universe.reset()

    def close(self) -> None:
        """Close every universe and server, the newest first, and leave no instance of a module and no thread behind."""
        for universe in reversed(list(self._lasting.values())):
            universe.close()
        for source in reversed(list(self._sources.values())):
            source.close()
        real, self._real = self._real, None
        if real is not None:
            real.stop()
        self._lasting.clear()
        if self._modules:
            from pytest_inner_universe.engine.wasm.watchdog import stop_watchdog

            for module in self._modules.values():
                module.close()
            stop_watchdog()
        self._sources.clear()
        self._modules.clear()

    def _chosen(
        self,
        node: pytest.Item | pytest.Collector,
        path: Path | str,
        seed: int,
        factory: Mapping[str, Given | None] | None,
    ) -> _Choice:
        given: dict[str, Given | None] = {}
        mark = node.get_closest_marker("universe")
        if mark is not None:
            given.update(from_marker(mark, node.nodeid, node.path.parent))
        given.update({argument: one for argument, one in (factory or {}).items() if one is not None})
        chosen = self.settings.with_given(given)
        if "module" in given and chosen.module is not None:
            path = chosen.module
            self._places[os.path.abspath(path)] = chosen.places["module"]
        return _Choice(os.path.abspath(path), chosen.seed if "seed" in given else seed, chosen.release)

    def _universe(self, chosen: _Choice, name: str) -> Universe:
        from pytest_inner_universe.engine.errors import AbiNotOffered, PublishFailed

        try:
            return self.universe_on(self.server(chosen.path, chosen.release).handle(name), chosen.seed)
        except (AbiNotOffered, PublishFailed) as error:
            raise UnusableModule(error, self._place(chosen.path)) from error

    def _place(self, path: str) -> str:
        if path in self._places:
            return self._places[path]
        chosen = self.settings.module
        if chosen is not None and os.path.abspath(chosen) == path:
            return self.settings.places["module"]
        return "the fixture 'universe_module_path'"
