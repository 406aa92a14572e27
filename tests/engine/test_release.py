"""What the engine does otherwise when it imitates an older release of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tables import module_def, row, table_def

from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.errors import AbiNotOffered
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import NEWEST, RELEASE_1_2, RELEASES, release_named
from pytest_inner_universe.engine.scheduling import advance
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.engine.subscriptions import Subscriptions
from pytest_inner_universe.sats import STRING, U32, ConnectionId, Identity
from pytest_inner_universe.testing import options
from pytest_inner_universe.wire.messages import PersistentTableRows

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
OWNER, SOMEBODY = Identity.derive("tests", "owner"), Identity.derive("tests", "somebody")


@pytest.fixture(scope="module")
def older() -> Iterator[Module]:
    module = Module.load_file(MODULES / "every_type_1_4.wasm")
    yield module
    module.close()


@pytest.fixture(scope="module")
def newer() -> Iterator[Module]:
    module = Module.load_file(MODULES / "every_type_2_8.wasm")
    yield module
    module.close()


@pytest.fixture
def database(older: Module) -> Iterator[Database]:
    made = Database.publish(older, "here", OWNER, SOMEBODY, ManualClock(), release=RELEASE_1_2)
    yield made
    made.close()


def test_the_default_is_the_newest(older: Module) -> None:
    database = Database.publish(older, "here", OWNER, SOMEBODY, ManualClock())
    assert database.release is NEWEST is next(iter(RELEASES.values()))
    database.close()


def test_the_options_name_every_release() -> None:
    assert tuple(RELEASES) == options.RELEASES


def test_a_release_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"'3.0' is no release that can be imitated: there are 2.8, 1.2"):
        release_named("3.0")


def test_modules_for_newer_releases_are_refused(newer: Module, database: Database) -> None:
    with pytest.raises(AbiNotOffered) as caught:
        Database.publish(newer, "there", OWNER, SOMEBODY, ManualClock(), release=RELEASE_1_2)
    assert caught.value.server_text == "abi version 10.4 is not supported (host implements 10.0)"
    assert str(caught.value) == (
        f"{newer.name} cannot run on the imitated release 1.2: abi version 10.4 is not supported (host implements 10.0)\n"
        "Build it with older bindings, or imitate a newer release (--universe-release)."
    )
    with pytest.raises(AbiNotOffered):
        database.update(newer)
    with pytest.raises(AbiNotOffered):
        database.plan_update(newer)


def test_states_keep_their_release(database: Database) -> None:
    copy = Database(database.snapshot(), "copy", ManualClock())
    assert copy.release is RELEASE_1_2
    copy.close()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT * FROM nowhere", "`nowhere` is not a valid table"),
        ("SELECT * FROM st_event_table", "`st_event_table` is not a valid table"),
        ("SELECT * FROM public.person", "Multi-part names are not supported: public.person"),
        ("UPDATE person SET age = -1", "Unsupported column/variable assignment expression: -1"),
        ("UPDATE every_type SET a_f64 = -1.5", "Unsupported column/variable assignment expression: -1.5"),
        ("INSERT INTO person (id, name, team, age) VALUES (-1, 'x', 1, 1)", "Unsupported INSERT value: -1"),
        (
            "SELECT * FROM st_client WHERE identity = :sender",
            f"The literal expression `{OWNER.hex()}` cannot be parsed as type `U256`",
        ),
        ("SELECT * FROM person WHERE age = -1", "The literal expression `-1` cannot be parsed as type `U8`"),
    ],
)
def test_sql_of_1_2(database: Database, statement: str, reason: str) -> None:
    with pytest.raises(SqlError) as caught:
        database.sql(statement)
    assert caught.value.reason == reason


def test_who_asks_is_found_in_1_2(database: Database) -> None:
    assert len(database.sql("SELECT * FROM team WHERE owner = :sender", OWNER).rows) == 1
    assert len(database.sql("SELECT * FROM team WHERE owner = :sender", SOMEBODY).rows) == 0


def test_a_taken_key_in_the_words_of_1_2(database: Database) -> None:
    insert = "INSERT INTO person (id, name, team, age) VALUES (0, 'Bob', 1, 3)"
    database.sql(insert)
    with pytest.raises(SqlError) as caught:
        database.sql(insert)
    assert caught.value.reason == (
        "IndexError: Unique constraint violation 'person_name_idx_btree' in table 'person': "
        'column(s): \'["name"]\' value: "Bob"'
    )


def test_who_may_not_write(database: Database) -> None:
    with pytest.raises(SqlError) as caught:
        database.sql("DELETE FROM person", SOMEBODY)
    assert caught.value.reason == "Only owners are authorized to run SQL DML statements"


BY_TEAM = "person p JOIN team t ON p.team = t.id"
BY_NUMBER = "every_type e JOIN team t ON e.a_u32 = t.id"


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        (f"SELECT p.* FROM {BY_TEAM}", "1.2 2.8"),
        (f"SELECT p.* FROM {BY_TEAM} WHERE t.title = 'first'", "1.2 2.8"),
        (f"SELECT p.* FROM {BY_TEAM} WHERE p.age = 3 AND t.id = 1", "2.8"),
        (f"SELECT p.* FROM {BY_TEAM} WHERE (p.age = 3 OR p.team = 2) AND t.id = 1", "1.2 2.8"),
        (f"SELECT e.* FROM {BY_NUMBER}", "1.2"),
        (f"SELECT t.* FROM {BY_NUMBER} WHERE e.id = 1", "1.2"),
        (f"SELECT t.* FROM {BY_NUMBER} WHERE t.id = 1", ""),
        ("SELECT e.* FROM team t JOIN every_type e ON t.id = e.a_u32", ""),
        ("SELECT e.* FROM team t JOIN every_type e ON t.id = e.a_u32 WHERE e.a_u8 <> 3", "1.2"),
    ],
)
@pytest.mark.parametrize("release", ["1.2", "2.8"])
def test_which_joins_can_be_subscribed_to(older: Module, release: str, query: str, accepted: str) -> None:
    database = Database.publish(older, "here", OWNER, SOMEBODY, ManualClock(), release=RELEASES[release])
    client = database.connect(SOMEBODY, ConnectionId.random(), lambda _: None, lambda *_: None)
    if release in accepted.split():
        database.subscribe(client, 1, [query])
    else:
        with pytest.raises(SqlError) as caught:
            database.subscribe(client, 1, [query])
        assert caught.value.reason == "Subscriptions require indexes on join columns"
    database.close()


def test_a_join_without_an_index_on_one_side_follows_both_tables() -> None:
    module = module_def(
        table_def("note", "id", (), [], id=U32, text=STRING), table_def("tag", "id", (), [], id=U32, note=U32)
    )
    store = Datastore.create(module, RELEASE_1_2)
    subscriptions = Subscriptions(store)
    subscriptions.add("client", SOMEBODY, False, 1, ["SELECT n.* FROM tag t JOIN note n ON t.note = n.id"])

    def told(table: str, *values: object) -> list[tuple[int, int]]:
        """Insert a row; return how many rows came and went for the client."""
        tx = store.begin()
        tx.insert(store.table(table), row(store.table(table), *values))
        updates = subscriptions.deltas(tx.commit()).values()
        found = [rows for update in updates for one in update.query_sets for part in one.tables for rows in part.rows]
        return [(len(rows.inserts), len(rows.deletes)) for rows in found if isinstance(rows, PersistentTableRows)]

    assert told("tag", 1, 7) == []
    assert told("note", 7, "text") == [(1, 0)]
    assert told("tag", 2, 7) == [(1, 0)]


@pytest.mark.parametrize(("release", "next_after"), [("1.2", 350), ("2.8", 300)])
def test_what_an_interval_is_counted_from(older: Module, release: str, next_after: int) -> None:
    clock = ManualClock(0)
    database = Database.publish(older, "here", OWNER, SOMEBODY, clock, release=RELEASES[release])
    client = database.connect(SOMEBODY, ConnectionId.random(), lambda _: None, lambda *_: None)
    database.call(client, "start_ticks", (100_000).to_bytes(8, "little"), lambda _: None)
    clock.move_to(250_000)  # one tick was missed, and the next one is not due
    assert advance(database, 0) == 1
    timer = database.scheduler.next()
    assert timer is not None
    assert round(timer.due / 1000) == next_after
    database.close()


def test_tables_and_columns_stay_as_they_are() -> None:
    before = module_def(table_def("note", "id", (), [], id=U32, text=STRING))
    longer = table_def("note", "id", (), [], (), None, True, False, {2: bytes(4)}, id=U32, text=STRING, more=U32)
    keyed = table_def("note", "id", ["text"], [], id=U32, text=STRING)
    for after, refusal in (
        (module_def(), "table 'note' was removed"),
        (module_def(longer), "table 'note': column 'more' was added"),
        (module_def(keyed), "table 'note': the unique constraint 'note_text_key' was added"),
    ):
        assert Datastore.create(before, RELEASE_1_2).plan_migration(after).refusals == (refusal,)
        assert Datastore.create(before).plan_migration(after).refusals == ()


def test_tables_and_indexes_may_still_come() -> None:
    before = module_def(table_def("note", "id", (), [], id=U32, text=STRING))
    after = module_def(table_def("note", "id", (), ["text"], id=U32, text=STRING), table_def("other", id=U32))
    assert Datastore.create(before, RELEASE_1_2).plan_migration(after).refusals == ()
