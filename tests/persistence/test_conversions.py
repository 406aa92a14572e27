"""Types beyond JSON's: written under their names, and read back as themselves."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.persistence import Conversions, InnerUniverseClient, ValidationError, canonical_json
from pytest_inner_universe.sats import Identity, Timestamp

LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.sampled_from([None, timezone.utc])).map(lambda moment: moment.replace(fold=0)),
    st.dates(),
    st.times().map(lambda moment: moment.replace(fold=0)),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.integers(0, 2**62).map(Timestamp),
    st.integers(0, 2**255).map(Identity.from_int),
)
KEYS = st.one_of(st.text(), st.sampled_from(["$type", "value"]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.fixed_dictionaries({"$type": st.sampled_from(["dict", "date", "none"]), "value": inner}),
    ),
    max_leaves=15,
)


@examples(300)
@given(VALUES)
def test_every_value_reads_back_equal_and_of_its_type(value: Any) -> None:
    conversions = Conversions.standard()
    text = canonical_json.dumps(conversions.to_json(value))
    assert repr(conversions.from_json(canonical_json.loads(text))) == repr(sorted_keys(value))


def sorted_keys(value: Any) -> Any:
    """The value with its dicts in the order in which canonical JSON has them."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return type(value)(map(sorted_keys, value)) if isinstance(value, (list, tuple)) else value


@given(st.sets(st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(), st.dates(), st.tuples(st.text(), st.dates()))))
def test_equal_sets_are_written_alike(members: set[Any]) -> None:
    conversions = Conversions.standard()
    backwards = sorted(members, key=repr, reverse=True)
    one, other = conversions.to_json(members), conversions.to_json({*backwards})
    assert one == other
    assert conversions.from_json(one) == members
    assert conversions.from_json(conversions.to_json(frozenset(members))) == frozenset(members)


@dataclass
class Place:
    name: str
    since: date


async def stored_and_read(live: InnerUniverseClient, conversions: Conversions, value: Any) -> Any:
    id_ = await live.create_entity("Person", {"properties": conversions.to_json({"at": value})})
    return conversions.from_json((await live.get_entity(id_))["metadata"]["properties"])["at"]


@pytest.mark.asyncio
async def test_a_class_of_ones_own_goes_through_the_database(live: InnerUniverseClient) -> None:
    conversions = Conversions.standard()
    conversions.register(Place, "place", asdict, lambda fields: Place(**fields))
    london = Place("London", date(1815, 12, 10))
    assert await stored_and_read(live, conversions, [london, {"$type": "place"}]) == [london, {"$type": "place"}]


def test_what_json_has_is_left_alone() -> None:
    value = {"a": [1, 1.0, "x", None, True, OrderedDict(b=2)]}
    assert Conversions().to_json(value) == value
    assert Conversions().from_json(value) == value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({1: 2}, "value: key 1 is an int, JSON keys are text"),
        ({"at": object}, "value.at: a type has no JSON form; give text, numbers, lists and dicts"),
        ({"at": math.nan}, "value.at: nan is not a number in JSON"),
    ],
)
def test_what_has_no_form_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Conversions.standard().to_json(value)
    assert str(caught.value) == problem


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValidationError) as caught:
        Conversions().to_json(value)
    assert str(caught.value) == "value: nested deeper than 100 levels"


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (
            {"$type": "place", "value": {}},
            "a stored value is of type 'place', which is not registered; known: date",
        ),
        ({"$type": "date", "value": "soon"}, "a stored value is no date: Invalid isoformat string: 'soon'"),
        ({"$type": ["date"], "value": 1}, "a stored value is of type ['date'], which is not registered; known: date"),
    ],
)
def test_what_cannot_be_read_is_told(stored: Any, problem: str) -> None:
    conversions = Conversions()
    conversions.register(date, "date", date.isoformat, date.fromisoformat)
    with pytest.raises(ValidationError) as caught:
        conversions.from_json([stored])
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("type_", "name", "problem"),
    [
        (str, "text", "str needs no conversion, JSON has it"),
        (datetime, "moment", "datetime cannot be converted as 'moment': there is datetime as 'datetime' already"),
        (Place, "date", "Place cannot be converted as 'date': there is date as 'date' already"),
        (Place, "dict", "Place cannot be converted as 'dict': there is dict already"),
    ],
)
def test_a_type_has_one_name(type_: type[Any], name: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Conversions.standard().register(type_, name, str, str)
    assert str(caught.value) == problem
