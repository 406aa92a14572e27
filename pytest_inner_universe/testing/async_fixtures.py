"""The asynchronous fixtures, made when pytest is configured, because only then it is known who runs the loops.

An asynchronous fixture of pytest-asyncio belongs to one loop, chosen when it is decorated; a test chooses its own by
marker or ini file, and a mismatch shows later, as an unrelated error. So each fixture here exists once for every loop
scope, and the one with the plain name is synchronous and hands over the one that lives in the test's loop.
"""

from __future__ import annotations

import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.testing.errors import NotInnerUniverse, WrongKindOfTest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
    from pytest_inner_universe.testing.universe import Universe

    Opening: TypeAlias = Callable[[Any], AbstractAsyncContextManager[object]]

LOOP_SCOPES = ("function", "class", "module", "package", "session")
OTHER_LOOPS = ("anyio", "trio")
"""Markers of plugins that run a test on a loop of their own."""


def universe_client(universe: Universe) -> AbstractAsyncContextManager[object]:
    """A connected Inner Universe client, in the loop that the test runs in."""
    from pytest_inner_universe.testing.clients import inner_universe_client

    return inner_universe_client(universe)


def spacetime_controller(universe: Universe) -> AbstractAsyncContextManager[object]:
    """A started controller, whose server is the test's universe; stopped after the test."""
    from pytest_inner_universe.testing.clients import started_controller

    return started_controller(universe)


def persistence_manager(universe_client: InnerUniverseClient) -> AbstractAsyncContextManager[object]:
    """An initialised persistence manager with both adapters, over the test's `universe_client`."""
    from pytest_inner_universe.persistence.manager import PersistenceManager

    return PersistenceManager.over(universe_client)


FIXTURES: tuple[Opening, ...] = (universe_client, spacetime_controller, persistence_manager)
"""What opens each fixture: its name is the fixture's, its only parameter the fixture that it stands on."""

NAMES = tuple(opening.__name__ for opening in FIXTURES)


def plugin(config: pytest.Config) -> types.ModuleType:
    """A plugin module that holds the asynchronous fixtures of this run.

    Args:
        config: the run, which tells whether pytest-asyncio is part of it.
    """
    module = types.ModuleType("pytest_inner_universe.testing.async_fixtures.generated", __doc__)
    asynchronous = _has_asyncio(config)
    for opening in FIXTURES:
        module.__dict__.update(_fixtures(opening) if asynchronous else _missing(opening))
    if asynchronous:
        module.__dict__["pytest_fixture_setup"] = pytest_fixture_setup
    return module


def loop_scope_of(item: pytest.Item) -> str:
    """The scope of the loop that an item runs in: its marker's, else the default of the ini file."""
    mark = item.get_closest_marker("asyncio")
    chosen = None if mark is None else mark.kwargs.get("loop_scope") or mark.kwargs.get("scope")
    return str(chosen or item.config.getini("asyncio_default_test_loop_scope"))


def _has_asyncio(config: pytest.Config) -> bool:
    plugin = sys.modules.get("pytest_asyncio.plugin")
    return plugin is not None and config.pluginmanager.is_registered(plugin)


def _in_loop(name: str, opening: Opening, scope: Any) -> object:
    import pytest_asyncio

    (below,) = inspect.signature(opening).parameters

    @pytest_asyncio.fixture(loop_scope=scope, name=name)
    async def opened(request: pytest.FixtureRequest) -> AsyncIterator[object]:
        # `follow` has asked for it before, so that this is a look-up: a fixture cannot be set up while the loop runs.
        async with opening(request.getfixturevalue(below)) as value:
            yield value

    return opened


def _fixtures(opening: Opening) -> dict[str, object]:
    name = opening.__name__
    (below,) = inspect.signature(opening).parameters
    hidden = {scope: f"_{name}_in_{scope}_loop" for scope in LOOP_SCOPES}
    made = {hidden[scope]: _in_loop(hidden[scope], opening, scope) for scope in LOOP_SCOPES}

    def follow(request: pytest.FixtureRequest) -> object:
        item = request.node
        if item.get_closest_marker("asyncio") is None:
            _refuse_other_runner(name, item)
        stands_on = request.getfixturevalue(below)
        if below == "universe":
            _refuse_other_module(stands_on)
        value: object = request.getfixturevalue(hidden[loop_scope_of(item)])
        return value

    follow.__doc__ = opening.__doc__
    made[name] = pytest.fixture(name=name)(follow)
    return made


def _refuse_other_runner(name: str, item: Any) -> None:
    """Stop a test that another plugin runs, or that nobody runs at all."""
    other = next((marker for marker in OTHER_LOOPS if item.get_closest_marker(marker) is not None), None)
    if other is not None:
        reason = f"it runs in loops of pytest-asyncio, the test in one of {other}"
        remedy = (
            "mark the test with @pytest.mark.asyncio, or take the fixture 'universe_connect' and write "
            "'async with universe_connect() as connection:' in the test (on asyncio)"
        )
    elif inspect.iscoroutinefunction(getattr(item, "function", None)):
        reason = "the test is asynchronous, and in pytest-asyncio's strict mode nobody runs it without a marker"
        remedy = 'mark the test with @pytest.mark.asyncio, or set asyncio_mode = "auto" in the ini file'
    else:
        return
    pytest.fail(str(WrongKindOfTest(name, item.nodeid, reason, remedy)), pytrace=False)


def _refuse_other_module(universe: Universe) -> None:
    from pytest_inner_universe.testing.clients import require_inner_universe

    try:
        require_inner_universe(universe)
    except NotInnerUniverse as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _missing(opening: Opening) -> dict[str, object]:
    name = opening.__name__

    def missing(request: pytest.FixtureRequest) -> None:
        error = WrongKindOfTest(
            name,
            request.node.nodeid,
            "it is asynchronous and pytest-asyncio is not active in this run",
            "install pytest-asyncio and let it load (with plugin autoloading switched off: -p asyncio), or take the "
            "fixture 'universe_connect' and write 'async with universe_connect() as connection:' in a runner of your own",
        )
        pytest.fail(str(error), pytrace=False)

    missing.__doc__ = opening.__doc__
    return {name: pytest.fixture(name=name)(missing)}


# First of all wrappers: pytest-asyncio puts a synchronous function in the fixture's place, which tells nothing any more.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Stop a fixture of the user's that would use one of ours in another loop than ours lives in."""
    __tracebackhide__ = True
    for name in NAMES:
        if name in fixturedef.argnames:
            _refuse_other_loop(name, fixturedef, request)
    return (yield)


def _refuse_other_loop(name: str, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    function = fixturedef.func
    if not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        return
    default = request.config.getini("asyncio_default_fixture_loop_scope")
    own = getattr(function, "_loop_scope", None) or (default if default in LOOP_SCOPES else fixturedef.scope)
    needed = loop_scope_of(request.node)
    if own != needed:
        error = WrongKindOfTest(
            name,
            f"the fixture {fixturedef.argname!r} of {request.node.nodeid}",
            f"it lives in the test's loop (scope {needed!r}), the other fixture in a loop of scope {own!r}",
            f"write @pytest_asyncio.fixture(loop_scope={needed!r}) for {fixturedef.argname!r}, or mark the test with "
            f"@pytest.mark.asyncio(loop_scope={own!r})",
        )
        pytest.fail(str(error), pytrace=False)
