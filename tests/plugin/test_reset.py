"""How tests get a clean state, by every strategy that the embedded engine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.resets import leaving_tests

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]


@pytest.mark.parametrize("order", [("one", "other"), ("other", "one")], ids="-".join)
@pytest.mark.parametrize("reset", ["fresh", "fork", "reuse", "clear", "reducer"])
def test_neither_of_two_tests_sees_the_other(
    pytester: pytest.Pytester, run: Run, reset: str, order: tuple[str, str]
) -> None:
    pytester.makepyfile(leaving_tests(order))
    run(f"--universe-reset={reset}").assert_outcomes(passed=2)


def test_without_a_reset_the_second_test_finds_what_the_first_left(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(leaving_tests(("one", "other")))
    run("--universe-reset=never").assert_outcomes(passed=1, failed=1)


def test_a_reducer_that_the_module_does_not_have(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(leaving_tests(("one", "other")))
    result = run("--universe-reset=reducer", "--universe-reset-reducer=truncate_al")
    result.assert_outcomes(passed=1, errors=1)
    assert "the module has no reducer 'truncate_al'; did you mean 'truncate_all'?" in result.stdout.str()
