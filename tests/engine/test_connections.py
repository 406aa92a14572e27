"""What a database keeps of its connections: who is there, and what their tokens say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine.conftest import ALICE, BOB, OWNER

from pytest_inner_universe.engine.clients import Client
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.errors import ConnectRefused
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import RELEASE_1_2
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.sats import ConnectionId, Identity

CREDENTIALS = "SELECT * FROM st_connection_credentials"


def connect(database: Database, identity: Identity = ALICE, claims: bytes | None = b'{"sub":"alice"}') -> Client:
    return database.connect(identity, ConnectionId.random(), lambda _: None, lambda *_: None, claims)


def test_what_a_token_says_is_kept_as_long_as_its_connection(database: Database) -> None:
    alice, bob = connect(database), connect(database, BOB, b'{"sub":"bob"}')
    number = int.from_bytes(alice.connection_bytes, "little")
    assert (number, '{"sub":"alice"}') in database.sql(CREDENTIALS).rows
    assert len(database.sql(CREDENTIALS).rows) == len(database.sql("SELECT * FROM st_client").rows) == 2
    database.disconnect(alice)
    assert [payload for _, payload in database.sql(CREDENTIALS).rows] == ['{"sub":"bob"}']
    database.disconnect(bob)
    assert database.sql(CREDENTIALS).rows == database.sql("SELECT * FROM st_client").rows == ()


def test_in_memory_nobody_has_a_token(database: Database) -> None:
    connect(database, claims=None)
    assert database.sql(CREDENTIALS).rows == ()
    assert len(database.sql("SELECT * FROM st_client").rows) == 1


def test_only_the_owner_sees_them(database: Database) -> None:
    connect(database)
    assert len(database.sql(CREDENTIALS, OWNER).rows) == 1
    with pytest.raises(SqlError) as caught:
        database.sql(CREDENTIALS, ALICE)
    assert (
        caught.value.reason
        == "no such table: `st_connection_credentials`. If the table exists, it may be marked private."
    )


@pytest.mark.parametrize("hook", ["connected", "disconnected"])
def test_a_hook_that_is_interrupted_leaves_no_transaction_open(
    database: Database, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    first = connect(database, BOB)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(database.host, "console_log", interrupt)
        with pytest.raises(KeyboardInterrupt):
            connect(database) if hook == "connected" else database.disconnect(first)
    connect(database, OWNER, None)
    assert [payload for _, payload in database.sql(CREDENTIALS).rows] == ['{"sub":"alice"}']
    assert len(database.sql("SELECT * FROM st_client").rows) == 2


def test_nothing_stays_of_who_was_not_let_in(database: Database) -> None:
    connect(database, OWNER, None)
    outcomes: list[object] = []
    database.call(next(iter(database.clients.values())), "close_door", b"", outcomes.append)
    with pytest.raises(ConnectRefused):
        connect(database)
    assert database.sql(CREDENTIALS).rows == ()


def test_they_go_with_the_connections_of_a_state_that_is_restored(database: Database) -> None:
    connect(database)
    snapshot = database.snapshot()
    database.restore(snapshot)
    assert database.sql(CREDENTIALS).rows == database.sql("SELECT * FROM st_client").rows == ()


def test_release_1_2_keeps_none(publish: Callable[..., Database], every_type: Module) -> None:
    database = publish(every_type, release=RELEASE_1_2)
    database.disconnect(connect(database))
    with pytest.raises(SqlError) as caught:
        database.sql(CREDENTIALS)
    assert caught.value.reason == "`st_connection_credentials` is not a valid table"


def test_views_have_numbers_in_the_order_of_their_names(notes: Database) -> None:
    described = {row[1]: row[0] for row in notes.sql("SELECT * FROM st_view").rows}
    assert sorted(described) == sorted(notes.module.definition.views)
    assert sorted(described.values()) == list(range(4096, 4096 + len(described)))
    assert [described[name] for name in sorted(described)] == sorted(described.values())
    assert notes.datastore.catalog.ids["view", "lines"] == described["lines"]
