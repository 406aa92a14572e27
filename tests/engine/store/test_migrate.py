from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from support.tables import auto_inc, datastore, module_def, row, table_def, values

from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.engine.store.compatibility import is_upgrade, memory_layout
from pytest_inner_universe.engine.store.errors import MigrationRefused, TransactionOpen
from pytest_inner_universe.sats import (
    BOOL,
    F64,
    SCHEDULE_AT,
    STRING,
    U8,
    U16,
    U32,
    U64,
    U256,
    UNIT,
    AlgebraicType,
    Array,
    ScheduleDef,
    Sum,
    SumVariant,
    TableDef,
    ViewDef,
    enum,
    option,
    product,
)

ITEM = table_def("item", "id", (), ["team"], [auto_inc(0)], id=U32, name=STRING, team=U8)
ROWS = [(1, "ada", 1), (2, "ben", 2), (3, "cem", 1)]


@pytest.fixture
def store() -> Datastore:
    return filled(ITEM, ROWS)


def filled(definition: TableDef, rows: Sequence[tuple[Any, ...]]) -> Datastore:
    made = datastore(definition)
    table = made.table(definition.name)
    tx = made.begin()
    for values_ in rows:
        tx.insert(table, row(table, *values_))
    tx.commit()
    return made


def item(*args: Any, **columns: AlgebraicType) -> TableDef:
    """Define another version of the table."""
    return table_def("item", *args, **columns)


def steps(store: Datastore, *tables: TableDef) -> list[str]:
    plan = store.plan_migration(module_def(*tables))
    assert plan.refusals == ()
    return [str(step) for step in plan.steps]


def refusals(store: Datastore, *tables: TableDef) -> list[str]:
    return list(store.plan_migration(module_def(*tables)).refusals)


def migrated(store: Datastore, *tables: TableDef) -> Datastore:
    return store.migrate(store.plan_migration(module_def(*tables)))


def rows(store: Datastore, name: str = "item") -> list[tuple[Any, ...]]:
    table = store.table(name)
    return values(table, store.view().rows(table))


def take_id(store: Datastore) -> int:
    tx = store.begin()
    table = store.table("item")
    stored, _ = tx.insert(table, row(table, 0, "", 0))
    tx.commit()
    return stored[0]


