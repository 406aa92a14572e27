"""Definitions that contradict themselves, are damaged, or are made to do harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sats.strategies import attempt
from support import raw_definitions as raw

from pytest_inner_universe.sats import (
    SCHEDULE_AT,
    STRING,
    U8,
    U64,
    UNIT,
    AlgebraicType,
    Array,
    DecodeError,
    DefinitionError,
    Element,
    ModuleDef,
    Product,
    Ref,
    SatsError,
    decode_definition,
    enum,
    product,
)

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
CAPTURED = [bytes.fromhex((VECTORS / f"definition-bindings-{bindings}.hex").read_text()) for bindings in ("1.4", "2.8")]
ROW = product(id=U64, at=SCHEDULE_AT, name=STRING, level=enum("low", "high"))
TAKES_ROW = Product((Element("row", Ref(0)),))


def table(name: str = "t", **parts: Any) -> bytes:
    return raw.table_v9(name, **parts)


def v9(*tables: bytes, types: tuple[AlgebraicType, ...] = (ROW,), **parts: Any) -> bytes:
    return raw.definition_v9(types=types, tables=tables, **parts)


KEYED: dict[str, Any] = {"key": [0], "indexes": [raw.index([0])], "constraints": [raw.constraint([0])]}
RUN = [raw.reducer_v9("run", TAKES_ROW)]

CONTRADICTIONS: dict[str, tuple[bytes, str]] = {
    "before 1.0": (
        b"\x00abc",
        "the module was built for a SpacetimeDB older than 1.0, whose definitions are not supported",
    ),
    "reference": (v9(table(row=1)), "type reference 1 is outside of the typespace of 1 types"),
    "reference inside": (
        v9(types=(product(a=Array(Ref(9))),), named=[raw.declared("A", 0)]),
        "type reference 9 is outside of the typespace of 1 types",
    ),
    "no product": (v9(table(), types=(U8,)), "the rows of table 't' are no product of named columns"),
    "no column name": (
        v9(table(), types=(Product((Element(None, U8),)),)),
        "the rows of table 't' are no product of named columns",
    ),
    "recursive row": (
        v9(table(), types=(product(a=Array(Ref(0))),)),
        "type 0 contains itself; a table or reducer cannot use a recursive type",
    ),
    "recursive parameter": (
        v9(types=(product(a=Ref(1)), product(b=Ref(0))), reducers=RUN),
        "type 0 contains itself; a table or reducer cannot use a recursive type",
    ),
    "table twice": (v9(table(), table()), "table 't' is declared twice"),
    "reducer twice": (v9(reducers=[raw.reducer_v9("r")] * 2), "reducer 'r' is declared twice"),
    "type twice": (v9(named=[raw.declared("T", 0)] * 2), "type 'T' is declared twice"),
    "reserved": (v9(table("st_x")), "table 'st_x' has a name that is reserved for system tables"),
    "table name": (v9(table("a b")), "the table 'a b' has a name that is no identifier"),
    "column name": (
        v9(table(), types=(Product((Element("", U8),)),)),
        "the column of table 't' '' has a name that is no identifier",
    ),
    "reducer name": (v9(reducers=[raw.reducer_v9("1r")]), "the function '1r' has a name that is no identifier"),
    "parameter name": (
        v9(reducers=[raw.reducer_v9("r", Product((Element(None, U8),)))]),
        "parameter 0 of 'r' has no name",
    ),
    "parameters": (
        v9(reducers=[raw.reducer_v9("r", Product((Element("a", U8), Element("a", U8))))]),
        "the name 'a' stands for more than one thing; a parameter of 'r' needs a name of its own",
    ),
    "columns": (
        v9(table(), types=(Product((Element("a", U8), Element("a", U8))),)),
        "the name 'a' stands for more than one thing; a column of table 't' needs a name of its own",
    ),
    "names of objects": (
        v9(table(indexes=[raw.index([0], "t")])),
        "the name 't' stands for more than one thing; an object of the database needs a name of its own",
    ),
    "names of functions": (
        v9(reducers=[raw.reducer_v9("f")], exports=[raw.procedure_v9("f")]),
        "the name 'f' stands for more than one thing; a function needs a name of its own",
    ),
    "names of views": (
        v9(table(), exports=[b"\x02" + raw.view("t", Array(Ref(0)))]),
        "the name 't' stands for more than one thing; an object of the database needs a name of its own",
    ),
    "hook twice": (
        v9(reducers=[raw.reducer_v9("a", hook=1), raw.reducer_v9("b", hook=1)]),
        "more than one reducer serves the hook client_connected",
    ),
    "index column": (v9(table(indexes=[raw.index([4])])), "an index of table 't' refers to column 4 of 4"),
    "index columns": (v9(table(indexes=[raw.index([0, 0])])), "an index of table 't' has a column twice"),
    "index of nothing": (v9(table(indexes=[raw.index([])])), "an index of table 't' has no columns"),
    "direct index": (
        v9(table(indexes=[raw.index([2], "x", 2)])),
        "the direct index 'x' of table 't' is on a type that cannot have one",
    ),
    "constraint column": (
        v9(table(constraints=[raw.constraint([9])])),
        "a constraint of table 't' refers to column 9 of 4",
    ),
    "constraint index": (
        v9(table(constraints=[raw.constraint([0, 2])], indexes=[raw.index([0])])),
        "the unique constraint 't_id_name_key' of table 't' has no index over its columns",
    ),
    "key column": (v9(table(key=[7])), "the primary key of table 't' refers to column 7 of 4"),
    "key columns": (v9(table(key=[0, 2])), "table 't' has a primary key of 2 columns, 1 is the most"),
    "key constraint": (v9(table(key=[0])), "the primary key of table 't' has no unique constraint"),
    "sequence column": (v9(table(sequences=[raw.sequence(4)])), "a sequence of table 't' refers to column 4 of 4"),
    "sequence type": (
        v9(table(sequences=[raw.sequence(2)])),
        "the sequence 't_name_seq' of table 't' is on a column of type String, which is no integer",
    ),
    "sequences": (
        v9(table(sequences=[raw.sequence(0), raw.sequence(0, "more")])),
        "the sequence 'more' of table 't' is the second one on column 'id'",
    ),
    "increment": (
        v9(table(sequences=[raw.sequence(0, by=0)])),
        "the sequence 't_id_seq' of table 't' has an increment of 0",
    ),
    "start": (
        v9(table(sequences=[raw.sequence(0, bounds=(5, 6, None))])),
        "the sequence 't_id_seq' of table 't' starts outside of its bounds",
    ),
    "default of no table": (
        v9(exports=[raw.default_v9("u", 0, b"")]),
        "there is a default for table 'u', which the module does not have",
    ),
    "default column": (
        v9(table(), exports=[raw.default_v9("t", 4, b"")]),
        "a default of table 't' refers to column 4 of 4",
    ),
    "default value": (
        v9(table(), exports=[raw.default_v9("t", 0, b"\x01")]),
        "the default of column 'id' of table 't' is bad: U64 needs 8 bytes, 1 are left at byte 0",
    ),
    "defaults": (
        v9(table(), exports=[raw.default_v9("t", 3, b"\x01")] * 2),
        "column 3 of table 't' has more than one default",
    ),
    "schedule key": (
        v9(table(schedule=(None, "run", 1)), reducers=RUN),
        "the scheduled table 't' needs a primary key of type U64",
    ),
    "schedule column": (
        v9(table(**KEYED, schedule=(None, "run", 0)), reducers=RUN),
        "the scheduled table 't' has no ScheduleAt column where its schedule looks for one",
    ),
    "schedule column outside": (
        v9(table(**KEYED, schedule=(None, "run", 999)), reducers=RUN),
        "the scheduled table 't' has no ScheduleAt column where its schedule looks for one",
    ),
    "schedule function": (
        v9(table(**KEYED, schedule=(None, "walk", 1)), reducers=RUN),
        "the scheduled table 't' runs 'walk', which the module does not have",
    ),
    "schedule parameters": (
        v9(table(**KEYED, schedule=(None, "run", 1)), reducers=[raw.reducer_v9("run")]),
        "'run' does not take a row of the scheduled table 't' as its argument",
    ),
    "view": (
        v9(exports=[b"\x02" + raw.view("v", U8)]),
        "view 'v' returns neither an array nor an option of rows nor a query: U8",
    ),
    "v10: outcome": (
        raw.definition_v10(reducers=[raw.reducer_v10("r", outcome=(U8, STRING))]),
        "reducer 'r' returns U8 or String instead of () or String",
    ),
    "v10: hook": (
        raw.definition_v10(hooks=[raw.hook_v10(0, "start")]),
        "the hook init is 'start', which the module does not have",
    ),
    "v10: hooks": (
        raw.definition_v10(reducers=[raw.reducer_v10("a")], hooks=[raw.hook_v10(0, "a"), raw.hook_v10(1, "a")]),
        "the hook of reducer 'a' is declared twice",
    ),
    "v10: schedule": (
        raw.definition_v10(schedules=[raw.schedule_v10("t", 0, "f")]),
        "there is a schedule for table 't', which the module does not have",
    ),
    "v10: schedules": (
        raw.definition_v10(schedules=[raw.schedule_v10("t", 0, "f")] * 2),
        "the schedule of table 't' is declared twice",
    ),
    "v10: names that become one": (
        raw.definition_v10(types=[UNIT], tables=[raw.table_v10("aB"), raw.table_v10("AB2"), raw.table_v10("a_b")]),
        "table 'a_b' is declared twice",
    ),
    "v10: source name": (
        raw.definition_v10(
            types=[UNIT], tables=[raw.table_v10("aB"), raw.table_v10("X")], explicit=[raw.explicit(0, "X", "aB")]
        ),
        "the name 'aB' stands for more than one thing; an object of the database needs a name of its own",
    ),
    "v10: defaults": (
        raw.definition_v10(types=[product(a=U8)], tables=[raw.table_v10("t", defaults=[(0, b"\x01")] * 2)]),
        "a column of table 't' has more than one default",
    ),
    "v10: view key": (
        raw.definition_v10(types=[product(a=U8)], views=[raw.view("v", Array(Ref(0)))], view_keys=[("v", ["b"])]),
        "the primary key of view 'v' is not one of its columns: b",
    ),
    "v10: view of key": (
        raw.definition_v10(view_keys=[("v", ["b"])]),
        "there is a primary key for view 'v', which the module does not have",
    ),
    "v10: submodules": (
        raw.definition_v10(submodules=[]),
        "the module uses submodules, which this engine does not support",
    ),
    "v10: environment": (
        raw.definition_v10(environment=[]),
        "the module uses environment values, which this engine does not support",
    ),
    "v10: outboxes": (raw.definition_v10(outboxes=[]), "the module uses outboxes, which this engine does not support"),
}


@pytest.mark.parametrize(("data", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_contradictions(data: bytes, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        decode_definition(data)
    assert str(caught.value) == message


DAMAGED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "tag of module definition needs 1 bytes, 0 are left at byte 0"),
    "unknown form": (b"\x03", "unknown tag 3 of module definition, there are 3 at byte 0"),
    "too long": (v9() + b"!", f"1 bytes left over after the module definition at byte {len(v9())}"),
    "too many types": (b"\x01\xff\xff\xff\xff", "array of 4294967295 elements, 0 bytes are left at byte 1"),
    "unknown section": (
        b"\x02\x01\x00\x00\x00\x11",
        "unknown section 17 of the module definition, 17 are known at byte 5",
    ),
    "section twice": (
        b"\x02\x02\x00\x00\x00" + b"\x00\x00\x00\x00\x00" * 2,
        "the section 'typespace' of the module definition stands twice at byte 10",
    ),
    "deep": (b"\x01\x01\x00\x00\x00" + b"\x03" * 100_000, "type nests deeper than 64 levels at byte 69"),
}


@pytest.mark.parametrize(("data", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_definition(data)
    assert str(caught.value) == message


def test_a_chain_of_references_is_not_followed_without_end() -> None:
    chain = tuple(Array(Ref(i + 1)) for i in range(20_000))
    with pytest.raises(DefinitionError) as caught:
        decode_definition(v9(types=(*chain, U8), reducers=RUN))
    assert str(caught.value) == "a type nests deeper than 64 levels"
    loops = tuple(Ref(i + 1) for i in range(20_000))
    with pytest.raises(DefinitionError) as caught:
        decode_definition(v9(types=(*loops, U8), named=[raw.declared("T", 0)]))
    assert str(caught.value) == "a type nests deeper than 64 levels"


def test_a_short_definition_of_an_enormous_type_is_refused() -> None:
    doubling = tuple(product(a=Ref(i + 1), b=Ref(i + 1)) for i in range(30))
    with pytest.raises(DefinitionError) as caught:
        decode_definition(v9(types=(*doubling, U8), reducers=RUN))
    assert str(caught.value) == "a type consists of 16383 parts, 10000 are the most"


@given(
    st.sampled_from(CAPTURED), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=3)
)
def test_a_damaged_definition_is_read_or_refused(data: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(data)
    for position, byte in changes:
        damaged[position % len(damaged)] = byte
    check(bytes(damaged))


@given(st.sampled_from(CAPTURED), st.data())
def test_a_cut_off_definition_is_refused(data: bytes, draw: st.DataObject) -> None:
    size = draw.draw(st.integers(0, len(data) - 1))
    with pytest.raises(DecodeError) as caught:
        decode_definition(data[:size])
    assert 0 <= caught.value.offset <= size


@given(st.integers(1, 2), st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(form: int, data: bytes) -> None:
    check(bytes([form]) + data)


def check(data: bytes) -> None:
    """Decode; only the two errors may happen, and what was read can be used."""
    definition, error = attempt(decode_definition, data)
    if error is None:
        use(definition)
    else:
        assert isinstance(error, (DecodeError, DefinitionError))
        assert 0 <= getattr(error, "offset", 0) <= len(data)


def use(definition: ModuleDef) -> None:
    for defined in definition.tables.values():
        with pytest.raises(SatsError):
            defined.row_codec.decode(b"\xff" * 3 + b"!" * 2000)
    for reducer in definition.reducers.values():
        assert reducer.signature
        assert reducer.params_codec
