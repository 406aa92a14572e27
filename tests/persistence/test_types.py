"""The model's classes: their fields and defaults, and the operators of filters."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from pytest_inner_universe.persistence import (
    DeltaMetadata,
    DeltaOperation,
    EntityMetadata,
    FilterOperator,
    Message,
    QueryFilter,
    RelationMetadata,
    ValidationError,
)

REQUIRED = MISSING
FIELDS: dict[type[Any], dict[str, Any]] = {
    EntityMetadata: {"name": None, "description": None, "tags": [], "properties": {}},
    RelationMetadata: {"description": None, "strength": 1.0, "bidirectional": False, "tags": [], "properties": {}},
    QueryFilter: {"field": REQUIRED, "operator": REQUIRED, "value": None},
    DeltaMetadata: {"description": REQUIRED, "author": None, "tags": [], "parent_delta_id": None},
    DeltaOperation: {"operation_type": REQUIRED, "path": REQUIRED, "value": None, "index": None, "patch": None},
    Message: {"id": "", "type": "", "data": {}, "timestamp": 0.0, "source": None},
}
OPERATORS = {
    "EQUALS": "Equals",
    "NOT_EQUALS": "NotEquals",
    "GREATER_THAN": "GreaterThan",
    "LESS_THAN": "LessThan",
    "GREATER_OR_EQUAL": "GreaterOrEqual",
    "LESS_OR_EQUAL": "LessOrEqual",
    "CONTAINS": "Contains",
    "STARTS_WITH": "StartsWith",
    "ENDS_WITH": "EndsWith",
    "IN": "In",
    "NOT_IN": "NotIn",
}


@pytest.mark.parametrize("kind", FIELDS)
def test_fields_and_defaults(kind: type[Any]) -> None:
    defaults = {
        one.name: one.default if one.default_factory is MISSING else one.default_factory() for one in fields(kind)
    }
    assert defaults == FIELDS[kind]


def test_each_object_has_lists_and_dicts_of_its_own() -> None:
    EntityMetadata().tags.append("x")
    EntityMetadata().properties["a"] = 1
    assert EntityMetadata() == EntityMetadata(None, None, [], {})


def test_the_operators_of_filters() -> None:
    assert {member.name: member.value for member in FilterOperator} == OPERATORS


@pytest.mark.parametrize("operator", FilterOperator)
def test_an_operator_is_read_from_its_name_and_its_value(operator: FilterOperator) -> None:
    for text in (operator, operator.name, operator.value, operator.value.upper()):
        assert FilterOperator.parse(text) is operator


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        FilterOperator.parse("Like")
    assert str(caught.value) == f"unknown operator 'Like'; known: {', '.join(OPERATORS)}"
