"""Module files that cannot be used: each test says so in a few lines, without the frames of this package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "inner_universe_module.wasm"
EMPTY_WASM = b"\0asm\x01\0\0\0"


def failure(result: pytest.RunResult) -> str:
    """What stands under the title of the only error."""
    result.assert_outcomes(errors=1)
    lines = result.stdout.lines
    title = next(position for position, line in enumerate(lines) if "ERROR at setup of test_it" in line)
    rest = lines[title + 1 :]
    return "\n".join(rest[: next(position for position, line in enumerate(rest) if line.startswith("="))])


@pytest.fixture
def told(pytester: pytest.Pytester, run: Run) -> Callable[[bytes | None], str]:
    """Run a test on a module of given bytes, None for no file, and return what its failure says."""

    def runs(data: bytes | None) -> str:
        path = pytester.path / "mine.wasm"
        if data is not None:
            path.write_bytes(data)
        pytester.makepyfile("def test_it(universe): pass")
        return failure(run("--universe-module=mine.wasm")).replace(str(path), "<path>")

    return runs


ADVICE = (
    "  give the path of a compiled module (.wasm), as `spacetime build` or\n"
    "  `cargo build --release --target wasm32-unknown-unknown` writes it"
)
CHOSEN = "\n  chosen by --universe-module=mine.wasm on the command line"


def test_a_missing_file(told: Callable[[bytes | None], str]) -> None:
    assert told(None) == ("cannot read the module <path>: No such file or directory\n" + ADVICE + CHOSEN)


def test_an_empty_file(told: Callable[[bytes | None], str]) -> None:
    assert told(b"") == (
        "the module <path> is empty (0 bytes)\n"
        "  build it again; a failed or interrupted build can leave an empty file" + CHOSEN
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(
            b"#!/bin/sh\n",
            "the module <path> is not a WebAssembly file: it looks like something else, it begins with the bytes "
            "23 21 2f 62 69 6e 2f 73\n"
            "  give the path of a compiled module (.wasm)",
            id="script",
        ),
        pytest.param(
            MODULE.read_bytes()[:9000],
            "the module <path> is not valid WebAssembly (9000 bytes): unexpected end-of-file (at offset 0x...)\n"
            "  it may have been cut off while it was copied or downloaded; build or fetch it again",
            id="truncated",
        ),
        pytest.param(
            EMPTY_WASM,
            "the module <path> is WebAssembly, but not a SpacetimeDB module:\n"
            "  it does not export `memory`\n"
            "  it does not export `__describe_module__`\n"
            "  it does not export `__call_reducer__`\n"
            "  build a crate with crate-type `cdylib` that depends on `spacetimedb`",
            id="another wasm",
        ),
    ],
)
def test_a_file_that_is_no_module(told: Callable[[bytes | None], str], data: bytes, text: str) -> None:
    assert re.sub(r"0x[0-9a-f]+", "0x...", told(data)) == text + CHOSEN


MISSING = "cannot read the module {path}: No such file or directory\n" + ADVICE + "\n  chosen by {place}"


def test_a_marker_s_module_is_told_with_the_marker(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_marked="""
        import pytest

        @pytest.mark.universe(module="gone.wasm")
        def test_it(universe): pass
        """
    )
    place = "module='gone.wasm' in @pytest.mark.universe on test_marked.py::test_it"
    assert failure(run()) == MISSING.format(path=pytester.path / "gone.wasm", place=place)


def test_a_factory_s_module_is_told_with_the_factory(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        from pytest_inner_universe.testing.fixtures import universe_fixture

        shop = universe_fixture("shop", module="gone.wasm")

        def test_it(shop): pass
        """
    )
    place = "module='gone.wasm' of the fixture 'shop'"
    assert failure(run()) == MISSING.format(path=pytester.path / "gone.wasm", place=place)


def test_an_override_s_module_is_told_with_the_fixture(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def universe_module_path():
            return "gone.wasm"

        def test_it(universe): pass
        """
    )
    place = "the fixture 'universe_module_path'"
    assert failure(run()) == MISSING.format(path=pytester.path / "gone.wasm", place=place)


@pytest.mark.parametrize("fixture", ["universe_module", "universe_server"])
def test_the_other_fixtures_say_the_same(pytester: pytest.Pytester, run: Run, fixture: str) -> None:
    pytester.makepyfile(f"def test_it({fixture}): pass")
    assert failure(run("--universe-module=gone.wasm")).startswith("cannot read the module ")
