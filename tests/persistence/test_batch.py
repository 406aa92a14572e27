"""Batches: few transactions, own results, nobody left waiting."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

from pytest_inner_universe.persistence import (
    BatchError,
    ConflictError,
    EntityBatch,
    EventBatch,
    InnerUniverseClient,
    NewEntity,
    NotConnectedError,
    RelationBatch,
    ValidationError,
)
from pytest_inner_universe.persistence import ConnectionError as NoConnection

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Client:
    """Takes entities, and refuses batches with one that is called bad."""

    def __init__(self) -> None:
        self.written: list[list[str]] = []
        self.failure: BaseException | None = None
        self.go = asyncio.Event()
        self.go.set()

    async def create_entities(self, entities: list[NewEntity]) -> list[str]:
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        for position, entity in enumerate(entities):
            if entity.entity_type == "Bad":
                raise BatchError(position, str(entity.id), ConflictError(f"bad: {entity.id}", entity.id))
        self.written.append([entity.entity_type for entity in entities])
        return [str(entity.id) for entity in entities]

    create_relations = publish_events = create_entities


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize(
    ("kind", "name"), [(EntityBatch, "entity_batch"), (RelationBatch, "relation_batch"), (EventBatch, "event_batch")]
)
async def test_a_new_batch_has_the_documented_bounds(client: Client, kind: Any, name: str) -> None:
    batch = kind(client)
    assert (batch.client, batch.max_batch_size, batch.max_wait_ms) == (client, 50, 100)
    assert (batch.batches, batch.logger.name) == (0, name)


async def test_a_full_batch_runs_at_once(client: Client) -> None:
    batch = EntityBatch(client, max_batch_size=3, max_wait_ms=1_000_000)
    ids = await asyncio.gather(*(batch.create_entity("Person", {}) for _ in range(6)))
    assert len(set(ids)) == 6
    assert client.written == [["Person"] * 3] * 2
    assert batch.batches == 2


async def test_a_batch_that_is_not_full_runs_after_the_wait(client: Client) -> None:
    batch = EntityBatch(client, max_wait_ms=1)
    assert await batch.create_entity("Person", {}, entity_id="p-1") == "p-1"
    assert client.written == [["Person"]]


async def test_each_gets_its_own_result(client: Client) -> None:
    async with EntityBatch(client, max_batch_size=4, max_wait_ms=1_000_000) as batch:
        kinds = ["Person", "Bad", "Person", "Bad"]
        done = await asyncio.gather(
            *(batch.create_entity(kind, {}, entity_id=f"e-{n}") for n, kind in enumerate(kinds)), return_exceptions=True
        )
    assert [str(one) for one in done] == ["e-0", "bad: e-1", "e-2", "bad: e-3"]
    assert isinstance(done[1], ConflictError)
    assert client.written == [["Person"], ["Person"]]


async def test_a_lost_connection_fails_all_and_is_not_tried_one_by_one(client: Client) -> None:
    client.failure = NoConnection("gone")
    batch = EntityBatch(client, max_batch_size=2)
    done = await asyncio.gather(*(batch.create_entity("Person", {}) for _ in range(2)), return_exceptions=True)
    assert done == [client.failure] * 2
    assert client.written == []


async def test_what_is_no_error_of_ours_reaches_the_callers(client: Client) -> None:
    client.failure = ZeroDivisionError("a mistake")
    batch = EntityBatch(client, max_batch_size=1)
    with pytest.raises(ZeroDivisionError, match=r"^a mistake$"):
        await batch.create_entity("Person", {})


async def test_who_is_cancelled_before_is_left_out_and_after_is_written_anyway(client: Client) -> None:
    batch = EntityBatch(client, max_batch_size=3, max_wait_ms=1_000_000)
    first = [asyncio.ensure_future(batch.create_entity(f"Kind{n}", {})) for n in range(2)]
    await asyncio.sleep(0)
    first[0].cancel()
    await asyncio.sleep(0)
    client.go.clear()
    last = asyncio.ensure_future(batch.create_entity("Kind2", {}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    last.cancel()
    client.go.set()
    await batch.flush()
    assert await first[1]
    assert client.written == [["Kind1", "Kind2"]]
    with pytest.raises(asyncio.CancelledError):
        await last


async def test_a_full_batch_while_another_runs_is_not_lost(client: Client) -> None:
    batch = EntityBatch(client, max_batch_size=2, max_wait_ms=1_000_000)
    client.go.clear()
    waiting = [asyncio.ensure_future(batch.create_entity("Person", {})) for _ in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    client.go.set()
    assert len(await asyncio.gather(*waiting)) == 6


async def test_closing_writes_what_waits(client: Client) -> None:
    batch = EntityBatch(client, max_wait_ms=1_000_000)
    waiting = asyncio.ensure_future(batch.create_entity("Person", {}))
    await asyncio.sleep(0)
    await batch.close()
    await batch.close()
    assert waiting.done()
    with pytest.raises(NotConnectedError) as caught:
        await batch.create_entity("Person", {})
    assert str(caught.value) == "entity_batch: not connected; it was closed"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(("size", "wait"), [(0, 1), (1, -1)])
async def test_sizes_that_make_no_sense(client: Client, size: int, wait: float) -> None:
    with pytest.raises(ValueError, match=r"^a batch has at least one operation and waits no negative time: "):
        EntityBatch(client, size, wait)


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_is_left_waiting_in_a_storm(client: Client, seed: int) -> None:
    chance = random.Random(seed)
    batch = EntityBatch(client, max_batch_size=5, max_wait_ms=0)

    async def write(number: int) -> str:
        for _ in range(chance.randrange(5)):
            await asyncio.sleep(0)
        return await batch.create_entity(chance.choice(["Person", "Bad"]), {}, entity_id=f"e-{number}")

    tasks = [asyncio.ensure_future(write(number)) for number in range(300)]
    for task in chance.sample(tasks, 50):
        await asyncio.sleep(0)
        task.cancel()
    done: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    await batch.close()
    assert {type(one) for one in done} <= {str, ConflictError, asyncio.CancelledError}


async def test_batches_in_a_universe(live: InnerUniverseClient, universe: Universe) -> None:
    async with EntityBatch(live) as entities, RelationBatch(live) as relations, EventBatch(live) as events:
        ids = await asyncio.gather(*(entities.create_entity("Person", {"name": str(n)}) for n in range(120)))
        links = await asyncio.gather(
            *(relations.create_relation(a, b, "KNOWS", {}) for a, b in itertools.pairwise(ids)),
            relations.create_relation("nobody", ids[0], "KNOWS", {}),
            return_exceptions=True,
        )
        told = await asyncio.gather(*(events.publish_event("TICK", {"n": n}, "clock") for n in range(60)))
        assert (entities.batches, relations.batches, events.batches) == (3, 3, 2)
    assert isinstance(links[-1], LookupError)
    assert str(links[-1]) == "entity not found: nobody"
    assert (universe.count("entity"), universe.count("relation")) == (120, 119)
    assert len(set(told)) == 60
    with pytest.raises(ValidationError):
        await EntityBatch(live, max_batch_size=1).create_entity("", {})
