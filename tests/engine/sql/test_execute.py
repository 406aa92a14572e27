"""Statements: joins, projections, writing, variables, and who may do what."""

from __future__ import annotations

from itertools import product as combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.sql_store import GUEST, OWNER, Store, table

from pytest_inner_universe.engine.sql import SqlError, SqlNotSupported, SqlResult, plan
from pytest_inner_universe.sats.types import BYTES, F64, IDENTITY, STRING, TIMESTAMP, U8, U32, U64, option
from pytest_inner_universe.sats.values import Timestamp, Variant

PERSON = table(
    "person",
    {"id": U64, "name": STRING, "team": U32, "age": U8},
    unique=("id", "name"),
    indexes=(("team",), ("team", "age")),
    auto_inc="id",
    source_name="Person",
)
TEAM = table("team", {"id": U32, "title": STRING}, unique=("id",))
SECRET = table("secret", {"id": U32, "text": STRING}, unique=("id",), is_public=False)
SEEN = table("seen", {"what": STRING})


@pytest.fixture
def store() -> Store:
    store = Store(PERSON, TEAM, SECRET, SEEN)
    people = [(0, "Ann", 1, 30), (0, "Bob", 1, 40), (0, "Cay", 2, 50)]
    store.change({"person": people, "team": [(1, "red"), (2, "blue"), (3, "none")], "secret": [(1, "hidden")]})
    return store


def _refused(store: Store, text: str, caller: Any = OWNER) -> SqlError:
    with pytest.raises(SqlError) as caught:
        store.sql(text, caller)
    assert caught.value.sql == text
    return caught.value


def test_a_star_gives_all_columns_and_a_projection_the_named_ones(store: Store) -> None:
    assert store.sql("SELECT * FROM team").columns == (("id", U32), ("title", STRING))
    result = store.sql("SELECT age, name AS who, p.age again FROM person p WHERE id = 2")
    assert result.columns == (("age", U8), ("who", STRING), ("again", U8))
    assert result.rows == ((40, "Bob", 40),)
    assert result.dicts() == [{"age": 40, "who": "Bob", "again": 40}]


def test_tables_and_columns_go_by_their_source_names_too(store: Store) -> None:
    assert store.rows("SELECT src_name FROM Person WHERE Person.src_age = 50") == [("Cay",)]
    assert store.sql("SELECT src_name FROM person").columns == (("src_name", STRING),)


def test_limit_and_count(store: Store) -> None:
    assert len(store.sql("SELECT * FROM person LIMIT 2").rows) == 2
    assert store.sql("SELECT * FROM person LIMIT 0").rows == ()
    assert len(store.sql("SELECT p.name FROM person p JOIN team t ON p.team = t.id LIMIT 1").rows) == 1
    assert store.sql("SELECT COUNT(*) AS n FROM person") == SqlResult((("n", U64),), ((3,),))
    assert store.sql("SELECT COUNT(*) AS n FROM person WHERE age > 30").rows == ((2,),)
    assert store.sql("SELECT COUNT(*) AS n FROM person CROSS JOIN team").rows == ((9,),)
    assert _refused(store, "SELECT * FROM team LIMIT 1.5").reason == (
        "The literal expression `1.5` cannot be parsed as type `U64`"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT * FROM person JOIN team ON person.team = team.id", "SELECT * is not supported for joins"),
        ("SELECT x.* FROM person", "`x` is not in scope"),
        ("SELECT name, age AS name FROM person", "Duplicate name `name`"),
        ("SELECT t.* FROM team t JOIN person t ON t.id = t.team", "Duplicate name `t`"),
        ("SELECT t.* FROM team t JOIN person p ON t.id = q.team", "`q` is not in scope"),
        ("SELECT t.* FROM team t JOIN person p ON t.id = p.squad", "`squad` is not in scope"),
        ("SELECT t.* FROM team t JOIN person p ON t.id = p.age", "Unexpected type: (expected) U8 != U32 (inferred)"),
        ("SELECT person.name FROM person p", "`person` is not in scope"),
        ("SELECT * FROM Team", "no such table: `Team`. If the table exists, it may be marked private."),
        ("SELECT * FROM ns.team", "no such table: `ns.team`. If the table exists, it may be marked private."),
    ],
)
def test_names_have_to_resolve(store: Store, text: str, reason: str) -> None:
    assert _refused(store, text).reason == reason


