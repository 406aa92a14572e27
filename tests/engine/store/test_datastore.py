from __future__ import annotations

from pathlib import Path

import pytest
from support.tables import auto_inc, datastore, module_def, row, table_def, values

from pytest_inner_universe.engine.release import RELEASE_1_2
from pytest_inner_universe.engine.store import Datastore, Table
from pytest_inner_universe.engine.store.errors import NoSuchIndex, NoSuchTable
from pytest_inner_universe.sats import STRING, U32, ModuleDef, decode_definition

VECTORS = Path(__file__).parents[3] / "fixtures" / "vectors"
NOTE = table_def("note", "id", (), ["text"], id=U32, text=STRING)


def definition(bindings: str) -> ModuleDef:
    return decode_definition(bytes.fromhex((VECTORS / f"definition-bindings-{bindings}.hex").read_text().strip()))


def write(store: Datastore, *rows: tuple[int, str]) -> None:
    table = store.table("note")
    tx = store.begin()
    for values_ in rows:
        tx.insert(table, row(table, *values_))
    tx.commit()


def notes(store: Datastore) -> list[tuple[int, str]]:
    table = store.table("note")
    return values(table, store.view().rows(table))


class TestNumbers:
    def test_of_user_tables_are_those_of_a_server(self) -> None:
        store = Datastore.create(definition("1.4"), release=RELEASE_1_2)
        numbers = {name: store.table(name).id for name in store.definition.tables}
        # As `SELECT * FROM st_table` of a 1.2.0 server answered with the same module.
        assert numbers == {
            "every_type": 4097,
            "once": 4098,
            "person": 4099,
            "secret": 4100,
            "seen": 4101,
            "team": 4102,
            "tick": 4103,
        }
        newer = Datastore.create(definition("2.8"))
        assert [newer.table(name).id for name in ("every_type", "ping_event", "tick")] == [4096, 4099, 4103]

    def test_of_system_tables_are_fixed(self) -> None:
        store = datastore()
        names = {table.id: table.name for table in store.catalog.tables}
        assert names == {
            1: "st_table",
            2: "st_column",
            3: "st_sequence",
            4: "st_index",
            5: "st_constraint",
            6: "st_module",
            7: "st_client",
            8: "st_var",
            9: "st_scheduled",
            10: "st_row_level_security",
            11: "st_connection_credentials",
            12: "st_view",
            13: "st_view_param",
            14: "st_view_column",
            15: "st_view_sub",
            16: "st_view_arg",
            17: "st_event_table",
            18: "st_table_accessor",
            19: "st_index_accessor",
            20: "st_column_accessor",
        }

    def test_of_everything_else_follow_the_tables(self) -> None:
        second = table_def("b", "id", ["text"], ["id,text"], [auto_inc(0)], id=U32, text=STRING)
        first = table_def("a", "id", (), (), [auto_inc(0)], id=U32)
        store = datastore(second, first)
        assert [index.id for name in "ab" for index in store.table(name).indexes] == [4096, 4097, 4098, 4099]
        assert [store.table(name).sequences[0].id for name in "ab"] == [4096, 4097]
        assert [store.table(name).constraint_ids for name in "ab"] == [
            {"a_id_key": 4096},
            {"b_id_key": 4097, "b_text_key": 4098},
        ]


class TestNames:
    def test_of_the_source_are_as_good_as_the_others(self) -> None:
        store = datastore(NOTE)
        table, index = store.table("note"), store.index("note_text_idx_btree")
        assert (store.table("NOTE"), store.table_by_id(4096)) == (table, table)
        assert (store.index("NOTE_text_idx_btree"), store.index_by_id(index.id)) == (index, index)
        assert (repr(table), repr(index)) == ("<Table note>", "<Index note_text_idx_btree of note>")

    def test_of_2_8_bindings_resolve_both_ways(self) -> None:
        store = Datastore.create(definition("2.8"))
        for table in store.definition.tables.values():
            assert store.table(table.name) is store.table(table.source_name)
            for index in table.indexes:
                assert store.index(index.name) is store.index(index.source_name)

    def test_unknown_ones_are_told(self) -> None:
        store = datastore(NOTE)
        for error, ask, message in (
            (NoSuchTable, lambda: store.table("nothing"), "no table 'nothing'"),
            (NoSuchTable, lambda: store.table_by_id(99), "no table with id 99"),
            (NoSuchIndex, lambda: store.index("nothing"), "no index 'nothing'"),
            (NoSuchIndex, lambda: store.index_by_id(99), "no index with id 99"),
        ):
            with pytest.raises(error) as caught:
                ask()
            assert str(caught.value) == message
            assert isinstance(caught.value, KeyError)


