"""What the wasm files say about themselves, against what is written about them."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from pytest_inner_universe.sats.definition import ModuleDef, decode_definition

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def definition(build: ModuleType) -> ModuleDef:
    return decode_definition(build.describe(build.RECIPES["inner-universe"].wasm.read_bytes()))


@pytest.mark.parametrize("bindings", ["1.4", "2.8"])
def test_test_modules_define_what_real_servers_were_captured_with(build: ModuleType, bindings: str) -> None:
    captured = ROOT / "fixtures" / "vectors" / f"definition-bindings-{bindings}.hex"
    wasm = build.RECIPES[f"every-type-{bindings}"].wasm.read_bytes()
    assert build.describe(wasm).hex() == captured.read_text().strip()


def table_in_readme(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of module/README.md."""
    text = (ROOT / "module" / "README.md").read_text()
    lines = text[text.index(f"\n### {heading}\n") :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|---"))
    rows = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_readme_lists_every_reducer_with_its_arguments(definition: ModuleDef) -> None:
    written = {name.strip("`"): arguments for name, arguments, _, _ in table_in_readme("Reducers")}
    reducers = {**definition.reducers, **{reducer.name: reducer for reducer in definition.lifecycle.values()}}
    actual = {
        name: ", ".join(element.name or "" for element in reducer.params.elements) for name, reducer in reducers.items()
    }
    assert written == actual


def test_readme_lists_every_table_with_its_columns_and_indexes(definition: ModuleDef) -> None:
    rows = table_in_readme("Tables")
    written = {name: (re.sub(r"\?| \(0\)", "", columns), indexed) for name, columns, indexed in rows}
    actual: dict[str, tuple[str, str]] = {}
    for table in definition.tables.values():
        names = [column.name for column in table.columns]
        assert table.primary_key == 0
        indexed = [names[index.columns[0]] for index in table.indexes if index.columns != (0,)]
        name = f"`{table.name}`" if table.is_public else f"`{table.name}` (private)"
        actual[name] = (", ".join(names), ", ".join(indexed))
    assert written == actual


def test_hooks(definition: ModuleDef) -> None:
    assert {hook: reducer.name for hook, reducer in definition.lifecycle.items()} == {
        "init": "init",
        "client_connected": "identity_connected",
        "client_disconnected": "identity_disconnected",
    }