def test_the_message_proposes_the_nearest_name(store: Store) -> None:
    assert str(_refused(store, "SELECT * FROM persn")) == (
        "no such table: `persn`. If the table exists, it may be marked private.\n"
        "  SELECT * FROM persn\n"
        "                ^\n"
        "Did you mean `person`?"
    )
    assert _refused(store, "SELECT nme FROM person").hint == "Did you mean `name`?"
    assert _refused(store, "SELECT * FROM secrets_", GUEST).hint is None
    assert _refused(store, "SELECT * FROM secrets_").hint == "Did you mean `secret`?"


# Joins


_PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.0, -0.0, 1.5])), max_size=6)
_SHAPE = {"x": U8, "y": U32, "z": F64}
_LAYOUTS = st.tuples(*(st.sampled_from(["none", "x", "yx", "hash"]) for _ in range(3)))


def _indexed(name: str, kind: str) -> Any:
    columns = {"no": U32, **_SHAPE}
    indexes = {"none": (), "hash": (), "x": (("x",),), "yx": (("y", "x"), ("z",))}[kind]
    return table(name, columns, unique=("no",), indexes=indexes, hashed=("y",) if kind == "hash" else ())


@examples(60)
@given(st.tuples(_PAIRS, _PAIRS, _PAIRS), _LAYOUTS)
def test_joins_give_every_fitting_combination(contents: Any, layouts: Any) -> None:
    """Three tables joined in several ways, with and without indexes, against loops over all combinations."""
    store = Store(*(_indexed(name, kind) for name, kind in zip("abc", layouts)))
    rows = [[(number, *values) for number, values in enumerate(content)] for content in contents]
    store.change(dict(zip("abc", rows)))
    cases = [
        ("a JOIN b ON a.x = b.x", 2, lambda a, b: a[1] == b[1]),
        ("a JOIN b ON b.y = a.y WHERE a.x <> b.x", 2, lambda a, b: a[2] == b[2] and a[1] != b[1]),
        ("a JOIN b ON a.z = b.z", 2, lambda a, b: a[3] == b[3]),
        ("a JOIN b ON a.x = b.x WHERE a.y = b.y AND b.no < 3", 2, lambda a, b: a[1:3] == b[1:3] and b[0] < 3),
        ("a CROSS JOIN b WHERE a.x = 1 OR b.y = 2", 2, lambda a, b: a[1] == 1 or b[2] == 2),
        ("a JOIN a AS b ON a.x = b.x", 2, None),
        ("a JOIN b ON a.x = b.x JOIN c ON c.y = b.y", 3, lambda a, b, c: a[1] == b[1] and c[2] == b[2]),
        (
            "a JOIN b JOIN c WHERE a.x = c.x AND b.y = c.y AND c.y = 2",
            3,
            lambda a, b, c: a[1] == c[1] and b[2] == c[2] == 2,
        ),
        ("a JOIN b ON a.x = a.x WHERE FALSE", 2, lambda a, b: False),
    ]
    for text, width, oracle in cases:
        tables = rows[:width] if oracle else [rows[0], rows[0]]
        fits = oracle or (lambda a, b: a[1] == b[1])
        names = "abc"[:width]
        expected = sorted(tuple(row[0] for row in rows) for rows in combinations(*tables) if fits(*rows))
        columns = ", ".join(f"{name}.no AS {name}" for name in names)
        assert sorted(store.sql(f"SELECT {columns} FROM {text}").rows) == expected, text
        assert store.sql(f"SELECT COUNT(*) AS n FROM {text}").rows == ((len(expected),),)
        whole = sorted(row[0] for row in store.sql(f"SELECT b.* FROM {text}").rows)
        assert whole == sorted(row[1] for row in expected), text


def test_the_number_of_tables_is_bounded(store: Store) -> None:
    joins = " ".join(f"JOIN team t{number} ON t{number}.id = t{number - 1}.id" for number in range(1, 32))
    assert len(store.sql(f"SELECT t31.* FROM team t0 {joins}").rows) == 3
    with pytest.raises(SqlNotSupported) as caught:
        store.sql(f"SELECT t31.* FROM team t0 {joins} CROSS JOIN person")
    assert caught.value.reason == "The embedded engine joins 32 tables at most"


