"""Any message of the first protocol survives both encodings; no damage raises anything but what it should."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.examples import examples
from support.first_protocol import schema
from support.recordings import frames
from support.typed import types, values_of

from pytest_inner_universe.sats import (
    IDENTITY,
    SCHEDULE_AT,
    STRING,
    U32,
    UNIT,
    AlgebraicType,
    Array,
    ConnectionId,
    DecodeError,
    Err,
    Identity,
    TimeDuration,
    Timestamp,
    codec,
    option,
    product,
    result,
)
from pytest_inner_universe.sats.sats_json import json_codec
from pytest_inner_universe.wire import InitialConnection, RowList, v1, v1_json
from pytest_inner_universe.wire.errors import RemoteProtocolError
from pytest_inner_universe.wire.session import ClientSession, ServerSession
from pytest_inner_universe.wire.v1_rows import page_writer
from pytest_inner_universe.wire.versions import V1, V1_JSON, V3

u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
blob = st.binary(max_size=12)
identity = st.binary(min_size=32, max_size=32).map(Identity)
connection_id = st.binary(min_size=16, max_size=16).map(ConnectionId)
timestamp, duration = i64.map(Timestamp), i64.map(TimeDuration)


def tuples(element: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(element, max_size=3).map(tuple)


def messages(is_json: bool) -> tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]:
    """Return strategies for messages of a client and of a server, with what one encoding carries."""
    single = text if is_json else blob
    rows = tuples(text) if is_json else st.lists(blob, max_size=3).map(RowList)
    query_update = st.builds(v1.QueryUpdate, rows, rows)
    table = st.builds(v1.TableUpdate, u32, text, u64, tuples(query_update))
    database = st.builds(v1.DatabaseUpdate, tuples(table))
    subscribe_rows = st.builds(v1.SubscribeRows, u32, text, table)
    status = st.one_of(st.builds(v1.Committed, database), st.builds(v1.Failed, text), st.builds(v1.OutOfEnergy))
    returned = st.one_of(st.builds(v1.Returned, single), st.builds(v1.OutOfEnergy), st.builds(v1.InternalError, text))
    info = st.builds(v1.ReducerCallInfo, text, u32, single, u32)
    energy = st.integers(0, 2**128 - 1)
    maybe = st.none() | u32
    client = st.one_of(
        st.builds(v1.CallReducer, text, single, u32, st.integers(0, 1)),
        st.builds(v1.Subscribe, tuples(text), u32),
        st.builds(v1.OneOffQuery, blob, text),
        st.builds(v1.SubscribeSingle, text, u32, u32),
        st.builds(v1.SubscribeMulti, tuples(text), u32, u32),
        st.builds(v1.Unsubscribe, u32, u32),
        st.builds(v1.UnsubscribeMulti, u32, u32),
        st.builds(v1.CallProcedure, text, single, u32, st.just(0)),
    )
    server = st.one_of(
        st.builds(v1.InitialSubscription, database, u32, duration),
        st.builds(v1.TransactionUpdate, status, timestamp, identity, connection_id, info, energy, duration),
        st.builds(v1.TransactionUpdateLight, u32, database),
        st.builds(v1.IdentityToken, identity, text, connection_id),
        st.builds(
            v1.OneOffQueryResponse, blob, st.none() | text, tuples(st.builds(v1.OneOffTable, text, rows)), duration
        ),
        st.builds(v1.SubscribeApplied, u32, u64, u32, subscribe_rows),
        st.builds(v1.UnsubscribeApplied, u32, u64, u32, subscribe_rows),
        st.builds(v1.SubscriptionError, u64, maybe, maybe, maybe, text),
        st.builds(v1.SubscribeMultiApplied, u32, u64, u32, database),
        st.builds(v1.UnsubscribeMultiApplied, u32, u64, u32, database),
        st.builds(v1.ProcedureResult, returned, timestamp, duration, u32),
    )
    return client, server


binary_client, binary_server = messages(is_json=False)
json_client, json_server = messages(is_json=True)
damage = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4)


CHARACTERS = '{}[]",:0-1eE.\\u \x7f\xe9a'


def damaged(data: Any, steps: list[tuple[int, int, int]]) -> Any:
    """Change, remove, insert or cut off bytes or characters."""
    out: list[Any] = list(data)
    for kind, where, value in steps:
        at = where % (len(out) + 1)
        one: Any = value if isinstance(data, bytes) else CHARACTERS[value % len(CHARACTERS)]
        if kind == 0:
            out[at : at + 1] = [one]
        elif kind == 1:
            del out[at : at + 1 + value % 5]
        elif kind == 2:
            out[at:at] = [one] * (1 + value % 5)
        else:
            del out[at:]
    return bytes(out) if isinstance(data, bytes) else "".join(out)


@given(binary_client)
def test_a_request_comes_back_equal(message: v1.ClientMessage) -> None:
    assert v1.decode_client(v1.encode_client(message)) == message


@given(binary_server)
def test_an_answer_comes_back_equal(message: v1.ServerMessage) -> None:
    assert v1.decode_server(v1.encode_server(message)) == message


@given(json_client)
def test_a_request_comes_back_equal_from_json(message: v1.ClientMessage) -> None:
    assert v1_json.decode_client(v1_json.encode_client(message)) == message


@given(json_server)
def test_an_answer_comes_back_equal_from_json(message: v1.ServerMessage) -> None:
    assert v1_json.decode_server(v1_json.encode_server(message)) == message


@given(binary_server, damage)
def test_a_damaged_answer_raises_a_decode_error_or_is_another(
    message: v1.ServerMessage, steps: list[tuple[int, int, int]]
) -> None:
    try:
        other = v1.decode_server(damaged(v1.encode_server(message), steps))
    except DecodeError:
        return
    assert v1.decode_server(v1.encode_server(other)) == other


@given(json_server, damage)
def test_a_damaged_text_raises_a_decode_error_or_is_another(
    message: v1.ServerMessage, steps: list[tuple[int, int, int]]
) -> None:
    try:
        other = v1_json.decode_server(damaged(v1_json.encode_server(message), steps))
    except DecodeError:
        return
    assert v1_json.decode_server(v1_json.encode_server(other)) == other


RECORDED = {
    V1: (frames("2.8.3", "v1.bsatn", "c2s"), frames("2.8.3", "v1.bsatn", "s2c")),
    V1_JSON: (frames("2.8.3", "v1.json", "c2s"), frames("2.8.3", "v1.json", "s2c")),
    V3: (frames("2.8.3", "v3.bsatn", "c2s"), frames("2.8.3", "v3.bsatn", "s2c")),
}


@examples(300)
@given(st.sampled_from(list(RECORDED)), st.integers(0, 10_000), damage)
def test_sessions_refuse_damaged_recordings_properly(
    version: Any, pick: int, steps: list[tuple[int, int, int]]
) -> None:
    sent, received = RECORDED[version]
    client, server = ClientSession(version, schema=schema("2.8")), ServerSession(version, schema=schema("2.8"))
    hello = InitialConnection(Identity.zero(), ConnectionId.zero(), "")
    server.send(hello)
    client.receive_data(server.data_to_send()[0])
    for session, recorded in ((client, received), (server, sent)):
        try:
            session.receive_data(damaged(recorded[pick % len(recorded)], steps))
        except (DecodeError, RemoteProtocolError):
            continue
    server.data_to_send()


@examples(200)
@given(st.binary(max_size=60) | st.text(max_size=60), st.sampled_from([V1, V1_JSON, V3]))
def test_sessions_refuse_noise_properly(noise: bytes | str, version: Any) -> None:
    for session in (ClientSession(version, schema=schema("2.8")), ServerSession(version, schema=schema("2.8"))):
        try:
            session.receive_data(noise)
        except (DecodeError, RemoteProtocolError):
            continue


@examples(300)
@given(types(), st.data())
def test_values_of_any_type_come_back_from_a_page(type_: AlgebraicType, data: st.DataObject) -> None:
    row_type = product(column=type_)
    binary = codec(row_type)
    row = binary.encode({"column": data.draw(values_of(type_))})
    page = json.dumps(page_writer(row_type)(binary.decode(row)))
    # A float that is no number has lost its value.
    assert "null" in page or binary.encode(json_codec(row_type).loads(page)) == row


def test_a_page_nests_objects_down_to_arrays() -> None:
    inner = product(x=U32, e=option(STRING))
    row_type = product(
        one=inner, many=Array(inner), maybe=option(inner), at=SCHEDULE_AT, who=IDENTITY, how=result(U32, UNIT)
    )
    value = {"x": 1, "e": None}
    row = {"one": value, "many": [value], "maybe": value, "at": Timestamp(3), "who": Identity.zero(), "how": Err(())}
    assert page_writer(row_type)(row) == {
        "one": {"x": 1, "e": [1, {}]},
        "many": [[1, [1, []]]],
        "maybe": [0, {"x": 1, "e": [1, {}]}],
        "at": [1, {"__timestamp_micros_since_unix_epoch__": 3}],
        "who": {"__identity__": "0x0"},
        "how": [1, {}],
    }
