from __future__ import annotations

from pathlib import Path
from typing import Any

from support.tables import auto_inc, datastore, module_def, table_def, values

from pytest_inner_universe.engine.release import RELEASE_1_2
from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.sats import (
    SCHEDULE_AT,
    STRING,
    U8,
    U32,
    U64,
    ScheduleDef,
    Variant,
    decode_definition,
)

VECTORS = Path(__file__).parents[3] / "fixtures" / "vectors"


def rows(store: Datastore, name: str) -> list[tuple[Any, ...]]:
    table = store.table(name)
    return values(table, store.view().rows(table))


def user_rows(store: Datastore, name: str, id_column: int = 0) -> list[tuple[Any, ...]]:
    return [found for found in rows(store, name) if found[id_column] >= 4096]


# What a server of release 1.2.0 answered to `SELECT * FROM st_table`, with the module of the 1.4 bindings.
CAPTURED = [
    (1, "st_table", "system", "public", [0]),
    (2, "st_column", "system", "public", None),
    (3, "st_sequence", "system", "public", [0]),
    (4, "st_index", "system", "public", [0]),
    (5, "st_constraint", "system", "public", [0]),
    (6, "st_module", "system", "public", None),
    (7, "st_client", "system", "public", None),
    (8, "st_var", "system", "public", [0]),
    (9, "st_scheduled", "system", "public", [0]),
    (10, "st_row_level_security", "system", "public", [1]),
    (4097, "every_type", "user", "public", [0]),
    (4098, "once", "user", "private", [0]),
    (4099, "person", "user", "public", [0]),
    (4100, "secret", "user", "private", [0]),
    (4101, "seen", "user", "public", None),
    (4102, "team", "user", "public", [0]),
    (4103, "tick", "user", "private", [0]),
]


def test_st_table_has_the_rows_of_a_real_server() -> None:
    text = (VECTORS / "definition-bindings-1.4.hex").read_text()
    store = Datastore.create(decode_definition(bytes.fromhex(text.strip())), release=RELEASE_1_2)
    assert sorted(rows(store, "st_table")) == sorted(CAPTURED)


EVERYTHING = table_def(
    "thing",
    "id",
    ["a,b"],
    ["direct:small", "hash:b"],
    [auto_inc(0, start=7, maximum=99)],
    ScheduleDef("thing_sched", "run_thing", 4),
    False,
    True,
    id=U64,
    a=U32,
    b=STRING,
    small=U8,
    at=SCHEDULE_AT,
)


def test_everything_about_a_table_is_described() -> None:
    store = datastore(EVERYTHING)
    assert user_rows(store, "st_table") == [(4096, "thing", "user", "private", [0])]
    assert user_rows(store, "st_column")[:2] == [(4096, 0, "id", b"\x0d"), (4096, 1, "a", b"\x0b")]
    assert user_rows(store, "st_index") == [
        (4096, 4096, "thing_a_b_idx_btree", Variant("BTree", {"columns": [1, 2]})),
        (4097, 4096, "thing_b_idx_hash", Variant("Hash", {"columns": [2]})),
        (4098, 4096, "thing_id_idx_btree", Variant("BTree", {"columns": [0]})),
        (4099, 4096, "thing_small_idx_direct", Variant("Direct", {"column": 3})),
    ]
    assert user_rows(store, "st_constraint") == [
        (4097, "thing_id_key", 4096, Variant("Unique", {"columns": [0]})),
        (4096, "thing_a_b_key", 4096, Variant("Unique", {"columns": [1, 2]})),
    ]
    assert user_rows(store, "st_sequence") == [(4096, "thing_seq_0", 4096, 0, 1, 7, 1, 99, 7)]
    assert rows(store, "st_scheduled") == [(4096, 4096, "run_thing", "thing_sched", 4)]
    assert rows(store, "st_event_table") == [(4096,)]
    for empty in ("st_client", "st_module", "st_row_level_security", "st_var"):
        assert rows(store, empty) == []