# Writing


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT COUNT(*) AS n FROM person a JOIN person b JOIN team", "looks at 20"),
        ("SELECT a.* FROM person a JOIN person b JOIN team WHERE a.age = 5", None),
        ("SELECT a.* FROM person a JOIN team b", "returns 8"),
        ("SELECT a.name, b.title FROM person a JOIN team b", "returns 8"),
        ("SELECT a.* FROM person a JOIN team b LIMIT 8", None),
        ("SELECT COUNT(*) AS n FROM person a JOIN team b", None),
        ("SELECT a.* FROM person a JOIN team b ON a.team = b.id", None),
    ],
)
def test_the_number_of_combinations_is_bounded(
    store: Store, monkeypatch: pytest.MonkeyPatch, text: str, reason: str | None
) -> None:
    monkeypatch.setattr(plan, "MOST_COMBINATIONS", 20)
    monkeypatch.setattr(plan, "MOST_JOINED_ROWS", 8)
    if reason is None:
        store.sql(text)
        return
    with pytest.raises(SqlNotSupported) as caught:
        store.sql(text)
    assert caught.value.reason == (
        f"The embedded engine {reason} combinations of rows at most; join by columns that are equal"
    )
    assert caught.value.sql == text


def test_insert_fills_sequences_and_counts_rows_that_were_not_there(store: Store) -> None:
    result = store.sql("INSERT INTO person (id, name, team, age) VALUES (0, 'Dan', 3, 1), (0, 'Eve', 3, 2)")
    assert result == SqlResult(inserted=2)
    assert store.rows("SELECT id, name FROM person WHERE team = 3") == [(4, "Dan"), (5, "Eve")]
    assert store.sql("INSERT INTO seen (what) VALUES ('a'), ('a'), ('b')").inserted == 2
    assert store.sql("INSERT INTO seen (any_name) VALUES ('a')").inserted == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "INSERT INTO team VALUES (1, 'x')",
            "The number of fields (0) in the INSERT does not match the number of columns (2) of the table `team`",
        ),
        ("INSERT INTO team (id, title) VALUES (1)", "Inserting a row with 1 values into `team` which has 2 fields"),
        ("INSERT INTO team (id, title) VALUES ('9', 'x')", "Unexpected type: (expected) String != U32 (inferred)"),
        ("INSERT INTO team (id, title) VALUES (9, TRUE)", "Unexpected type: (expected) Bool != String (inferred)"),
        ("INSERT INTO team (id, title) VALUES (-9, 'x')", "The literal expression `-9` cannot be parsed as type `U32`"),
        (
            "INSERT INTO team (id, title) VALUES (9, 'x'), (2, 'y')",
            (
                "DatastoreError: IndexError: Unique constraint violation 'team_id_idx' in table 'team': "
                "column(s): '[\"id\"]' value: 2"
            ),
        ),
        (
            "UPDATE person SET name = 'Bob' WHERE id = 1",
            (
                "DatastoreError: IndexError: Unique constraint violation 'person_name_idx' in table 'person': "
                'column(s): \'["name"]\' value: "Bob"'
            ),
        ),
        ("UPDATE team SET name = 'x'", "`team` does not have a field `name`"),
        ("UPDATE team SET title = TRUE", "Unexpected type: (expected) Bool != String (inferred)"),
        ("UPDATE team SET id = 'x'", "Unexpected type: (expected) String != U32 (inferred)"),
        ("DELETE FROM team WHERE team.name = 'x'", "`name` is not in scope"),
        ("DELETE FROM nowhere", "no such table: `nowhere`. If the table exists, it may be marked private."),
    ],
)
def test_a_refused_write_changes_nothing(store: Store, text: str, reason: str) -> None:
    before = [store.rows(f"SELECT * FROM {name}") for name in ("person", "team")]
    assert _refused(store, text).reason == reason
    assert [store.rows(f"SELECT * FROM {name}") for name in ("person", "team")] == before


