"""Statements of SQL: what they give, what they change, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS

from pytest_inner_universe.client import HttpApi, QueryFailed
from pytest_inner_universe.engine.sql import SqlError

if TYPE_CHECKING:
    from conformance.conftest import Connect, Says

    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.universe(module="../../fixtures/modules/every_type_1_4.wasm")
MARKED = ". If the table exists, it may be marked private."


@pytest.fixture(autouse=True)
def people(universe: Universe) -> None:
    """Three people in two teams, one of which there is."""
    for name, team, age in (("Ada", 1, 36), ("Bob", 1, 17), ("O'Brien", 2, 50)):
        universe.call("add_person", name, team, age)


def in_any_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT name FROM person WHERE team = 1", [{"name": "Ada"}, {"name": "Bob"}]),
        ("SELECT age, name FROM person WHERE id = 1", [{"age": 36, "name": "Ada"}]),
        ("SELECT name AS who, age AS old FROM person WHERE age > 40", [{"who": "O'Brien", "old": 50}]),
        ("SELECT name FROM person WHERE name = 'O''Brien'", [{"name": "O'Brien"}]),
        ("SELECT COUNT(*) AS n FROM person", [{"n": 3}]),
        ("SELECT COUNT(*) AS n FROM person WHERE team = 7", [{"n": 0}]),
        ("select count(*) as n from person where team = 1", [{"n": 2}]),
        ("SELECT COUNT(*) AS n FROM person p JOIN team t ON p.team = t.id", [{"n": 2}]),
        ("SELECT name FROM person WHERE team = 1 AND age < 20", [{"name": "Bob"}]),
        ("SELECT name FROM person WHERE age <= 17 OR age >= 50", [{"name": "Bob"}, {"name": "O'Brien"}]),
        ("SELECT name FROM person WHERE team <> 1", [{"name": "O'Brien"}]),
        ("SELECT name FROM person WHERE team != 1", [{"name": "O'Brien"}]),
        ("SELECT name FROM person WHERE (team = 2 OR age = 17) AND id > 0", [{"name": "Bob"}, {"name": "O'Brien"}]),
        ("SELECT name FROM person WHERE false", []),
        ("SELECT p.name, t.title FROM person p JOIN team t ON p.team = t.id WHERE p.age = 36", [
            {"name": "Ada", "title": "first"}
        ]),
        ("SELECT t.title FROM team AS t", [{"title": "first"}]),
        ("SELECT id FROM team WHERE owner = :sender", [{"id": 1}]),
        ("SELECT id, text FROM secret", [{"id": 1, "text": "hidden"}]),
        ("SELECT * FROM seen", []),
        ("SELECT * FROM person WHERE id = 2;", [{"id": 2, "name": "Bob", "team": 1, "age": 17}]),
    ],
)  # fmt: skip
@pytest.mark.asyncio
async def test_what_is_asked_for_comes_back(
    universe: Universe, http: HttpApi, text: str, rows: list[dict[str, Any]]
) -> None:
    assert in_any_order(universe.sql(text)) == in_any_order(rows)
    assert in_any_order([dict(row) for row in (await http.sql(universe.name, text)).rows]) == in_any_order(rows)


def test_a_limit_bounds_the_number_of_rows(universe: Universe) -> None:
    for limit, count in ((0, 0), (1, 1), (2, 2), (3, 3), (9, 3)):
        assert len(universe.sql(f"SELECT * FROM person LIMIT {limit}")) == count


def test_a_join_of_three_tables(universe: Universe) -> None:
    universe.call("own_team", 2, "second")
    found = universe.sql(
        "SELECT a.name AS one, b.name AS other, t.title FROM person a JOIN team t ON a.team = t.id "
        "JOIN person b ON b.team = t.id WHERE a.age < b.age"
    )
    assert found == [{"one": "Bob", "other": "Ada", "title": "first"}]


def test_tables_of_the_system_can_be_read(universe: Universe) -> None:
    found = {row["table_name"] for row in universe.sql("SELECT table_name FROM st_table")}
    assert {*universe.schema.tables, "st_table", "st_client"} <= found


# Statements that change something


def counts(changed: Any) -> tuple[int, int, int]:
    return changed.inserted, changed.deleted, changed.updated


def test_inserting(universe: Universe) -> None:
    changed = universe.sql("INSERT INTO person (id, name, team, age) VALUES (0, 'Cleo', 3, 1), (90, 'Dan', 3, 2)")
    assert (counts(changed), changed) == ((2, 0, 0), [])
    assert in_any_order(universe.sql("SELECT * FROM person WHERE team = 3")) == in_any_order([
        {"id": 4, "name": "Cleo", "team": 3, "age": 1},
        {"id": 90, "name": "Dan", "team": 3, "age": 2},
    ])  # fmt: skip


def test_updating(universe: Universe) -> None:
    changed = universe.sql("UPDATE person SET age = 1, team = 5 WHERE team = 1")
    assert counts(changed) == (0, 0, 2)
    assert in_any_order(universe.sql("SELECT name, team, age FROM person")) == in_any_order([
        {"name": "Ada", "team": 5, "age": 1},
        {"name": "Bob", "team": 5, "age": 1},
        {"name": "O'Brien", "team": 2, "age": 50},
    ])  # fmt: skip


def test_deleting(universe: Universe) -> None:
    assert counts(universe.sql("DELETE FROM person WHERE team = 1")) == (0, 2, 0)
    assert [row["name"] for row in universe.rows("person")] == ["O'Brien"]
    assert counts(universe.sql("DELETE FROM person WHERE team = 1")) == (0, 0, 0)
    assert counts(universe.sql("DELETE FROM person")) == (0, 1, 0)
    assert universe.rows("person") == []


@pytest.mark.asyncio
async def test_clients_hear_of_changes_by_sql(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM person WHERE team = 1")
        told: list[Any] = []
        table = client.tables["person"]
        table.on_update(lambda old, new: told.append((old["age"], new["age"])))
        table.on_delete(lambda row: told.append(row["name"]))
        universe.sql("UPDATE person SET age = 37 WHERE name = 'Ada'")
        universe.sql("DELETE FROM person WHERE name = 'Ada'")
        universe.sql("INSERT INTO person (id, name, team, age) VALUES (7, 'Cleo', 1, 1)")
        await client.wait_for(lambda: table.find(7), ANSWER_SECONDS)
        assert told == [(36, 37), "Ada"]


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO person (id, name, team, age) VALUES (0, 'Cleo', 3, 1), (0, 'Ada', 3, 2)",
        "UPDATE person SET name = 'Ada' WHERE name = 'Bob'",
    ],
)
def test_a_statement_that_fails_changes_nothing(universe: Universe, says: Says, text: str) -> None:
    before = in_any_order(universe.rows("person"))
    with pytest.raises(SqlError) as caught:
        universe.sql(text)
    kind = says("IndexError", "DatastoreError: IndexError")
    assert caught.value.reason == (
        f"{kind}: Unique constraint violation 'person_name_idx_btree' in table 'person': "
        'column(s): \'["name"]\' value: "Ada"'
    )
    assert in_any_order(universe.rows("person")) == before


# What is refused

REFUSED = [
    ("SELECT * FROM nowhere", "`nowhere` is not a valid table", f"no such table: `nowhere`{MARKED}"),
    ("SELECT * FROM Person", "`Person` is not a valid table", f"no such table: `Person`{MARKED}"),
    ("DELETE FROM nowhere", "`nowhere` is not a valid table", f"no such table: `nowhere`{MARKED}"),
    ("SELECT nope FROM person", "`nope` is not in scope", ""),
    ("SELECT * FROM person WHERE nope = 1", "`nope` is not in scope", ""),
    ("SELECT x.* FROM person p", "`x` is not in scope", ""),
    ("UPDATE person SET nope = 1", "`person` does not have a field `nope`", ""),
    ("SELECT COUNT(*) FROM person", "Aggregate expressions must have column aliases", ""),
    ("SELECT SUM(age) AS s FROM person", "Unsupported aggregate function: SUM(age)", ""),
    ("SELECT * FROM person ORDER BY id", "Unsupported: {}", ""),
    ("SELECT * FROM person OFFSET 1", "Unsupported: {}", ""),
    ("SELECT DISTINCT team FROM person", "Unsupported: {}", ""),
    ("SELECT team, COUNT(*) AS n FROM person GROUP BY team", "Unsupported: {}", ""),
    ("SELECT * FROM person, team", "Implicit joins are not supported", ""),
    ("SELECT * FROM person p LEFT JOIN team t ON p.team = t.id", "Non-inner joins are not supported", ""),
    ("SELECT * FROM person WHERE name LIKE 'A%'", "Unsupported expression: name LIKE 'A%'", ""),
    ("SELECT * FROM person WHERE age IN (9, 30)", "Unsupported expression: age IN (9, 30)", ""),
    ("SELECT * FROM person WHERE name IS NULL", "Unsupported expression: name IS NULL", ""),
    ("SELECT * FROM person WHERE NOT age = 9", "Unsupported expression: NOT age = 9", ""),
    ("SELECT * FROM person WHERE age BETWEEN 1 AND 9", "Unsupported expression: age BETWEEN 1 AND 9", ""),
    ("SELECT * FROM person WHERE age + 1 = 9", "Unsupported binary operator: +", ""),
    ("SELECT * FROM person WHERE age = 'x'", "The literal expression `x` cannot be parsed as type `U8`", ""),
    ("SELECT * FROM person WHERE age > -1", "The literal expression `-1` cannot be parsed as type `U8`", ""),
    ("SELECT * FROM person WHERE age = 256", "The literal expression `256` cannot be parsed as type `U8`", ""),
    ("SELECT * FROM person WHERE age = 1.5", "The literal expression `1.5` cannot be parsed as type `U8`", ""),
    ("SELECT * FROM person WHERE age = team", "Unexpected type: (expected) U32 != U8 (inferred)", ""),
    ("SELECT * FROM person WHERE age", "Unexpected type: (expected) U8 != Bool (inferred)", ""),
    (
        "SELECT * FROM every_type WHERE a_point = 1",
        "The literal expression `1` cannot be parsed as type `(x: I32, label: (some: String | none: ()))`",
        "",
    ),
    (
        "SELECT * FROM every_type WHERE maybe_u32 = 7",
        "The literal expression `7` cannot be parsed as type `(some: U32 | none: ())`",
        "",
    ),
    (
        "SELECT * FROM every_type WHERE a_time > '2020-02-10'",
        "The literal expression `2020-02-10` cannot be parsed as type `(__timestamp_micros_since_unix_epoch__: I64)`",
        "",
    ),
    ("SELECT * FROM person p JOIN team t ON p.team = t.id", "SELECT * is not supported for joins", ""),
    ("SELECT p.name FROM person p JOIN team t ON team = id", "Names must be qualified when using joins", ""),
    ("SELECT name AS x, age AS x FROM person", "Duplicate name `x`", ""),
    ("SELECT p.name FROM person p JOIN team p ON p.team = p.id", "Duplicate name `p`", ""),
    ("SELECT * FROM person; SELECT * FROM team", "Multiple SQL statements are not supported", ""),
    ("", "Empty SQL query", ""),
    (";", "Empty SQL query", ""),
    ("SELEC", "sql parser error: Expected an SQL statement, found: SELEC at Line: 1, Column 1", ""),
    ("DROP TABLE person", "Unsupported: {}", ""),
    ("CREATE TABLE x (id INT)", "Unsupported: {}", ""),
    (
        "INSERT INTO person (name) VALUES ('x')",
        "The number of fields (1) in the INSERT does not match the number of columns (4) of the table `person`",
        "",
    ),
    (
        "INSERT INTO person VALUES (0, 'x', 1, 1)",
        "The number of fields (0) in the INSERT does not match the number of columns (4) of the table `person`",
        "",
    ),
    (
        "INSERT INTO person (id, name, team, age) VALUES (0, 'x', 1)",
        "Inserting a row with 3 values into `person` which has 4 fields",
        "",
    ),
    (
        "INSERT INTO person (id, name, team, age) VALUES (0, 'x', 1, 300)",
        "The literal expression `300` cannot be parsed as type `U8`",
        "",
    ),
    ("UPDATE person SET age = age", "Unsupported column/variable assignment expression: age", ""),
    (
        "UPDATE every_type SET a_point = 1",
        "The literal expression `1` cannot be parsed as type `(x: I32, label: (some: String | none: ()))`",
        "",
    ),
]


@pytest.mark.parametrize(("text", "before", "since"), REFUSED, ids=[text or "empty" for text, *_ in REFUSED])
@pytest.mark.asyncio
async def test_what_is_no_sql_of_servers_is_refused(
    universe: Universe, http: HttpApi, says: Says, text: str, before: str, since: str
) -> None:
    reason = says(before, since or before).format(text)
    with pytest.raises(SqlError) as caught:
        universe.sql(text)
    assert caught.value.reason == reason
    with pytest.raises(QueryFailed) as failed:
        await http.sql(universe.name, text)
    assert (failed.value.message, failed.value.status) == (reason, 400)


@pytest.mark.parametrize(
    "text", ["SELECT name FROM person", "SELECT COUNT(*) AS n FROM person", "SELECT * FROM person LIMIT 1"]
)
@pytest.mark.asyncio
async def test_queries_over_a_connection_are_those_of_subscriptions(connect: Connect, text: str) -> None:
    async with connect() as client:
        with pytest.raises(QueryFailed) as caught:
            await client.query(text)
        assert caught.value.message == (
            f"Unsupported: {text}"
            if "LIMIT" in text
            else "Column projections are not supported in subscriptions; Subscriptions must return a table type"
        )
        assert len(await client.query("SELECT * FROM person")) == 3
