"""The names that the package offers, and what loading it costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_inner_universe import persistence
from pytest_inner_universe.persistence import errors


def names_for_type_checkers() -> dict[str, str]:
    tree = ast.parse(Path(persistence.__file__).read_text(encoding="utf-8"))
    return {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }


@pytest.mark.parametrize(("name", "module"), names_for_type_checkers().items())
def test_a_name_that_type_checkers_see_is_there(name: str, module: str) -> None:
    owner = importlib.import_module(f"pytest_inner_universe.persistence.{module}")
    assert getattr(persistence, name) is getattr(owner, name)
    assert name in dir(persistence)


def test_every_error_is_offered() -> None:
    tree = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert tree <= set(names_for_type_checkers())
    assert tree <= set(str(errors.__doc__).replace("(", " ").split())


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError) as caught:
        persistence.Nothing  # noqa: B018  # asking for it is the test
    assert str(caught.value) == "module 'pytest_inner_universe.persistence' has no attribute 'Nothing'"


def test_configuration_loads_neither_client_nor_event_loop() -> None:
    code = (
        "import sys; from pytest_inner_universe.persistence import InnerUniverseConfig; "
        "print([m for m in ('asyncio', 'wasmtime', 'pytest_inner_universe.client') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
