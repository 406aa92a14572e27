"""The life of a database: publishing, clients, calls, states."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine.conftest import ALICE, OWNER, Guest, rows

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.errors import ConnectRefused, DatabaseClosed
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import NEWEST
from pytest_inner_universe.sats import TimeDuration, Timestamp


def test_publishing_runs_init_as_the_owner(database: Database) -> None:
    assert rows(database, "team") == [{"id": 1, "owner": OWNER, "title": "first"}]
    assert rows(database, "secret") == [{"id": 1, "text": "hidden"}]


def test_a_call_commits(database: Database) -> None:
    outcome = Guest(database).call("add_person", "Ada", 1, 36)
    assert outcome.committed
    assert rows(database, "person") == [{"id": 1, "name": "Ada", "team": 1, "age": 36}]
    assert outcome.changes is not None
    assert {name: (len(c.inserts), len(c.deletes)) for name, c in outcome.changes.items()} == {"person": (1, 0)}


def test_the_caller_is_who_calls(database: Database) -> None:
    Guest(database).call("own_team", 7, "mine")
    assert [row["owner"] for row in rows(database, "team") if row["id"] == 7] == [ALICE]


def test_an_error_of_the_module_changes_nothing(database: Database) -> None:
    guest = Guest(database)
    guest.call("add_person", "Ada", 1, 36)
    outcome = guest.call("add_person", "Ada", 2, 1)
    assert outcome.status == "failed"
    assert len(rows(database, "person")) == 1
    assert guest.call("fails", "my text ✗").message == "my text ✗"
    assert guest.call("fails", "").message == ""
    assert [record.message for record in database.log if record.level == "error"][-2:] == ["my text ✗", ""]


def test_a_panic_changes_nothing_and_is_explained(database: Database) -> None:
    guest = Guest(database)
    outcome = guest.call("panics")
    assert (outcome.status, outcome.message) == ("crashed", NEWEST.crashed)
    assert outcome.panic is not None
    assert outcome.panic.message.endswith("on purpose")
    assert outcome.panic.place is not None
    assert guest.call("add_person", "Ada", 1, 36).committed


def test_calls_that_are_refused_before_they_run(database: Database) -> None:
    guest = Guest(database)
    assert guest.call_raw("no_such_reducer", b"").message == "no such reducer"
    assert guest.call_raw("init", b"").message == "can't directly call special Init lifecycle reducer"
    assert guest.call_raw("connected", b"").message == "can't directly call special OnConnect lifecycle reducer"
    assert guest.call_raw("disconnected", b"").message == "can't directly call special OnDisconnect lifecycle reducer"
    text = guest.call_raw("add_person", b"\xff\xff\xff\xff").message
    assert text == ("invalid arguments for reducer add_person: data too short for [u8]: Expected 4294967295, given 0")


def test_bytes_after_the_arguments_are_ignored(database: Database) -> None:
    data = database.module.definition.reducers["add_person"].encode_args("Ada", 1, 36)
    assert Guest(database).call_raw("add_person", data + b"more").committed


def test_scheduled_reducers_of_new_modules_are_for_their_owner(
    publish: Callable[..., Database], every_type_2: Module
) -> None:
    database = publish(every_type_2)
    job = (0, Timestamp(0), "x")
    assert Guest(database).call("fire_once", job).message == "no such reducer"
    assert Guest(database, OWNER).call("fire_once", job).committed


def test_a_reducer_that_never_ends_is_stopped(publish: Callable[..., Database]) -> None:
    database = publish(call_limit=0.25)
    guest = Guest(database)
    outcome = guest.call("many", 4_000_000_000)
    assert outcome.status == "crashed"
    assert "0.25" in outcome.detail
    assert rows(database, "seen") == []
    assert guest.call("nothing").committed


def test_clients_are_listed_while_they_are_connected(database: Database) -> None:
    guest = Guest(database)
    assert rows(database, "st_client") == [{"identity": int(ALICE), "connection_id": int(guest.client.connection_id)}]
    database.disconnect(guest.client)
    database.disconnect(guest.client)
    assert rows(database, "st_client") == []
    assert [record.message for record in database.log] == ["connected", "disconnected"]


def test_the_connect_hook_can_refuse(database: Database) -> None:
    guest = Guest(database)
    guest.call("close_door")
    with pytest.raises(ConnectRefused) as caught:
        Guest(database)
    assert str(caught.value) == "the module of database 'test' refused the connection: the door is closed"
    assert len(rows(database, "st_client")) == 1


def test_every_transaction_has_a_later_time(database: Database) -> None:
    guest = Guest(database)
    times = [guest.call("nothing").timestamp for _ in range(3)]
    assert times == sorted(set(times))


def test_a_snapshot_is_a_state_to_go_back_to(database: Database) -> None:
    guest = Guest(database)
    guest.call("add_person", "Ada", 1, 36)
    database.disconnect(guest.client)
    snapshot = database.snapshot()
    guest = Guest(database)
    guest.call("add_person", "Bob", 1, 40)
    database.restore(snapshot)
    assert guest.ended == [(1001, "module exited")]
    assert [row["name"] for row in rows(database, "person")] == ["Ada"]
    guest = Guest(database)
    guest.call("add_person", "Cay", 1, 50)
    assert [row["id"] for row in rows(database, "person")] == [1, 2]


def test_restoring_lets_those_go_who_were_connected_then(database: Database) -> None:
    Guest(database)
    snapshot = database.snapshot()
    database.restore(snapshot)
    assert rows(database, "st_client") == []
    assert [record.message for record in database.log] == ["connected", "disconnected"]


def test_a_closed_database_says_so(database: Database) -> None:
    guest = Guest(database)
    database.close()
    database.close()
    assert guest.ended == [(1001, "module exited")]
    with pytest.raises(DatabaseClosed) as caught:
        guest.call("nothing")
    assert str(caught.value) == "the database 'test' is closed"


def test_every_type_of_column_goes_through_a_module(database: Database) -> None:
    definition = database.module.definition.tables["every_type"]
    row = {column.name: _example(column.type) for column in definition.columns}
    assert Guest(database).call("put_every", row).committed
    assert rows(database, "every_type") == [row]


def _example(type_: object) -> object:
    from pytest_inner_universe.sats import Array, Primitive, Product, Sum, Variant, special
    from pytest_inner_universe.sats.types import BOOL, STRING, U8

    kind = special(type_)  # type: ignore[arg-type]
    by_kind = {
        "identity": OWNER,
        "timestamp": Timestamp(-5),
        "time_duration": TimeDuration(7),
        "schedule_at": TimeDuration(9),
    }
    if kind in by_kind:
        return by_kind[kind]
    if kind == "connection_id":
        from pytest_inner_universe.sats import ConnectionId

        return ConnectionId.from_int(5)
    if isinstance(type_, Primitive):
        if type_ in (BOOL, STRING):
            return True if type_ == BOOL else "tëxt"
        return 1.5 if type_.kind[0] == "F" else -3 if type_.kind[0] == "I" else 200
    if isinstance(type_, Array):
        return b"\x00\xff" if type_.element == U8 else [_example(type_.element)] * 2
    if isinstance(type_, Product):
        return {element.name: _example(element.type) for element in type_.elements}
    assert isinstance(type_, Sum)
    if kind == "option":
        return _example(type_.variants[0].type)
    last = type_.variants[-1]
    return Variant(last.name or "", _example(last.type))
