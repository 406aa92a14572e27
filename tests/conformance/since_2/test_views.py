"""Views: rows that the module makes of its tables, asked for and subscribed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../../fixtures/modules/procedures_2_8.wasm"), pytest.mark.asyncio]


def texts(rows: Any) -> list[str]:
    return sorted(row["text"] for row in rows)


async def test_a_view_that_is_the_same_for_all(universe: Universe, connect: Connect) -> None:
    universe.call("write", 1, 0, "first")
    async with connect() as client:
        await client.subscribe("SELECT * FROM notes_on_one")
        assert texts(client.tables["notes_on_one"].rows()) == ["first"]
        await client.call("write", 1, 0, "second")
        await client.call("write", 2, 0, "of another topic")
        assert texts(client.tables["notes_on_one"].rows()) == ["first", "second"]
        await client.call("erase", 1)
        assert texts(client.tables["notes_on_one"].rows()) == ["second"]
        assert texts(await client.query("SELECT * FROM notes_on_one")) == ["second"]


async def test_a_view_for_whoever_asks(universe: Universe, connect: Connect) -> None:
    async with connect(universe.actor("alice")) as alice, connect(universe.actor("bob")) as bob:
        for client in (alice, bob):
            await client.subscribe("SELECT * FROM my_notes")
        await alice.call("write", 1, 0, "of alice")
        await bob.call("write", 1, 0, "of bob")
        await alice.call("write", 1, 0, "of alice too")
        assert texts(alice.tables["my_notes"].rows()) == ["of alice", "of alice too"]
        assert texts(bob.tables["my_notes"].rows()) == ["of bob"]
        assert texts(await bob.query("SELECT * FROM my_notes")) == ["of bob"]


async def test_a_view_of_at_most_one_row(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM first_note", "SELECT * FROM note_count")
        assert client.tables["first_note"].rows() == []
        await client.call("write", 1, 0, "the first")
        await client.call("write", 1, 0, "the second")
        assert texts(client.tables["first_note"].rows()) == ["the first"]
        assert client.tables["note_count"].rows() == [{"what": "notes", "times": 2}]
        await client.call("erase", 1)
        assert client.tables["first_note"].rows() == []


async def test_a_view_of_what_is_private(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM not_hidden")
        assert client.tables["not_hidden"].rows() == [{"id": 1, "text": "behind a view"}]
    assert universe.actor("alice").sql("SELECT * FROM not_hidden") == [{"id": 1, "text": "behind a view"}]


async def test_a_view_that_is_a_query(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe("SELECT * FROM tallies")
        await client.call("count_up", "once")
        for _ in range(2):
            await client.call("count_up", "twice")
        assert client.tables["tallies"].rows() == [{"what": "twice", "times": 2}]


async def test_others_hear_of_changes_in_a_view(connect: Connect) -> None:
    async with connect() as writer, connect() as reader:
        await reader.subscribe("SELECT * FROM high_notes")
        for rank in (4, 5, 6):
            await writer.call("write", 2, rank, f"rank {rank}")
        await reader.wait_for(lambda: reader.tables["high_notes"].count == 2, ANSWER_SECONDS)
        assert texts(reader.tables["high_notes"].rows()) == ["rank 5", "rank 6"]


async def test_a_view_joined_with_conditions(universe: Universe, connect: Connect) -> None:
    for rank in (1, 9):
        universe.call("write", 1, rank, f"rank {rank}")
    async with connect() as client:
        await client.subscribe("SELECT * FROM notes_on_one WHERE rank > 5")
        assert texts(client.tables["notes_on_one"].rows()) == ["rank 9"]
    assert universe.sql("SELECT text FROM notes_on_one WHERE rank < 5") == [{"text": "rank 1"}]
