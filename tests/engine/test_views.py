"""Views: what their followers see, when they are computed again, and what becomes of a call when one fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from engine.conftest import ALICE, BOB, Guest, counted, rows

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import NEWEST
from pytest_inner_universe.engine.scheduling import advance
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.engine.views import KEPT_MICROS, Views


def change(guest: Guest, reducer: str, *args: object) -> dict[str, tuple[int, int]]:
    """Call a reducer and count what the caller is told."""
    outcome = guest.call(reducer, *args)
    assert outcome.committed, outcome
    return counted(outcome.update)


def test_a_view_of_the_sender_is_for_each_client(notes: Database) -> None:
    alice, bob = Guest(notes), Guest(notes, BOB)
    alice.call("write", 1, 1, "hers")
    (found,) = alice.subscribe(1, "SELECT * FROM my_notes")["my_notes"]
    assert (found["owner"], found["text"]) == (ALICE, "hers")
    assert bob.subscribe(1, "SELECT * FROM my_notes") == {"my_notes": []}
    assert change(bob, "write", 1, 1, "his") == {"my_notes": (1, 0)}
    assert alice.news() == []
    assert change(alice, "erase", 1) == {"my_notes": (0, 1)}


def test_an_anonymous_view_is_shared(notes: Database) -> None:
    alice, bob = Guest(notes), Guest(notes, BOB)
    for guest in (alice, bob):
        assert guest.subscribe(1, "SELECT * FROM notes_on_one") == {}
    assert change(alice, "write", 1, 1, "x") == {"notes_on_one": (1, 0)}
    assert bob.news() == [{"notes_on_one": (1, 0)}]
    assert bob.subscribe(2, "SELECT * FROM notes_on_one WHERE rank > 3") == {"notes_on_one": []}


def test_what_an_option_a_query_and_a_type_of_its_own_give(notes: Database) -> None:
    guest = Guest(notes)
    views = ["first_note", "tallies", "lines", "note_count", "not_hidden"]
    found = guest.subscribe(1, *(f"SELECT * FROM {view}" for view in views))
    assert found == {
        "note_count": [{"what": "notes", "times": 0}],
        "not_hidden": [{"id": 1, "text": "behind a view"}],  # the table is private, the view is not
    }
    first = {"first_note": (1, 0), "lines": (1, 0), "note_count": (1, 1)}
    assert change(guest, "write", 4, 1, "same") == first
    assert change(guest, "write", 4, 1, "same") == {"note_count": (1, 1)}  # rows of a view are a set
    assert change(guest, "count_up", "calls") == {}
    assert change(guest, "count_up", "calls") == {"tallies": (1, 0)}
    assert change(guest, "count_up", "calls") == {"tallies": (1, 1)}


def test_a_view_that_only_looked_up_keys_is_left_alone_by_other_rows(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM fragile", "SELECT * FROM high_notes")
    assert guest.call("write", 8, 1, "break").committed
    outcome = guest.call("write", 9, 1, "break")
    assert (outcome.status, outcome.message) == ("crashed", NEWEST.crashed)


def test_a_range_is_a_read_of_the_whole_table(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM high_notes")
    assert change(guest, "write", 2, 4, "low") == {}
    assert change(guest, "write", 2, 5, "high") == {"high_notes": (1, 0)}


def test_a_failing_view_makes_the_reducer_fail(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM fragile")
    assert change(guest, "write", 9, 1, "fine") == {"fragile": (1, 0)}
    outcome = guest.call("write", 9, 1, "break")
    assert (outcome.status, outcome.message) == ("crashed", NEWEST.crashed)
    assert outcome.panic is not None
    assert outcome.panic.message.endswith("a note breaks this view")
    assert outcome.panic.function == "fragile"
    assert outcome.detail == (
        f"the view 'fragile' failed: {NEWEST.crashed}\n  panic at {outcome.panic.place}: {outcome.panic.message}"
    )
    assert [row["text"] for row in rows(notes, "note")] == ["fine"]
    assert change(guest, "write", 9, 1, "fine too") == {"fragile": (1, 0)}


def test_a_failing_view_makes_a_statement_fail(notes: Database) -> None:
    guest = Guest(notes)
    guest.subscribe(1, "SELECT * FROM fragile")
    guest.call("write", 9, 1, "to be broken")
    with pytest.raises(SqlError) as caught:
        notes.sql("UPDATE note SET text = 'break' WHERE topic = 9")
    assert caught.value.reason == f"The module instance encountered a fatal error: {NEWEST.crashed}"
    assert [row["text"] for row in rows(notes, "note")] == ["to be broken"]


def test_a_view_that_fails_when_it_is_asked_for_has_no_rows_and_breaks_what_it_reads(notes: Database) -> None:
    """As on a server: the one who subscribes is not told, but what the view has read is watched, to no use."""
    guest = Guest(notes)
    guest.call("write", 9, 1, "break")
    assert guest.subscribe(1, "SELECT * FROM fragile") == {}
    outcome = guest.call("write", 9, 1, "another")
    number = notes.datastore.catalog.release.first_id + sorted(notes.module.definition.views).index("fragile")
    assert outcome.message == f"failed to look up materialized view args for view {number}"
    assert guest.call("write", 8, 1, "elsewhere").committed


def test_all_tables_include_views(notes: Database) -> None:
    guest = Guest(notes)
    guest.call("write", 1, 1, "x")
    found = guest.subscribe(1, "SELECT * FROM *")
    assert list(found) == ["note", "first_note", "lines", "my_notes", "not_hidden", "note_count", "notes_on_one"]


def test_a_view_that_nobody_follows_goes_after_a_while(notes: Database) -> None:
    guest = Guest(notes)
    guest.call("write", 1, 1, "x")
    guest.subscribe(1, "SELECT * FROM my_notes")
    notes.unsubscribe(guest.client, 1)
    guest.call("write", 1, 1, "y")
    assert len(rows(notes, "my_notes")) == 2
    advance(notes, KEPT_MICROS + 1)
    guest.call("write", 1, 1, "z")
    assert rows(notes, "my_notes") == []
    assert len(guest.subscribe(2, "SELECT * FROM my_notes")["my_notes"]) == 3


def test_a_view_that_is_followed_stays(notes: Database) -> None:
    guest, other = Guest(notes), Guest(notes)
    for client in (guest, other):
        client.subscribe(1, "SELECT * FROM my_notes")
    notes.disconnect(other.client)
    advance(notes, 3 * KEPT_MICROS)
    assert change(guest, "write", 1, 1, "x") == {"my_notes": (1, 0)}


def test_one_off_queries_see_what_others_follow(notes: Database) -> None:
    """They compute nothing themselves, as on a server."""
    guest = Guest(notes)
    guest.call("write", 1, 1, "x")
    (part,) = notes.one_off(guest.client, "SELECT * FROM my_notes").tables
    assert list(part.rows) == []
    guest.subscribe(1, "SELECT * FROM my_notes")
    (part,) = notes.one_off(guest.client, "SELECT * FROM my_notes WHERE rank = 1").tables
    assert (part.table, len(part.rows)) == ("my_notes", 1)
    (part,) = notes.one_off(Guest(notes, BOB).client, "SELECT * FROM my_notes").tables
    assert list(part.rows) == []


def test_unsubscribing_gives_back_the_rows(notes: Database) -> None:
    guest = Guest(notes)
    guest.call("write", 1, 1, "x")
    query = "SELECT * FROM my_notes"
    assert len(guest.subscribe(1, query)["my_notes"]) == 1
    (part,) = notes.unsubscribe(guest.client, 1).tables
    assert (part.table, len(part.rows)) == ("my_notes", 1)


def test_a_state_is_kept_without_the_rows_of_views(notes: Database, publish: Callable[..., Database]) -> None:
    guest = Guest(notes)
    guest.call("write", 1, 1, "x")
    guest.subscribe(1, "SELECT * FROM my_notes")
    snapshot = notes.snapshot()
    other = Database(snapshot, "other", notes.clock)
    assert rows(other, "my_notes") == []
    assert Guest(other).subscribe(1, "SELECT * FROM my_notes")["my_notes"][0]["text"] == "x"
    other.close()
    notes.restore(snapshot)
    assert rows(notes, "my_notes") == []


def test_the_tables_behind_views_come_after_the_others(publish: Callable[..., Database], every_type_2: Module) -> None:
    database = publish(every_type_2)
    assert [database.datastore.table(name).id for name in ("tick", "first_team", "my_teams")] == [4103, 4104, 4105]
    found = database.sql("SELECT * FROM st_table WHERE table_id > 4102").rows
    assert found == (
        (4103, "tick", "user", "private", [0]),
        (4104, "first_team", "user", "public", None),
        (4105, "my_teams", "user", "public", None),
    )


def test_publishing_again_computes_views_anew(notes: Database, procedures: Module) -> None:
    guest = Guest(notes)
    guest.call("write", 1, 1, "x")
    guest.subscribe(1, "SELECT * FROM my_notes", "SELECT * FROM note_count")
    again = Module.load(
        procedures.data + b"\x00\x01\x00", "again.wasm"
    )  # an empty custom section: other bytes, same code
    notes.update(again)
    assert len(rows(notes, "my_notes")) == 1
    assert guest.news() == []
    assert change(guest, "write", 1, 1, "y") == {"my_notes": (1, 0), "note_count": (1, 1)}
    again.close()


def test_views_that_are_interrupted_leave_no_transaction_open(
    notes: Database, procedures: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = Module.load(procedures.data + b"\x00\x01\x00", "again.wasm")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Views, "renew", interrupt)
        with pytest.raises(KeyboardInterrupt):
            notes.update(again)
    assert Guest(notes).call("write", 1, 1, "x").committed
    again.close()
