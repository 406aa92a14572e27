"""Query sets: what they start with, what each commit changes for them, and what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from support.sql_store import GUEST, OWNER, Store, table

from pytest_inner_universe.engine.sql import SqlError, SqlNotSupported, plan
from pytest_inner_universe.engine.subscriptions import NoSuchQuerySet, QuerySetExists, Subscriptions
from pytest_inner_universe.sats import ConnectionId, Identity
from pytest_inner_universe.sats.definition import ModuleDef, ViewDef
from pytest_inner_universe.sats.types import F64, IDENTITY, STRING, U8, U32, Array, product
from pytest_inner_universe.wire.counting import Counting
from pytest_inner_universe.wire.messages import (
    EventTableRows,
    PersistentTableRows,
    QueryRows,
    QuerySetUpdate,
    SingleTableRows,
    TableUpdate,
    TransactionUpdate,
)
from pytest_inner_universe.wire.rows import RowList

PERSON = table("person", {"id": U32, "name": STRING, "team": U32, "age": U8}, unique=("id",), indexes=(("team",),))
TEAM = table("team", {"id": U32, "title": STRING, "owner": IDENTITY}, unique=("id",), indexes=(("owner",),))
SECRET = table("secret", {"id": U32, "text": STRING}, unique=("id",), is_public=False)
PING = table("ping", {"team": U32, "text": STRING}, indexes=(("team",),), is_event=True)
MEASURE = table("measure", {"value": F64}, indexes=(("value",),))

ANN, BOB, CAY = (1, "Ann", 1, 30), (2, "Bob", 1, 40), (3, "Cay", 2, 50)
RED, BLUE = (1, "red", OWNER), (2, "blue", GUEST)


class Follower:
    """A store with subscriptions, which shows rows as values."""

    def __init__(self, *filters: str, definition: ModuleDef | None = None) -> None:
        self.store = Store(PERSON, TEAM, SECRET, PING, MEASURE, filters=filters, definition=definition)
        self.subscriptions = Subscriptions(self.store.datastore)

    def values(self, name: str, rows: RowList) -> list[tuple[Any, ...]]:
        decode = self.store.datastore.table(name).definition.row_codec.decode
        return [tuple(decode(row).values()) for row in rows]

    def shown(self, rows: QueryRows) -> list[tuple[str, list[tuple[Any, ...]]]]:
        return [(single.table, self.values(single.table, single.rows)) for single in rows.tables]

    def add(
        self, client: str, number: int, *queries: str, caller: Identity = OWNER, counting: Counting = Counting.PER_SET
    ) -> Any:
        return self.shown(self.subscriptions.add(client, caller, caller == OWNER, number, list(queries), counting))

    def change(self, inserts: Any, deletes: Any = None) -> dict[Any, Any]:
        """Commit, and return for each client and set the tables with inserted and deleted rows."""
        updates = self.subscriptions.deltas(self.store.change(inserts, deletes))
        return {
            (client, query_set.query_set_id): [
                (update.table_name, [self._parts(update.table_name, rows) for rows in update.rows])
                for update in query_set.tables
            ]
            for client, update in updates.items()
            for query_set in update.query_sets
        }

    def _parts(self, name: str, rows: PersistentTableRows | EventTableRows) -> Any:
        if isinstance(rows, EventTableRows):
            return self.values(name, rows.events)
        return self.values(name, rows.inserts), self.values(name, rows.deletes)


@pytest.fixture
def follower() -> Follower:
    follower = Follower()
    follower.store.change({"person": [ANN, BOB, CAY], "team": [RED, BLUE], "secret": [(1, "hidden")]})
    return follower


# What a set starts and ends with


def test_a_set_starts_with_the_rows_of_each_query(follower: Follower) -> None:
    rows = follower.subscriptions.add("A", OWNER, True, 1, ["SELECT * FROM person WHERE id = 1", "SELECT * FROM ping"])
    row = follower.store.encode("person", *ANN)
    assert rows == QueryRows((SingleTableRows("person", RowList([row])),))


def test_empty_tables_are_left_out_and_empty_results_are_not(follower: Follower) -> None:
    found = follower.add("A", 1, "SELECT * FROM measure", "SELECT * FROM person WHERE age = 1", "SELECT * FROM team")
    assert found == [("person", []), ("team", [RED, BLUE])]
    assert follower.add("A", 2, "SELECT p.* FROM person p JOIN ping e ON p.id = e.team WHERE e.text = 'x'") == []


def test_identical_queries_of_a_set_count_once_and_overlapping_ones_each(follower: Follower) -> None:
    young = "SELECT * FROM person WHERE age < 35"
    assert follower.add("A", 1, young, f"  {young}\n", "SELECT * FROM person WHERE  age < 35") == [
        ("person", [ANN]),
        ("person", [ANN]),
    ]
    assert follower.change({"person": [(4, "Dan", 1, 9)]}) == {
        ("A", 1): [("person", [([(4, "Dan", 1, 9)], []), ([(4, "Dan", 1, 9)], [])])]
    }


def test_all_tables_are_those_that_the_caller_may_read_but_event_tables(follower: Follower) -> None:
    follower.store.change({"measure": [(1.5,)]})
    public = [("person", [ANN, BOB, CAY]), ("team", [RED, BLUE]), ("measure", [(1.5,)])]
    assert follower.add("G", 1, " select *\n from * ", caller=GUEST) == public
    assert follower.add("A", 1, "SELECT * FROM *") == [*public[:2], ("secret", [(1, "hidden")]), public[2]]
    found = follower.add("A", 2, "SELECT * FROM ping", "SELECT * FROM *", "SELECT * FROM person")
    assert [name for name, _ in found] == ["person", "team", "secret", "measure"]


def test_ending_a_set_gives_its_rows_as_they_are_now(follower: Follower) -> None:
    follower.add("A", 1, "SELECT * FROM person WHERE team = 1", "SELECT * FROM measure")
    follower.change({}, {"person": [ANN]})
    assert follower.shown(follower.subscriptions.remove("A", 1)) == [("person", [BOB])]
    assert follower.change({"person": [ANN]}) == {}


# What commits change


def test_only_what_belongs_to_a_query_reaches_it(follower: Follower) -> None:
    follower.add("A", 7, "SELECT * FROM person WHERE team = 1 AND age > 35")
    follower.add("B", 7, "SELECT * FROM person WHERE age > 35", caller=GUEST)
    older, moved = (1, "Ann", 1, 36), (2, "Bob", 2, 40)
    assert follower.change({"person": [older, moved]}, {"person": [ANN, BOB]}) == {
        ("A", 7): [("person", [([older], [BOB])])],
        ("B", 7): [("person", [([older, moved], [BOB])])],
    }
    assert follower.change({"team": [(3, "new", OWNER)]}) == {}
    assert follower.change({"person": [(5, "Eve", 1, 1)]}) == {}


def test_sets_are_independent_and_clients_go_alone(follower: Follower) -> None:
    for client, number in (("A", 1), ("A", 2), ("B", 1)):
        follower.add(client, number, "SELECT * FROM team")
    new = (3, "new", OWNER)
    update: list[Any] = [("team", [([new], [])])]
    assert follower.change({"team": [new]}) == {("A", 1): update, ("A", 2): update, ("B", 1): update}
    follower.subscriptions.remove("A", 1)
    assert set(follower.change({}, {"team": [new]})) == {("A", 2), ("B", 1)}
    follower.subscriptions.drop_client("A")
    follower.subscriptions.drop_client("nobody")
    assert set(follower.change({"team": [new]})) == {("B", 1)}


def test_a_query_that_counts_once_is_told_by_the_oldest_set_that_has_it(follower: Follower) -> None:
    once, all_people, few = Counting.PER_CLIENT, "SELECT * FROM person", "SELECT * FROM person WHERE id = 1"
    assert follower.add("A", 1, all_people, counting=once) == [("person", [ANN, BOB, CAY])]
    assert follower.add("A", 2, all_people, few, counting=once) == [("person", [ANN])]
    assert follower.add("A", 3, all_people, counting=Counting.PER_CLIENT_SHOWN) == [("person", [ANN, BOB, CAY])]
    assert follower.add("A", 4, all_people) == [("person", [ANN, BOB, CAY])]
    assert follower.add("B", 1, all_people, counting=once) == [("person", [ANN, BOB, CAY])]
    gone: list[Any] = [("person", [([], [ANN])])]
    told = follower.change({}, {"person": [ANN]})
    assert told == {("A", 1): gone, ("A", 2): gone, ("A", 4): gone, ("B", 1): gone}
    assert follower.subscriptions.remove("A", 1) == QueryRows()
    assert set(follower.change({"person": [ANN]})) == {("A", 2), ("A", 4), ("B", 1)}
    assert follower.subscriptions.remove("A", 3) == QueryRows()
    ended = follower.subscriptions.remove("A", 2)
    assert follower.shown(ended) == [("person", [BOB, CAY, ANN]), ("person", [ANN])]
    assert ended.queries == ("person", "person")
    assert set(follower.change({}, {"person": [ANN]})) == {("A", 4), ("B", 1)}


def test_queries_that_count_once_are_named_even_without_rows(follower: Follower) -> None:
    rows = follower.subscriptions.add("A", OWNER, True, 1, ["SELECT * FROM measure"], Counting.PER_CLIENT)
    assert rows == QueryRows((), ("measure",))
    assert follower.subscriptions.remove("A", 1) == rows


def test_updates_have_the_form_of_messages(follower: Follower) -> None:
    follower.add("A", 3, "SELECT * FROM team WHERE id = 9", "SELECT * FROM ping")
    changes = follower.store.change({"team": [(9, "nine", OWNER)], "ping": [(1, "hello")]})
    team, ping = follower.store.encode("team", 9, "nine", OWNER), follower.store.encode("ping", 1, "hello")
    rows = PersistentTableRows(RowList([team]), RowList([]))
    tables = (TableUpdate("team", (rows,)), TableUpdate("ping", (EventTableRows(RowList([ping])),)))
    assert follower.subscriptions.deltas(changes) == {"A": TransactionUpdate((QuerySetUpdate(3, tables),))}


def test_the_sender_is_the_one_who_subscribed(follower: Follower) -> None:
    query = "SELECT * FROM team WHERE owner = :sender"
    other = Identity.derive("tests", "other")
    assert follower.add("A", 1, query) == [("team", [RED])]
    assert follower.add("G", 1, query, caller=GUEST) == [("team", [BLUE])]
    assert follower.add("O", 1, query, caller=other) == [("team", [])]
    green = (3, "green", GUEST)
    assert follower.change({"team": [green]}) == {("G", 1): [("team", [([green], [])])]}


def test_a_query_is_evaluated_once_for_all_who_share_it(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_inner_universe.engine.subscriptions.deltas import TableDelta

    evaluated: list[list[bytes]] = []
    original = TableDelta.of

    def counted(self: TableDelta, rows: list[bytes]) -> list[bytes]:
        evaluated.append(rows)
        return original(self, rows)

    monkeypatch.setattr(TableDelta, "of", counted)
    for number in range(20):
        follower.add(f"shared {number}", 1, "SELECT * FROM person WHERE age > 1", caller=GUEST)
        follower.add(f"own {number}", 1, f"SELECT * FROM person WHERE id = {100 + number}", caller=GUEST)
    assert len(follower.change({"person": [(107, "Dan", 1, 9)]})) == 21
    assert len(evaluated) == 4  # inserts and deletes of the shared query and of the one that wants this row


# Joins


FIRST = "SELECT p.* FROM person p JOIN team t ON p.team = t.id WHERE t.title = 'red'"


def test_a_join_follows_both_of_its_tables(follower: Follower) -> None:
    assert follower.add("A", 1, FIRST) == [("person", [ANN, BOB])]
    dan = (4, "Dan", 1, 9)
    assert follower.change({"person": [dan, (5, "Eve", 2, 9)]}) == {("A", 1): [("person", [([dan], [])])]}
    assert follower.change({"team": [(2, "red", GUEST)]}, {"team": [BLUE]}) == {
        ("A", 1): [("person", [([CAY, (5, "Eve", 2, 9)], [])])]
    }
    assert follower.change({}, {"team": [RED]}) == {("A", 1): [("person", [([], [ANN, BOB, dan])])]}


def test_pairs_that_cancel_out_are_not_sent(follower: Follower) -> None:
    """A row that is in the result before and after, through another partner, has not changed."""
    follower.add("A", 1, FIRST)
    assert follower.change({"team": [(1, "red", GUEST)]}, {"team": [RED]}) == {}
    follower.add("A", 2, "SELECT t.* FROM person p JOIN team t ON p.team = t.id")
    moved = (3, "Cay", 1, 50)
    blue, red = BLUE, (1, "red", GUEST)
    assert follower.change({"person": [moved]}, {"person": [CAY]}) == {
        ("A", 1): [("person", [([moved], [])])],
        ("A", 2): [("team", [([red], [blue])])],
    }
    assert follower.change({"person": [(1, "Anna", 1, 30)]}, {"person": [ANN]})[("A", 1)] == [
        ("person", [([(1, "Anna", 1, 30)], [ANN])])
    ]


def test_a_row_counts_once_for_each_of_its_pairs(follower: Follower) -> None:
    query = "SELECT t.* FROM person p JOIN team t ON p.team = t.id"
    assert follower.add("A", 1, query) == [("team", [RED, RED, BLUE])]
    assert follower.change({}, {"person": [ANN, BOB]}) == {("A", 1): [("team", [([], [RED, RED])])]}


def test_a_table_may_be_joined_with_itself(follower: Follower) -> None:
    follower.add("A", 1, "SELECT a.* FROM person a JOIN person b ON a.team = b.id WHERE b.age > 35")
    assert follower.change({"person": [(4, "Dan", 3, 1), (5, "Eve", 5, 36)]}) == {
        ("A", 1): [("person", [([(4, "Dan", 3, 1), (5, "Eve", 5, 36)], [])])]
    }
    assert follower.change({}, {"person": [(5, "Eve", 5, 36)]}) == {("A", 1): [("person", [([], [(5, "Eve", 5, 36)])])]}


def test_event_rows_find_their_partners_and_leave_nothing(follower: Follower) -> None:
    follower.add("A", 1, "SELECT e.* FROM ping e JOIN team t ON e.team = t.id WHERE t.title = 'red' AND e.text <> ''")
    follower.add("A", 2, "SELECT p.* FROM ping e JOIN person p ON e.team = p.team")
    green = (9, "red", OWNER)
    assert follower.change({"ping": [(1, "to red"), (2, "to blue"), (9, "to new")], "team": [green]}) == {
        ("A", 1): [("ping", [[(1, "to red"), (9, "to new")]])],
        ("A", 2): [("person", [([ANN, BOB, CAY], [])])],
    }
    assert follower.change({}, {"team": [green]}) == {}


# Row-level security


def test_filters_narrow_what_others_follow() -> None:
    mine = "SELECT * FROM team WHERE owner = :sender"
    members = "SELECT p.* FROM team t JOIN person p ON p.team = t.id"
    follower = Follower(mine, members)
    follower.store.change({"person": [ANN, BOB, CAY], "team": [RED, BLUE]})
    assert follower.add("A", 1, "SELECT * FROM team") == [("team", [RED, BLUE])]
    assert follower.add("G", 1, "SELECT * FROM team", caller=GUEST) == [("team", [BLUE])]
    assert follower.add("G", 2, "SELECT * FROM person WHERE age > 1", caller=GUEST) == [("person", [CAY])]
    dan, green = (4, "Dan", 3, 9), (3, "green", GUEST)
    assert follower.change({"person": [dan], "team": [green]}) == {
        ("A", 1): [("team", [([green], [])])],
        ("G", 1): [("team", [([green], [])])],
        ("G", 2): [("person", [([dan], [])])],
    }


def test_a_joined_table_with_filters_cannot_be_followed() -> None:
    """The server turns its ON clause into a condition, and then misses the index; put the narrowed table first."""
    follower = Follower("SELECT * FROM team WHERE owner = :sender")
    follower.add("G", 1, "SELECT p.* FROM team t JOIN person p ON p.team = t.id", caller=GUEST)
    with pytest.raises(SqlError) as caught:
        follower.add("G", 2, "SELECT p.* FROM person p JOIN team t ON p.team = t.id", caller=GUEST)
    assert caught.value.reason == "Subscriptions require indexes on join columns"
    follower.add("A", 2, "SELECT p.* FROM person p JOIN team t ON p.team = t.id")


def test_filters_of_one_table_are_alternatives() -> None:
    follower = Follower("SELECT * FROM person WHERE team = 1", "SELECT * FROM person WHERE age = 30")
    follower.store.change({"person": [ANN, BOB, CAY]})
    found = follower.add("G", 1, "SELECT * FROM person", caller=GUEST)
    assert found == [("person", [ANN, BOB]), ("person", [ANN])]
    assert follower.change({}, {"person": [ANN]}) == {("G", 1): [("person", [([], [ANN, ANN])])]}


# One-off queries


def test_a_one_off_query_gives_one_table_always(follower: Follower) -> None:
    ask = follower.subscriptions.one_off
    assert follower.shown(ask(GUEST, False, "SELECT * FROM measure")) == [("measure", [])]
    joined = "SELECT t.* FROM team t JOIN person p ON t.title = p.name"
    assert follower.shown(ask(OWNER, True, joined)) == [("team", [])]
    assert follower.shown(ask(OWNER, True, "SELECT t.* FROM team t CROSS JOIN secret s")) == [("team", [RED, BLUE])]
    with pytest.raises(SqlError) as caught:
        ask(GUEST, False, "SELECT COUNT(*) AS n FROM person")
    assert caught.value.reason == (
        "Column projections are not supported in subscriptions; Subscriptions must return a table type"
    )


def test_a_one_off_query_does_not_return_everything_times_everything(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_JOINED_ROWS", 3)
    with pytest.raises(SqlNotSupported) as caught:
        follower.subscriptions.one_off(OWNER, True, "SELECT t.* FROM team t CROSS JOIN person p")
    assert caught.value.reason == (
        "The embedded engine returns 3 combinations of rows at most; join by columns that are equal"
    )


# Refusals


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "SubscriptionError: Empty string"),
        ("SELECT * FROM nowhere", "no such table: `nowhere`. If the table exists, it may be marked private."),
        ("SELECT * FROM secret", "no such table: `secret`. If the table exists, it may be marked private."),
        (
            "SELECT name FROM person",
            "Column projections are not supported in subscriptions; Subscriptions must return a table type",
        ),
        ("SELECT * FROM person p JOIN team t ON p.team = t.id", "SELECT * is not supported for joins"),
        ("SELECT p.* FROM person p JOIN team t", "Subscriptions require indexes on join columns"),
        ("SELECT p.* FROM person p JOIN team t ON p.age = t.id", "Unexpected type: (expected) U32 != U8 (inferred)"),
        (
            "SELECT p.* FROM person p JOIN team t ON p.name = t.title",
            "Subscriptions require indexes on join columns",
        ),
        ("SELECT p.* FROM person p JOIN team t ON p.team = p.id", "Subscriptions require indexes on join columns"),
        (
            "SELECT p.* FROM person p JOIN team t ON p.team = t.id JOIN person q ON q.team = t.id",
            "Invalid number of tables in subscription: 3",
        ),
        (
            "SELECT p.* FROM person p JOIN ping e ON p.team = e.team",
            "Event tables cannot be used as the lookup table in subscription joins",
        ),
        (
            "SELECT e.* FROM ping e JOIN person p ON p.team = e.team WHERE p.age = 1",
            "Event tables cannot be used as the lookup table in subscription joins",
        ),
        ("SELECT * FROM person LIMIT 1", "Unsupported: SELECT * FROM person LIMIT 1"),
        ("DELETE FROM person", "Unsupported: Non-SELECT queries"),
    ],
)
def test_a_refused_query_refuses_its_whole_set(follower: Follower, query: str, reason: str) -> None:
    with pytest.raises(SqlError) as caught:
        follower.add("G", 1, "SELECT * FROM person", query, caller=GUEST)
    assert caught.value.reason == reason
    assert caught.value.server_text == f"{reason}, executing: `{query}`"
    assert follower.change({"person": [(4, "Dan", 1, 9)]}) == {}
    follower.add("G", 1, "SELECT * FROM person", caller=GUEST)


def test_a_live_set_id_is_refused_and_an_ended_one_is_free(follower: Follower) -> None:
    follower.add("A", 1, "SELECT * FROM person")
    with pytest.raises(QuerySetExists) as exists:
        follower.add("A", 1, "SELECT * FROM team")
    assert str(exists.value) == "query set 1 of this client is still alive: end it first, or take another id"
    assert exists.value.server_text == "Subscription with id QuerySetId { id: 1 } already exists for client: A"
    follower.subscriptions.remove("A", 1)
    with pytest.raises(NoSuchQuerySet) as missing:
        follower.subscriptions.remove("A", 1)
    assert str(missing.value) == "this client has no query set 1"
    assert missing.value.server_text == "Subscription not found: (A, QuerySetId { id: 1 })"
    follower.add("A", 1, "SELECT * FROM team")


def test_of_a_bad_query_and_a_live_set_id_the_query_is_told(follower: Follower) -> None:
    follower.add("A", 1, "SELECT * FROM person")
    with pytest.raises(SqlError) as caught:
        follower.add("A", 1, "SELECT * FROM nowhere")
    assert caught.value.reason == "no such table: `nowhere`. If the table exists, it may be marked private."


class _Connected:
    """A client as the database knows it."""

    identity = OWNER
    connection_id = ConnectionId.from_int(7)


def test_the_servers_text_names_the_connection(follower: Follower) -> None:
    client = _Connected()
    with pytest.raises(NoSuchQuerySet) as unknown:
        follower.subscriptions.remove(client, 999)
    assert unknown.value.server_text == (f"Client not found: (Identity({OWNER.hex()}), ConnectionId({'0' * 31}7))")
    follower.subscriptions.add(client, OWNER, True, 1, ["SELECT * FROM person"])
    follower.subscriptions.remove(client, 1)
    with pytest.raises(NoSuchQuerySet) as missing:
        follower.subscriptions.remove(client, 999)
    assert missing.value.server_text == (
        f"Subscription not found: ((Identity({OWNER.hex()}), ConnectionId({'0' * 31}7)), QuerySetId {{ id: 999 }})"
    )


def test_the_row_limit_counts_all_new_queries_of_a_set(follower: Follower) -> None:
    follower.store.sql("SET row_limit = 4")
    follower.add("G", 1, "SELECT * FROM person", caller=GUEST)
    assert follower.add("G", 2, "SELECT * FROM person", "SELECT * FROM team", caller=GUEST)
    with pytest.raises(SqlError) as caught:
        follower.add("G", 3, "SELECT * FROM person WHERE age > 1", caller=GUEST)
    assert caught.value.server_text == "Estimated cardinality (6 rows) exceeds limit (4 rows)"
    assert follower.add("A", 1, "SELECT * FROM person WHERE age > 1")


def test_views_are_among_all_tables() -> None:
    views = {
        name: ViewDef(name, name, 0, is_public, True, product(), Array(PERSON.row_type))
        for name, is_public in (("young", True), ("old", True), ("secret", False))
    }
    follower = Follower(definition=ModuleDef(10, {"person": PERSON}, {}, views=views))
    follower.store.change({"person": [ANN]})
    follower.add("A", 1, "SELECT * FROM *")
    follower.add("G", 1, "SELECT * FROM *", caller=GUEST)
    sets = follower.subscriptions._sets
    assert [query.table for query in sets["A"][1].queries] == ["person", "old", "secret", "young"]
    assert [query.table for query in sets["G"][1].queries] == ["person", "old", "young"]


def test_nothing_is_left_of_ended_sets(follower: Follower) -> None:
    """Neither queries nor lookups by value outlive their last subscriber."""
    queries = ["SELECT * FROM person WHERE id = 1", "SELECT * FROM team", FIRST, "SELECT * FROM person WHERE team = 2"]
    for client in "AB":
        follower.add(client, 1, *queries)
        follower.add(client, 2, *queries[:2])
    follower.subscriptions.drop_client("A")
    follower.subscriptions.remove("B", 1)
    follower.subscriptions.remove("B", 2)
    kept = vars(follower.subscriptions)
    assert not kept["_sets"]
    assert not kept["_compiled"]
    assert not vars(kept["_registry"])["_tables"]
    assert Counter(follower.change({"person": [(9, "Zoe", 1, 1)]})) == Counter()
