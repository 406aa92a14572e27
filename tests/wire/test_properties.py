"""Any message survives the way there and back; no damage of any kind raises anything but a decode error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples

from pytest_inner_universe.sats import ConnectionId, DecodeError, Identity, TimeDuration, Timestamp
from pytest_inner_universe.sats.cursor import Cursor
from pytest_inner_universe.wire import form as forms
from pytest_inner_universe.wire import v2
from pytest_inner_universe.wire.frames import Compression, pack, unpack
from pytest_inner_universe.wire.versions import V2

u32 = st.integers(0, 2**32 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
blob = st.binary(max_size=20)
row_list = st.one_of(
    st.lists(st.binary(max_size=12), max_size=5),
    st.integers(0, 9).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=5)),
).map(v2.RowList)
identity = st.binary(min_size=32, max_size=32).map(Identity)
connection_id = st.binary(min_size=16, max_size=16).map(ConnectionId)
timestamp = i64.map(Timestamp)


def tuples(element: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(element, max_size=3).map(tuple)


table_rows = st.builds(v2.SingleTableRows, text, row_list)
query_rows = st.builds(v2.QueryRows, tuples(table_rows))
change = st.builds(v2.PersistentTableRows, row_list, row_list) | st.builds(v2.EventTableRows, row_list)
table_update = st.builds(v2.TableUpdate, text, tuples(change))
transaction = st.builds(v2.TransactionUpdate, tuples(st.builds(v2.QuerySetUpdate, u32, tuples(table_update))))
outcome = st.one_of(
    st.builds(v2.ReducerOk, blob, transaction),
    st.builds(v2.ReducerOkEmpty),
    text.map(v2.ReducerErr.of),
    st.builds(v2.ReducerInternalError, text),
)
status = st.builds(v2.ProcedureReturned, blob) | st.builds(v2.ProcedureInternalError, text)

client_messages = st.one_of(
    st.builds(v2.Subscribe, u32, u32, tuples(text)),
    st.builds(v2.Unsubscribe, u32, u32, st.integers(0, 1)),
    st.builds(v2.OneOffQuery, u32, text),
    st.builds(v2.CallReducer, u32, st.just(0), text, blob),
    st.builds(v2.CallProcedure, u32, st.just(0), text, blob),
    st.builds(v2.SubscribeBatch, u32, tuples(st.builds(v2.SubscribeSet, u32, tuples(text)))),
)
server_messages = st.one_of(
    st.builds(v2.InitialConnection, identity, connection_id, text),
    st.builds(v2.SubscribeApplied, u32, u32, query_rows),
    st.builds(v2.UnsubscribeApplied, u32, u32, st.none() | query_rows),
    st.builds(v2.SubscriptionError, st.none() | u32, u32, text),
    transaction,
    st.builds(v2.OneOffQueryResult, u32, query_rows | text),
    st.builds(v2.ReducerResult, u32, timestamp, outcome),
    st.builds(v2.ProcedureResult, status, timestamp, i64.map(TimeDuration), u32),
    st.builds(v2.SubscribeBatchApplied, u32, tuples(st.builds(v2.SubscribeSetResult, u32, query_rows | text))),
)
damage = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4)


def damaged(data: bytes, steps: list[tuple[int, int, int]]) -> bytes:
    """Change, remove, insert or cut off bytes."""
    out = bytearray(data)
    for kind, where, value in steps:
        at = where % (len(out) + 1)
        if kind == 0:
            out[at : at + 1] = bytes([value])
        elif kind == 1:
            del out[at : at + 1 + value % 5]
        elif kind == 2:
            out[at:at] = bytes([value] * (1 + value % 5))
        else:
            del out[at:]
    return bytes(out)


@given(client_messages)
def test_a_client_message_comes_back_equal(message: v2.ClientMessage) -> None:
    assert v2.decode_client(v2.encode_client(message)) == message


@given(server_messages, st.sampled_from(Compression))
def test_a_server_message_comes_back_equal(message: v2.ServerMessage, compression: Compression) -> None:
    assert v2.decode_server(unpack(pack(v2.encode_server(message), compression))) == message


def read(decode: Callable[[bytes], Any], data: bytes) -> Any:
    """Return the message that the bytes hold, or None if they are refused as they should be."""
    try:
        return decode(data)
    except DecodeError as error:
        offset = error.offset
    assert 0 <= offset <= max(len(data), 1)
    return None


def careful(form: forms.Form, data: bytes) -> object:
    """Read with care only: the message, or the text of the error."""
    cursor = Cursor(data)
    try:
        message = form.read(cursor)
        cursor.end()
    except DecodeError as error:
        return str(error)
    return message


def either(form: forms.Form, data: bytes) -> object:
    """The same in the usual way."""
    try:
        return forms.decode(form, data)
    except DecodeError as error:
        return str(error)


@given(st.sampled_from([(v2.CLIENT_FORM, client_messages), (v2.SERVER_FORM, server_messages)]), st.data(), damage)
def test_generated_code_does_what_the_careful_way_does(
    kind: tuple[forms.Form, st.SearchStrategy[Any]], data: st.DataObject, steps: list[tuple[int, int, int]]
) -> None:
    form, messages = kind
    message = data.draw(messages)
    fast, carefully = bytearray(), bytearray()
    form.fast_write(message, fast)
    form.write(message, carefully)
    assert fast == carefully
    written = bytes(fast)
    assert form.fast_read(written, 0, len(written)) == (message, len(written))
    broken = damaged(written, steps)
    assert either(form, broken) == careful(form, broken)


@given(client_messages, damage)
def test_a_damaged_client_message_raises_a_decode_error_or_is_another_message(
    message: v2.ClientMessage, steps: list[tuple[int, int, int]]
) -> None:
    data = damaged(v2.encode_client(message), steps)
    other = read(v2.decode_client, data)
    assert other is None or v2.encode_client(other) == data


@given(server_messages, damage)
def test_a_damaged_server_message_raises_a_decode_error_or_is_another_message(
    message: v2.ServerMessage, steps: list[tuple[int, int, int]]
) -> None:
    other = read(v2.decode_server, damaged(v2.encode_server(message), steps))
    assert other is None or v2.decode_server(v2.encode_server(other)) == other


@given(st.binary(max_size=2000), st.sampled_from(Compression), damage)
def test_a_damaged_frame_raises_a_decode_error_or_has_another_body(
    body: bytes, compression: Compression, steps: list[tuple[int, int, int]]
) -> None:
    other = read(unpack, damaged(pack(body, compression), steps))
    assert other is None or isinstance(other, bytes)


@given(st.binary(max_size=200))
def test_noise_raises_a_decode_error_or_is_a_message(data: bytes) -> None:
    for decode in (V2.read_client_frame, V2.read_server_frame):
        messages = read(decode, data)
        assert messages is None or len(messages) == 1


@examples(300)
@given(st.integers(0, 10_000), damage)
def test_damaged_recordings_raise_a_decode_error_or_are_other_messages(
    server_bodies: list[bytes], client_frames: list[bytes], pick: int, steps: list[tuple[int, int, int]]
) -> None:
    frame = damaged(client_frames[pick % len(client_frames)], steps)
    assert (request := read(v2.decode_client, frame)) is None or v2.encode_client(request) == frame
    body = damaged(server_bodies[pick % len(server_bodies)], steps)
    assert (answer := read(v2.decode_server, body)) is None or v2.decode_server(v2.encode_server(answer)) == answer
