"""The `universe` marker and fixtures of one's own making, checked when tests are collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe import universe_fixture
from pytest_inner_universe.testing.errors import InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

CASES = {
    "'mine.wasm'": "{written} on {test}: takes the keyword arguments module, seed, release, parity and reason only.",
    "sead=3": "{written} on {test}: unknown argument 'sead' (did you mean 'seed'?); it takes module, seed, release, parity and reason.",
    "name='x'": "{written} on {test}: unknown argument 'name'; it takes module, seed, release, parity and reason.",
    "seed=-1": "seed=-1 in @pytest.mark.universe on {test} cannot be used: it takes a whole number from 0 to "
    "18446744073709551615.",
    "release='1.1'": "release='1.1' in @pytest.mark.universe on {test} cannot be used: it takes 2.8 or 1.2. "
    "Did you mean '1.2'?",
    "parity='sometimes'": "parity='sometimes' in @pytest.mark.universe on {test} cannot be used: it takes true or false.",
    "parity=False, reason=5": "{written} on {test}: reason is a text.",
    "module=5": "module=5 in @pytest.mark.universe on {test} cannot be used: it takes the path of a .wasm file.",
}


@pytest.mark.parametrize("arguments", CASES)
@pytest.mark.parametrize("options", [(), ("--collect-only",), ("-pxdist", "-n2")], ids=["run", "collect", "workers"])
def test_a_wrong_marker_is_told_at_collection(
    pytester: pytest.Pytester, run: Run, arguments: str, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        test_marked=f"""
        import pytest

        @pytest.mark.universe({arguments})
        def test_it(): pass
        """
    )
    result = run(*options)
    assert result.parseoutcomes()["errors"] == (2 if "-n2" in options else 1)  # every worker collects
    expected = CASES[arguments].format(written=f"@pytest.mark.universe({arguments})", test="test_marked.py::test_it")
    lines = result.stdout.lines
    title = next(position for position, line in enumerate(lines) if "ERROR collecting test_marked.py" in line)
    assert lines[title + 1] == expected
    assert lines[title + 2].startswith(("=", "___"))


FACTORIES = {
    "seed=-1": "seed=-1 of the fixture 'shop' cannot be used: it takes a whole number from 0 to 18446744073709551615.",
    "scope='sesion'": (
        "scope='sesion' of the fixture 'shop' cannot be used: it takes function, class, module, package or session. "
        "Did you mean 'session'?"
    ),
    "module=7": "module=7 of the fixture 'shop' cannot be used: it takes the path of a .wasm file.",
}


@pytest.mark.parametrize("argument", FACTORIES)
def test_a_wrong_factory_is_told_at_its_line_alone(pytester: pytest.Pytester, run: Run, argument: str) -> None:
    pytester.makepyfile(
        f"""
        from pytest_inner_universe import universe_fixture

        shop = universe_fixture("shop", {argument})

        def test_it(shop): pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    shown = [line for line in result.stdout.lines if line.startswith("E   ")]
    assert shown == [f"E   pytest_inner_universe.testing.errors.InvalidSetting: {FACTORIES[argument]}"]
    assert "fixtures.py" not in result.stdout.str()


def test_a_factory_s_name_is_one(pytester: pytest.Pytester) -> None:
    with pytest.raises(InvalidSetting) as caught:
        universe_fixture("my shop")
    assert str(caught.value) == (
        "'my shop' as the name of a fixture cannot be used: it takes what Python takes as a name, because tests ask by it."
    )


def test_the_marker_is_registered(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.universe(seed=1)
        def test_it(): pass
        """
    )
    run("--strict-markers").assert_outcomes(passed=1)
    assert (
        "@pytest.mark.universe(module=..., seed=..., release=..., parity=..., reason=...): run this test's universe"
        in run("--markers").stdout.str()
    )
