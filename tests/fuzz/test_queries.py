"""Texts that are nearly SQL."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.mutation import mutated_text

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.sql import SqlError, plan
from pytest_inner_universe.server.endpoint import Endpoint
from pytest_inner_universe.server.front.entry import Entry
from pytest_inner_universe.wire import OneOffQuery, ServerMessage, Subscribe, SubscribeApplied, Unsubscribe

SAMPLES = [
    "SELECT * FROM person",
    "SELECT person.* FROM person JOIN team ON person.team = team.id WHERE team.title = 'a' AND person.age >= 3",
    "SELECT name , age AS years FROM person WHERE ( age > 1 OR name = 'x' ) AND team != 4 LIMIT 3",
    "SELECT COUNT(*) AS n FROM seen WHERE what <> ''",
    "SELECT * FROM team WHERE owner = :sender OR owner = 0xC200000000000000000000000000000000000000000000000000000000000000",
    "SELECT * FROM every_type WHERE a_time < '2025-02-10T15:45:30Z' AND some_bytes = X'00FF' AND a_f64 = 1e3",
    "INSERT INTO person ( id , name , team , age ) VALUES ( 0 , 'x' , 1 , 2 ) , ( 0 , 'y' , 1 , 2 )",
    "UPDATE person SET age = 3 , team = 2 WHERE name = 'x' AND id < 100",
    "DELETE FROM person WHERE age = 3",
    "SET row_limit = 100",
    "SHOW row_limit",
    "SELECT * FROM st_client",
    "SELECT a.* FROM person a JOIN person b ON a.team = b.team JOIN seen ON TRUE",
]
WORDS = [
    *"SELECT FROM WHERE JOIN ON AND OR NOT ( ) , . * = != <> < > <= >= :sender ; TRUE FALSE NULL LIMIT COUNT(*) AS".split(),
    *"INSERT INTO VALUES UPDATE SET DELETE CROSS INNER LEFT ORDER BY GROUP LIKE IN IS BETWEEN UNION DISTINCT CASE".split(),
    *"person team seen every_type once st_table id name age title what a_i256 a_f32 a_shape maybe_u32 a_point".split(),
    *"0 1 -1 1.5 1e400 -1e-400 0x 0xZZ X'0' '' 'x' '''' ' \" \"x\" -- /* */ $1 ? @ \\ \0 :: [ ] { }".split(),
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "(" * 300,
    ")" * 300,
    "1" * 400,
    "NOT " * 100,
    "\ud7ff",
]
TEXTS = mutated_text(SAMPLES, WORDS)


@pytest.fixture(autouse=True)
def _joins_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let joins give up where it does not take seconds to get there."""
    monkeypatch.setattr(plan, "MOST_COMBINATIONS", 20_000)


def test_statements_are_run_or_refused(entry: Entry) -> None:
    database = entry.database

    @examples(200)
    @given(TEXTS, st.booleans())
    def attempt(text: str, is_owner: bool) -> None:
        caller = None if is_owner else type(database.owner).zero()
        try:
            database.sql(text, caller)
        except SqlError as error:
            assert_tells(error)

    attempt()


def test_subscriptions_are_made_or_refused_and_follow_what_happens(entry: Entry) -> None:
    database, numbers = entry.database, itertools.count(1)

    @examples(150)
    @given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
    def attempt(queries: list[str], statement: str) -> None:
        heard: list[ServerMessage] = []
        end = Endpoint(database).attach(None, heard.append, lambda code, reason: None)
        try:
            end.handle(OneOffQuery(next(numbers), queries[0]))
            end.handle(Subscribe(next(numbers), 1, tuple(queries)))
            is_applied = isinstance(heard[-1], SubscribeApplied)
            assert len(heard) == 3
            for change in (
                "INSERT INTO person (id, name, team, age) VALUES (0, 'z', 1, 2)",
                "DELETE FROM person",
                statement,
            ):
                _run(database, change)
            if is_applied:
                end.handle(Unsubscribe(next(numbers), 1))
        finally:
            end.close()

    attempt()


def assert_tells(error: SqlError) -> None:
    assert error.reason
    assert str(error)
    assert error.server_text


def _run(database: Database, statement: str) -> None:
    with suppress(SqlError):
        database.sql(statement)