class TestFork:
    def test_has_everything_and_is_independent_both_ways(self) -> None:
        store = datastore(NOTE)
        write(store, (1, "a"), (2, "b"))
        fork = store.fork()
        write(store, (3, "store"))
        write(fork, (3, "fork"))
        assert notes(store) == [(1, "a"), (2, "b"), (3, "store")]
        assert notes(fork) == [(1, "a"), (2, "b"), (3, "fork")]

    def test_can_lose_what_its_origin_keeps(self) -> None:
        store = datastore(NOTE)
        write(store, (1, "a"), (2, "b"))
        fork = store.fork()
        table = fork.table("note")
        tx = fork.begin()
        tx.clear(table)
        tx.insert(table, row(table, 2, "other"))
        tx.commit()
        assert notes(fork) == [(2, "other")]
        assert fork.view().count(table) == 1
        assert notes(store) == [(1, "a"), (2, "b")]

    def test_leaves_an_open_transaction_to_its_origin(self) -> None:
        store = datastore(NOTE)
        write(store, (1, "a"))
        table = store.table("note")
        tx = store.begin()
        tx.insert(table, row(table, 2, "b"))
        fork = store.fork()
        tx.insert(table, row(table, 3, "c"))
        tx.commit()
        assert notes(fork) == [(1, "a")]
        assert notes(store) == [(1, "a"), (2, "b"), (3, "c")]
        fork.begin().rollback()

    def test_shares_the_layers_of_all_rows(self) -> None:
        store = datastore(NOTE)
        write(store, *((i, str(i)) for i in range(1000)))
        fork = store.fork()
        slot = store.table("note").slot
        assert fork._stacks[slot] is store._stacks[slot]
        assert fork.fork()._stacks[slot] is store._stacks[slot]

    def test_of_forks_stay_shallow_and_right(self) -> None:
        store = datastore(NOTE)
        write(store, *((i, "base") for i in range(100)))
        for step in range(200):
            store = store.fork()
            table = store.table("note")
            tx = store.begin()
            tx.insert(table, row(table, 1000 + step, "new"))
            tx.delete(table, row(table, step % 120, "base"))
            if step >= 10:
                tx.update(table, table.indexes[0], row(table, 1000 + step - 10, "old"))
            tx.commit()
            assert len(store._stacks[table.slot]) <= 18
        expected = [(1000 + step, "old") for step in range(190)] + [(1000 + step, "new") for step in range(190, 200)]
        assert sorted(notes(store)) == expected
        assert store.view().count(store.table("note")) == 200

    def test_of_a_commit_without_effect_adds_no_layer(self) -> None:
        store = datastore(NOTE)
        write(store, (1, "a"))
        store.fork()
        slot, depth = store.table("note").slot, len(store._stacks[store.table("note").slot])
        write(store, (2, "b"))
        table = store.table("note")
        tx = store.begin()
        tx.delete(table, row(table, 2, "b"))
        tx.commit()
        store.fork()
        assert len(store._stacks[slot]) == depth


def test_a_view_follows_commits() -> None:
    store = datastore(NOTE)
    view, table = store.view(), store.table("note")
    write(store, (1, "a"))
    assert view.count(table) == 1
    store.fork()
    write(store, (2, "b"))
    assert view.count(table) == 2
    assert view.datastore is store


def test_repr_tells_the_size() -> None:
    store = datastore(NOTE)
    write(store, (1, "a"))
    assert repr(store) == "<Datastore of 1 tables, 1 rows>"


@pytest.mark.parametrize("bindings", ["1.4", "2.8"])
def test_every_table_of_a_module_takes_and_gives_a_row(bindings: str) -> None:
    store = Datastore.create(definition(bindings))
    for name, definition_ in store.definition.tables.items():
        table = store.table(name)
        smallest = smallest_row(table)
        tx = store.begin()
        stored, _ = tx.insert(table, smallest)
        assert tx.rows(table) == [stored]
        for index in table.indexes:
            assert tx.seek(index, index.key_of(stored)) == [stored]
        assert list(tx.commit()) == [definition_.name]


def smallest_row(table: Table) -> bytes:
    """Return the shortest row of a table, which is all zeros."""
    for size in range(2000):
        try:
            table.keys_of(bytes(size))
        except ValueError:
            pytest.fail("a store error is no ValueError")
        except Exception:  # noqa: BLE001 - too short
            continue
        return bytes(size)
    raise AssertionError(table)


def test_module_def_of_tests_finds_tables_by_both_names() -> None:
    assert module_def(NOTE).table("NOTE") is NOTE
