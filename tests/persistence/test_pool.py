"""The pool: fair, bounded, without lost clients."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from persistence.conftest import client_of

from pytest_inner_universe.persistence import (
    ClientPool,
    InnerUniverseConfig,
    NotConnectedError,
    PoolStatistics,
    PoolTimeoutError,
    ValidationError,
)
from pytest_inner_universe.persistence import ConnectionError as NoConnection

if TYPE_CHECKING:
    from pytest_inner_universe.testing.universe import Universe

pytestmark = pytest.mark.asyncio


class Client:
    """A client that takes a few turns of the loop to connect."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.is_connected = False

    async def connect_or_raise(self) -> None:
        await asyncio.sleep(0)
        if self.maker.refuses:
            raise NoConnection("refused on purpose")
        self.is_connected = True
        self.maker.open.add(self)
        self.maker.most = max(self.maker.most, len(self.maker.open))

    async def disconnect(self) -> None:
        await asyncio.sleep(0)
        self.is_connected = False
        self.maker.open.discard(self)


class Maker:
    def __init__(self) -> None:
        self.refuses = False
        self.open: set[Client] = set()
        self.most = 0

    def __call__(self, config: InnerUniverseConfig) -> Client:
        return Client(self)


@pytest.fixture
def maker() -> Maker:
    return Maker()


def pool_of(maker: Maker, min_size: int = 0, max_size: int = 2) -> ClientPool:
    return ClientPool(min_size=min_size, max_size=max_size, make_client=maker)


