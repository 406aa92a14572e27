"""The simulator: streams that repeat with their seed, and that a real module accepts in full."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.persistence.errors import EntityNotFoundError
from pytest_inner_universe.testing.mocks import mock_inner_universe
from pytest_inner_universe.testing.simulator import WEIGHTS, Load, Simulator, Step

if TYPE_CHECKING:
    from pytest_inner_universe.persistence.inner_universe import InnerUniverseClient
    from pytest_inner_universe.testing.universe import Universe

seeds = st.integers(0, 2**64 - 1)


@given(seeds)
def test_a_seed_decides_every_stream(seed: int) -> None:
    first, second = Simulator(seed), Simulator(seed)
    assert list(first.entities(3)) == list(second.entities(3))
    assert list(first.events(3, ["A", "B"])) == list(second.events(3, ["A", "B"]))
    assert list(first.steps(20)) == list(second.steps(20))
    assert first.disturbed(range(30)) == second.disturbed(range(30))
    assert list(first.bursts(range(30))) == list(second.bursts(range(30)))


@pytest.mark.parametrize("seed", range(5))
def test_a_universe_accepts_every_step(universe: Universe, seed: int) -> None:
    load = Simulator(seed).play(universe, 120)
    assert load.failed == []
    assert load.count == 120
    assert set(load.done) <= set(WEIGHTS)
    assert load.per_second > 0
    alive = load.done["create_entity"] - load.done["delete_entity"]
    assert universe.count("entity") == alive
    assert universe.count("state_version") == load.done["commit_state_version"]


@pytest.mark.asyncio
@pytest.mark.parametrize("at_once", [1, 16])
async def test_a_client_accepts_every_step(
    universe: Universe, universe_client: InnerUniverseClient, at_once: int
) -> None:
    load = await Simulator(3).play_on(universe_client, 60, at_once=at_once)
    assert load.failed == []
    assert load.count == 60


def test_the_same_steps_leave_the_same_rows_by_any_way(universe: Universe) -> None:
    Simulator(9).play(universe, 50)
    once = {row["id"]: row["metadata"] for row in universe.rows("entity")}
    universe.reset()
    Simulator(9).play(universe, Simulator(9).steps(50))
    assert {row["id"]: row["metadata"] for row in universe.rows("entity")} == once


def test_a_failed_step_is_noted_and_does_not_stop_the_rest(universe: Universe) -> None:
    wrong = Step("update_entity", {"entity_id": "nobody", "metadata": {"name": "x"}})
    load = Simulator(1).play(universe, [wrong, *Simulator(1).steps(3, {"create_entity": 1})])
    assert load.done == {"create_entity": 3}
    ((step, error),) = load.failed
    assert step is wrong
    assert isinstance(error, EntityNotFoundError)


def test_weights_choose_the_steps() -> None:
    steps = list(Simulator(2).steps(40, {"publish_event": 1, "create_entity": 0}))
    assert {step.method for step in steps} == {"publish_event"}


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        (
            {"publish": 1},
            (
                "unknown steps publish; there are create_entity, update_entity, create_relation, publish_event, "
                "commit_state_version, delete_entity"
            ),
        ),
        ({"publish_event": 0}, "no step has a weight above 0"),
    ],
)
def test_wrong_weights_are_told_at_once(weights: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Simulator().steps(1, weights)
    assert str(caught.value) == text


@examples(50)
@given(seeds, st.lists(st.integers(), max_size=30))
def test_a_disturbed_stream_loses_nothing(seed: int, items: list[int]) -> None:
    disturbed = Simulator(seed).disturbed(items, duplicates=0.5, swaps=0.5)
    assert not Counter(items) - Counter(disturbed)
    assert set(disturbed) == set(items)
    assert Simulator(seed).disturbed(items, duplicates=0, swaps=0) == items


@given(seeds, st.lists(st.integers(), max_size=40), st.integers(1, 7))
def test_bursts_keep_order_and_size(seed: int, items: list[int], largest: int) -> None:
    groups = list(Simulator(seed).bursts(items, largest))
    assert [item for group in groups for item in group] == items
    assert all(1 <= len(group) <= largest for group in groups)


@pytest.mark.asyncio
async def test_events_reach_the_handlers_of_a_mock() -> None:
    mock = mock_inner_universe()
    seen: list[Any] = []
    await mock.subscribe_event_log_changes(lambda change, row: seen.append((change, row)))
    simulator = Simulator(4)
    rows = await simulator.play_events(mock, simulator.disturbed(simulator.events(5), duplicates=1, swaps=0))
    assert [row for _, row in seen] == rows
    assert len(rows) == 10
    assert rows[0]["data"] == rows[1]["data"]


def test_an_unplayed_load_is_empty() -> None:
    assert (Load().count, Load().per_second) == (0, 0.0)
