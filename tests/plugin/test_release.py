"""Which release of the server the embedded one imitates, chosen in each place where that can be done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
PLACES = """
import pytest
from pytest_inner_universe import universe_fixture

newest = universe_fixture("newest", release="2.8")

def unknown(universe):
    try:
        universe.sql("SELECT * FROM nowhere")
    except Exception as error:
        return str(error).splitlines()[0]

OLD, NEW = "`nowhere` is not a valid table", "no such table: `nowhere`. If the table exists, it may be marked private."

def test_the_run(universe):
    assert unknown(universe) == OLD

@pytest.mark.universe(release="2.8")
def test_a_marker(universe):
    assert unknown(universe) == NEW

@pytest.mark.universe(release="1.2")
def test_a_fixture(newest, universe):
    assert (unknown(newest), unknown(universe)) == (NEW, OLD)
"""


@pytest.mark.parametrize("reset", ["fresh", "reuse"])
def test_the_strongest_place_wins(pytester: pytest.Pytester, run: Run, reset: str) -> None:
    pytester.makepyfile(PLACES)
    run("--universe-release=1.2", f"--universe-reset={reset}").assert_outcomes(passed=3)


def test_a_module_that_the_release_cannot_run(pytester: pytest.Pytester, run: Run) -> None:
    module = MODULES / "every_type_2_8.wasm"
    pytester.makepyfile("def test_it(universe): pass")
    result = run("--universe-release=1.2", f"--universe-module={module}")
    result.assert_outcomes(errors=1)
    lines = result.stdout.lines
    first = lines.index(
        f"{module} cannot run on the imitated release 1.2: abi version 10.4 is not supported (host implements 10.0)"
    )
    assert lines[first + 1 : first + 3] == [
        "Build it with older bindings, or imitate a newer release (--universe-release).",
        f"  chosen by --universe-module={module} on the command line",
    ]