async def test_it_grows_from_its_least_to_its_most(maker: Maker) -> None:
    async with pool_of(maker, 1, 2) as pool:
        assert pool.statistics == PoolStatistics(1, 0, 0, 0, 0)
        first, second = await pool.acquire(), await pool.acquire()
        assert pool.statistics == PoolStatistics(0, 2, 0, 0, 0)
        assert pool.seconds_out(first) is not None
        await pool.release(first)
        assert await pool.acquire() is first
        await pool.release(second)
        assert pool.seconds_out(second) is None
    assert maker.open == set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_waits_first_is_served_first(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    async with pool_of(maker, max_size=1) as pool:
        client = await pool.acquire()
        served: list[int] = []

        async def wait(number: int) -> None:
            async with pool.client():
                served.append(number)
                await asyncio.sleep(0)

        waiting = [asyncio.ensure_future(wait(number)) for number in range(5)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await pool.release(client)
        await asyncio.gather(*waiting, return_exceptions=True)
    assert served == [0, 2, 3, 4]
    assert ("client_pool", "all 1 clients are in use") in [(r.name, r.message) for r in caplog.records]


async def test_a_wait_has_an_end(maker: Maker) -> None:
    async with pool_of(maker, max_size=1) as pool:
        client = await pool.acquire()
        with pytest.raises(TimeoutError) as caught:
            await pool.acquire(timeout=0.01)
        assert isinstance(caught.value, PoolTimeoutError)
        assert str(caught.value) == "no client of the pool became free within 0.01 s; all 1 are in use"
        await pool.release(client)
        assert await pool.acquire(timeout=1) is client


async def test_lost_connections_are_replaced(maker: Maker) -> None:
    async with pool_of(maker, 1, 2) as pool:
        lost = await pool.acquire()
        await pool.release(lost)
        lost.is_connected = False
        client = await pool.acquire()
        assert client is not lost
        assert client.is_connected
        client.is_connected = False
        await pool.release(client)
        assert pool.statistics == PoolStatistics(0, 0, 0, 0, 2)
        assert (await pool.acquire()).is_connected


async def test_who_waits_gets_the_room_of_a_lost_client(maker: Maker) -> None:
    async with pool_of(maker, max_size=1) as pool:
        lost = await pool.acquire()
        waiting = asyncio.ensure_future(pool.acquire())
        await asyncio.sleep(0)
        lost.is_connected = False
        await pool.release(lost)
        assert (await waiting) is not lost
        assert pool.statistics == PoolStatistics(0, 1, 0, 0, 1)


async def test_a_failed_connect_leaves_room_for_the_next(maker: Maker) -> None:
    async with pool_of(maker, max_size=1) as pool:
        maker.refuses = True
        with pytest.raises(NoConnection, match=r"^refused on purpose$"):
            await pool.acquire()
        assert pool.statistics == PoolStatistics(0, 0, 0, 0, 0)
        maker.refuses = False
        await pool.acquire()


async def test_a_failed_beginning_leaves_nothing_connected(maker: Maker) -> None:
    pool = pool_of(maker, 2, 2)
    made = 0

    def make(config: InnerUniverseConfig) -> Client:
        nonlocal made
        made += 1
        maker.refuses = made == 2
        return Client(maker)

    pool._make_client = make
    with pytest.raises(NoConnection):
        await pool.initialize()
    assert maker.open == set()
    await pool.initialize()
    assert len(maker.open) == 2
    await pool.shutdown()


async def test_a_shutdown_tells_who_waits_and_disconnects_all(maker: Maker) -> None:
    pool = pool_of(maker, max_size=1)
    await pool.initialize()
    client = await pool.acquire()
    waiting = asyncio.ensure_future(pool.acquire())
    await asyncio.sleep(0)
    await pool.shutdown()
    await pool.shutdown()
    for refused in (waiting, pool.acquire()):
        with pytest.raises(NotConnectedError) as caught:
            await refused
        assert str(caught.value) == "acquire: not connected; the pool was shut down"
    assert maker.open == set()
    await pool.release(client)
    assert pool.statistics == PoolStatistics(0, 0, 0, 0, 0)


async def test_a_shutdown_while_a_client_is_connecting(maker: Maker) -> None:
    pool = pool_of(maker)
    opening = asyncio.ensure_future(pool.acquire())
    await asyncio.sleep(0)
    await pool.shutdown()
    with pytest.raises(NotConnectedError):
        await opening
    assert maker.open == set()


async def test_a_client_that_is_not_out_is_warned_of(maker: Maker, caplog: pytest.LogCaptureFixture) -> None:
    async with pool_of(maker, 1, 1) as pool:
        client = await pool.acquire()
        await pool.release(client)
        await pool.release(client)
    assert caplog.messages == [f"{client!r} was released and is not out"]


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ((3, 2), "a pool has 0 <= min_size <= max_size and 1 <= max_size, got 3 and 2"),
        ((0, 0), "a pool has 0 <= min_size <= max_size and 1 <= max_size, got 0 and 0"),
        ((-1, 2), "a pool has 0 <= min_size <= max_size and 1 <= max_size, got -1 and 2"),
        ((0, 101), "max_size 101 is more than max_connections 100 of the configuration"),
    ],
)
async def test_sizes_that_make_no_sense(sizes: tuple[int, int], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ClientPool(None, *sizes)
    assert str(caught.value) == text


@pytest.mark.parametrize("seed", range(5))
async def test_two_hundred_tasks_never_have_more_than_there_may_be(maker: Maker, seed: int) -> None:
    """Clients break, callers are cancelled and time out, and in the end nothing is lost."""
    chance = random.Random(seed)
    pool = pool_of(maker, 1, 4)
    await pool.initialize()
    out: set[Any] = set()

    async def work(number: int) -> None:
        async with pool.client(timeout=None if number % 3 else 0.005) as client:
            assert client not in out
            out.add(client)
            assert len(out) <= 4
            try:
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                out.discard(client)
                client.is_connected = chance.random() > 0.1

    tasks = [asyncio.ensure_future(work(number)) for number in range(200)]
    for task in chance.sample(tasks, 40):
        await asyncio.sleep(0)
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    strange = [error for error in done if not isinstance(error, (asyncio.CancelledError, PoolTimeoutError, type(None)))]
    assert strange == []
    statistics = pool.statistics
    assert (statistics.used, statistics.opening, statistics.waiting) == (0, 0, 0)
    await pool.shutdown()
    assert maker.open == set()


async def test_clients_of_a_universe(universe: Universe) -> None:
    async with ClientPool(min_size=1, max_size=3, make_client=lambda _: client_of(universe)) as pool:

        async def create(number: int) -> str:
            async with pool.client() as client:
                id_: str = await client.create_entity("Person", {"name": str(number)})
                return id_

        assert len(set(await asyncio.gather(*map(create, range(30))))) == 30
        assert universe.count("client_connection") <= 3
    assert universe.count("entity") == 30
