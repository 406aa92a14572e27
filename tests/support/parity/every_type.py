"""The module with every type as a subject of the parity machine."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import ConnectionId, Identity, TimeDuration, Timestamp, Variant

from .statements import Statements, Table, quoted, short
from .subject import Call, Subject, bad_calls

NAMES = st.sampled_from(["Ada", "Bo", "Cy", "", "it's", "\u00e9\U0001f600"])
TEAMS = st.integers(0, 3)
AGES = st.integers(0, 255)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
FLOATS = st.integers(-(2**20), 2**20).map(lambda number: number / 64)
"""Servers read long numbers in JSON inexactly."""
POINTS = st.fixed_dictionaries({"x": st.integers(-(2**31), 2**31 - 1), "label": st.none() | TEXTS})
SHAPES = st.one_of(
    st.just(Variant("Empty")),
    FLOATS.map(lambda size: Variant("Circle", size)),
    POINTS.map(lambda point: Variant("Named", point)),
    st.binary(max_size=4).map(lambda data: Variant("Many", data)),
)
TIMES = st.integers(-(10**15), 10**15).map(Timestamp)
DURATIONS = st.integers(-(2**40), 2**40).map(TimeDuration)


def _unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, 3), st.integers(0, 2**bits - 1))


def _signed(bits: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(-3, 3), st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))


def rows() -> st.SearchStrategy[dict[str, Any]]:
    """Rows of the table with a column of every type."""
    return st.fixed_dictionaries(
        {
            "id": st.integers(0, 3),
            "a_bool": st.booleans(),
            **{f"a_u{bits}": _unsigned(bits) for bits in (8, 16, 32, 64, 128, 256)},
            **{f"a_i{bits}": _signed(bits) for bits in (8, 16, 32, 64, 128, 256)},
            "a_f32": FLOATS,
            "a_f64": FLOATS,
            "a_string": TEXTS,
            "some_bytes": st.binary(max_size=4),
            "some_ints": st.lists(_signed(32), max_size=3),
            "some_strings": st.lists(TEXTS, max_size=2),
            "maybe_string": st.none() | TEXTS,
            "maybe_u32": st.none() | _unsigned(32),
            "a_point": POINTS,
            "a_shape": SHAPES,
            "shapes": st.lists(SHAPES, max_size=2),
            "an_identity": st.binary(min_size=32, max_size=32).map(Identity),
            "a_connection": st.binary(min_size=16, max_size=16).map(ConnectionId),
            "a_time": TIMES,
            "a_duration": DURATIONS,
            "a_schedule": TIMES | DURATIONS,
        }
    )


def calls() -> st.SearchStrategy[Call]:
    """Calls of all reducers that leave clients alone."""

    def call(reducer: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
        return st.tuples(*args).map(lambda values: Call(reducer, values))

    add = call("add_person", NAMES, TEAMS, AGES)
    return st.one_of(
        add,
        add,
        add,
        call("set_age", NAMES, AGES),
        call("move_team", TEAMS, TEAMS),
        call("remove_person", NAMES),
        call("own_team", TEAMS, TEXTS),
        call("own_team", st.integers(10, 2**32 - 1), TEXTS),
        call("put_every", rows()),
        call("put_every", rows()),
        call("many", st.integers(0, 60)),
        call("nothing"),
        call("cancels_out"),
        call("fails", TEXTS),
        call("panics"),
        call("start_ticks", st.integers(10**14, 10**15)),
        call("stop_ticks"),
        call("schedule_once", st.integers(10**13, 10**14), TEXTS),
    )


def _integers(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


STATEMENTS = Statements(
    Table(
        "person",
        {"id": _integers(0, 5), "name": quoted(NAMES), "team": _integers(0, 3), "age": _integers(0, 255)},
        ("id, name, team, age", st.builds("{}, {}, {}, {}".format, _integers(0, 5), quoted(NAMES), TEAMS, AGES)),
        (("team", "a.team = b.id"), ("person", "a.team = b.team")),
    ),
    Table(
        "team",
        {"id": _integers(0, 3), "owner": st.sampled_from([":sender", "0x00", "X'" + "ab" * 32 + "'"]), "title": quoted(NAMES)},
        ("id, owner, title", st.builds("{}, 0x{}, {}".format, TEAMS, st.just("c2" * 32), quoted(NAMES))),
        (("person", "a.id = b.team"),),
    ),
    Table("seen", {"what": st.sampled_from(["'closed'", "'moved 1 to 2'", "'x'"])}, ("what", quoted(NAMES))),
    Table("secret", {"id": _integers(0, 2), "text": quoted(NAMES)}, ("id, text", st.builds("{}, {}".format, TEAMS, quoted(NAMES)))),
    Table(
        "every_type",
        {
            "id": _integers(0, 3),
            "a_bool": st.sampled_from(["true", "false"]),
            "a_u8": _integers(0, 255),
            "a_u64": _integers(0, 2**64 - 1),
            "a_u128": _integers(0, 2**128 - 1),
            "a_u256": _integers(0, 2**256 - 1),
            "a_i8": _integers(-128, 127),
            "a_i64": _integers(-(2**63), 2**63 - 1),
            "a_i256": _integers(-(2**255), 2**255 - 1),
            "a_f32": st.sampled_from(["0", "1.5", "-2.25", "1e10", "0.1"]),
            "a_f64": st.sampled_from(["0", "1.5", "-2.25", "1e10"]),
            "a_string": quoted(NAMES),
            "some_bytes": st.sampled_from(["0x", "0x00ff", "X'00'", "''"]),
            "an_identity": st.sampled_from([":sender", "0x" + "00" * 32, "0xff"]),
            "a_connection": st.sampled_from(["0x" + "00" * 16, "0x" + "ff" * 16, "0x01"]),
            "a_time": st.sampled_from(["'1970-01-01T00:00:00Z'", "'2000-01-01 00:00:00+02:00'", "'2000-01-01'"]),
            "maybe_u32": st.just("1"),
            "a_point": st.just("1"),
            "a_duration": st.just("1"),
            "a_schedule": st.just("1"),
            "some_ints": st.just("1"),
        },
    ),
    Table("once", {"id": _integers(0, 3), "note": quoted(NAMES)}),
    Table("st_client", {"identity": st.just(":sender"), "connection_id": st.just("0x" + "00" * 15 + "01")}),
)  # fmt: skip


def subject(module: Module) -> Subject:
    """Return the subject."""
    return Subject(
        "every_type",
        module,
        short(st.one_of(calls(), calls(), calls(), calls(), bad_calls(module.definition))),
        STATEMENTS,
        ("nothing", b"", "[]"),
        Call("close_door", ()),
        ("schedule_once", "once"),
    )
