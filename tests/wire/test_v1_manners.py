"""The first protocol as the oldest release speaks it."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from support.first_protocol import CHANGE, ME, MINE, NOW, ROW, Server, outcome, schema

from pytest_inner_universe.sats import U8, U32, DecodeError, Identity, SumVariant
from pytest_inner_universe.sats.layout import fixed_width
from pytest_inner_universe.sats.types import (
    BOOL,
    SCHEDULE_AT,
    STRING,
    TIMESTAMP,
    UNIT,
    Array,
    Sum,
    option,
    product,
)
from pytest_inner_universe.wire import (
    QueryRows,
    ReducerErr,
    ReducerInternalError,
    ReducerOkEmpty,
    ReducerResult,
    RowList,
    SingleTableRows,
    SubscribeApplied,
    SubscriptionError,
    v1,
)
from pytest_inner_universe.wire.calls import CallInfo, TextArgs
from pytest_inner_universe.wire.rows import UnmeasuredRows
from pytest_inner_universe.wire.v1_codecs import binary
from pytest_inner_universe.wire.v1_manners import NEWEST, OLDEST
from pytest_inner_universe.wire.versions import V1_JSON

TAKEN = "Subscription with id QueryId { id: 7 } already exists for client: A"
NOWHERE = "`nowhere` is not a valid table"


def no_reducer(text: str) -> Any:
    return outcome(v1.Failed(text), "<none>", v1.NO_REDUCER, b"", 0)


def without_time(message: Any) -> Any:
    return replace(message, timestamp=NOW)


@pytest.mark.parametrize(
    "result", [ReducerErr.of("no"), ReducerInternalError("The Wasm instance encountered a fatal error.")]
)
def test_calls_that_failed_have_lost_their_number(result: Any) -> None:
    numbers = []
    for manners in (OLDEST, NEWEST):
        server = Server(manners=manners)
        server.hear(v1.CallReducer("add_person", b"x", 3))
        (answer,) = server.say(ReducerResult(3, NOW, result))
        assert isinstance(answer, v1.TransactionUpdate)
        numbers.append(answer.reducer_call.request_id)
    assert numbers == [0, 3]


def test_calls_that_succeeded_have_not() -> None:
    server = Server(manners=OLDEST)
    server.hear(v1.CallReducer("add_person", b"x", 3))
    assert server.say(ReducerResult(3, NOW, ReducerOkEmpty())) == [outcome(v1.Committed(v1.DatabaseUpdate()))]


def test_a_taken_id_is_a_failed_transaction_of_nobody() -> None:
    server = Server(manners=OLDEST)
    server.subscribe(7)
    server.hear(v1.SubscribeMulti(("SELECT * FROM seen",), 8, 7))
    (answer,) = server.say(SubscriptionError(8, 7, TAKEN))
    assert without_time(answer) == no_reducer(TAKEN)


def test_a_bad_query_is_an_error_of_its_set_there_too() -> None:
    server = Server(manners=OLDEST)
    server.hear(v1.SubscribeMulti(("SELECT * FROM nowhere",), 8, 9))
    assert server.say(SubscriptionError(8, 9, NOWHERE)) == [v1.SubscriptionError(0, 8, 9, None, NOWHERE)]


def test_a_legacy_subscription_that_fails_tells_its_reason_twice() -> None:
    server = Server(manners=OLDEST)
    server.hear(v1.Subscribe(("SELECT * FROM nowhere",), 8))
    error = f"{NOWHERE}, executing: `SELECT * FROM nowhere`"
    (answer,) = server.say(SubscriptionError(8, 1 << 32, error))
    assert without_time(answer) == no_reducer(f"{error}: {NOWHERE}")


def test_procedures_are_not_known() -> None:
    with pytest.raises(DecodeError) as caught:
        Server(manners=OLDEST).hear(v1.CallProcedure("add", b"", 1))
    assert str(caught.value) == "unknown tag 0x7 for sum type ClientMessage at byte 0"


def hints(frames: list[bytes | str]) -> list[int]:
    """Return the hint in front of every list of rows that holds the row."""
    assert all(isinstance(frame, bytes) for frame in frames)
    found = []
    for frame in frames:
        assert isinstance(frame, bytes)
        fixed = struct.pack("<BHI", 0, len(ROW), len(ROW)) + ROW
        found.append(0 if fixed in frame else 1)
    return found


@pytest.mark.parametrize(("manners", "hint"), [(OLDEST, 1), (NEWEST, 0)])
def test_rows_of_a_size_by_chance(manners: Any, hint: int) -> None:
    server = Server(manners=manners)
    server.hear(v1.SubscribeMulti(("SELECT * FROM person",), 7, 7))
    server.session.send(SubscribeApplied(7, 7, QueryRows((SingleTableRows("person", RowList([ROW])),))))
    server.session.send(CHANGE, CallInfo("", b"", 0, ME, MINE, NOW))
    assert hints(server.session.data_to_send()) == [hint, hint]


def test_rows_that_have_a_size_show_it_in_states_but_not_in_changes() -> None:
    codec = binary(schema("1.4"), OLDEST)
    assert type(codec.page_rows("tick", [])) is RowList
    assert type(codec.delta_rows("tick", [])) is UnmeasuredRows
    assert type(codec.page_rows("person", [])) is UnmeasuredRows


@pytest.mark.parametrize(
    ("type_", "width"),
    [
        (U32, 4),
        (BOOL, 1),
        (STRING, None),
        (Array(U8), None),
        (UNIT, 0),
        (TIMESTAMP, 8),
        (SCHEDULE_AT, 9),
        (product(a=U8, b=TIMESTAMP), 9),
        (product(a=U8, b=STRING), None),
        (option(U8), None),
        (Sum((SumVariant("A", UNIT), SumVariant("B", UNIT))), 1),
        (Sum(()), None),
    ],
)
def test_which_types_have_one_size(type_: Any, width: int | None) -> None:
    assert fixed_width(type_) == width


def test_others_are_told_the_text_of_arguments_as_it_came() -> None:
    server = Server(V1_JSON)
    (request,) = server.hear(v1.CallReducer("add_person", '["Ann",  1, 30]', 3), as_text=True)
    assert isinstance(request.args, TextArgs)
    assert request.args == b"\3\0\0\0Ann\1\0\0\0\x1e"
    other = Server(V1_JSON)
    other.subscribe()
    (news,) = other.say(CHANGE, CallInfo("add_person", request.args, 3, Identity.zero(), MINE, NOW))
    assert isinstance(news, v1.TransactionUpdate)
    assert news.reducer_call.args == '["Ann",  1, 30]'
