"""Definitions that say of a module what is not true, for clients that ask for what is not there."""

from __future__ import annotations

from dataclasses import replace

from pytest_inner_universe.sats import UNIT, ModuleDef, Product, ReducerDef


def with_reducer(definition: ModuleDef, name: str, params: Product = UNIT) -> ModuleDef:
    """Return a definition with a reducer that takes these arguments, whatever the module has."""
    reducer = ReducerDef(0, name, name, params)
    return replace(definition, reducers={**definition.reducers, name: reducer})
