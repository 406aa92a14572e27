"""Wrong use of a universe: each mistake has one whole message, and leaves the database as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.client.errors import (
    ConnectionRejected,
    NotConnected,
    QueryFailed,
    ReducerCrashed,
    ReducerFailed,
    SubscriptionFailed,
    UnknownReducer,
    UnknownTable,
)
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.sats import ArgumentError
from pytest_inner_universe.testing.clients import inner_universe_client
from pytest_inner_universe.testing.errors import (
    InvalidSetting,
    InvalidSpan,
    NotEntered,
    NotInnerUniverse,
    ReducerPanicked,
    UnknownSnapshot,
)
from pytest_inner_universe.testing.universe import Universe

EVERY_TYPE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"
DECLARED = "\n  the module declares add_person(name: String, team: U32, age: U8)"
Use = Callable[[Universe], object]


@pytest.fixture(scope="module")
def people() -> Iterator[Universe]:
    """One universe for all of these tests: none of them may leave a trace."""
    with Universe.embedded(EVERY_TYPE, call_limit=0.25) as universe:
        universe.call("add_person", "Ada", 1, 36)
        universe.snapshot()
        yield universe


def state(universe: Universe) -> dict[str, list[str]]:
    return {name: sorted(map(repr, universe.rows(name))) for name in universe.schema.tables}


CALLS: dict[str, tuple[Use, type[Exception], str]] = {
    "too few arguments": (
        lambda people: people.call("add_person", "Bob"),
        ArgumentError,
        "cannot call add_person: takes 3 arguments, got 1: missing 'team', 'age'" + DECLARED,
    ),
    "too many arguments": (
        lambda people: people.call("add_person", "Bob", 1, 2, 3),
        ArgumentError,
        "cannot call add_person: takes 3 arguments, got 4" + DECLARED,
    ),
    "an argument of another name": (
        lambda people: people.call("add_person", name="Bob", team=1, years=36),
        ArgumentError,
        "cannot call add_person: has no argument 'years'" + DECLARED,
    ),
    "an argument of another type": (
        lambda people: people.call("add_person", "Bob", "red", 36),
        ArgumentError,
        "cannot call add_person: team: expected U32, got str 'red'" + DECLARED,
    ),
    "an argument that is too large": (
        lambda people: people.actor("bob").call("add_person", "Bob", 1, 256),
        ArgumentError,
        "cannot call add_person: age: 256 is out of range for U8" + DECLARED,
    ),
    "an unknown reducer": (
        lambda people: people.call("add_persons", "Bob", 1, 36),
        UnknownReducer,
        "the module has no reducer 'add_persons'; did you mean 'add_person'?",
    ),
    "a hook": (
        lambda people: people.call("init"),
        ReducerPanicked,
        "reducer 'init' was not run to its end: can't directly call special Init lifecycle reducer",
    ),
    "an error of the reducer": (
        lambda people: people.call("remove_person", "Bob"),
        ReducerFailed,
        "reducer 'remove_person' failed: no person Bob",
    ),
    "an error after a change": (
        lambda people: people.call("fails", "sorry"),
        ReducerFailed,
        "reducer 'fails' failed: sorry",
    ),
    "a reducer that does not end": (
        lambda people: people.call("many", 4_000_000_000),
        ReducerPanicked,
        (
            "reducer 'many' was not run to its end: the module was stopped because the call ran longer than the limit of "
            "0.25 s\n  look for a loop that does not end, or allow more time: --universe-call-limit, or call_limit=... of "
            "Universe.embedded"
        ),
    ),
    "a reducer that is no name": (
        lambda people: people.call(None),  # type: ignore[arg-type]
        UnknownReducer,
        (
            "the module has no reducer None; there are add_person, cancels_out, close_door, fails, fire_once, fire_tick, "
            "many, move_team, nothing, own_team, panics, put_every, and 5 more"
        ),
    ),
    "a table that is no name": (
        lambda people: people.rows(None),  # type: ignore[arg-type]
        UnknownTable,
        "the module has no table None; there are every_type, once, person, secret, seen, team, tick",
    ),
    "an unknown table": (
        lambda people: people.rows("persons"),
        UnknownTable,
        "the module has no table 'persons'; did you mean 'person'?",
    ),
    "an unknown table to be counted": (
        lambda people: people.count("x"),
        UnknownTable,
        "the module has no table 'x'; there are every_type, once, person, secret, seen, team, tick",
    ),
    "a statement that is no SQL": (
        lambda people: people.sql("SELECT * FORM person"),
        SqlError,
        (
            "sql parser error: Expected end of statement, found: FORM at Line: 1, Column 10\n"
            "  SELECT * FORM person\n"
            "           ^"
        ),
    ),
    "a statement that is no text": (
        lambda people: people.sql(7),  # type: ignore[arg-type]
        SqlError,
        "a statement is a str, got 7",
    ),
    "a clause that SpacetimeDB's SQL does not have": (
        lambda people: people.sql("SELECT name FROM person ORDER BY name"),
        SqlError,
        (
            "Unsupported: SELECT name FROM person ORDER BY name\n"
            "  SELECT name FROM person ORDER BY name\n"
            "  ^\n"
            "SELECT takes FROM, JOIN ... ON, WHERE and LIMIT: group, sort and combine in the code that asks."
        ),
    ),
    "a table that SQL does not know": (
        lambda people: people.sql("SELECT * FROM persn"),
        SqlError,
        (
            "no such table: `persn`. If the table exists, it may be marked private.\n"
            "  SELECT * FROM persn\n"
            "                ^\n"
            "Did you mean `person`?"
        ),
    ),
    "a column that SQL does not know": (
        lambda people: people.sql("DELETE FROM person WHERE nme = 'Ada'"),
        SqlError,
        (
            "`nme` is not in scope\n"
            "  DELETE FROM person WHERE nme = 'Ada'\n"
            "                           ^\n"
            "Did you mean `name`?"
        ),
    ),
    "a private table": (
        lambda people: people.actor("bob").sql("SELECT * FROM secret"),
        SqlError,
        (
            "no such table: `secret`. If the table exists, it may be marked private.\n"
            "  SELECT * FROM secret\n"
            "                ^\n"
            "`secret` is private: only the owner sees it."
        ),
    ),
    "an insert that breaks a key": (
        lambda people: people.sql("INSERT INTO person (id, name, team, age) VALUES (1, 'Bob', 1, 1)"),
        SqlError,
        (
            "DatastoreError: IndexError: Unique constraint violation 'person_id_idx_btree' in table 'person': column(s): "
            "'[\"id\"]' value: 1"
        ),
    ),
    "a snapshot that nobody took": (
        lambda people: people.restore("noon"),
        UnknownSnapshot,
        "no snapshot 'noon': there are 'default'.\nTake one first with universe.snapshot('noon').",
    ),
    "a clock that is to go back": (
        lambda people: people.clock.advance(-1),
        InvalidSpan,
        "a clock advances by seconds from 0 on, or by a timedelta, and never back: got -1",
    ),
    "a clock that is told a text": (
        lambda people: people.clock.advance("1s"),  # type: ignore[arg-type]
        InvalidSpan,
        "a clock advances by seconds from 0 on, or by a timedelta, and never back: got '1s'",
    ),
    "a clock that is told to wait for ever": (
        lambda people: people.clock.advance(float("nan")),
        InvalidSpan,
        "a clock advances by seconds from 0 on, or by a timedelta, and never back: got nan",
    ),
}


@pytest.mark.parametrize("mistake", CALLS)
def test_a_mistake_is_named_and_changes_nothing(people: Universe, mistake: str) -> None:
    use, kind, text = CALLS[mistake]
    before = state(people)
    with pytest.raises(kind) as caught:
        use(people)
    assert str(caught.value) == text
    assert len(text.splitlines()) <= 10
    assert state(people) == before


def test_a_panic_is_placed_and_changes_nothing(people: Universe) -> None:
    before = state(people)
    with pytest.raises(ReducerPanicked) as caught:
        people.call("panics")
    assert re.fullmatch(r"reducer 'panics' panicked at src/lib\.rs:\d+: on purpose", str(caught.value))
    assert state(people) == before


def test_a_caller_who_is_not_let_in(people: Universe) -> None:
    people.call("close_door")
    before = state(people)
    with pytest.raises(ConnectionRejected) as caught:
        people.actor("carol").call("add_person", "Carol", 1, 36)
    assert str(caught.value) == "the server refused the connection: the door is closed"
    assert caught.value.__cause__ is None
    assert state(people) == before
    people.restore()


WISHES: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "arguments": (
        lambda client: client.call("add_person", "Bob"),
        ArgumentError,
        CALLS["too few arguments"][2],
    ),
    "an unknown reducer": (
        lambda client: client.call("add_persons"),
        UnknownReducer,
        CALLS["an unknown reducer"][2],
    ),
    "an error": (
        lambda client: client.call("remove_person", "Bob"),
        ReducerFailed,
        CALLS["an error of the reducer"][2],
    ),
    "a panic": (
        lambda client: client.call("panics"),
        ReducerCrashed,
        "reducer 'panics' was not run to its end: The instance encountered a fatal error.",
    ),
    "a query": (
        lambda client: client.query("SELECT nme FROM person"),
        QueryFailed,
        "the query failed: `nme` is not in scope\n  SELECT nme FROM person",
    ),
    "a subscription": (
        lambda client: client.subscribe("SELECT * FROM persn"),
        SubscriptionFailed,
        (
            "the subscription failed: no such table: `persn`. If the table exists, it may be marked private., executing: "
            "`SELECT * FROM persn`\n  SELECT * FROM persn"
        ),
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("wish", WISHES)
async def test_a_client_s_mistake_is_named_and_changes_nothing(people: Universe, wish: str) -> None:
    use, kind, text = WISHES[wish]
    async with people.connect() as client:
        before = state(people)
        with pytest.raises(kind) as caught:
            await use(client)
        assert str(caught.value) == text
        assert state(people) == before
        assert client.is_open


@pytest.mark.asyncio
async def test_a_closed_connection_says_so(people: Universe) -> None:
    async with people.connect() as client:
        pass
    before = state(people)
    for use in (lambda: client.call("nothing"), lambda: client.query("SELECT * FROM person")):
        with pytest.raises(NotConnected) as caught:
            await use()
        assert str(caught.value) == "the connection is not open: the client closed it"
    assert state(people) == before


OTHER_USES: dict[str, Callable[[Any], object]] = {
    "with": lambda opened: opened.__enter__(),
    "await": lambda opened: opened.__await__(),
    ".call": lambda opened: opened.call("nothing"),
}


@pytest.mark.parametrize("use", OTHER_USES)
def test_a_connection_is_opened_in_one_way(people: Universe, use: str) -> None:
    before = state(people)
    with pytest.raises(NotEntered) as caught:
        OTHER_USES[use](people.connect())
    assert str(caught.value) == (
        f"a client's connection is opened by `async with`, there is no {use!r} before:\n"
        "  async with universe.connect() as connection:  # with the fixture: universe_connect()\n"
        "      await connection.call(...)\n"
        "Without a loop, universe.call and universe.actor(...).call do the same."
    )
    assert state(people) == before


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"seed": -1}, "seed=-1 of Universe.embedded cannot be used: it takes a whole number from 0 to 2**64-1."),
        ({"call_limit": 0}, "call_limit=0 of Universe.embedded cannot be used: it takes a number of seconds above 0."),
        ({"module": 7}, "a module is a path, bytes or a loaded Module, got 7"),
    ],
)
def test_a_universe_cannot_be_made_of_everything(wish: dict[str, Any], text: str) -> None:
    with pytest.raises((InvalidSetting, TypeError)) as caught:
        Universe.embedded(**wish)
    assert str(caught.value).replace(str(2**64 - 1), "2**64-1") == text


def test_a_client_of_inner_universe_needs_its_module(people: Universe) -> None:
    with pytest.raises(NotInnerUniverse) as caught:
        inner_universe_client(people)
    assert str(caught.value) == (
        f"the module of {people.name!r} is not Inner Universe, whose client needs entity, relation, event_log, "
        "state_version, delta_record.\n"
        "  its tables: every_type, once, person, secret, seen, team, tick\n"
        "  for clients of any module, take the fixture 'universe_connect' (without pytest: Universe.connect)"
    )
