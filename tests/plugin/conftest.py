"""Runs of pytest inside the tests: one place that says what such a run may see of the outer one."""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.testing.clients import inner_universe_client
from pytest_inner_universe.testing.universe import Universe

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET = (
    "-pno:randomly",
    "-pno:cacheprovider",
    "-oasyncio_default_fixture_loop_scope=function",
)


@pytest.fixture(scope="session", autouse=True)
def loaded() -> None:
    """Load once what inner runs need: what a run in this process loads first is forgotten again at its end."""
    for name in ("session", "clients", "reporting", "mocks", "simulator", "fixtures"):
        importlib.import_module(f"pytest_inner_universe.testing.{name}")
    with Universe.embedded() as universe:
        asyncio.run(connect(universe))


async def connect(universe: Universe) -> None:
    async with inner_universe_client(universe):
        pass


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nobody has said anything to pytest or to the plugin."""
    for name in list(os.environ):
        if name.startswith(("INNER_UNIVERSE_", "PYTEST_")) and name != "PYTEST_CURRENT_TEST":
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def run(pytester: pytest.Pytester, clean_environment: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run pytest in this process, with no other plugins than those named: `-p asyncio` is, unless told otherwise."""
    clean_environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def runs(*arguments: str, plugins: tuple[str, ...] = ("inner_universe", "asyncio")) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*(f"-p{name}" for name in plugins), *QUIET, *arguments)

    return runs


@pytest.fixture
def run_apart(pytester: pytest.Pytester, clean_environment: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run pytest in a process of its own, where nothing is imported yet and every installed plugin loads itself."""

    def runs(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*QUIET, *arguments)

    return runs
