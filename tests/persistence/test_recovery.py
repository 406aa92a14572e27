"""What happens where an operation fails."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inner_universe.persistence import (
    EntityNotFoundError,
    InnerUniverseClient,
    NERVPersistenceError,
    NotConnectedError,
    Recovery,
    ValidationError,
    errors,
)

pytestmark = pytest.mark.asyncio


async def test_what_succeeds_is_left_alone(live: InnerUniverseClient) -> None:
    id_ = await Recovery(live).run(lambda: live.create_entity("Person", {"name": "Ada"}))
    assert (await live.get_entity(id_))["metadata"]["name"] == "Ada"


async def test_a_lost_connection_is_made_again_and_reading_repeated(live: InnerUniverseClient) -> None:
    id_ = await live.create_entity("Person", {"name": "Ada"})
    await live.connection.close()
    row = await Recovery(live).run(lambda: live.get_entity(id_), repeatable=True)
    assert row["id"] == id_


async def test_what_may_have_been_done_is_not_done_again(live: InnerUniverseClient) -> None:
    await live.connection.close()
    with pytest.raises(NERVPersistenceError) as caught:
        await Recovery(live).run(lambda: live.create_entity("Person", {"name": "Ada"}))
    assert isinstance(caught.value.__cause__, NotConnectedError)
    assert str(caught.value) == str(caught.value.__cause__)
    assert live.is_connected
    assert await live.query_entities() == []


async def test_without_a_server_the_fallback_answers() -> None:
    nobody = InnerUniverseClient()
    seen: list[Exception] = []

    async def from_memory(error: Exception) -> dict[str, Any]:
        seen.append(error)
        return {"id": "a", "entity_type": "Remembered"}

    async def refuse() -> None:
        raise errors.ConnectionError("no server")

    nobody.connect_or_raise = refuse  # type: ignore[method-assign]
    recovery = Recovery(nobody, fallback=from_memory)
    assert (await recovery.run(lambda: nobody.get_entity("a"), repeatable=True))["entity_type"] == "Remembered"
    assert [str(error) for error in seen] == ["no server"]


async def test_a_missing_entity_is_created_or_given(live: InnerUniverseClient) -> None:
    async def create(error: EntityNotFoundError) -> Any:
        return await live.get_entity(await live.create_entity(f"Made for {error.id}", {}))

    recovery = Recovery(live, missing=create)
    assert (await recovery.run(lambda: live.get_entity("a")))["entity_type"] == "Made for a"
    recovery = Recovery(live, missing=lambda error: f"no {error.id}")
    assert await recovery.run(lambda: live.get_entity("a")) == "no a"


async def test_a_missing_entity_without_an_answer(live: InnerUniverseClient) -> None:
    with pytest.raises(NERVPersistenceError, match=r"^entity not found: a$") as caught:
        await Recovery(live).run(lambda: live.get_entity("a"))
    assert isinstance(caught.value.__cause__, EntityNotFoundError)


async def test_an_entity_that_is_missed_after_connecting_again(live: InnerUniverseClient) -> None:
    await live.connection.close()
    recovery = Recovery(live, missing=lambda _: "none")
    assert await recovery.run(lambda: live.get_entity("a"), repeatable=True) == "none"


async def test_anything_else_is_one_error_with_its_cause(live: InnerUniverseClient) -> None:
    with pytest.raises(NERVPersistenceError) as caught:
        await Recovery(live).run(lambda: live.create_entity("", {}))
    assert isinstance(caught.value.__cause__, ValidationError)


async def test_mistakes_of_the_program_come_through(live: InnerUniverseClient) -> None:
    async def mistaken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await Recovery(live).run(mistaken)


async def test_the_decisions_can_be_replaced(live: InnerUniverseClient) -> None:
    class Defaults(Recovery):
        async def handle_missing_entity(self, error: EntityNotFoundError) -> str:
            return f"default for {error.id}"

    assert await Defaults(live).run(lambda: live.get_entity("a")) == "default for a"
