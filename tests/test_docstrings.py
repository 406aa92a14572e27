"""What the package hands out is described: what it does, what it takes, what it raises on purpose."""

from __future__ import annotations

import ast
import builtins
import doctest
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pytest_inner_universe

HERE = "pytest_inner_universe."


def public_names() -> list[str]:
    return sorted(pytest_inner_universe._PLACES)


def described_functions(value: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A function, or the public methods of a class, those of its bases among them."""
    if inspect.isfunction(value):
        yield value.__name__, value
    elif inspect.isclass(value):
        for owner in value.__mro__:
            if owner.__module__.startswith(HERE):
                for name, member in vars(owner).items():
                    function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
                    if not name.startswith("_") and inspect.isfunction(function):
                        yield f"{owner.__name__}.{name}", function


def untold(function: Callable[..., Any], text: str) -> Iterator[str]:
    """The errors that a function raises by itself and whose docstring names neither them nor their bases."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    calls = [node.exc.func for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    for name in {call.id for call in calls if isinstance(call, ast.Name)}:
        error = function.__globals__.get(name) or getattr(builtins, name, None)
        if inspect.isclass(error) and not any(f"{base.__name__}:" in text for base in error.__mro__):
            yield name


@pytest.mark.parametrize("name", public_names())
def test_a_public_name_is_described(name: str) -> None:
    value = getattr(pytest_inner_universe, name)
    problems = [] if inspect.getdoc(value) else [f"{name} has no docstring"]
    for label, function in described_functions(value):
        text = inspect.getdoc(function) or ""
        if not text:
            problems.append(f"{label} has no docstring")
            continue
        parameters = [one for one in inspect.signature(function).parameters if one not in {"self", "cls"}]
        if len(parameters) > 1 and "see `" not in text and ", as `" not in text:
            told = set(re.findall(r"^    \*{0,2}(\w+): ", text, re.MULTILINE))
            problems += [f"{label} does not explain {one}" for one in parameters if one not in told]
        problems += [f"{label} does not tell of {one}" for one in untold(function, text)]
    assert problems == []


def modules_with_examples() -> list[str]:
    package = Path(pytest_inner_universe.__file__).parent
    return sorted(
        ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for path in package.rglob("*.py")
        if re.search(r"^ +>>> (?!.*doctest: \+SKIP)", path.read_text("utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_do_what_they_say(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert failed == 0, capsys.readouterr().out
    assert attempted > 0