class TestPlan:
    def test_of_the_same_tables_is_empty(self, store: Datastore) -> None:
        plan = store.plan_migration(module_def(ITEM))
        assert (plan.steps, plan.refusals, plan.breaks_clients) == ((), (), False)
        assert plan.old is store.definition

    @pytest.mark.parametrize(
        ("new", "expected"),
        [
            (item("id", (), (), [auto_inc(0)], id=U32, name=STRING, team=U8), ["remove index 'item_team_idx_btree'"]),
            (item("id", (), ["team", "name"], [auto_inc(0)], id=U32, name=STRING, team=U8),
             ["add index 'item_name_idx_btree'"]),
            (item("id", (), ["hash:team"], [auto_inc(0)], id=U32, name=STRING, team=U8),
             ["remove index 'item_team_idx_btree'", "add index 'item_team_idx_hash'"]),
            (item("id", (), ["team"], id=U32, name=STRING, team=U8), ["remove sequence 'item_seq_0'"]),
            (item("id", ["name"], ["team"], [auto_inc(0)], id=U32, name=STRING, team=U8),
             ["add index 'item_name_idx_btree'", "add constraint 'item_name_key'"]),
            (item(None, ["id"], ["team"], [auto_inc(0)], id=U32, name=STRING, team=U8), ["change primary key"]),
            (item("id", (), ["team"], [auto_inc(0)], None, False, id=U32, name=STRING, team=U8), ["change access"]),
        ],
    )  # fmt: skip
    def test_names_what_changes_in_a_table(self, store: Datastore, new: TableDef, expected: list[str]) -> None:
        ending = {"change primary key": " 'item'", "change access": " 'item'"}
        assert steps(store, new) == [text + ending.get(text, " of table 'item'") for text in expected]
        assert not store.plan_migration(module_def(new)).breaks_clients

    def test_adds_and_removes_tables(self, store: Datastore) -> None:
        store = datastore(ITEM)
        assert steps(store, ITEM, table_def("more", id=U8)) == ["add table 'more'"]
        assert steps(store, table_def("more", id=U8)) == ["remove table 'item'", "add table 'more'"]
        assert store.plan_migration(module_def()).breaks_clients

    def test_adds_columns_with_defaults_at_the_end(self, store: Datastore) -> None:
        new = item(
            "id", (), ["team"], [auto_inc(0)], None, True, False, {3: b"\1", 4: bytes(4)},
            id=U32, name=STRING, team=U8, active=BOOL, note=STRING,
        )  # fmt: skip
        assert steps(store, new) == ["add column 'active' of table 'item'", "add column 'note' of table 'item'"]
        assert store.plan_migration(module_def(new)).breaks_clients

    def test_lets_enums_grow(self) -> None:
        store = datastore(table_def("item", state=enum("A", "B")))
        new = table_def("item", state=enum("A", "B", "C"))
        assert steps(store, new) == ["change type 'state' of table 'item'"]
        assert not store.plan_migration(module_def(new)).breaks_clients

    def test_compares_schedules_views_and_filters(self) -> None:
        job: dict[str, AlgebraicType] = {"id": U64, "at": SCHEDULE_AT}
        store = datastore(table_def("job", "id", **job))
        view = ViewDef("v", "v", 0, True, True, UNIT, Array(product(x=U8)))
        new = module_def(
            table_def("job", "id", (), (), (), ScheduleDef("job_sched", "run", 1), **job),
            views={"v": view},
            row_level_security=("SELECT * FROM job",),
        )
        plan = store.plan_migration(new)
        assert [str(step) for step in plan.steps] == [
            "add schedule 'job_sched' of table 'job'",
            "add view 'v'",
            "add filter 'SELECT * FROM job'",
        ]
        assert not plan.breaks_clients
        changed = ViewDef("v", "v", 0, True, True, UNIT, Array(product(x=U16)))
        plan = store.migrate(plan).plan_migration(module_def(store.definition.table("job"), views={"v": changed}))
        assert [str(step) for step in plan.steps] == [
            "remove schedule 'job_sched' of table 'job'",
            "remove view 'v'",
            "add view 'v'",
            "remove filter 'SELECT * FROM job'",
        ]
        assert plan.breaks_clients

    def test_lets_event_tables_change_as_they_like(self) -> None:
        event = (None, (), (), (), None, True, True)
        store = datastore(table_def("item", *event, a=U8, b=U16))
        plan = store.plan_migration(module_def(table_def("item", *event, b=STRING)))
        assert [str(step) for step in plan.steps] == ["change columns 'item'"]
        assert plan.breaks_clients


