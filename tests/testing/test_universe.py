"""The handle that tests hold, without pytest's help."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.metadata import entity_metadata

from pytest_inner_universe.client.errors import (
    ConnectionLost,
    ConnectionRejected,
    ReducerFailed,
    UnknownReducer,
    UnknownTable,
)
from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.sats import ArgumentError, Identity, Timestamp
from pytest_inner_universe.testing.errors import ReducerPanicked, UniverseClosed, UnknownSnapshot
from pytest_inner_universe.testing.universe import Universe

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
EVERY_TYPE = MODULES / "every_type_1_4.wasm"


@pytest.fixture
def people() -> Iterator[Universe]:
    with Universe.embedded(EVERY_TYPE, clock=ManualClock()) as universe:
        yield universe


def test_calls_by_position_and_by_name(people: Universe) -> None:
    people.call("add_person", "Ada", 1, 36)
    people.call("add_person", "Bob", age=40, team=2)
    assert sorted((row["name"], row["team"], row["age"]) for row in people.rows("person")) == [
        ("Ada", 1, 36),
        ("Bob", 2, 40),
    ]
    assert people.count("person") == 2


def test_an_error_of_the_module(people: Universe) -> None:
    with pytest.raises(ReducerFailed) as caught:
        people.call("remove_person", "nobody")
    assert str(caught.value) == "reducer 'remove_person' failed: no person nobody"


def test_a_panic_shows_its_text_and_place(people: Universe) -> None:
    with pytest.raises(ReducerPanicked) as caught:
        people.call("panics")
    text = str(caught.value)
    assert text.startswith("reducer 'panics' panicked at src/lib.rs:")
    assert text.endswith("on purpose")


@pytest.mark.parametrize(
    ("args", "kwargs", "reason"),
    [
        (("Ada",), {}, "takes 3 arguments, got 1: missing 'team', 'age'"),
        (("Ada", 1, 36, 0), {}, "takes 3 arguments, got 4"),
        (("Ada", 1), {"years": 36}, "has no argument 'years'"),
        (("Ada", 1), {"team": 1, "age": 3}, "got argument 'team' twice"),
        (("Ada", 1, 300), {}, "age: 300 is out of range for U8"),
        (("Ada", "one", 3), {}, "team: expected U32, got str 'one'"),
    ],
)
def test_arguments_that_do_not_fit_show_the_signature(
    people: Universe, args: tuple[object, ...], kwargs: dict[str, object], reason: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        people.call("add_person", *args, **kwargs)
    assert str(caught.value) == (
        f"cannot call add_person: {reason}\n  the module declares add_person(name: String, team: U32, age: U8)"
    )
    assert people.count("person") == 0


def test_unknown_names_show_the_nearest(people: Universe) -> None:
    with pytest.raises(UnknownReducer) as reducer:
        people.call("add_persn", "Ada", 1, 36)
    assert str(reducer.value) == "the module has no reducer 'add_persn'; did you mean 'add_person'?"
    with pytest.raises(UnknownTable) as table:
        people.rows("persons")
    assert str(table.value) == "the module has no table 'persons'; did you mean 'person'?"


def test_sql_reads_and_writes(people: Universe) -> None:
    people.call("add_person", "Ada", 1, 36)
    assert people.sql("SELECT name, age FROM person WHERE team = 1") == [{"name": "Ada", "age": 36}]
    assert people.sql("SELECT COUNT(*) AS n FROM person") == [{"n": 1}]
    assert people.sql("UPDATE person SET age = 37 WHERE name = 'Ada'").updated == 1
    assert people.rows("person")[0]["age"] == 37


def test_sql_that_a_server_refuses(people: Universe) -> None:
    with pytest.raises(SqlError) as caught:
        people.sql("SELECT * FROM person WHERE nme = 'Ada'")
    assert str(caught.value) == (
        "`nme` is not in scope\n  SELECT * FROM person WHERE nme = 'Ada'\n                             ^\nDid you mean `name`?"
    )


def test_actors_are_the_same_everywhere(people: Universe) -> None:
    alice = people.actor("alice")
    alice.call("own_team", 5, "hers")
    assert people.actor("alice") is alice
    assert [row["owner"] for row in people.rows("team") if row["id"] == 5] == [alice.identity]
    with Universe.embedded(EVERY_TYPE) as other:
        assert other.actor("alice").identity == alice.identity
    assert alice.sql("SELECT title FROM team WHERE owner = :sender") == [{"title": "hers"}]


def test_a_user_does_not_see_private_tables(people: Universe) -> None:
    assert people.sql("SELECT text FROM secret") == [{"text": "hidden"}]
    with pytest.raises(SqlError) as caught:
        people.actor("alice").sql("SELECT text FROM secret")
    assert caught.value.reason == "no such table: `secret`. If the table exists, it may be marked private."


def test_reset_goes_back_to_what_init_wrote(people: Universe) -> None:
    people.call("add_person", "Ada", 1, 36)
    people.reset()
    assert people.count("person") == 0
    assert [row["title"] for row in people.rows("team")] == ["first"]
    people.call("add_person", "Ada", 1, 36)
    assert people.rows("person")[0]["id"] == 1


def test_snapshots_have_names(people: Universe) -> None:
    people.call("add_person", "Ada", 1, 36)
    people.snapshot("one")
    people.call("add_person", "Bob", 1, 36)
    people.snapshot("two")
    people.restore("one")
    assert people.count("person") == 1
    people.restore("two")
    assert people.count("person") == 2
    with pytest.raises(UnknownSnapshot) as caught:
        people.restore("three")
    assert str(caught.value) == (
        "no snapshot 'three': there are 'one', 'two'.\nTake one first with universe.snapshot('three')."
    )


def test_the_clock_runs_schedules(people: Universe) -> None:
    people.call("schedule_once", 30_000_000, "tea")
    start = people.clock.now()
    assert [timer.table for timer in people.clock.pending()] == ["once"]
    assert people.clock.advance(29) == 0
    assert people.clock.advance(timedelta(seconds=1)) == 1
    # The row that ran once is deleted by a transaction of its own, and no two have the same time.
    assert people.clock.now() == start + timedelta(seconds=30, microseconds=1)
    assert [row["what"] for row in people.rows("seen")] == ["once tea"]


def test_a_closed_universe_says_so() -> None:
    with Universe.embedded(EVERY_TYPE) as universe:
        alice, clock = universe.actor("alice"), universe.clock
    assert universe.closed
    universe.close()
    for use in (
        lambda: universe.call("nothing"),
        lambda: universe.sql("SELECT * FROM person"),
        lambda: universe.rows("person"),
        lambda: universe.count("person"),
        lambda: universe.actor("alice"),
        lambda: alice.call("nothing"),
        lambda: alice.sql("SELECT * FROM person"),
        lambda: universe.publish(EVERY_TYPE),
        lambda: clock.advance(1),
        lambda: universe.url,
        clock.now,
        clock.run_due,
        clock.pending,
        lambda: universe.connect().__aenter__().send(None),
        universe.transport,
        universe.snapshot,
        universe.restore,
        universe.reset,
    ):
        with pytest.raises(UniverseClosed) as caught:
            use()
        assert str(caught.value) == (
            f"the universe {universe.name!r} is closed.\n"
            "A universe lives as long as its fixture or its `with` block; open another one for what comes after."
        )


def test_calls_and_logs_are_remembered(people: Universe) -> None:
    people.call("add_person", "Ada", team=1, age=36)
    with pytest.raises(ReducerFailed):
        people.actor("alice").call("fails", "no")
    assert [str(call) for call in people.calls] == [
        "owner: add_person('Ada', team=1, age=36) -> committed",
        "alice: fails('no') -> failed: no",
    ]
    assert [record.message for record in people.logs] == ["connected", "connected", "no"]


@pytest.mark.asyncio
async def test_two_clients_see_each_other(people: Universe) -> None:
    async with people.connect() as alice, people.connect() as bob:
        await bob.subscribe("SELECT * FROM person WHERE team = 1")
        await alice.call("add_person", "Ada", 1, 36)
        await alice.call("add_person", "Zoe", 2, 36)
        await bob.wait_for(lambda: bob.tables["person"].count == 1)
        assert [row["name"] for row in bob.tables["person"].rows()] == ["Ada"]


@pytest.mark.asyncio
async def test_a_synchronous_call_reaches_clients(people: Universe) -> None:
    seen: list[str] = []
    async with people.connect() as client:
        await client.subscribe("SELECT * FROM person", on_insert=lambda row: seen.append(row["name"]))
        people.call("add_person", "Ada", 1, 36)
        await client.wait_for(lambda: client.tables["person"].count == 1)
    assert seen == ["Ada"]


@pytest.mark.asyncio
async def test_a_client_that_is_not_let_in(people: Universe) -> None:
    people.call("close_door")
    with pytest.raises(ConnectionRejected) as caught:
        async with people.connect():
            raise AssertionError("the door was open")
    assert str(caught.value) == "the server refused the connection: the door is closed"


@pytest.mark.asyncio
async def test_a_reset_ends_connections(people: Universe) -> None:
    async with people.connect() as client:
        people.reset()
        with pytest.raises(ConnectionLost) as caught:
            await client.wait_for(lambda: False)
        assert not client.is_open
        assert caught.value.code == 1001
        assert caught.value.reason == "module exited"


def test_the_inner_universe_module_is_the_default() -> None:
    with Universe.embedded() as universe:
        universe.call("create_entity", "e1", "Person", entity_metadata(name="Ada"))
        assert universe.rows("entity")[0]["metadata"]["name"] == "Ada"
        assert isinstance(universe.rows("entity")[0]["created_at"], Timestamp)
        assert isinstance(universe.identity, Identity)
