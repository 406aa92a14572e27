"""The cache and its decorator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.persistence import Cache, CacheEntry, cache_entity
from pytest_inner_universe.persistence.cache import size_of


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(clock=clock)


@pytest.mark.asyncio
async def test_an_entry_expires(clock: Clock) -> None:
    entry = CacheEntry("value", 5, clock)
    assert (entry.value, entry.is_expired()) == ("value", False)
    clock.now = 5
    assert entry.is_expired()


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [None, 0, "", [], False])
async def test_false_values_are_values(cache: Cache, value: Any) -> None:
    cache.set("key", value)
    assert cache.get("key", "default") == value
    assert await cache.get_or_compute("key", lambda: pytest.fail("computed again")) == value


@pytest.mark.asyncio
async def test_an_expired_value_is_removed_when_it_is_asked_for(cache: Cache, clock: Clock) -> None:
    cache.set("short", 1, ttl_seconds=10)
    cache.set("long", 2)
    clock.now = 299
    assert (cache.get("short"), cache.get("long"), len(cache)) == (None, 2, 1)
    clock.now = 300
    assert "long" not in cache
    assert (cache.hits, cache.misses) == (1, 1)


@pytest.mark.asyncio
async def test_invalidate_and_clear(cache: Cache) -> None:
    cache.set("a", 1)
    cache.set("b", 2)
    assert (cache.invalidate("a"), cache.invalidate("a")) == (True, False)
    cache.clear()
    assert (len(cache), cache.size) == (0, 0)


@pytest.mark.asyncio
async def test_what_was_not_used_for_longest_goes_first() -> None:
    gone: list[tuple[Any, Any]] = []
    cache = Cache(max_bytes=3 * size_of("value"), dropped=lambda key, value: gone.append((key, value)))
    for key in "abc":
        cache.set(key, "value")
    cache.get("a")
    cache.set("d", "value")
    assert gone == [("b", "value")]
    cache.set("large", "x" * 10_000)
    assert len(cache) == 0


@examples(60)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.one_of(st.none(), st.text(max_size=200))), max_size=40))
def test_the_size_is_that_of_what_is_there(steps: list[tuple[str, str | None]]) -> None:
    cache = Cache(max_bytes=500)
    there: dict[str, Any] = {}
    for key, value in steps:
        if value is None:
            cache.invalidate(key)
            there.pop(key, None)
        else:
            cache.set(key, value)
            there[key] = value
        assert cache.size == sum(size_of(there[found]) for found in there if found in cache)
        assert cache.size <= 500
        assert all(cache.get(found) == there[found] for found in list(there) if found in cache)


@pytest.mark.asyncio
async def test_who_asks_together_waits_for_one_computation(cache: Cache) -> None:
    calls = 0
    go = asyncio.Event()

    async def compute() -> list[int]:
        nonlocal calls
        calls += 1
        await go.wait()
        return [calls]

    waiting = [asyncio.ensure_future(cache.get_or_compute("key", compute)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    go.set()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert done[1:] == [[1]] * 19
    assert await cache.get_or_compute("key", compute) == [1]


@pytest.mark.asyncio
async def test_the_last_to_leave_ends_the_computation(cache: Cache) -> None:
    ended = asyncio.Event()

    async def compute() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = [asyncio.ensure_future(cache.get_or_compute("key", compute)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await ended.wait()
    assert await cache.get_or_compute("key", lambda: 1) == 1


@pytest.mark.asyncio
async def test_what_a_computation_raises_is_not_kept(cache: Cache) -> None:
    def fail() -> None:
        raise LookupError("gone")

    for _ in range(2):
        with pytest.raises(LookupError, match=r"^gone$"):
            await cache.get_or_compute("key", fail)
    assert await cache.get_or_compute("key", lambda: 1) == 1


@pytest.mark.asyncio
async def test_a_value_invalidated_while_it_is_computed_is_not_kept(cache: Cache) -> None:
    go = asyncio.Event()

    async def compute() -> str:
        await go.wait()
        return "old"

    waiting = asyncio.ensure_future(cache.get_or_compute("key", compute))
    await asyncio.sleep(0)
    cache.invalidate("key")
    go.set()
    assert await waiting == "old"
    assert await cache.get_or_compute("key", lambda: "new") == "new"


@pytest.mark.asyncio
async def test_the_sweep_begins_and_ends(cache: Cache, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_inner_universe.persistence.cache.SWEEP_SECONDS", 0)
    cache.set("key", 1)
    clock.now = 1000
    async with cache:
        await cache.cleanup()
        while len(cache):  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0)
    await cache.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.asyncio
async def test_whoever_is_cancelled_while_it_ends_hears_of_it() -> None:
    cache = Cache()
    await cache.cleanup()
    stopping = asyncio.create_task(cache.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


# The decorator


class Store:
    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Any] = []

    @cache_entity(ttl_seconds=60)
    async def person(self, id: str, *, full: bool = False) -> str:
        """Read a person."""
        self.calls.append((id, full))
        return f"{self.name} {id} {full}"


@pytest.mark.asyncio
async def test_results_are_kept_by_instance_and_arguments() -> None:
    one, other = Store("one"), Store("other")
    for _ in range(2):
        assert await one.person("a") == "one a False"
        assert await other.person("a") == "other a False"
        assert await one.person("a", full=True) == "one a True"
    assert one.calls == [("a", False), ("a", True)]
    assert other.calls == [("a", False)]
    assert one.person.invalidate("a") is True
    await one.person("a")
    await one.person("a", full=True)
    assert one.calls == [("a", False), ("a", True), ("a", False)]
    one.person.clear()
    await one.person("a", full=True)
    assert one.calls[-1] == ("a", True)
    assert Store.person.__doc__ == "Read a person."


@pytest.mark.asyncio
async def test_a_plain_function_with_arguments_that_are_no_keys(clock: Clock) -> None:
    calls = 0

    @cache_entity(ttl_seconds=10, clock=clock)
    async def find(filters: list[str]) -> int:
        nonlocal calls
        calls += 1
        return calls

    assert [await find(["a"]), await find(["a"]), await find(["b"])] == [1, 1, 2]
    clock.now = 61
    assert await find(["a"]) == 3
    assert len(find.cache) == 1
