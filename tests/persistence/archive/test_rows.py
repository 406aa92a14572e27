"""Rows of every table keep what they hold, in both forms of an archive."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.persistence.archive.encodings import new_file, read_rows
from pytest_inner_universe.persistence.archive.rows import RowForm, line, option_of
from pytest_inner_universe.persistence.archive.store import RowStore
from pytest_inner_universe.persistence.archive.tables import ARCHIVE_TABLES, ArchiveTable
from pytest_inner_universe.persistence.mapping import decode_row, encode_row
from pytest_inner_universe.persistence.schema import DELTA_RECORD
from pytest_inner_universe.sats import (
    BOOL,
    F64,
    IDENTITY,
    STRING,
    TIMESTAMP,
    U32,
    AlgebraicType,
    Array,
    Identity,
    Product,
    Sum,
    Timestamp,
    codec,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
I64 = st.integers(-(2**63), 2**63 - 1)


def values(type_: AlgebraicType) -> st.SearchStrategy[Any]:
    plain: dict[AlgebraicType, st.SearchStrategy[Any]] = {
        STRING: TEXT,
        BOOL: st.booleans(),
        F64: st.floats(allow_nan=False, allow_infinity=False),
        U32: st.integers(0, 2**32 - 1),
        TIMESTAMP: I64.map(Timestamp),
        IDENTITY: st.integers(0, 2**256 - 1).map(Identity.from_int),
    }
    if type_ in plain:
        return plain[type_]
    if isinstance(type_, Product):
        return st.fixed_dictionaries({str(column.name): values(column.type) for column in type_.elements})
    if isinstance(type_, Array):
        return st.lists(values(type_.element), max_size=3)
    inner = option_of(type_)
    if inner is not None:
        return st.none() | values(inner)
    assert isinstance(type_, Sum)
    return st.sampled_from([str(variant.name) for variant in type_.variants])


@pytest.mark.parametrize("table", ARCHIVE_TABLES.values(), ids=ARCHIVE_TABLES)
@examples(40)
@given(draw=st.data())
def test_a_row_reads_back_equal(table: ArchiveTable, draw: st.DataObject) -> None:
    packed = codec(table.row).encode(draw.draw(values(table.row)))
    row = codec(table.row).decode(packed)
    form = RowForm(table)
    text = line(form.packed(row))
    assert "\n" not in text
    assert codec(table.row).encode(form.unpacked(json.loads(text))) == packed


@pytest.mark.parametrize("table", ARCHIVE_TABLES.values(), ids=ARCHIVE_TABLES)
@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
@examples(20)
@given(draw=st.data())
def test_a_file_reads_back_equal(
    table: ArchiveTable, encoding: Any, tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    form = RowForm(table)
    rows = [form.packed(row) for row in draw.draw(st.lists(values(table.row), max_size=4))]
    stream = BytesIO()
    file = new_file(encoding, stream, table)
    file.write([line(row) for row in rows])
    file.finish()
    path = tmp_path_factory.getbasetemp() / f"{table.name}.{encoding}"
    path.write_bytes(stream.getvalue())
    assert [line(row) for row in read_rows(encoding, path, table)] == [line(row) for row in rows]


@examples(50)
@given(rows=st.lists(st.tuples(st.tuples(I64, TEXT), TEXT), unique_by=lambda row: row[0][1]))
def test_rows_come_by_time_and_then_by_key(rows: list[tuple[tuple[int, str], str]]) -> None:
    with RowStore() as store:
        store.add(rows)
        assert len(store) == len(rows)
        assert list(store.lines()) == [text for _, text in sorted(rows)]


def test_a_number_without_a_form() -> None:
    form = RowForm(ARCHIVE_TABLES["metric"])
    row = {"id": "1", "name": "n", "kind": "k", "value": float("nan"), "tags": "{}", "timestamp": Timestamp(0)}
    with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
        line(form.packed(row))


def test_a_column_that_is_missing() -> None:
    with pytest.raises(ValueError, match=r"^KeyError: 'id'$"):
        RowForm(ARCHIVE_TABLES["entity"]).unpacked({})


def test_lines_that_are_no_rows(tmp_path: Path) -> None:
    from pytest_inner_universe.persistence import BackupError

    path = tmp_path / "entity.jsonl"
    for text, reason in (("{", "line 1 is no JSON: "), ("{}\n[]\n", "line 2 is no row")):
        path.write_text(text)
        with pytest.raises(BackupError) as caught:
            list(read_rows("jsonl", path, ARCHIVE_TABLES["entity"]))
        assert str(caught.value).startswith(f"{path}: {reason}")


def test_rows_as_users_see_them_go_back() -> None:
    row = {
        "delta_id": "d",
        "state_version_id": "v",
        "operations": [
            {"operation_type": "Set", "path": "a", "value": "null", "index": None, "patch": None},
            {"operation_type": "Remove", "path": "a", "value": None, "index": 1, "patch": None},
            {"operation_type": "Patch", "path": "a", "value": None, "index": None, "patch": '{"b":1.0}'},
        ],
        "timestamp": Timestamp(1),
        "metadata": {"description": "", "author": None, "tags": ["x"], "parent_delta_id": None},
    }
    assert encode_row(DELTA_RECORD, decode_row(DELTA_RECORD, row)) == row
