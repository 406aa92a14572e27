"""What is pushed down, evaluated by the engine: the same rows as the plain meaning of the filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persistence.test_queries import FILTERS, ROWS, oracle_holds
from support.examples import examples

from pytest_inner_universe.persistence import QueryFilter, queries
from pytest_inner_universe.persistence.mapping import decode_row
from pytest_inner_universe.persistence.schema import ENTITY
from pytest_inner_universe.testing.universe import Universe


@pytest.fixture(scope="module")
def shared() -> Iterator[Universe]:
    with Universe.embedded() as universe:
        yield universe


@examples(150)
@given(ROWS, st.lists(FILTERS, min_size=1, max_size=3))
def test_the_engine_finds_what_the_filters_mean(shared: Universe, rows: Any, filters: list[QueryFilter]) -> None:
    shared.reset()
    shared.call("import_entities", rows)
    plan = queries.plan(ENTITY, filters, limit=None)
    answered = [] if plan.statement is None else shared.sql(plan.statement)
    result = plan.finish(decode_row(ENTITY, row) for row in answered)

    everything = [decode_row(ENTITY, row) for row in rows]
    expected = [row for row in everything if all(oracle_holds(row, item) for item in filters)]
    assert result == sorted(expected, key=lambda row: (row["created_at"].micros, row["id"]))
