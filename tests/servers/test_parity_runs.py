"""Whole runs with `--universe-parity` on a real server, as a process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_inner_universe.server.binary import VARIABLE

pytestmark = pytest.mark.timeout(240)
MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
QUIET = ("-pno:randomly", "-pno:cacheprovider", "-oasyncio_default_fixture_loop_scope=function", "-q")
Run = Callable[..., pytest.RunResult]

SAME = """
import pytest
import uuid

def test_rows_and_errors(universe):
    universe.call("add_person", "Ada", 1, 36)
    universe.actor("bob").call("add_person", "Charles", 2, 43)
    for wrong in ("fails", "panics"):
        with pytest.raises(Exception):
            universe.call(wrong, *(["no"] if wrong == "fails" else []))
    universe.sql("SELECT * FROM person WHERE team = 2")
    with pytest.raises(Exception):
        universe.sql("SELECT * FROM nowhere")

@pytest.mark.asyncio
async def test_clients(universe, universe_connect):
    async with universe_connect(universe.actor("alice")) as alice, universe_connect() as somebody:
        await alice.subscribe("SELECT * FROM person", "SELECT * FROM person WHERE team = 1")
        again = await somebody.subscribe("SELECT * FROM person WHERE team = 1")
        await somebody.call("add_person", "Ada", team=1, age=36)
        universe.call("add_person", str(uuid.uuid4()), 2, 3)
        await again.unsubscribe()
        for wrong in (alice.subscribe("SELECT * FROM nix"), alice.call("fails", "no"), alice.call("panics")):
            with pytest.raises(Exception):
                await wrong
        await alice.query("SELECT * FROM person")

@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(3))
async def test_clients_that_come_and_go(universe, universe_connect, number):
    for one in range(number):
        async with universe_connect() as somebody:
            await somebody.subscribe("SELECT * FROM person")
            await somebody.call("add_person", f"Ada {one}", team=1, age=36)
        universe.call("add_person", f"Charles {one}", 2, 43)
"""
DIFFERENT = """
import pytest

def add(universe, *args):
    data = universe.schema.reducers["add_person"].encode_args(*args)
    universe.handle.call(None, "add_person", data)

def test_rows(universe):
    add(universe, "Ada", 1, 36 if universe.backend == "embedded" else 37)

def test_calls(universe):
    universe.call("add_person", "Ada", 1, 36 if universe.backend == "embedded" else 37)

@pytest.mark.asyncio
async def test_events(universe, universe_connect):
    async with universe_connect(universe.actor("alice")) as alice:
        await alice.subscribe("SELECT * FROM person")
        for name in ("Ada", "Charles") if universe.backend == "embedded" else ("Ada",):
            add(universe, name, 1, 36)

def test_one_side(universe):
    universe.snapshot()

@pytest.mark.universe(parity=False, reason="on the engine alone")
def test_out(universe):
    universe.snapshot()
"""


@pytest.fixture
def run(pytester: pytest.Pytester, real_server: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest in a process of its own, where both sides are compared."""
    for name in [name for name in os.environ if name.startswith(("INNER_UNIVERSE_", "PYTEST_"))]:
        if name not in {"PYTEST_CURRENT_TEST", "INNER_UNIVERSE_CACHE_DIR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv(VARIABLE, str(real_server))
    return lambda *arguments: pytester.runpytest_subprocess("--universe-parity", *QUIET, *arguments)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_tests_that_see_the_same_pass(pytester: pytest.Pytester, run: Run, workers: str) -> None:
    pytester.makepyfile(test_same=SAME)
    run(workers, f"--universe-module={MODULES / 'every_type_1_4.wasm'}").assert_outcomes(passed=5)


def test_the_quickstart_passes(run: Run) -> None:
    run(f"--rootdir={QUICKSTART}", f"-c{QUICKSTART / 'pyproject.toml'}", str(QUICKSTART)).assert_outcomes(passed=11)


def test_differences_are_told(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_different=DIFFERENT)
    result = run(f"--universe-module={MODULES / 'every_type_1_4.wasm'}")
    result.assert_outcomes(failed=4, passed=1)
    text = result.stdout.str()
    assert "embedded and process differ in table 'person' at the end of the test, row " in text
    assert "embedded and process differ in call 1:\n  embedded: owner: add_person('Ada', 1, 36) -> committed\n" in text
    assert "embedded and process differ in alice: event 3:\n" in text
    assert "fails on process only; passes on embedded\n" in text


def test_a_module_that_the_server_does_not_take(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_new="def test_it(universe): pass")
    result = run(f"--universe-module={MODULES / 'every_type_2_8.wasm'}")
    result.assert_outcomes(errors=1)
    assert "abi version 10.4 is not supported" in result.stdout.str()
