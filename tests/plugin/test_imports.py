"""What a run pays that uses none of our fixtures: nothing heavy is loaded, nothing is started, nothing is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

LIST_MODULES = """
import sys

def test_nothing():
    names = [name for name in sys.modules if name.startswith("pytest_inner_universe")]
    print("<" + " ".join(sorted(names)) + ">")
    heavy = {"wasmtime", "faker", "aiohttp", "cryptography", "blake3"} & set(sys.modules)
    assert heavy == set()
"""
LIGHT = {
    "pytest_inner_universe",
    "pytest_inner_universe.client",
    "pytest_inner_universe.client.errors",
    "pytest_inner_universe.client.errors.base",
    "pytest_inner_universe.client.errors.calls",
    "pytest_inner_universe.plugin",
    "pytest_inner_universe.testing",
    "pytest_inner_universe.testing.async_fixtures",
    "pytest_inner_universe.testing.errors",
    "pytest_inner_universe.testing.options",
    "pytest_inner_universe.testing.settings",
}


@pytest.mark.parametrize("plugins", [("-pinner_universe",), ("-ppytest_inner_universe.plugin", "-pasyncio")])
def test_a_run_without_universes_loads_nothing_heavy(
    pytester: pytest.Pytester, run_apart: Run, clean_environment: pytest.MonkeyPatch, plugins: tuple[str, ...]
) -> None:
    clean_environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # faker brings a plugin that loads all of faker
    pytester.makepyfile(LIST_MODULES)
    result = run_apart("-s", *plugins)
    result.assert_outcomes(passed=1)
    loaded = result.stdout.str().partition("<")[2].partition(">")[0]
    assert set(loaded.split()) == LIGHT


FIRST_TEST = """
import sys

def test_it(universe):
    universe.call("publish_event", "e", "PING", None, "{}")
    assert universe.count("event_log") == 3
    unneeded = {"pytest_inner_universe.engine.sql", "pytest_inner_universe.wire.messages", "multiprocessing", "aiohttp"}
    assert unneeded & set(sys.modules) == set()
"""


def test_a_first_test_loads_no_more_than_it_uses(
    pytester: pytest.Pytester, run_apart: Run, clean_environment: pytest.MonkeyPatch
) -> None:
    clean_environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(FIRST_TEST)
    run_apart("-pinner_universe", "-Werror::pytest.PytestDeprecationWarning").assert_outcomes(passed=1)


def test_collecting_starts_nothing(pytester: pytest.Pytester, run_apart: Run) -> None:
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("<" + " ".join(sorted({"wasmtime", "pytest_inner_universe.testing.universe"} & set(sys.modules))) + ">")
        """
    )
    pytester.makepyfile("def test_it(universe): pass")
    result = run_apart("--collect-only", "-q")
    assert "<>" in result.stdout.str()
    assert "test_it" in result.stdout.str()


def test_the_headline_shows_when_universes_are_used_or_with_v(pytester: pytest.Pytester, run: Run) -> None:
    line = "universe: embedded backend, the bundled Inner Universe module, seed 3"
    pytester.makepyfile("def test_it(): pass")
    assert line not in run("--universe-seed=3").stdout.lines
    assert line in run("--universe-seed=3", "-v").stdout.lines
    pytester.makepyfile("def test_it(universe_settings): pass")
    assert run("--universe-seed=3").stdout.lines.count(line) == 1
    assert line not in run("--universe-seed=3", "-q").stdout.lines


def test_the_plugin_can_be_switched_off(pytester: pytest.Pytester, run_apart: Run) -> None:
    pytester.makepyfile("def test_it(universe): pass")
    result = run_apart("-p", "no:inner_universe")
    result.assert_outcomes(errors=1)
    assert "fixture 'universe' not found" in result.stdout.str()


FIXTURES = {
    "universe_settings": "session",
    "universe_module": "session",
    "universe_module_path": "session",
    "universe_seed": "session",
    "universe_name": "session",
    "universe_session": "session",
    "universe_server": "session",
    "universe": "function",
    "universe_connect": "function",
    "universe_client": "function",
    "universe_simulator": "function",
    "universe_faker": "function",
    "mock_inner_universe": "function",
    "spacetime_config": "session",
    "spacetime_controller": "function",
    "persistence_manager": "function",
}


def test_fixtures_are_described(pytester: pytest.Pytester, run: Run) -> None:
    text = run("--fixtures").stdout.str()
    ours = re.findall(
        r"^(\w+)(?: \[(\w+) scope\])? -- \S*pytest_inner_universe\S*\n    (\w[^\n]*)\.$", text, re.MULTILINE
    )
    assert {name: scope or "function" for name, scope, _ in ours} == FIXTURES
    assert "A connected Inner Universe client, in the loop that the test runs in" in [text for *_, text in ours]


NOT_OURS = """
import sys

def test_it(request, pytestconfig):
    assert not any(name.startswith("pytest_inner_universe") for name in sys.modules)
    assert not pytestconfig.pluginmanager.has_plugin("inner_universe")
    print("options", [name for name in vars(pytestconfig.option) if name.startswith("universe")])
"""


@pytest.mark.parametrize("how", ["-p no:", "no autoload"])
def test_switched_off_it_leaves_pytest_as_it_was(
    pytester: pytest.Pytester, run_apart: Run, clean_environment: pytest.MonkeyPatch, how: str
) -> None:
    if how == "no autoload":
        clean_environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    off = () if how == "no autoload" else ("-p", "no:inner_universe")
    pytester.makepyfile(NOT_OURS)
    result = run_apart("-s", "-W", "ignore::pytest.PytestConfigWarning", *off)
    result.assert_outcomes(passed=1)
    assert "options []" in result.stdout.str()
    assert "universe" not in run_apart("--help", *off).stdout.str().replace(str(pytester.path), "")
