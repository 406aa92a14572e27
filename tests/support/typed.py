"""Strategies for types and for values of a given type."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import strategies as st

from pytest_inner_universe.sats import (
    BOOL,
    BYTES,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    I128,
    I256,
    STRING,
    U8,
    U16,
    U32,
    U64,
    U128,
    U256,
    UNIT,
    AlgebraicType,
    Array,
    Element,
    Primitive,
    Product,
    Sum,
    SumVariant,
    Variant,
)

PRIMITIVES = (BOOL, I8, I16, I32, I64, I128, I256, U8, U16, U32, U64, U128, U256, F32, F64, STRING)


def _products(inner: st.SearchStrategy[AlgebraicType]) -> st.SearchStrategy[Product]:
    return st.lists(inner, max_size=3).map(
        lambda parts: Product(tuple(Element(f"f{i}", type_) for i, type_ in enumerate(parts)))
    )


def _sums(inner: st.SearchStrategy[AlgebraicType]) -> st.SearchStrategy[Sum]:
    return st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: Sum(tuple(SumVariant(f"V{i}", type_) for i, type_ in enumerate(parts)))
    )


def types(leaves: tuple[AlgebraicType, ...] = (*PRIMITIVES, BYTES, UNIT)) -> st.SearchStrategy[AlgebraicType]:
    """Return a strategy for types that are made of the given ones."""
    return st.recursive(
        st.sampled_from(leaves), lambda inner: inner.map(Array) | _products(inner) | _sums(inner), max_leaves=5
    )


def values_of(type_: AlgebraicType) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a type of `types`."""
    if type_ == BOOL:
        return st.booleans()
    if type_ == STRING:
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    if type_ == BYTES:
        return st.binary(max_size=6)
    if isinstance(type_, Primitive):
        bits = int(type_.kind[1:])
        if type_.kind.startswith("F"):
            return st.floats(width=32 if bits == 32 else 64)
        low, high = (0, 1 << bits) if type_.kind.startswith("U") else (-(1 << bits - 1), 1 << bits - 1)
        return st.integers(low, high - 1)
    if isinstance(type_, Array):
        return st.lists(values_of(type_.element), max_size=4)
    if isinstance(type_, Product):
        return st.tuples(*(values_of(element.type) for element in type_.elements))
    assert isinstance(type_, Sum)
    return st.one_of(*(values_of(variant.type).map(partial(Variant, str(variant.name))) for variant in type_.variants))
