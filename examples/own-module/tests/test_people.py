"""A module of one's own: its reducers, its refusals, its schedules and its clients."""

import pytest

from pytest_inner_universe.client.errors import ReducerCrashed, ReducerFailed


def test_what_init_wrote_is_there(universe):
    (team,) = universe.rows("team")
    assert team["title"] == "first"


def test_a_person_is_added(universe):
    universe.call("add_person", name="Ada", team=1, age=36)

    assert universe.rows("person") == [{"id": 1, "name": "Ada", "team": 1, "age": 36}]


def test_a_refusal_leaves_everything_as_it_was(universe):
    universe.call("add_person", "Ada", 1, 36)
    with pytest.raises(ReducerFailed) as refused:
        universe.call("set_age", "Charles", 43)

    assert refused.value.message == "no person Charles"
    assert universe.count("person") == 1


def test_a_panic_names_its_place(universe):
    with pytest.raises(ReducerCrashed) as crash:
        universe.call("panics")

    assert "on purpose" in str(crash.value)


def test_schedules_run_when_the_clock_is_moved(universe):
    universe.call("start_ticks", 1_000_000)

    assert universe.clock.advance(2.5) == 2
    assert universe.rows("seen") == [{"what": "tick 1"}]


@pytest.mark.asyncio
async def test_watchers_see_the_change_before_the_call_returns(universe_connect):
    async with universe_connect() as connection:
        seen = []
        await connection.subscribe(
            "SELECT * FROM person WHERE team = 1",
            on_insert=lambda row: seen.append(("joined", row["name"])),
            on_delete=lambda row: seen.append(("left", row["name"])),
        )
        await connection.call("add_person", "Ada", 1, 36)
        await connection.call("add_person", "Charles", 2, 43)
        await connection.call("move_team", 1, 3)

        assert seen == [("joined", "Ada"), ("left", "Ada")]
