"""Clients of a universe: reproducible ids, and an owner who needs no loop."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from pytest_inner_universe.testing.clients import inner_universe_client, owner_client, seeded_ids
from pytest_inner_universe.testing.universe import Universe

if TYPE_CHECKING:
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient


def test_ids_follow_from_seed_and_purpose() -> None:
    first, same, other = seeded_ids(1, "a"), seeded_ids(1, "a"), seeded_ids(1, "b")
    made = [first() for _ in range(3)]
    assert made == [same() for _ in range(3)]
    assert not set(made) & {other() for _ in range(3)}
    assert {uuid.UUID(one).version for one in made} == {4}


@pytest.mark.asyncio
async def test_a_client_makes_the_same_ids_in_every_run() -> None:
    made = []
    for _ in range(2):
        with Universe.embedded(seed=5) as universe:
            async with inner_universe_client(universe) as client:
                made.append(await client.create_entity("Person", {"name": "Ada"}))
    assert made[0] == made[1]


@pytest.mark.asyncio
async def test_a_client_can_be_an_actor(universe: Universe) -> None:
    alice = universe.actor("alice")
    async with inner_universe_client(universe, alice) as client:
        assert client.identity == alice.identity


def test_the_owner_s_client_needs_no_loop(universe: Universe) -> None:
    client: InnerUniverseClient = owner_client(universe)
    assert client.is_connected
    call = client.create_entity("Person", {"name": "Ada"}, entity_id="ada")
    with pytest.raises(StopIteration) as stopped:
        call.send(None)
    assert stopped.value.value == "ada"
    assert universe.count("entity") == 1
