"""Publishing another version of a module over the data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine.conftest import Guest, rows
from support.puppets import puppet
from support.raw_definitions import constraint, definition_v9, index, reducer_v9, table_v9

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.store.errors import MigrationRefused
from pytest_inner_universe.sats import STRING, U32, product
from pytest_inner_universe.wire.messages import SubscriptionError, TransactionUpdate

ITEM = product(id=U32, owner=U32)
NOTE = product(text=STRING)
KEY = {"key": [0], "indexes": [index([0]), index([1])], "constraints": [constraint([0])]}


def version(*tables: bytes, reducers: tuple[str, ...] = ("work",), types: tuple[object, ...] = (ITEM, NOTE)) -> Module:
    """A module with these tables whose reducers do nothing."""
    definition = definition_v9(types, tables, [reducer_v9(name) for name in reducers])  # type: ignore[arg-type]
    return Module.load(puppet(definition=definition), name="puppet.wasm")


def insert(database: Database, table: str, **values: object) -> None:
    tx = database.datastore.begin()
    target = database.datastore.table(table)
    tx.insert(target, target.definition.row_codec.encode(values))
    database.commit(tx, None)


@pytest.fixture
def first() -> Module:
    return version(table_v9("item", 0, **KEY))  # type: ignore[arg-type]


def test_a_new_table_and_reducer_are_there_and_the_data_stays(publish: Callable[..., Database], first: Module) -> None:
    database = publish(first)
    insert(database, "item", id=1, owner=5)
    guest = Guest(database)
    plan = database.update(
        version(table_v9("item", 0, **KEY), table_v9("note", 1), reducers=("more", "work"))  # type: ignore[arg-type]
    )
    assert [str(step) for step in plan.steps] == ["add table 'note'"]
    assert rows(database, "item") == [{"id": 1, "owner": 5}]
    assert rows(database, "note") == []
    assert guest.call("more").committed
    assert guest.ended == []


def test_the_same_program_changes_nothing(publish: Callable[..., Database], first: Module) -> None:
    database = publish(first)
    guest = Guest(database)
    assert database.update(first).steps == ()
    assert guest.call("work").committed


def test_what_is_not_automatic_is_refused_and_all_is_as_it_was(publish: Callable[..., Database], first: Module) -> None:
    database = publish(first)
    insert(database, "item", id=1, owner=5)
    with pytest.raises(MigrationRefused) as caught:
        database.update(version(table_v9("note", 1)))
    assert str(caught.value) == (
        "the tables that are there cannot become those of the new module:\n"
        "  - table 'item' was removed, but has 1 row\n"
        "undo these changes in the module, or publish it with its data cleared"
    )
    assert rows(database, "item") == [{"id": 1, "owner": 5}]
    assert Guest(database).call("work").committed


def test_subscriptions_survive(publish: Callable[..., Database], first: Module) -> None:
    database = publish(first)
    guest = Guest(database)
    database.subscribe(guest.client, 7, ["SELECT * FROM item WHERE owner = 5"])
    database.update(version(table_v9("item", 0, **KEY), table_v9("note", 1)))  # type: ignore[arg-type]
    insert(database, "item", id=1, owner=5)
    insert(database, "item", id=2, owner=6)
    (update,) = guest.told
    assert isinstance(update, TransactionUpdate)
    assert [entry.query_set_id for entry in update.query_sets] == [7]
    assert len(database.unsubscribe(guest.client, 7).tables) == 1


def test_a_subscription_that_needs_what_is_gone_ends_with_an_error(
    publish: Callable[..., Database], first: Module
) -> None:
    database = publish(version(table_v9("item", 0, **KEY), table_v9("other", 0, indexes=[index([0]), index([1])])))  # type: ignore[arg-type]
    guest = Guest(database)
    join = "SELECT i.* FROM item i JOIN other o ON i.owner = o.owner"
    database.subscribe(guest.client, 1, [join])
    database.update(version(table_v9("item", 0, **KEY), table_v9("other", 0)))  # type: ignore[arg-type]
    (error,) = guest.told
    assert isinstance(error, SubscriptionError)
    assert (error.request_id, error.query_set_id) == (None, 1)
    assert error.error == f"Subscriptions require indexes on join columns, executing: `{join}`"
    insert(database, "item", id=1, owner=5)
    assert len(guest.told) == 1


def test_a_change_that_breaks_clients_disconnects_them(publish: Callable[..., Database], first: Module) -> None:
    database = publish(version(table_v9("item", 0, **KEY), table_v9("note", 1)))  # type: ignore[arg-type]
    guest = Guest(database)
    assert database.plan_update(first).breaks_clients
    with pytest.raises(MigrationRefused) as caught:
        database.update(first, break_clients=False)
    assert caught.value.reasons == ("to remove table 'note' disconnects clients",)
    database.update(first)
    assert guest.ended == [(1001, "module exited")]
    assert rows(database, "st_client") == []
