"""Calls that a module must refuse without a trace."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inner_universe.client.errors import ReducerFailed
from pytest_inner_universe.testing.universe import Actor, Universe


def contents(universe: Universe) -> dict[str, list[str]]:
    """Every row that a reducer call can change; connections and their events come and go with the callers."""
    return {
        table: sorted(repr(row) for row in universe.rows(table) if not row.get("event_type", "").startswith("CLIENT_"))
        for table in universe.schema.tables
        if table != "client_connection"
    }


def refused(universe: Universe, reducer: str, *args: Any, by: Actor | None = None) -> str:
    """Call a reducer that must fail, see that no row has changed, and return the error's text."""
    before = contents(universe)
    with pytest.raises(ReducerFailed) as caught:
        (by or universe).call(reducer, *args)
    assert contents(universe) == before
    return str(caught.value.message)