def test_columns_that_sql_cannot_write_stay_writable_beside(store: Store) -> None:
    store = Store(table("t", {"id": U32, "note": option(STRING), "at": TIMESTAMP, "raw": BYTES, "who": IDENTITY}))
    store.change({"t": [(1, "n", Timestamp(5), b"", OWNER)]})
    assert _refused(store, "UPDATE t SET at = '2020-01-01T00:00:00Z'").reason == (
        "Unexpected type: (expected) String != (__timestamp_micros_since_unix_epoch__: I64) (inferred)"
    )
    result = store.sql(f"UPDATE t SET id = 2, raw = 0xBEEF, who = 0x{GUEST.hex()}, id = 3 WHERE id = 1")
    assert result == SqlResult(updated=1)
    assert store.rows("SELECT * FROM t") == [(2, "n", Timestamp(5), b"\xbe\xef", GUEST)]


def test_update_and_delete_take_the_rows_of_their_condition(store: Store) -> None:
    assert store.sql("UPDATE person SET team = 2 WHERE team = 1 AND age >= 40") == SqlResult(updated=1)
    assert store.rows("SELECT name FROM person WHERE team = 2") == [("Bob",), ("Cay",)]
    assert store.sql("UPDATE person SET age = 9") == SqlResult(updated=3)
    assert store.sql("DELETE FROM person WHERE person.team = 2") == SqlResult(deleted=2)
    assert store.sql("DELETE FROM person") == SqlResult(deleted=1)
    assert store.sql("DELETE FROM person") == SqlResult()


def test_update_may_swap_unique_values_on_the_way(store: Store) -> None:
    """All old rows go before the first new one comes, so a new key may be an old key of another row."""
    store.sql("DELETE FROM person WHERE name = 'Cay'")
    assert store.sql("UPDATE person SET name = 'Bob' WHERE name = 'Bob'") == SqlResult(updated=1)


# Who may do what


def test_others_see_public_tables_and_system_tables_only(store: Store) -> None:
    assert store.rows("SELECT * FROM team", GUEST) == store.rows("SELECT * FROM team")
    assert _refused(store, "SELECT * FROM secret", GUEST).reason == (
        "no such table: `secret`. If the table exists, it may be marked private."
    )
    assert store.rows("SELECT * FROM secret") == [(1, "hidden")]
    tables = "SELECT table_name FROM st_table WHERE table_type = 'user'"
    assert store.rows(tables, GUEST) == [("person",), ("secret",), ("seen",), ("team",)]
    assert store.rows("SELECT col_name FROM st_column WHERE table_id = 7", GUEST) == [
        ("connection_id",),
        ("identity",),
    ]


@pytest.mark.parametrize(
    "text", ["DELETE FROM team", "UPDATE team SET id = 1", "INSERT INTO seen (a) VALUES ('x')", "SET row_limit = 1"]
)
def test_only_the_owner_writes(store: Store, text: str) -> None:
    assert _refused(store, text, GUEST).reason == (f"Caller {GUEST.hex()} is not authorized to run SQL DML statements")
    assert _refused(store, "DELETE FROM secret", GUEST).reason.startswith("no such table")


def test_system_tables_are_not_written(store: Store) -> None:
    with pytest.raises(SqlNotSupported) as caught:
        store.sql("DELETE FROM st_table")
    assert str(caught.value) == "`st_table` is a system table, which the embedded engine does not write by SQL"


def test_the_row_limit_is_a_variable(store: Store) -> None:
    assert store.sql("SHOW row_limit").rows == ()
    assert store.sql("SET row_limit = 5") == SqlResult(inserted=1)
    assert store.sql("SHOW row_limit").rows == ((Variant("U64", 5),),)
    assert _refused(store, "SET row_limit TO 6").reason == (
        "DatastoreError: IndexError: Unique constraint violation 'st_var_name_idx_btree' in table 'st_var': "
        'column(s): \'["name"]\' value: "row_limit"'
    )
    store.sql("DELETE FROM st_var WHERE name = 'row_limit'")
    assert store.sql("SHOW row_limit").rows == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SET row_limits = 5", "row_limits is not a valid system variable"),
        ("SHOW size", "size is not a valid system variable"),
        ("SET row_limit = '5'", "Unexpected type: (expected) U64 != String (inferred)"),
        ("SET row_limit = TRUE", "Unexpected type: (expected) U64 != Bool (inferred)"),
        ("SET row_limit = 0x05", "Unexpected type: (expected) U64 != Array<U8> (inferred)"),
        ("SET row_limit = -5", "The literal expression `-5` cannot be parsed as type `U64`"),
    ],
)
def test_other_variables_and_values_are_refused(store: Store, text: str, reason: str) -> None:
    assert _refused(store, text).reason == reason


