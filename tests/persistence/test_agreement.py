"""The module and this side agree: tables, arguments of reducers, and the texts of errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.persistence import ReducerError
from pytest_inner_universe.persistence.reducer_errors import from_reducer_text
from pytest_inner_universe.persistence.schema import TABLES

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

SOURCE = Path(__file__).parents[2] / "module" / "inner-universe" / "src" / "errors.rs"
SAMPLES = {"kind": "State version", "count": "2", "noun": "relations", "position": "3", "size": "9", "at": "1"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_columns_that_queries_name(universe: Universe, name: str) -> None:
    declared = universe.schema.table(name)
    assert declared.row_type == TABLES[name].row
    assert declared.primary_key is not None
    assert declared.columns[declared.primary_key].name == TABLES[name].primary_key
    assert declared.is_public


def test_no_public_table_is_missing(universe: Universe) -> None:
    public = {name for name, table in universe.schema.tables.items() if table.is_public and not table.is_system}
    assert public == set(TABLES)


def texts_of_the_module() -> list[str]:
    source = SOURCE.read_text(encoding="utf-8")
    formats = re.findall(r'format!\(\s*"((?:[^"\\]|\\.)*)"', source)
    constants = re.findall(r'const \w+: &str =\s*"((?:[^"\\]|\\.)*)"', source)
    texts = [*formats, *(text for text in constants if " " in text and len(text) > 20)]
    return [re.sub(r"\{(\w*)\}", lambda found: SAMPLES.get(found[1], "x"), text.replace('\\"', '"')) for text in texts]


@pytest.mark.parametrize("text", texts_of_the_module())
def test_every_text_of_the_module_is_known(text: str) -> None:
    assert "{" not in text
    assert not isinstance(from_reducer_text("reducer", text), ReducerError)


def test_the_texts_were_found() -> None:
    assert len(texts_of_the_module()) >= 13
