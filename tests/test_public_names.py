"""The names that the package itself hands out."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import pytest_inner_universe


def declared() -> set[str]:
    """The names that type checkers see."""
    tree = ast.parse(Path(inspect.getfile(pytest_inner_universe)).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("name", sorted(declared()))
def test_a_name_is_what_its_room_calls_so(name: str) -> None:
    value = getattr(pytest_inner_universe, name)
    assert value.__name__ == name
    assert value.__module__.startswith("pytest_inner_universe.")


def test_nothing_else_is_handed_out() -> None:
    # pytest's rewriting of assertions leaves names behind that are no identifiers.
    public = {name for name in dir(pytest_inner_universe) if name.isidentifier() and not name.startswith("_")}
    rooms = {path.stem for path in Path(inspect.getfile(pytest_inner_universe)).parent.iterdir()}
    assert public - rooms - {"annotations", "TYPE_CHECKING", "Any"} == declared()
    with pytest.raises(AttributeError) as caught:
        pytest_inner_universe.universe  # noqa: B018  # asking for it is the test
    assert str(caught.value) == "module 'pytest_inner_universe' has no attribute 'universe'"
