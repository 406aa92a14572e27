from __future__ import annotations

import pytest
from support.tables import auto_inc, datastore, row, table_def, values

from pytest_inner_universe.engine.store import Datastore, Table
from pytest_inner_universe.engine.store.errors import NoSuchRow, RowDecodeFailed, UniqueViolation
from pytest_inner_universe.sats import STRING, U8, U32


def make(**options: int) -> tuple[Datastore, Table]:
    store = datastore(table_def("job", "id", (), (), [auto_inc(0, **options)], id=U8, text=STRING))
    return store, store.table("job")


def take_ids(store: Datastore, table: Table, count: int) -> list[int]:
    taken = []
    for i in range(count):
        tx = store.begin()
        stored, generated = tx.insert(table, row(table, 0, f"row {i}"))
        assert generated == stored[:1]
        taken.append(stored[0])
        tx.clear(table)
        tx.commit()
    return taken


def test_a_sequence_fills_columns_that_are_zero() -> None:
    store, table = make()
    assert take_ids(store, table, 3) == [1, 2, 3]


def test_a_sequence_leaves_other_values_alone_and_does_not_learn_from_them() -> None:
    store, table = make()
    tx = store.begin()
    assert tx.insert(table, row(table, 2, "given")) == (row(table, 2, "given"), b"")
    assert tx.insert(table, row(table, 0, "first")) == (row(table, 1, "first"), b"\1")
    with pytest.raises(UniqueViolation):
        tx.insert(table, row(table, 0, "second"))
    assert tx.insert(table, row(table, 0, "second")) == (row(table, 3, "second"), b"\3")


def test_a_sequence_goes_on_after_a_rollback() -> None:
    store, table = make()
    tx = store.begin()
    tx.insert(table, row(table, 0, "a"))
    tx.rollback()
    assert take_ids(store, table, 1) == [2]


def test_a_sequence_takes_nothing_for_a_row_that_does_not_decode() -> None:
    store, table = make()
    tx = store.begin()
    with pytest.raises(RowDecodeFailed):
        tx.insert(table, row(table, 0, "a") + b"!")
    tx.rollback()
    assert take_ids(store, table, 1) == [1]


def test_a_sequence_wraps_inside_of_its_range() -> None:
    assert take_ids(*make(start=9, minimum=5, maximum=12, increment=3), 6) == [9, 12, 7, 10, 5, 8]


def test_a_sequence_counts_down() -> None:
    assert take_ids(*make(start=3, minimum=1, maximum=3, increment=-1), 5) == [3, 2, 1, 3, 2]


def test_a_sequence_is_cut_to_the_width_of_the_column() -> None:
    assert take_ids(*make(start=254), 4) == [254, 255, 0, 1]


def test_a_sequence_is_given_on_to_a_fork() -> None:
    store, table = make()
    assert take_ids(store, table, 2) == [1, 2]
    fork = store.fork()
    assert take_ids(fork, table, 2) == [3, 4]
    assert take_ids(store, table, 1) == [3]


def test_a_sequence_of_the_key_lets_an_update_find_nothing() -> None:
    store, table = make()
    tx = store.begin()
    tx.insert(table, row(table, 0, "a"))
    with pytest.raises(NoSuchRow) as caught:
        tx.update(table, table.indexes[0], row(table, 0, "b"))
    assert caught.value.row == row(table, 2, "b")
    assert tx.insert(table, row(table, 0, "c")) == (row(table, 3, "c"), b"\3")


def test_several_sequences_are_reported_in_the_order_of_their_columns() -> None:
    sequences = [auto_inc(3, start=70_000), auto_inc(0, start=5), auto_inc(2)]
    made = datastore(table_def("job", "id", (), (), sequences, id=U32, text=STRING, small=U8, large=U32))
    table = made.table("job")
    tx = made.begin()
    stored, generated = tx.insert(table, row(table, 0, "any", 9, 0))
    assert values(table, [stored]) == [(5, "any", 9, 70_000)]
    assert generated == b"\5\0\0\0" + (70_000).to_bytes(4, "little")
    stored, generated = tx.update(table, table.indexes[0], row(table, 5, "other", 0, 3))
    assert values(table, [stored]) == [(5, "other", 1, 3)]
    assert generated == b"\1"


def test_duplicates_report_the_values_of_the_row_that_is_there() -> None:
    made = datastore(table_def("job", None, (), (), [auto_inc(0, start=1, minimum=1, maximum=1)], id=U8, text=STRING))
    table = made.table("job")
    tx = made.begin()
    assert tx.insert(table, row(table, 0, "a")) == (row(table, 1, "a"), b"\1")
    assert tx.insert(table, row(table, 0, "a")) == (row(table, 1, "a"), b"\1")
    assert tx.count(table) == 1
