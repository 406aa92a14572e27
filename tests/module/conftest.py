from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from support import refusals

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

BUILD_SCRIPT = Path(__file__).parents[2] / "module" / "build.py"


@pytest.fixture(scope="session")
def build() -> ModuleType:
    """The build command as a Python module; it is a script outside of the package."""
    name = "inner_universe_module_build"
    spec = importlib.util.spec_from_file_location(name, BUILD_SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def refused(universe: Universe) -> Callable[..., str]:
    """Calls a reducer of the test's universe that must fail."""
    return functools.partial(refusals.refused, universe)
