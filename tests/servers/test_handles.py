"""Databases of real servers, as tests use them."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.client.errors import ConnectionRejected, NoSuchDatabase, UnknownReducer, UnknownTable
from pytest_inner_universe.engine.errors import PublishFailed
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.engine.store.errors import MigrationRefused
from pytest_inner_universe.sats import ConnectionId, Identity, TimeDuration, Timestamp, Variant
from pytest_inner_universe.server.errors import ForeignDatabase, InvalidName, NotOnThisBackend
from pytest_inner_universe.server.remote import RemoteServer
from pytest_inner_universe.server.remote_handle import RemoteHandle
from pytest_inner_universe.testing.universe import Universe

Open = Callable[..., RemoteHandle]
MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
EVERY: dict[str, Any] = {
    "id": 1,
    "a_bool": True,
    "a_u8": 2**8 - 1,
    "a_u16": 2**16 - 1,
    "a_u32": 2**32 - 1,
    "a_u64": 2**64 - 1,
    "a_u128": 2**128 - 1,
    "a_u256": 2**256 - 1,
    "a_i8": -(2**7),
    "a_i16": -(2**15),
    "a_i32": -(2**31),
    "a_i64": -(2**63),
    "a_i128": -(2**127),
    "a_i256": -(2**255),
    "a_f32": 1.5,
    "a_f64": 0.1,
    "a_string": 'quotes " and more \\ \n ä \0',
    "some_bytes": b"\x00\xff",
    "some_ints": [1, -2],
    "some_strings": ["a", ""],
    "maybe_string": "there",
    "maybe_u32": None,
    "a_point": {"x": 1, "label": None},
    "a_shape": Variant("Circle", 2.5),
    "shapes": [Variant("Empty"), Variant("Named", {"x": 1, "label": "l"}), Variant("Many", b"ab")],
    "an_identity": Identity.derive("issuer", "subject"),
    "a_connection": ConnectionId.random(),
    "a_time": Timestamp(-5),
    "a_duration": TimeDuration(-7),
    "a_schedule": TimeDuration(9),
}


def call(database: RemoteHandle, reducer: str, *args: Any, actor: str | None = None) -> Any:
    return database.call(actor, reducer, database.definition.reducers[reducer].encode_args(*args))


def people(database: RemoteHandle) -> list[str]:
    return sorted(row["name"] for row in database.rows("person"))


def test_rows_of_every_type_come_back_as_they_went(database: RemoteHandle) -> None:
    call(database, "put_every", EVERY)
    assert database.rows("every_type") == [EVERY]
    assert database.count("every_type") == 1


def test_infinities_come_back_too(database: RemoteHandle) -> None:
    call(
        database, "put_every", {**EVERY, "a_f32": math.inf, "a_f64": -math.inf, "a_shape": Variant("Circle", math.nan)}
    )
    (row,) = database.rows("every_type")
    assert (row["a_f32"], row["a_f64"]) == (math.inf, -math.inf)
    assert math.isnan(row["a_shape"].value)


def test_calls_say_how_they_ended(database: RemoteHandle) -> None:
    committed = call(database, "add_person", "Ada", 1, 36)
    assert (committed.status, committed.message, committed.committed) == ("committed", "", True)
    assert committed.timestamp > 1_700_000_000_000_000
    failed = call(database, "fails", "no, really")
    assert (failed.status, failed.message) == ("failed", "no, really")
    crashed = call(database, "panics")
    assert (crashed.status, crashed.panic.message, crashed.panic.place) == ("crashed", "on purpose", "src/lib.rs:75")
    refused = database.call(None, "no_such_reducer", b"")
    assert refused.status == "refused"
    assert people(database) == ["Ada"]


def test_people_have_an_identity_and_a_token_each(server: RemoteServer, database: RemoteHandle) -> None:
    identities = {database.identity_of(actor) for actor in (None, "alice", "bob")}
    assert len(identities) == 3
    for number, actor in enumerate((None, "alice", "bob", "alice"), start=10):
        call(database, "own_team", number, "theirs", actor=actor)
    rows = sorted(database.rows("team"), key=lambda row: int(row["id"]))
    owners = [row["owner"] for row in rows if row["title"] == "theirs"]
    assert owners == [database.identity_of(actor) for actor in (None, "alice", "bob", "alice")]
    assert server.token_for(database.identity_of("alice")) == database.token_of("alice")


def test_connections_are_opened_by_calls_and_closed_on_demand(database: RemoteHandle) -> None:
    def logged() -> list[str]:
        return [record.message for record in database.log()]

    assert "connected" not in logged()
    call(database, "nothing", actor="alice")
    assert logged().count("connected") == 1
    database.disconnect("alice")
    database.disconnect("alice")
    database.disconnect("nobody")
    call(database, "nothing", actor="alice")
    assert logged().count("connected") == 2


def test_a_module_may_refuse_a_connection(database: RemoteHandle) -> None:
    call(database, "close_door")
    with pytest.raises(ConnectionRejected):
        call(database, "nothing", actor="bob")


def test_the_log_holds_what_the_module_said_and_nothing_else(database: RemoteHandle) -> None:
    call(database, "nothing")
    assert {record.target for record in database.log() if record.level == "info"} == {"vectors_module"}


def test_sql_answers_and_refuses(database: RemoteHandle) -> None:
    call(database, "add_person", "Ada", 1, 36)
    assert database.sql(None, "SELECT name, age FROM person").rows == (("Ada", 36),)
    changed = database.sql(None, "DELETE FROM person WHERE age = 36")
    assert (changed.inserted, changed.deleted, changed.updated, changed.rows) == (0, 1, 0, ())
    with pytest.raises(SqlError) as caught:
        database.sql(None, "SELECT * FROM nowhere")
    assert caught.value.reason == "`nowhere` is not a valid table"
    with pytest.raises(SqlError):
        database.sql("alice", "DELETE FROM person WHERE age = 36")


def test_tables_that_are_not_there(database: RemoteHandle) -> None:
    for read in (database.rows, database.count):
        with pytest.raises(UnknownTable):
            read("nowhere")


def test_clients_connect_as_actors_as_somebody_known_and_as_somebody_new(database: RemoteHandle) -> None:
    universe = Universe(database)

    async def identities() -> list[Identity]:
        found = []
        for who in (universe.actor("alice"), universe.identity, None):
            async with universe.connect(who) as connection:
                found.append(connection.identity)
        return found

    alice, owner, new = asyncio.run(identities())
    assert (alice, owner) == (database.identity_of("alice"), database.identity_of(None))
    assert new not in {alice, owner}
    with pytest.raises(NotOnThisBackend):
        database.transport(new)


# Clean states


@pytest.fixture(params=["fresh", "clear", "reducer"])
def strategy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lasting(strategy: str, open_database: Open) -> RemoteHandle:
    """A database that is cleaned before each use; its module has a reducer for that."""
    return open_database(Module.load_file(MODULES / "inner_universe_module.wasm"), reset=strategy)


def uses_an_id(database: RemoteHandle) -> None:
    call(database, "publish_event", "the-id", "FIRST", None, "{}")
    assert [row["event_type"] for row in database.rows("event_log") if row["event_id"] == "the-id"] == ["FIRST"]


def uses_the_same_id(database: RemoteHandle) -> None:
    assert [row for row in database.rows("event_log") if row["event_id"] == "the-id"] == []
    call(database, "publish_event", "the-id", "SECOND", None, "{}")
    assert [row["event_type"] for row in database.rows("event_log") if row["event_id"] == "the-id"] == ["SECOND"]


ORDERS = list(itertools.permutations((uses_an_id, uses_the_same_id)))


@pytest.mark.parametrize("order", ORDERS, ids=["forth", "back"])
def test_a_reset_gives_the_same_clean_state_to_tests_in_any_order(lasting: RemoteHandle, order: Any) -> None:
    for test in order:
        lasting.reset()
        test(lasting)


def test_a_fresh_state_is_another_database_and_the_old_one_is_gone(
    server: RemoteServer, database: RemoteHandle
) -> None:
    old, identity = database.name, database.identity
    database.reset()
    assert database.name != old
    assert database.identity != identity
    with pytest.raises(NoSuchDatabase):
        server.run(server.api().info(old))


def test_clearing_keeps_the_database(open_database: Open) -> None:
    database = open_database(reset="clear")
    name, identity = database.name, database.identity
    call(database, "add_person", "Ada", 1, 36)
    database.reset()
    assert (database.name, database.identity, people(database)) == (name, identity, [])


def test_a_reducer_that_is_not_there_cannot_clean(open_database: Open) -> None:
    with pytest.raises(UnknownReducer):
        open_database(reset="reducer").reset()


# Publishing


def test_databases_do_not_see_each_other(open_database: Open) -> None:
    one, other = open_database(), open_database()
    call(one, "add_person", "Ada", 1, 36)
    assert (people(one), people(other)) == (["Ada"], [])


def test_a_closed_database_is_gone(server: RemoteServer, open_database: Open) -> None:
    database = open_database()
    database.close()
    database.close()
    assert database.closed
    with pytest.raises(NoSuchDatabase):
        server.run(server.api().info(database.name))


def test_another_version_that_does_not_fit_is_refused_and_all_stays(database: RemoteHandle) -> None:
    call(database, "add_person", "Ada", 1, 36)
    with pytest.raises(MigrationRefused) as caught:
        database.publish(Module.load_file(MODULES / "inner_universe_module.wasm"))
    assert "Removing the table person requires a manual migration" in caught.value.reasons
    assert people(database) == ["Ada"]


def test_the_same_version_may_be_published_again(database: RemoteHandle, module: Module) -> None:
    call(database, "add_person", "Ada", 1, 36)
    database.publish(module)
    assert people(database) == ["Ada"]


def test_a_module_that_the_server_does_not_take_is_refused(open_database: Open) -> None:
    with pytest.raises(PublishFailed) as caught:
        open_database(Module.load_file(MODULES / "every_type_2_8.wasm"))
    assert "abi version 10.4 is not supported" in caught.value.reason


def test_a_name_that_servers_refuse_is_refused_before_it_is_sent(server: RemoteServer, module: Module) -> None:
    with pytest.raises(InvalidName):
        server.database("my_game", module)


@pytest.mark.parametrize("action", ["reset", "publish", "close"])
def test_a_database_without_the_runs_name_is_not_touched(
    action: str, server: RemoteServer, open_database: Open
) -> None:
    database = open_database()
    ours, database.name = database.name, "production"
    try:
        with pytest.raises(ForeignDatabase):
            getattr(database, action)(*([database.module] if action == "publish" else []))
    finally:
        database.name, database.closed = ours, False
    assert server.run(server.api().info(ours)).identity == database.identity


def test_what_a_server_cannot_do_is_said(database: RemoteHandle) -> None:
    for ask in (database.snapshot, lambda: database.restore(None), database.pending):
        with pytest.raises(NotOnThisBackend):
            ask()
