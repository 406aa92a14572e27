"""Views in SQL: they are read like tables, joined like tables, and cannot be written."""

from __future__ import annotations

import pytest
from engine.conftest import ALICE, BOB, Guest, counted

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.sql import SqlError


@pytest.fixture
def filled(notes: Database) -> Database:
    alice, bob = Guest(notes), Guest(notes, BOB)
    for guest, topic, rank, text in ((alice, 3, 1, "a"), (alice, 1, 2, "b"), (bob, 3, 3, "c")):
        guest.call("write", topic, rank, text)
    return notes


def values(database: Database, text: str) -> list[object]:
    return [row[0] for row in database.sql(text, ALICE).rows]


def test_a_statement_sees_the_rows_of_its_caller(filled: Database) -> None:
    assert values(filled, "SELECT text FROM my_notes") == ["a", "b"]
    assert values(filled, "SELECT n.text AS t FROM my_notes AS n WHERE n.rank >= 2 AND n.topic = 1") == ["b"]
    assert values(filled, "SELECT COUNT(*) AS n FROM my_notes") == [2]
    assert values(filled, "SELECT COUNT(*) AS n FROM my_notes WHERE owner = :sender") == [2]
    assert values(filled, "SELECT text FROM my_notes LIMIT 1") == ["a"]
    assert filled.sql("SELECT COUNT(*) AS n FROM my_notes", BOB).rows == ((1,),)


def test_a_statement_follows_the_changes(filled: Database) -> None:
    assert values(filled, "SELECT text FROM my_notes") == ["a", "b"]
    Guest(filled).call("erase", 1)
    assert values(filled, "SELECT text FROM my_notes") == ["b"]


def test_columns_are_those_of_the_view(filled: Database) -> None:
    result = filled.sql("SELECT * FROM keyed_notes", ALICE)
    assert [name for name, _ in result.columns] == ["id", "owner", "topic", "rank", "text"]
    assert result.dicts()[0] == {"id": 1, "owner": ALICE, "topic": 3, "rank": 1, "text": "a"}


def test_the_hidden_column_is_unknown(filled: Database) -> None:
    with pytest.raises(SqlError) as caught:
        filled.sql("SELECT arg_hash FROM my_notes")
    assert caught.value.reason == "`arg_hash` is not in scope"
    with pytest.raises(SqlError) as caught:
        filled.sql("SELECT rang FROM my_notes")
    assert caught.value.hint == "Did you mean `rank`?"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lines (text) VALUES ('x')",
        "UPDATE lines SET text = 'x'",
        "DELETE FROM lines",
        "DELETE FROM lines WHERE a = 1",
    ],
)
def test_a_view_cannot_be_written(filled: Database, statement: str) -> None:
    with pytest.raises(SqlError) as caught:
        filled.sql(statement)
    assert caught.value.reason == "`lines` is a view; DML on views is not supported"


def test_statements_join_views_with_tables_and_each_other(filled: Database) -> None:
    joined = "SELECT {} FROM keyed_notes AS k JOIN my_notes AS m ON k.id = m.id"
    assert values(filled, joined.format("m.text")) == ["a"]
    pairs = values(filled, "SELECT k.text FROM note AS n JOIN keyed_notes AS k ON n.topic = k.topic")
    assert sorted(map(str, pairs)) == ["a", "a", "c", "c"]
    assert filled.sql(joined.format("k.*"), BOB).dicts()[0]["text"] == "c"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT m.* FROM my_notes AS m JOIN note ON m.id = note.id",
        "SELECT m.* FROM note JOIN my_notes AS m ON m.id = note.id",
        "SELECT m.* FROM my_notes AS m JOIN note ON m.id = note.id WHERE note.topic = 3",
        "SELECT m.* FROM my_notes AS m JOIN keyed_notes AS k ON m.id = k.id",
        "SELECT m.* FROM my_notes AS m JOIN keyed_notes AS k ON m.id = k.id WHERE k.rank < 9 AND m.rank < 9",
        "SELECT m.* FROM note JOIN keyed_notes AS m ON note.id = m.id WHERE note.topic = 3",
    ],
)
def test_subscriptions_join_views_where_the_looked_up_side_has_an_index(filled: Database, query: str) -> None:
    filled.subscribe(Guest(filled).client, 1, [query])


@pytest.mark.parametrize(
    "query",
    [
        "SELECT m.* FROM note JOIN my_notes AS m ON m.id = note.id WHERE note.topic = 3",
        "SELECT m.* FROM keyed_notes AS k JOIN my_notes AS m ON m.id = k.id",
        "SELECT m.* FROM my_notes AS m JOIN keyed_notes AS k ON m.topic = k.topic",
        "SELECT m.* FROM my_notes AS m JOIN note ON m.rank = note.rank",
    ],
)
def test_subscriptions_do_not_join_views_otherwise(filled: Database, query: str) -> None:
    with pytest.raises(SqlError) as caught:
        filled.subscribe(Guest(filled).client, 1, [query])
    assert caught.value.reason == "Subscriptions require indexes on join columns"


def test_joins_of_views_follow_the_changes_on_both_sides(filled: Database) -> None:
    alice, bob = Guest(filled), Guest(filled, BOB)
    query = "SELECT m.* FROM my_notes AS m JOIN keyed_notes AS k ON m.id = k.id"
    assert [row["text"] for row in alice.subscribe(1, query)["my_notes"]] == ["a"]
    assert [row["text"] for row in bob.subscribe(1, query)["my_notes"]] == ["c"]
    outcome = alice.call("write", 3, 1, "new")
    assert counted(outcome.update) == {"my_notes": (1, 0)}
    assert bob.news() == []
    outcome = bob.call("erase", 3)
    assert counted(outcome.update) == {"my_notes": (0, 1)}
    assert alice.news() == []


def test_joins_of_a_view_and_a_table_follow_the_changes(filled: Database) -> None:
    alice = Guest(filled)
    alice.subscribe(1, "SELECT n.* FROM note AS n JOIN keyed_notes AS k ON n.topic = k.topic")
    alice.subscribe(2, "SELECT k.* FROM keyed_notes AS k JOIN note AS n ON n.topic = k.topic")
    outcome = alice.call("write", 3, 7, "third")
    # Three notes on the topic instead of two: nine pairs instead of four.
    assert counted(outcome.update) == {"note": (5, 0), "keyed_notes": (5, 0)}
    assert counted(alice.call("write", 1, 7, "elsewhere").update) == {}


def test_the_row_limit_counts_the_rows_of_a_view(filled: Database) -> None:
    bob = Guest(filled, BOB)
    filled.sql("SET row_limit = 0")
    with pytest.raises(SqlError) as caught:
        bob.subscribe(1, "SELECT * FROM keyed_notes")
    assert caught.value.reason.startswith("Estimated cardinality (")
    assert filled.views is not None
    assert {call.view: kept.followers for call, kept in filled.views._kept.items()} == {"keyed_notes": 0}
