"""What pytest loads: options, marker, fixtures and the report of a failed test.

Every pytest run of every project that has this package installed pays for this file, so it needs pytest and the standard
library only. The work is in `pytest_inner_universe.testing`, imported by the functions below when they are called.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from pytest_inner_universe.client.connection import Connection
    from pytest_inner_universe.engine.module import Module
    from pytest_inner_universe.persistence.config import InnerUniverseConfig
    from pytest_inner_universe.testing.backends import Source
    from pytest_inner_universe.testing.broker import Broker
    from pytest_inner_universe.testing.factories import Factories
    from pytest_inner_universe.testing.parity.plugin import ParityPlugin
    from pytest_inner_universe.testing.session import UniverseSession
    from pytest_inner_universe.testing.settings import Settings
    from pytest_inner_universe.testing.simulator import Simulator
    from pytest_inner_universe.testing.universe import Universe

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
ITEM: pytest.StashKey[pytest.Item] = pytest.StashKey()
BROKER: pytest.StashKey[Broker | None] = pytest.StashKey()
PARITY: pytest.StashKey[ParityPlugin] = pytest.StashKey()
MARKER = (
    "universe(module=..., seed=..., release=..., parity=..., reason=...): run this test's universe with another module (path "
    "from the test's folder), seed or release of the server; parity=False leaves it out of --universe-parity, for a reason"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the table."""
    from pytest_inner_universe.testing.options import register

    register(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Resolve the options, so that a wrong one stops the run before anything else happens."""
    from pytest_inner_universe.testing.async_fixtures import plugin
    from pytest_inner_universe.testing.errors import SettingError
    from pytest_inner_universe.testing.settings import from_config, warn_of_misspelt

    config.addinivalue_line("markers", MARKER)
    try:
        config.stash[SETTINGS] = settings = from_config(config)
        settings.check()
    except SettingError as error:
        raise pytest.UsageError(str(error)) from None
    if not hasattr(config, "workerinput"):  # set by pytest-xdist, whose controller has told it already
        warn_of_misspelt(config)
    if settings.parity:
        config.stash[PARITY] = parity = _parity(config, settings)
        config.pluginmanager.register(parity, "inner_universe_parity")
    config.pluginmanager.register(_run_fixtures(config), "inner_universe_run")
    config.pluginmanager.register(plugin(config), "inner_universe_async")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where to ask for the one server of the run, where the run needs one."""
    from pytest_inner_universe.testing.backends import broker_for
    from pytest_inner_universe.testing.broker import WORKER_KEY

    stash = node.config.stash
    if BROKER not in stash:
        stash[BROKER] = broker_for(stash[SETTINGS])
    if (broker := stash[BROKER]) is not None:
        node.workerinput[WORKER_KEY] = broker.address


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that workers shared."""
    broker = config.stash.get(BROKER, None)
    if broker is not None:
        broker.stop()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what universes run on, for `-v`; otherwise only a run that uses them says so."""
    return _headline(config) if config.get_verbosity() > 0 else None


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str | None:
    """Say what universes run on when a collected test uses one."""
    if config.get_verbosity() != 0 or not any(_uses_universe(item) for item in items):
        return None
    return _headline(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Check the marker's arguments while tests are collected, where a mistake is a collection error for workers too."""
    for mark in metafunc.definition.iter_markers("universe"):
        from pytest_inner_universe.testing.errors import SettingError
        from pytest_inner_universe.testing.settings import from_marker

        try:
            from_marker(mark, metafunc.definition.nodeid, metafunc.definition.path.parent)
        except SettingError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note whose universe is asked for: a fixture that takes `request` costs pytest more than a universe costs."""
    item.config.stash[ITEM] = item


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the module's side of a failed test, and not this package's."""
    if call.excinfo is None:
        report = yield
    else:
        from pytest_inner_universe.testing.reporting import told_once

        with told_once(call.excinfo, item.config):
            report = yield
    settings = item.config.stash[SETTINGS]
    if report.failed or settings.keep == "always":
        from pytest_inner_universe.testing.reporting import complete

        complete(report, item, settings)
    return report


def _run_fixtures(config: pytest.Config) -> ModuleType:
    """What the fixtures of every test stand on. For each test pytest walks all of them again, `pytestconfig` too if they took it.

    Args:
        config: The run.
    """

    @pytest.fixture(scope="session")
    def universe_settings() -> Settings:
        """The resolved options of this run."""
        return config.stash[SETTINGS]

    @pytest.fixture(scope="session")
    def universe_name() -> str:
        """What the names of universes start with; override it in a conftest to name them yourself."""
        worker = getattr(config, "workerinput", None)  # set by pytest-xdist
        return "universe" if worker is None else f"universe-{worker['workerid']}"

    @pytest.fixture(scope="session")
    def universe_session(universe_settings: Settings) -> Iterator[UniverseSession]:
        """The servers and modules that this run holds; what other fixtures and fixture factories build on."""
        from pytest_inner_universe.testing.session import UniverseSession

        if PARITY in config.stash:
            yield config.stash[PARITY].session
            return
        session = UniverseSession(universe_settings, _broker_address(config), lambda: config.stash[ITEM])
        yield session
        session.close()

    # As methods of an object they would be deprecated from pytest 9.2 on.
    module = ModuleType("pytest_inner_universe.run_fixtures", __doc__)
    for name, fixture in (
        ("universe_settings", universe_settings),
        ("universe_name", universe_name),
        ("universe_session", universe_session),
    ):
        setattr(module, name, fixture)
    return module


@pytest.fixture(scope="session")
def universe_module_path(universe_settings: Settings) -> Path:
    """Path of the module that universes hold; override it in a conftest to test a module of your own."""
    from pytest_inner_universe.testing.modules import bundled_module_path

    return universe_settings.module or bundled_module_path()


@pytest.fixture(scope="session")
def universe_seed(universe_settings: Settings) -> int:
    """Where generated data starts; override it in a conftest to fix another start."""
    return universe_settings.seed


@pytest.fixture(scope="session")
def universe_module(universe_session: UniverseSession, universe_module_path: Path) -> Module:
    """The compiled module: path, bytes, definition, hash."""
    from pytest_inner_universe.testing.session import explained

    with explained():
        return universe_session.module(universe_module_path)


@pytest.fixture(scope="session")
def universe_server(universe_session: UniverseSession, universe_module_path: Path) -> Source:
    """What holds the databases with the module: the engine in this process, or a server that runs elsewhere."""
    from pytest_inner_universe.testing.session import explained

    with explained():
        return universe_session.server(universe_module_path)


@pytest.fixture
def universe(
    universe_session: UniverseSession, universe_module_path: Path, universe_seed: int, universe_name: str
) -> Iterator[Universe]:
    """A clean, isolated database with the module in it, as a synchronous handle."""
    opened = universe_session.open_clean(universe_module_path, universe_seed, universe_name)
    yield opened
    universe_session.finish(opened)


@pytest.fixture
def universe_connect(universe: Universe) -> Callable[..., AbstractAsyncContextManager[Connection]]:
    """A factory of connected clients, for any asyncio loop; each is an asynchronous context manager."""
    return universe.connect


@pytest.fixture
def mock_inner_universe() -> Any:
    """A mock client with the real client's signatures, and `simulate_event` to play the server."""
    from pytest_inner_universe.testing.mocks import mock_inner_universe

    return mock_inner_universe()


@pytest.fixture
def universe_faker(universe_seed: int) -> Factories:
    """Makes believable entities, relations, events and deltas, the same ones for the same seed."""
    from pytest_inner_universe.testing.factories import Factories

    return Factories(universe_seed)


@pytest.fixture
def universe_simulator(universe_seed: int) -> Simulator:
    """Makes streams of entities, relations, events and load, and plays them against a universe or a client."""
    from pytest_inner_universe.testing.simulator import Simulator

    return Simulator(universe_seed)


@pytest.fixture(scope="session")
def spacetime_config(universe_module_path: Path) -> Iterator[InnerUniverseConfig]:
    """A client configuration with a folder of its own, removed after the run."""
    from pytest_inner_universe.testing.session import temporary_config

    with temporary_config(universe_module_path) as config:
        yield config


def _parity(config: pytest.Config, settings: Settings) -> ParityPlugin:
    from pytest_inner_universe.testing.parity.plugin import ParityPlugin
    from pytest_inner_universe.testing.parity.sessions import Sides

    return ParityPlugin(Sides(settings, _broker_address(config), lambda: config.stash[ITEM]))


def _broker_address(config: pytest.Config) -> Any:
    from pytest_inner_universe.testing.broker import WORKER_KEY

    return getattr(config, "workerinput", {}).get(WORKER_KEY)  # set by pytest-xdist


def _uses_universe(item: pytest.Item) -> bool:
    return any(name.startswith("universe") for name in getattr(item, "fixturenames", ()))


def _headline(config: pytest.Config) -> str:
    settings = config.stash[SETTINGS]
    module = settings.module.name if settings.module else "the bundled Inner Universe module"
    backend = f"{settings.backend} backend"
    if settings.parity:
        backend = f"embedded and {settings.on_server.backend} backends compared"
    return f"universe: {backend}, {module}, seed {settings.seed}"