def test_the_row_limit_holds_for_others(store: Store) -> None:
    """Estimates: a scan costs all rows, and again all of them when they are filtered; a key costs its share."""
    store.sql("SET row_limit = 3")
    assert len(store.rows("SELECT * FROM person", GUEST)) == 3
    assert len(store.rows("SELECT * FROM person WHERE team = 1", GUEST)) == 2
    refused = {
        "SELECT * FROM person WHERE age = 30": 6,
        "SELECT p.* FROM person p JOIN team t ON p.team = t.id": 6,
        "SELECT p.* FROM person p CROSS JOIN team t": 15,
    }
    for text, estimate in refused.items():
        reason = f"Estimated cardinality ({estimate} rows) exceeds limit (3 rows)"
        assert _refused(store, text, GUEST).reason == reason, text
        assert store.sql(text).rows


# Row-level security


def _guarded(*filters: str) -> Store:
    document = table("document", {"id": U32, "owner": IDENTITY, "kind": U8}, unique=("id",), indexes=(("kind",),))
    reader = table("reader", {"document": U32, "who": IDENTITY}, indexes=(("document",), ("who",)))
    store = Store(document, reader, table("plain", {"id": U32}), SECRET, filters=filters)
    rows = [(1, OWNER, 0), (2, GUEST, 0), (3, GUEST, 1), (4, OWNER, 1)]
    store.change({"document": rows, "reader": [(1, GUEST), (4, OWNER)], "plain": [(2,), (4,)]})
    return store


MINE = "SELECT * FROM document WHERE owner = :sender"
SHARED = "SELECT d.* FROM document d JOIN reader r ON d.id = r.document WHERE r.who = :sender"


def test_a_filter_narrows_what_others_read() -> None:
    store = _guarded(MINE)
    assert store.rows("SELECT id FROM document") == [(1,), (2,), (3,), (4,)]
    assert store.rows("SELECT id FROM document", GUEST) == [(2,), (3,)]
    assert store.rows("SELECT id FROM document WHERE kind = 1", GUEST) == [(3,)]
    assert store.sql("SELECT COUNT(*) AS n FROM document", GUEST).rows == ((2,),)
    assert store.rows("SELECT p.id FROM plain p JOIN document d ON p.id = d.id", GUEST) == [(2,)]


def test_filters_of_one_table_are_alternatives() -> None:
    """A row that two filters let through counts twice, as on a real server."""
    store = _guarded(MINE, SHARED, "SELECT * FROM document WHERE kind = 1")
    assert store.rows("SELECT id FROM document", GUEST) == [(1,), (2,), (3,), (3,), (4,)]
    assert store.sql("SELECT COUNT(*) AS n FROM document", GUEST).rows == ((5,),)
    assert len(store.sql("SELECT * FROM document LIMIT 2", GUEST).rows) == 2


def test_filters_apply_to_the_tables_of_filters() -> None:
    store = _guarded(SHARED, "SELECT * FROM reader WHERE document = 4")
    assert store.rows("SELECT id FROM document", GUEST) == []
    store = _guarded(SHARED, "SELECT * FROM reader WHERE document = 1")
    assert store.rows("SELECT id FROM document", GUEST) == [(1,)]


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (
            (SHARED, "SELECT r.* FROM reader r JOIN document d ON r.document = d.id"),
            "Discovered cyclic dependency when resolving RLS rules for table id `{document}`",
        ),
        (("SELECT id FROM document",), "`filter!` does not support column projections; Must return table rows"),
        (
            ("SELECT * FROM secret",),
            (
                "Cannot define RLS rule on private table: secret. Please make table public if you wish to restrict access "
                "using RLS."
            ),
        ),
        (
            ("SELECT d.* FROM document d JOIN secret s ON d.id = s.id",),
            "no such table: `secret`. If the table exists, it may be marked private.",
        ),
    ],
)
def test_filters_that_cannot_be_applied_refuse_the_query(filters: tuple[str, ...], reason: str) -> None:
    store = _guarded(*filters)
    with pytest.raises(SqlError) as caught:
        store.sql("SELECT * FROM document", GUEST)
    assert caught.value.reason == reason.format(document=store.datastore.table("document").id)
    assert len(store.sql("SELECT * FROM document").rows) == 4
