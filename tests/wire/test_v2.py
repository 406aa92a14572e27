"""The bytes of messages, example by example."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_inner_universe.sats import ConnectionId, DecodeError, EncodeError, Identity, TimeDuration, Timestamp
from pytest_inner_universe.wire import v2

WHEN = Timestamp(1_700_000_000_000_000)
NUMBERS = v2.QueryRows((v2.SingleTableRows("t", v2.RowList([b"\5\0\0\0", b"\6\0\0\0"])),))
NINE = v2.TransactionUpdate(
    (v2.QuerySetUpdate(7, (v2.TableUpdate("t", (v2.PersistentTableRows(v2.RowList([b"\x09\0\0\0"])),)),)),)
)
TEXT: Any = "text"
SOMEBODY = Identity.from_hex("c200b3ce65d91b79ecfb7d881cd65bf8da2f647d590af1474ad19faa7aa87e38")

CLIENT = [
    (v2.Subscribe(1, 7, ("SELECT * FROM t",)), "000100000007000000010000000f00000053454c454354202a2046524f4d2074"),
    (v2.Unsubscribe(3, 7, v2.UNSUBSCRIBE_SEND_DROPPED_ROWS), "01030000000700000001"),
    (v2.Unsubscribe(3, 7), "01030000000700000000"),
    (v2.OneOffQuery(4, "SQL"), "020400000003000000" + b"SQL".hex()),
    (v2.CallReducer(2, 0, "add", b"\2\0\0\0hi"), "0302000000000300000061646406000000020000006869"),
    (v2.CallProcedure(2, 0, "add", b"\2\0\0\0hi"), "0402000000000300000061646406000000020000006869"),
    (
        v2.SubscribeBatch(5, (v2.SubscribeSet(1, ("a",)), v2.SubscribeSet(2, ()))),
        "0505000000" + "02000000" + "01000000" + "01000000" + "0100000061" + "02000000" + "00000000",
    ),
]

SERVER = [
    (
        v2.InitialConnection(SOMEBODY, ConnectionId.from_int(1), "tok"),
        "00387ea87aaa9fd14a47f10a597d642fdaf85bd61c887dfbec791bd965ceb300c2" + "01" + 15 * "00" + "03000000746f6b",
    ),
    (v2.SubscribeApplied(1, 7, NUMBERS), "010100000007000000010000000100000074000400080000000500000006000000"),
    (v2.UnsubscribeApplied(1, 7), "02010000000700000001"),
    (v2.UnsubscribeApplied(1, 7, v2.QueryRows()), "0201000000070000000000000000"),
    (v2.SubscriptionError(1, 7, "no"), "0300010000000700000002000000" + b"no".hex()),
    (v2.SubscriptionError(None, 7, "no"), "03010700000002000000" + b"no".hex()),
    (NINE, "04010000000700000001000000010000007401000000000004000400000009000000010000000000000000"),
    (
        v2.TransactionUpdate((v2.QuerySetUpdate(7, (v2.TableUpdate("t", (v2.EventTableRows(v2.RowList([b"x"])),)),)),)),
        "0401000000070000000100000001000000740100000001" + "0001000100000078",
    ),
    (
        v2.OneOffQueryResult(1, NUMBERS),
        "0501000000" + "00" + "01000000" + "0100000074" + "000400080000000500000006000000",
    ),
    (v2.OneOffQueryResult(1, "no"), "0501000000" + "01" + "020000006e6f"),
    (
        v2.ReducerResult(2, WHEN, v2.ReducerOk(b"", v2.TransactionUpdate())),
        "060200000000401e18240a0600000000000000000000",
    ),
    (v2.ReducerResult(2, WHEN, v2.ReducerOkEmpty()), "060200000000401e18240a060001"),
    (v2.ReducerResult(2, WHEN, v2.ReducerErr.of("nope")), "060200000000401e18240a06000208000000040000006e6f7065"),
    (v2.ReducerResult(2, WHEN, v2.ReducerInternalError("no")), "060200000000401e18240a060003020000006e6f"),
    (
        v2.ProcedureResult(v2.ProcedureReturned(b"\1"), Timestamp(1), TimeDuration(-1), 9),
        "07" + "000100000001" + "0100000000000000" + "ffffffffffffffff" + "09000000",
    ),
    (
        v2.ProcedureResult(v2.ProcedureInternalError("no"), Timestamp(0), TimeDuration(0), 9),
        "07" + "01020000006e6f" + "00" * 16 + "09000000",
    ),
    (
        v2.SubscribeBatchApplied(5, (v2.SubscribeSetResult(1, v2.QueryRows()), v2.SubscribeSetResult(2, "no"))),
        "0805000000" + "02000000" + "01000000" + "00" + "00000000" + "02000000" + "01" + "020000006e6f",
    ),
]


@pytest.mark.parametrize(("message", "data"), CLIENT)
def test_a_client_message_has_these_bytes(message: v2.ClientMessage, data: str) -> None:
    assert v2.encode_client(message).hex() == data
    assert v2.decode_client(bytes.fromhex(data)) == message


@pytest.mark.parametrize(("message", "data"), SERVER)
def test_a_server_message_has_these_bytes(message: v2.ServerMessage, data: str) -> None:
    assert v2.encode_server(message).hex() == data
    assert v2.decode_server(bytes.fromhex(data)) == message


def test_the_text_of_a_reducer_error_is_bsatn_inside_bytes() -> None:
    assert v2.ReducerErr.of("nö") == v2.ReducerErr(b"\3\0\0\0n\xc3\xb6")
    assert v2.ReducerErr(b"\3\0\0\0n\xc3\xb6").text == "nö"
    with pytest.raises(DecodeError) as caught:
        _ = v2.ReducerErr(b"plain").text
    assert str(caught.value) == "String needs 1767992432 bytes, 1 are left at byte 4"


@pytest.mark.parametrize(
    ("rows", "data"),
    [
        ([], "010000000000000000"),
        ([b"\5\0\0\0", b"\6\0\0\0"], "000400080000000500000006000000"),
        ([b"\1\0\0\0a", b"\2\0\0\0bc"], "0102000000000000000000000005000000000000000b0000000100000061020000006263"),
        ([b"", b""], "0102000000" + "00" * 16 + "00000000"),
    ],
)
def test_rows_are_packed_by_size_where_all_are_equally_long(rows: list[bytes], data: str) -> None:
    body = bytes.fromhex("0101000000070000000100000001000000" + "74" + data)
    message = v2.SubscribeApplied(1, 7, v2.QueryRows((v2.SingleTableRows("t", v2.RowList(rows)),)))
    assert v2.encode_server(message) == body
    assert v2.decode_server(body) == message


def test_a_row_too_long_for_a_fixed_size_gets_offsets() -> None:
    rows = v2.RowList([b"x" * 0x10000])
    message = v2.SubscribeApplied(1, 7, v2.QueryRows((v2.SingleTableRows("t", rows),)))
    body = v2.encode_server(message)
    assert body[18] == 1
    assert v2.decode_server(body) == message


def test_row_lists_are_equal_when_their_rows_are() -> None:
    assert v2.RowList([b"a", b"b"]) == v2.RowList((b"a", b"b"))
    assert hash(v2.RowList([b"a"])) == hash(v2.RowList((b"a",)))
    assert v2.RowList([b"a"]) != v2.RowList([b"b"])
    assert v2.RowList([b"a"]) != [b"a"]
    assert list(v2.RowList([b"a", b"b"])) == [b"a", b"b"]
    assert len(v2.RowList()) == 0
    assert repr(v2.RowList((b"a",))) == "RowList([b'a'])"


APPLIED = "0101000000070000000100000001000000" + "74"
IN_ROWS = " in SubscribeApplied.rows.tables[0].rows"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "tag of client message needs 1 bytes, 0 are left at byte 0"),
        ("06", "unknown tag 6 of client message, there are 6 at byte 0"),
        ("0001", "number needs 4 bytes, 1 are left at byte 1 in Subscribe.request_id"),
        (
            "000100000007000000ffffffff00",
            "array of 4294967295 elements, 1 bytes are left at byte 9 in Subscribe.query_strings",
        ),
        (
            "000100000007000000010000000200000061",
            "String needs 2 bytes, 1 are left at byte 17 in Subscribe.query_strings[0]",
        ),
        (
            "0001000000070000000100000001000000ff",
            "String is not UTF-8 at byte 17 in Subscribe.query_strings[0]",
        ),
        ("01030000000700000002", "unknown tag 2 of flags, there are 2 at byte 9 in Unsubscribe.flags"),
        ("0302000000010000000000000000", "unknown tag 1 of flags, there are 1 at byte 5 in CallReducer.flags"),
        ("0103000000070000000000", "1 bytes left over at byte 10"),
        (
            "05050000000100000001000000010000000500000061",
            "String needs 5 bytes, 1 are left at byte 21 in SubscribeBatch.sets[0].query_strings[0]",
        ),
    ],
)
def test_a_damaged_client_message_is_refused(data: str, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        v2.decode_client(bytes.fromhex(data))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("00aa", "Identity needs 32 bytes, 1 are left at byte 1 in InitialConnection.identity"),
        ("06020000000000", "Timestamp needs 8 bytes, 2 are left at byte 5 in ReducerResult.timestamp"),
        (
            "060200000000401e18240a060004",
            "unknown tag 4 of reducer outcome, there are 4 at byte 13 in ReducerResult.result",
        ),
        (
            APPLIED + "02",
            "unknown tag 2 of row size hint, there are 2 at byte 18" + IN_ROWS,
        ),
        (
            APPLIED + "0000000100000000",
            "rows of fixed size cannot have 0 bytes at byte 19" + IN_ROWS,
        ),
        (
            APPLIED + "00040005000000" + "00" * 5,
            "5 bytes cannot be cut into rows of 4 at byte 19" + IN_ROWS,
        ),
        (
            APPLIED + "01ffffffff",
            "list of 4294967295 row offsets needs 34359738360 bytes, 0 are left at byte 23" + IN_ROWS,
        ),
        (
            APPLIED + "0100000000" + "01000000ff",
            "1 bytes belong to no row at byte 27" + IN_ROWS,
        ),
        (
            APPLIED + "0101000000" + "0100000000000000" + "01000000ff",
            "the first row starts at 1 instead of 0 at byte 23" + IN_ROWS,
        ),
        (
            APPLIED + "0102000000" + "00" * 8 + "0200000000000000" + "01000000ff",
            "row 1 starts at 2, behind its end at 1 at byte 31" + IN_ROWS,
        ),
    ],
)
def test_a_damaged_server_message_is_refused(data: str, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        v2.decode_server(bytes.fromhex(data))
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            v2.Subscribe(1 << 32, 7, ()),
            "Subscribe.request_id: expected a number of 32 bits without sign, got 4294967296",
        ),
        (v2.Subscribe(1, -1, ()), "Subscribe.query_set_id: expected a number of 32 bits without sign, got -1"),
        (
            v2.Subscribe(1, 1, ("a", "\ud800")),
            "Subscribe.query_strings[1]: expected text without lone surrogates, got '\\ud800'",
        ),
        (v2.Unsubscribe(1, 1, 2), "Unsubscribe.flags: expected one of 0, 1, got 2"),
        (v2.CallReducer(1, 0, "r", TEXT), "CallReducer.args: expected bytes, got 'text'"),
        (v2.SubscribeBatch(1, (TEXT,)), "SubscribeBatch.sets[0]: expected SubscribeSet, got 'text'"),
        (v2.Subscribe(1, 1, TEXT), "Subscribe.query_strings: expected a tuple, got 'text'"),
        (v2.TransactionUpdate(), "expected a client message, got TransactionUpdate(query_sets=())"),
    ],
)  # fmt: skip
def test_a_client_message_with_a_wrong_field_cannot_be_written(message: v2.ClientMessage, text: str) -> None:
    with pytest.raises(EncodeError) as caught:
        v2.encode_client(message)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            v2.InitialConnection("me", ConnectionId.zero(), ""),  # type: ignore[arg-type]
            "InitialConnection.identity: expected Identity, got 'me'",
        ),
        (
            v2.ReducerResult(1, 5, v2.ReducerOkEmpty()),  # type: ignore[arg-type]
            "ReducerResult.timestamp: expected Timestamp, got 5",
        ),
        (
            v2.ReducerResult(1, Timestamp(1 << 63), v2.ReducerOkEmpty()),
            "ReducerResult.timestamp: 9223372036854775808 microseconds do not fit 64 bits",
        ),
        (
            v2.ReducerResult(1, WHEN, "no"),  # type: ignore[arg-type]
            "ReducerResult.result: expected a reducer outcome, got 'no'",
        ),
        (
            v2.TransactionUpdate((v2.QuerySetUpdate(1, (v2.TableUpdate("t", (v2.EventTableRows([]),)),)),)),  # type: ignore[arg-type]
            "TransactionUpdate.query_sets[0].tables[0].rows[0].EventTableRows.events: expected a RowList, got []",
        ),
    ],
)
def test_a_server_message_with_a_wrong_field_cannot_be_written(message: v2.ServerMessage, text: str) -> None:
    with pytest.raises(EncodeError) as caught:
        v2.encode_server(message)
    assert str(caught.value) == text
