"""Procedures: what they return, what they write, and what happens when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.backends import ANSWER_SECONDS

from pytest_inner_universe.client.errors import ProcedureCrashed

if TYPE_CHECKING:
    from conformance.conftest import Connect

    from pytest_inner_universe.client import HttpApi
    from pytest_inner_universe.testing.universe import Universe

pytestmark = [pytest.mark.universe(module="../../../fixtures/modules/procedures_2_8.wasm"), pytest.mark.asyncio]
NOTES = "SELECT * FROM note"


def texts(rows: Any) -> list[str]:
    return sorted(row["text"] for row in rows)


async def test_a_value_comes_back(universe: Universe, connect: Connect, http: HttpApi) -> None:
    async with connect() as client:
        assert await client.call_procedure("add", 2, right=3) == 5
        assert await client.call_procedure("nothing") == ()
        told = await client.call_procedure("who_calls")
        assert (told["sender"], told["connected"]) == (client.identity, True)
    assert universe.call_procedure("add", 2, 3) == 5
    assert await http.call(universe.name, "add", [2, 3]) == 5


async def test_every_transaction_of_a_procedure_is_told(universe: Universe, connect: Connect) -> None:
    async with connect() as client, connect() as other:
        for one in (client, other):
            await one.subscribe(NOTES)
        assert await client.call_procedure("write_all", 7, ["a", "b", "c"]) == 3
        assert texts(client.tables["note"].rows()) == texts(universe.rows("note")) == ["a", "b", "c"]
        await other.wait_for(lambda: other.tables["note"].count == 3, ANSWER_SECONDS)


async def test_a_transaction_that_is_given_up_leaves_nothing(universe: Universe, connect: Connect) -> None:
    async with connect() as client:
        assert (await client.call_procedure("write_unless", "no", True)).value == "refused no"
        assert universe.rows("note") == []
        await client.call_procedure("write_unless", "yes", False)
        assert texts(universe.rows("note")) == ["yes"]
        assert await client.call_procedure("count_notes") == 1


@pytest.mark.parametrize(("procedure", "args"), [("explodes", ()), ("explodes_in_tx", ("lost",))])
async def test_a_panic_fails_the_call_and_nothing_else(
    universe: Universe, connect: Connect, http: HttpApi, procedure: str, args: tuple[str, ...]
) -> None:
    async with connect() as client:
        with pytest.raises(ProcedureCrashed) as caught:
            await client.call_procedure(procedure, *args)
        # A stack follows, which says nothing to anybody else.
        assert caught.value.message.startswith("The module instance encountered a fatal error: ")
        assert await client.call_procedure("count_notes") == 0
    with pytest.raises(ProcedureCrashed) as told:
        await http.call(universe.name, procedure, args)
    assert told.value.message.startswith("The module instance encountered a fatal error: ")
    assert [record.message for record in universe.logs if record.level == "panic"] != []


async def test_reducers_of_the_same_module(connect: Connect) -> None:
    async with connect() as client:
        await client.subscribe(NOTES)
        await client.call("write", 1, 2, "by a reducer")
        assert texts(client.tables["note"].rows()) == ["by a reducer"]
        assert client.tables["note"].rows()[0]["owner"] == client.identity