class TestRefusal:
    @pytest.mark.parametrize(
        ("columns", "reasons"),
        [
            ({"id": U32, "name": STRING}, ["column 'team' was removed"]),
            ({"id": U32, "label": STRING, "team": U8},
             ["column 'name' was removed", "column 'label' was added before the end"]),
            ({"id": U32, "team": U8, "name": STRING},
             ["column 'name' is not in its place any more", "column 'team' is not in its place any more"]),
            ({"id": U32, "name": STRING, "team": U16}, ["column 'team' changed its type from U8 to U16"]),
            ({"id": U32, "name": STRING, "team": U8, "more": U8}, ["column 'more' was added without a default value"]),
        ],
    )  # fmt: skip
    def test_of_columns(self, store: Datastore, columns: dict[str, AlgebraicType], reasons: list[str]) -> None:
        assert refusals(store, item("id", **columns)) == [f"table 'item': {reason}" for reason in reasons]

    def test_of_a_default_that_is_no_value(self, store: Datastore) -> None:
        new = item(None, (), (), (), None, True, False, {3: b"\2"}, id=U32, name=STRING, team=U8, more=BOOL)
        assert refusals(store, new) == ["table 'item': the default value of column 'more' is no Bool"]

    def test_of_a_table_with_rows_that_is_gone(self, store: Datastore) -> None:
        assert refusals(store) == ["table 'item' was removed, but has 3 rows"]
        assert refusals(filled(ITEM, ROWS[:1])) == ["table 'item' was removed, but has 1 row"]

    def test_of_a_constraint_that_rows_violate(self, store: Datastore) -> None:
        assert refusals(store, item("id", ["team"], id=U32, name=STRING, team=U8)) == [
            "table 'item': rows have the same (team), which the new constraint 'item_team_key' forbids"
        ]
        more = {"id": U32, "name": STRING, "team": U8, "more": U8}
        assert refusals(store, item("id", ["more"], (), (), None, True, False, {3: b"\1"}, **more)) == [
            "table 'item': rows have the same (more), which the new constraint 'item_more_key' forbids"
        ]

    def test_of_a_constraint_under_the_same_name_on_other_columns(self, store: Datastore) -> None:
        new = item(None, ["name"], id=U32, name=STRING, team=U8)
        constraint = new.constraints[0]._replace(name="item_id_key")
        changed = TableDef(**{**vars(new), "constraints": (constraint,)})
        assert refusals(store, changed) == ["table 'item': constraint 'item_id_key' was on (id) and is on (name)"]

    def test_of_a_sequence_over_values_that_are_there(self, store: Datastore) -> None:
        new = item("id", (), (), [auto_inc(0), auto_inc(2, minimum=2)], id=U32, name=STRING, team=U8)
        assert refusals(store, new) == [
            "table 'item': column 'team' has values in the range of the new sequence 'item_seq_2'"
        ]
        fine = item("id", (), (), [auto_inc(0), auto_inc(2, minimum=3, start=3)], id=U32, name=STRING, team=U8)
        assert refusals(store, fine) == []

    @pytest.mark.parametrize("was", [True, False])
    def test_of_another_event_flag(self, was: bool) -> None:
        store = datastore(table_def("item", None, (), (), (), None, True, was, id=U32))
        reason = "table 'item' is no event table any more" if was else "table 'item' became an event table"
        assert refusals(store, table_def("item", None, (), (), (), None, True, not was, id=U32)) == [reason]

    def test_lists_everything_at_once_and_changes_nothing(self, store: Datastore) -> None:
        columns = {f"c{i}": U8 for i in range(5)}
        plan = store.plan_migration(module_def(item(**columns)))
        assert len(plan.refusals) == 8
        with pytest.raises(MigrationRefused) as caught:
            store.migrate(plan)
        assert caught.value.reasons == plan.refusals
        assert str(caught.value) == (
            "the tables that are there cannot become those of the new module:\n"
            "  - table 'item': column 'id' was removed\n"
            "  - table 'item': column 'name' was removed\n"
            "  - table 'item': column 'team' was removed\n"
            "  - table 'item': column 'c0' was added before the end\n"
            "  - table 'item': column 'c1' was added before the end\n"
            "  - table 'item': column 'c2' was added before the end\n"
            "  - and 2 more\n"
            "undo these changes in the module, or publish it with its data cleared"
        )
        assert rows(store) == ROWS

    def test_while_a_transaction_is_open(self, store: Datastore) -> None:
        plan = store.plan_migration(module_def(ITEM))
        store.begin()
        with pytest.raises(TransactionOpen):
            store.migrate(plan)


