"""Every table and every reducer of the module is used by a test that goes through the public handle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_inner_universe.testing.universe import Universe

CONFORMANCE = Path(__file__).parents[1] / "conformance"
READING = {"rows", "count", "row"}


def nodes() -> Iterator[ast.AST]:
    for path in sorted(CONFORMANCE.glob("test_*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def texts() -> set[str]:
    return {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def tables_read() -> set[str]:
    found = {table for text in texts() for table in re.findall(r"\b(?:FROM|INTO|UPDATE) (\w+)", text)}
    for node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READING:
            found |= {one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_every_reducer_is_called() -> None:
    with Universe.embedded() as universe:
        reducers = {reducer.name for reducer in universe.schema.reducers.values() if reducer.lifecycle is None}
    assert reducers - texts() == set()


def test_every_table_is_read() -> None:
    with Universe.embedded() as universe:
        tables = set(universe.schema.tables)
    assert tables - tables_read() == set()
