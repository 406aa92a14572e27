"""Queries: the meaning of every operator, what is pushed down, and that the split never shows in the result."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persistence.doubles import answer

from pytest_inner_universe.persistence import queries
from pytest_inner_universe.persistence.errors import ValidationError
from pytest_inner_universe.persistence.mapping import decode_row, entity_metadata
from pytest_inner_universe.persistence.schema import DELTA_RECORD, ENTITY, EVENT_LOG, RELATION, STATE_VERSION
from pytest_inner_universe.persistence.types import FilterOperator as Op
from pytest_inner_universe.persistence.types import QueryFilter
from pytest_inner_universe.sats import Identity, Timestamp

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4) | st.sampled_from(
    ["Person", "Per", "Persons", "O'Hara", "' OR '1'='1", "\ud7ff", "\U0010ffff", ""]
)
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -2.0, 2**63 - 1, float(2**63)])
ATOMS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON_VALUES = ATOMS | st.lists(ATOMS, max_size=3) | st.dictionaries(TEXTS, ATOMS, max_size=2)
MOMENTS = st.integers(0, 5).map(lambda n: Timestamp(n * 1_000_000)) | st.sampled_from(
    [Timestamp(-1), Timestamp(1), Timestamp(-62_135_596_800_000_000), Timestamp(2**62)]
)


def stored(number: int, kind: str, created: Timestamp, properties: Any, name: str | None, tags: list[str]) -> Any:
    metadata = entity_metadata({"name": name, "tags": tags, "properties": properties})
    return {
        "id": f"e{number}",
        "entity_type": kind,
        "created_at": Timestamp(min(created.micros, 250_000_000_000_000_000)),
        "updated_at": Timestamp(0),
        "metadata": metadata,
    }


ROWS = st.lists(
    st.tuples(
        TEXTS,
        MOMENTS,
        st.dictionaries(st.sampled_from(["age", "x.y", "list"]), JSON_VALUES),
        st.none() | TEXTS,
        st.lists(TEXTS, max_size=2),
    ),
    max_size=6,
).map(lambda rows: [stored(i, *row) for i, row in enumerate(rows)])

TEXT_FIELDS = st.sampled_from(["id", "entity_type", "metadata.name", "metadata.description"])
JSON_FIELDS = st.sampled_from(
    [
        "metadata.properties.age",
        'metadata.properties["x.y"]',
        "metadata.properties.list[0]",
        "metadata.tags",
        "metadata.tags[1]",
    ]
)
ORDERED = [Op.GREATER_THAN, Op.LESS_THAN, Op.GREATER_OR_EQUAL, Op.LESS_OR_EQUAL]
PARTS = [Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH]
ids = st.sampled_from(["e0", "e1", "e2"])
FILTERS = st.one_of(
    st.builds(QueryFilter, TEXT_FIELDS, st.sampled_from([Op.EQUALS, Op.NOT_EQUALS]), st.none() | TEXTS | ids),
    st.builds(QueryFilter, TEXT_FIELDS, st.sampled_from([*ORDERED, *PARTS]), TEXTS | ids),
    st.builds(
        QueryFilter, TEXT_FIELDS, st.sampled_from([Op.IN, Op.NOT_IN]), st.lists(st.none() | TEXTS | ids, max_size=3)
    ),
    st.builds(QueryFilter, st.just("created_at"), st.sampled_from([Op.EQUALS, Op.NOT_EQUALS, *ORDERED]), MOMENTS),
    st.builds(QueryFilter, st.just("created_at"), st.sampled_from([Op.IN, Op.NOT_IN]), st.lists(MOMENTS, max_size=3)),
    st.builds(QueryFilter, JSON_FIELDS, st.sampled_from([Op.EQUALS, Op.NOT_EQUALS, Op.CONTAINS]), JSON_VALUES),
    st.builds(QueryFilter, JSON_FIELDS, st.sampled_from(ORDERED), NUMBERS | TEXTS),
    st.builds(QueryFilter, JSON_FIELDS, st.sampled_from([Op.STARTS_WITH, Op.ENDS_WITH]), TEXTS),
    st.builds(QueryFilter, JSON_FIELDS, st.sampled_from([Op.IN, Op.NOT_IN]), st.lists(JSON_VALUES, max_size=3)),
).filter(lambda f: "9223372036854775808" not in str(f.value))


def oracle_holds(row: Any, item: QueryFilter) -> Any:
    """The meaning of a filter, said again and as plainly as possible."""
    properties = row["metadata"]["properties"]
    found = {
        "id": row["id"],
        "entity_type": row["entity_type"],
        "created_at": row["created_at"],
        "metadata.name": row["metadata"]["name"],
        "metadata.description": row["metadata"]["description"],
        "metadata.tags": row["metadata"]["tags"],
        "metadata.tags[1]": (row["metadata"]["tags"] + [None, None])[1],
        "metadata.properties.age": properties.get("age"),
        'metadata.properties["x.y"]': properties.get("x.y"),
        "metadata.properties.list[0]": (properties["list"] + [None])[0]
        if isinstance(properties.get("list"), list)
        else None,
    }[item.field]
    value, op = item.value, Op.parse(item.operator)
    if op is Op.EQUALS:
        return alike(found, value)
    if op is Op.NOT_EQUALS:
        return not alike(found, value)
    if op is Op.IN:
        return any(alike(found, one) for one in value)
    if op is Op.NOT_IN:
        return not any(alike(found, one) for one in value)
    if op is Op.CONTAINS and isinstance(found, list):
        return any(alike(one, value) for one in found)
    if op in PARTS:
        if not (isinstance(found, str) and isinstance(value, str)):
            return False
        at = {Op.CONTAINS: found.find(value) >= 0, Op.STARTS_WITH: found[: len(value)] == value}
        return at[op] if op in at else found[len(found) - len(value) :] == value and len(found) >= len(value)
    if kind(found) != kind(value) or kind(found) not in ("number", "text", "time"):
        return False
    sign = (found > value) - (found < value)
    return {
        Op.GREATER_THAN: sign > 0,
        Op.LESS_THAN: sign < 0,
        Op.GREATER_OR_EQUAL: sign >= 0,
        Op.LESS_OR_EQUAL: sign <= 0,
    }[op]


def kind(value: Any) -> str:
    kinds = (
        (bool, "bool"),
        ((int, float), "number"),
        (str, "text"),
        (Timestamp, "time"),
        (list, "list"),
        (dict, "dict"),
    )
    return next((name for types, name in kinds if isinstance(value, types)), "absent")


def alike(left: Any, right: Any) -> bool:
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(alike(a, b) for a, b in zip(left, right))
    if isinstance(left, dict):
        return sorted(left) == sorted(right) and all(alike(left[key], right[key]) for key in left)
    return bool(left == right)


@given(ROWS, st.lists(FILTERS, max_size=3), st.none() | st.integers(0, 4), st.integers(0, 3), st.booleans())
def test_the_result_does_not_depend_on_the_split(
    rows: Any, filters: list[QueryFilter], limit: int | None, offset: int, newest_first: bool
) -> None:
    plan = queries.plan(ENTITY, filters, limit=limit, offset=offset, newest_first=newest_first)
    answered = [] if plan.statement is None else answer(plan.statement, {"entity": rows})
    result = plan.finish(decode_row(ENTITY, row) for row in answered)

    everything = [decode_row(ENTITY, row) for row in rows]
    expected = [row for row in everything if all(oracle_holds(row, item) for item in filters)]
    expected.sort(key=lambda row: (row["created_at"].micros, row["id"]), reverse=newest_first)
    assert result == expected[offset:][: len(expected) if limit is None else limit]


def statement(*filters: Any, table: Any = ENTITY) -> str | None:
    return queries.plan(table, list(filters)).statement


NOON = datetime(2025, 2, 10, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("op", "value", "where"),
    [
        (Op.EQUALS, "Person", "\"entity_type\" = 'Person'"),
        (Op.NOT_EQUALS, "Person", "\"entity_type\" != 'Person'"),
        (Op.GREATER_THAN, "P", "\"entity_type\" > 'P'"),
        (Op.LESS_THAN, "P", "\"entity_type\" < 'P'"),
        (Op.GREATER_OR_EQUAL, "P", "\"entity_type\" >= 'P'"),
        (Op.LESS_OR_EQUAL, "P", "\"entity_type\" <= 'P'"),
        (Op.IN, ["A", "B", "A", None], "(\"entity_type\" = 'A' OR \"entity_type\" = 'B')"),
        (Op.IN, ("A",), "\"entity_type\" = 'A'"),
        (Op.NOT_IN, ["A", "B"], "\"entity_type\" != 'A' AND \"entity_type\" != 'B'"),
        (Op.STARTS_WITH, "Per", "\"entity_type\" >= 'Per' AND \"entity_type\" < 'Pes'"),
    ],
)
def test_what_is_pushed_down(op: Op, value: Any, where: str) -> None:
    plan = queries.plan(ENTITY, [QueryFilter("entity_type", op, value)])
    assert plan.statement == f'SELECT * FROM "entity" WHERE {where}'
    assert plan.evaluated == ()


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("entity_type", Op.CONTAINS, "x"),
        ("entity_type", Op.ENDS_WITH, "x"),
        ("entity_type", Op.STARTS_WITH, "x\U0010ffff"),
        ("entity_type", Op.IN, [str(i) for i in range(201)]),
        ("metadata.name", Op.EQUALS, "x"),
        ("metadata.properties.age", Op.GREATER_THAN, 3),
        ("metadata.tags", Op.CONTAINS, "x"),
        ("created_at", Op.LESS_THAN, Timestamp(2**62)),
    ],
)
def test_what_is_left_to_the_client(field: str, op: Op, value: Any) -> None:
    plan = queries.plan(ENTITY, [QueryFilter(field, op, value)])
    assert plan.statement == 'SELECT * FROM "entity"'
    assert len(plan.evaluated) == 1


def test_optional_columns_are_left_to_the_client() -> None:
    plan = queries.plan(EVENT_LOG, equal={"source": "web", "event_type": "A"})
    assert plan.statement == 'SELECT * FROM "event_log" WHERE "event_type" = \'A\''
    assert [str(item) for item in plan.evaluated] == ["source EQUALS 'web'"]


@pytest.mark.parametrize("moment", [NOON, Timestamp.from_datetime(NOON), NOON.astimezone(timezone(timedelta(hours=2)))])
def test_times_are_written_with_zone_and_microseconds(moment: Any) -> None:
    assert statement(QueryFilter("created_at", Op.GREATER_THAN, moment)) == (
        'SELECT * FROM "entity" WHERE "created_at" > \'2025-02-10T12:00:00.000000Z\''
    )


@pytest.mark.parametrize("value", [Identity.from_int(255), "0" * 62 + "ff", "0x" + "0" * 62 + "ff"])
def test_identities_are_written_as_hexadecimal(value: Any) -> None:
    assert statement(QueryFilter("owner", "EQUALS", value), table=STATE_VERSION) == (
        f'SELECT * FROM "state_version" WHERE "owner" = 0x{"0" * 62}ff'
    )


@pytest.mark.parametrize(
    "item", [QueryFilter("id", Op.EQUALS, None), QueryFilter("id", Op.IN, []), QueryFilter("id", Op.IN, [None])]
)
def test_a_condition_that_no_row_can_meet_asks_nobody(item: QueryFilter) -> None:
    assert statement(item) is None


@pytest.mark.parametrize(
    "item",
    [QueryFilter("id", Op.NOT_EQUALS, None), QueryFilter("id", Op.NOT_IN, []), QueryFilter("id", Op.STARTS_WITH, "")],
)
def test_a_condition_that_every_row_meets_is_left_out(item: QueryFilter) -> None:
    assert statement(item) == 'SELECT * FROM "entity"'


def test_a_limit_of_zero_asks_nobody() -> None:
    assert queries.plan(ENTITY, limit=0).statement is None


def test_a_statement_stays_within_the_servers_limit() -> None:
    long = [QueryFilter("id", Op.NOT_EQUALS, f"{i}" + "é" * 9_000) for i in range(6)]
    plan = queries.plan(ENTITY, long)
    assert plan.statement is not None
    assert len(plan.statement.encode()) <= 50_000
    assert (len(plan.pushed), len(plan.evaluated)) == (2, 4)


def test_explain() -> None:
    plan = queries.plan(
        ENTITY,
        [{"field": "metadata.properties.age", "operator": "GreaterOrEqual", "value": 18}],
        equal={"entity_type": "Person"},
        limit=10,
        offset=20,
    )
    assert plan.explain() == (
        'server: SELECT * FROM "entity" WHERE "entity_type" = \'Person\'\n'
        "client: metadata.properties.age GREATER_OR_EQUAL 18\n"
        "order: created_at, id; at most 10 rows after the first 20"
    )
    assert queries.plan(ENTITY, [QueryFilter("id", Op.IN, [])], limit=None, newest_first=True).explain() == (
        "server: not asked, no row can match\norder: created_at, id, newest first; all rows"
    )


INJECTIONS = [
    "x' OR '1'='1",
    "x'; DELETE FROM entity; --",
    "'",
    "''",
    "\\' OR 1=1 --",
    'x" OR "id" = "id',
    "x /* comment */ -- y",
    ":sender",
    "0x00",
    "%' OR entity_type LIKE '%",
    "x\n' OR TRUE OR 'a' = '",
    "\u02bc OR 1=1",
    "\uff07 OR 1=1",
    "TRUE",
    "$$ OR 1=1",
    "E'\\''",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("op", [Op.EQUALS, Op.IN, Op.STARTS_WITH])
def test_text_stays_text(text: str, op: Op) -> None:
    rows = [stored(i, kind_, Timestamp(i), {}, None, []) for i, kind_ in enumerate(["Person", text, "Robot"])]
    plan = queries.plan(ENTITY, [QueryFilter("entity_type", op, [text] if op is Op.IN else text)])
    assert plan.statement is not None
    assert [row["id"] for row in answer(plan.statement, {"entity": rows})] == ["e1"]


@pytest.mark.parametrize("field", [*INJECTIONS, 'id" = "id', "entity.id", "entity_type; DROP", "ID", "metadata.nmae"])
def test_only_fields_of_the_table_can_be_named(field: str) -> None:
    with pytest.raises(ValidationError):
        queries.plan(ENTITY, [QueryFilter(field, Op.EQUALS, "x")])


KNOWN = (
    "EQUALS, NOT_EQUALS, GREATER_THAN, LESS_THAN, GREATER_OR_EQUAL, LESS_OR_EQUAL, CONTAINS, STARTS_WITH, ENDS_WITH, "
    "IN, NOT_IN"
)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (QueryFilter("id", "Like", "x"), f"unknown operator 'Like'; known: {KNOWN}"),
        (QueryFilter("id", 3, "x"), f"unknown operator 3; known: {KNOWN}"),  # type: ignore[arg-type]
        (QueryFilter("entity_typ", Op.EQUALS, "x"), "unknown field 'entity_typ' of entity; did you mean entity_type?"),
        (QueryFilter("name", Op.EQUALS, "x"), "unknown field 'name' of entity; did you mean metadata.name?"),
        (
            QueryFilter("qqq", Op.EQUALS, "x"),
            (
                "unknown field 'qqq' of entity; known: id, entity_type, created_at, updated_at, metadata.name, "
                "metadata.description, metadata.tags, metadata.properties"
            ),
        ),
        (
            QueryFilter("metadata", Op.EQUALS, {}),
            (
                "field metadata of entity has parts, name one of them: metadata.name, metadata.description, metadata.tags, "
                "metadata.properties"
            ),
        ),
        (QueryFilter(1, Op.EQUALS, "x"), "the field of a filter is text, got 1"),  # type: ignore[arg-type]
        (QueryFilter("id", Op.EQUALS, 5), "filter id EQUALS: the field holds text, got 5"),
        (QueryFilter("id", Op.IN, "abc"), "filter id IN: takes a list of values, got 'abc'"),
        (QueryFilter("id", Op.IN, ["a", 5]), "filter id IN: the field holds text, got 5"),
        (QueryFilter("id", Op.CONTAINS, None), "filter id CONTAINS: needs text, got None"),
        (QueryFilter("created_at", Op.CONTAINS, "x"), "filter created_at CONTAINS: the field holds no text"),
        (
            QueryFilter("created_at", Op.EQUALS, 5),
            "filter created_at EQUALS: the field holds a time; give a Timestamp or a datetime with time zone, got 5",
        ),
        (
            QueryFilter("metadata.properties.a", Op.LESS_THAN, None),
            "filter metadata.properties.a LESS_THAN: needs a number, text or time on both sides, got None",
        ),
        (
            QueryFilter("metadata.properties.a", Op.LESS_THAN, True),
            "filter metadata.properties.a LESS_THAN: needs a number, text or time on both sides, got True",
        ),
        (
            QueryFilter("metadata.properties.a", Op.EQUALS, float("nan")),
            "filter metadata.properties.a EQUALS: nan cannot be compared with",
        ),
        (
            QueryFilter("metadata.properties.a", Op.EQUALS, 2**63),
            "filter metadata.properties.a EQUALS: integer 9223372036854775808 does not fit into 64 bits",
        ),
        (
            QueryFilter("metadata.properties.a", Op.IN, [b"x"]),
            "filter metadata.properties.a IN: a bytes is not text; give base64 or hexadecimal text",
        ),
        ({"field": "id", "op": "EQUALS"}, "a filter has the keys field, operator and value, got ['field', 'op']"),
        ("id", "a filter is a QueryFilter or a dict with field, operator and value, got 'id'"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(item: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        queries.plan(ENTITY, [item])
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"limit": -1}, "limit must be a whole number from 0, got -1"),
        ({"limit": True}, "limit must be a whole number from 0, got True"),
        ({"offset": -1}, "offset must be a whole number from 0, got -1"),
        ({"offset": None}, "offset must be a whole number from 0, got None"),
        ({"limit": "10"}, "limit must be a whole number from 0, got '10'"),
        ({"filters": {"entity_type": "x"}}, "filters are a list of QueryFilter objects or dicts, got dict"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(arguments: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        queries.plan(ENTITY, **arguments)
    assert str(caught.value) == problem


def test_pages_of_a_thousand_rows_with_one_time_join_without_gap_or_overlap() -> None:
    rows = [stored(i, "P", Timestamp(7), {}, None, []) for i in range(1000)]
    pages = []
    for offset in range(0, 1100, 90):
        plan = queries.plan(ENTITY, limit=90, offset=offset)
        pages += [row["id"] for row in plan.finish(decode_row(ENTITY, row) for row in reversed(rows))]
    assert pages == sorted(row["id"] for row in rows)


@pytest.mark.parametrize("table", [RELATION, DELTA_RECORD, EVENT_LOG, STATE_VERSION])
def test_every_field_of_a_table_resolves(table: Any) -> None:
    for name in table.field_names:
        assert table.field(name).text == name