class TestMigration:
    def test_keeps_rows_numbers_and_sequences(self, store: Datastore) -> None:
        added = table_def("aaa", "id", (), (), [auto_inc(0)], id=U32)
        after = migrated(store, ITEM, added)
        assert rows(after) == ROWS
        assert (after.table("item").id, after.table("aaa").id) == (4096, 4097)
        assert [index.id for index in after.table("item").indexes] == [4096, 4097]
        assert after.table("aaa").indexes[0].id == 4098
        assert after.table("item").sequences[0].id == 4096
        assert after.view().count(after.table("st_table")) == store.view().count(store.table("st_table")) + 1

    def test_goes_on_counting(self) -> None:
        store = datastore(ITEM)
        assert [take_id(store), take_id(store)] == [1, 2]
        after = migrated(store, ITEM)
        assert [take_id(after), take_id(after), take_id(store)] == [3, 4, 3]
        changed = item("id", (), ["team"], [auto_inc(0, start=50)], id=U32, name=STRING, team=U8)
        empty = migrated(datastore(ITEM), changed)
        assert take_id(empty) == 50

    def test_fills_new_columns_and_indexes(self, store: Datastore) -> None:
        new = item(
            "id", ["name"], ["team,active"], [auto_inc(0)], None, True, False, {3: b"\1"},
            id=U32, name=STRING, team=U8, active=BOOL,
        )  # fmt: skip
        after = migrated(store, new)
        table = after.table("item")
        assert rows(after) == [(*values_, True) for values_ in ROWS]
        index = after.index("item_team_active_idx_btree")
        assert [found[0] for found in values(table, after.view().seek(index, b"\1\1"))] == [1, 3]
        found = after.view().range_bsatn(index, b"", 0, b"\2", b"\2")
        assert [values_[0] for values_ in values(table, found)] == [1, 3, 2]
        assert rows(store) == ROWS

    def test_leaves_both_sides_independent(self, store: Datastore) -> None:
        after = migrated(store, ITEM)
        for target in (store, after):
            tx = target.begin()
            tx.clear(target.table("item"))
            tx.commit()
            assert rows(target) == []
            if target is store:
                assert rows(after) == ROWS

    def test_keeps_what_the_system_tables_remember(self, store: Datastore) -> None:
        store.set_module_row(bytes(32), bytes(32), "00" * 32, b"program")
        tx = store.begin()
        tx.insert(store.table("st_client"), bytes(48))
        tx.commit()
        after = migrated(store, table_def("item", id=U32, name=STRING, team=U8), table_def("more", id=U8))
        assert len(rows(after, "st_client")) == len(rows(after, "st_module")) == 1
        assert [name for id_, name, *_ in rows(after, "st_table") if id_ >= 4096] == ["item", "more"]
        assert [found for found in rows(after, "st_index") if found[1] >= 4096] == []

    def test_drops_an_empty_table(self) -> None:
        store = datastore(ITEM)
        after = migrated(store, table_def("other", id=U8))
        with pytest.raises(KeyError):
            after.table("item")

    def test_can_be_repeated(self, store: Datastore) -> None:
        current = store
        for version in range(5):
            columns: dict[str, AlgebraicType] = {f"extra{i}": U8 for i in range(version)}
            defaults = {3 + i: bytes([i]) for i in range(version)}
            new = item("id", (), ["team"], [auto_inc(0)], None, True, False, defaults,
                       id=U32, name=STRING, team=U8, **columns)  # fmt: skip
            current = migrated(current, new)
            assert rows(current) == [(*values_, *range(version)) for values_ in ROWS]


class TestTypes:
    @pytest.mark.parametrize(
        ("type_", "layout"),
        [
            (U8, (1, 1)),
            (U64, (8, 8)),
            (U256, (32, 32)),
            (STRING, (4, 2)),
            (Array(U64), (4, 2)),
            (UNIT, (0, 1)),
            (product(a=U8, b=U32, c=U8), (12, 4)),
            (enum("A", "B"), (1, 1)),
            (option(U32), (8, 4)),
            (option(STRING), (6, 2)),
            (SCHEDULE_AT, (16, 8)),
        ],
    )
    def test_have_the_layout_of_a_server(self, type_: AlgebraicType, layout: tuple[int, int]) -> None:
        assert memory_layout(type_) == layout

    @pytest.mark.parametrize(
        ("old", "new", "fits"),
        [
            (U8, U8, True),
            (U8, U16, False),
            (enum("A"), enum("A", "B"), True),
            (enum("A", "B"), enum("A"), False),
            (enum("A", "B"), enum("B", "A"), False),
            (enum("A", "B"), enum("A", "C"), False),
            (Array(enum("A")), Array(enum("A", "B")), True),
            (product(x=enum("A")), product(x=enum("A", "B")), True),
            (product(x=enum("A")), product(y=enum("A", "B")), False),
            (product(x=U8), product(x=U8, y=U8), False),
            (option(enum("A")), option(enum("A", "B")), True),
            (option(U8), option(F64), False),
            (U8, enum("A"), False),
        ],
    )
    def test_may_only_grow_enums(self, old: AlgebraicType, new: AlgebraicType, fits: bool) -> None:
        assert is_upgrade(old, new) == fits

    def test_may_not_make_an_enum_larger(self) -> None:
        small: dict[str, AlgebraicType] = {"A": UNIT, "B": U32}
        growths: list[tuple[AlgebraicType, bool]] = [
            (U16, True),
            (product(a=U16, b=U16), True),
            (U64, False),
            (STRING, True),
        ]
        for added, fits in growths:
            assert is_upgrade(sum_of(small), sum_of({**small, "C": added})) == fits


def sum_of(variants: dict[str, AlgebraicType]) -> Sum:
    return Sum(tuple(SumVariant(name, type_) for name, type_ in variants.items()))