def test_filters_are_listed_with_their_table() -> None:
    owned = table_def("owned", "id", id=U32)
    filters = ("SELECT * FROM owned WHERE id = 1", "SELECT o.* FROM OWNED o JOIN owned p ON p.id = o.id")
    store = Datastore.create(module_def(owned, row_level_security=filters))
    assert rows(store, "st_row_level_security") == [(4096, text) for text in filters]


def test_the_system_tables_describe_themselves() -> None:
    store = datastore()
    assert (7, "st_client", "system", "public", None) in rows(store, "st_table")
    assert [name for id_, _, name, _ in rows(store, "st_column") if id_ == 7] == ["identity", "connection_id"]


def test_the_module_row_is_replaced() -> None:
    store = datastore()
    store.set_module_row(bytes(32), b"\1" + bytes(31), "00" * 31 + "01", b"old")
    store.set_module_row(bytes(32), b"\2" + bytes(31), "05" + "00" * 31, b"program")
    assert rows(store, "st_module") == [(0, 2, 0, 5, b"program", "0.0.1")]


NEWER = [
    (11, "st_connection_credentials", "system", "private", [0]),
    (12, "st_view", "system", "public", [0]),
    (13, "st_view_param", "system", "public", None),
    (14, "st_view_column", "system", "public", None),
    (15, "st_view_sub", "system", "public", None),
    (16, "st_view_arg", "system", "public", [0]),
    (17, "st_event_table", "system", "public", [0]),
    (18, "st_table_accessor", "system", "public", None),
    (19, "st_index_accessor", "system", "public", None),
    (20, "st_column_accessor", "system", "public", None),
]


def described(file: str) -> Datastore:
    text = (VECTORS / f"definition-bindings-{file}.hex").read_text()
    return Datastore.create(decode_definition(bytes.fromhex(text.strip())))


def test_newer_releases_have_more_tables() -> None:
    found = rows(described("2.8"), "st_table")
    assert [row for row in found if 11 <= row[0] < 4096] == NEWER


def test_views_are_described() -> None:
    store = described("2.8")
    assert rows(store, "st_view") == [
        (4096, "first_team", 4104, True, True),
        (4097, "my_teams", 4105, True, False),
    ]
    columns = [(0, "id", b"\x0b"), (1, "owner"), (2, "title", b"\x04")]
    found = rows(store, "st_view_column")
    assert [row[1:3] for row in found if row[0] == 4097] == [column[:2] for column in columns]
    assert [row[3] for row in found if row[0] == 4096][::2] == [b"\x0b", b"\x04"]
    assert [name for id_, _, name, _ in rows(store, "st_column") if id_ == 4104] == ["arg_hash", "id", "owner", "title"]
    for empty in ("st_view_param", "st_view_sub", "st_view_arg", "st_connection_credentials"):
        assert rows(store, empty) == []


def test_names_in_the_source_are_listed_beside_those_of_the_database() -> None:
    store = described("2.8")
    assert ("ping_event", "ping_event") in rows(store, "st_table_accessor")
    assert ("first_team", "first_team") in rows(store, "st_table_accessor")
    assert ("every_type", "a_u_8", "a_u8") in rows(store, "st_column_accessor")
    assert ("first_team", "title", "title") in rows(store, "st_column_accessor")
    assert ("person_team_age_idx_btree", "person_team_age_idx_btree") in rows(store, "st_index_accessor")


def test_what_belongs_to_system_tables_has_the_ids_of_a_real_server() -> None:
    indexes = {name: id_ for id_, _, name, _ in rows(datastore(), "st_index")}
    assert indexes["st_table_table_id_idx_btree"] == 1
    assert indexes["st_row_level_security_table_id_idx_btree"] == 11
    assert indexes["st_view_sub_view_id_arg_id_identity_idx_btree"] == 20
    assert indexes["st_column_accessor_table_name_accessor_name_idx_btree"] == 29
    constraints = {name: id_ for id_, name, _, _ in rows(datastore(), "st_constraint")}
    assert constraints["st_scheduled_table_id_key"] == 10
    assert constraints["st_column_accessor_table_name_accessor_name_key"] == len(constraints) == 25
