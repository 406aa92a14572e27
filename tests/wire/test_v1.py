"""The first protocol's messages: known bytes, packed parts, damage."""

from __future__ import annotations

import gzip
import sys
from types import SimpleNamespace

import pytest

from pytest_inner_universe.sats import ConnectionId, DecodeError, EncodeError, Identity, TimeDuration, Timestamp
from pytest_inner_universe.wire import RowList, v1, v1_json
from pytest_inner_universe.wire.errors import RemoteProtocolError
from pytest_inner_universe.wire.versions import V1

NONE = RowList()
UPDATE = v1.QueryUpdate(deletes=RowList([b"ab"]), inserts=RowList([b"cd", b"ef"]))


def light(updates: bytes, count: int = 1) -> bytes:
    """Return a light update of table 't' with these query updates as bytes."""
    head = b"\2" + (7).to_bytes(4, "little") + (1).to_bytes(4, "little")
    table = (4096).to_bytes(4, "little") + b"\1\0\0\0t" + (3).to_bytes(8, "little")
    return head + table + count.to_bytes(4, "little") + updates


def body_of(update: v1.QueryUpdate) -> bytes:
    """Return a query update as bytes, without the mark that it is not packed."""
    table = v1.TableUpdate(4096, "t", 3, (update,))
    data = v1.encode_server(v1.TransactionUpdateLight(7, v1.DatabaseUpdate((table,))))
    return data[len(light(b"")) + 1 :]


def packed(body: bytes, tag: int) -> bytes:
    return bytes((tag,)) + len(body).to_bytes(4, "little") + body


class TestBytes:
    """Messages and their bytes, derived from the definitions by hand."""

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            (
                v1.SubscribeMulti(("SELECT * FROM t",), 1, 7),
                "04010000000f00000053454c454354202a2046524f4d20740100000007000000",
            ),
            (v1.SubscribeSingle("SELECT * FROM t", 1, 7), "030f00000053454c454354202a2046524f4d20740100000007000000"),
            (v1.CallReducer("add", b"\2\0\0\0hi", 2), "0003000000616464060000000200000068690200000000"),
            (v1.UnsubscribeMulti(3, 7), "060300000007000000"),
            (v1.Unsubscribe(3, 7), "050300000007000000"),
            (v1.Subscribe(("t",), 5), "0101000000010000007405000000"),
            (v1.OneOffQuery(b"\n\v", "t"), "02020000000a0b0100000074"),
            (v1.CallProcedure("p", b"", 4), "07010000007000000000" + "0400000000"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_requests(self, message: v1.ClientMessage, expected: str) -> None:
        assert v1.encode_client(message).hex() == expected
        assert v1.decode_client(bytes.fromhex(expected)) == message

    def test_the_introduction_names_the_token_before_the_connection(self) -> None:
        message = v1.IdentityToken(Identity(bytes(range(32))), "tok", ConnectionId.from_int(1))
        data = v1.encode_server(message)
        assert data == b"\3" + bytes(range(32)) + b"\3\0\0\0tok\1" + bytes(15)
        assert v1.decode_server(data) == message

    def test_flags_are_known_ones(self) -> None:
        data = bytes.fromhex("0003000000616464060000000200000068690200000002")
        with pytest.raises(DecodeError) as caught:
            v1.decode_client(data)
        assert str(caught.value) == "unknown tag 2 of flags, there are 2 at byte 22 in CallReducer.flags"
        with pytest.raises(EncodeError) as refused:
            v1_json.encode_client(v1.CallReducer("add", "[]", 2, 2))
        assert str(refused.value) == "CallReducer.flags: expected one of 0, 1, got 2"

    def test_a_procedure_may_run_out_of_energy(self) -> None:
        message = v1.ProcedureResult(v1.OutOfEnergy(), Timestamp(5), TimeDuration(3), 9)
        assert v1.decode_server(v1.encode_server(message)) == message
        text = v1_json.encode_server(message)
        assert text == (
            '{"ProcedureResult":{"status":{"OutOfEnergy":[]},"timestamp":{"__timestamp_micros_since_unix_epoch__":5},'
            '"total_host_execution_duration":{"__time_duration_micros__":3},"request_id":9}}'
        )
        assert v1_json.decode_server(text) == message


class TestPackedParts:
    """Query updates that are packed inside of a message."""

    def test_a_plain_part(self) -> None:
        message = v1.decode_server(light(b"\0" + body_of(UPDATE)))
        assert isinstance(message, v1.TransactionUpdateLight)
        assert message.update.tables[0].updates == (UPDATE,)

    def test_a_part_packed_with_gzip(self) -> None:
        parts = packed(gzip.compress(body_of(UPDATE)), 2) + b"\0" + body_of(UPDATE)
        message = v1.decode_server(light(parts, 2))
        assert isinstance(message, v1.TransactionUpdateLight)
        assert message.update.tables[0].updates == (UPDATE, UPDATE)

    def test_a_part_packed_with_brotli(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Unpacker:
            def process(self, data: bytes, output_buffer_limit: int) -> bytes:
                assert output_buffer_limit > len(data)
                return data[::-1]

            def is_finished(self) -> bool:
                return True

        monkeypatch.setitem(sys.modules, "brotli", SimpleNamespace(Decompressor=Unpacker, error=ArithmeticError))
        message = v1.decode_server(light(packed(body_of(UPDATE)[::-1], 1)))
        assert isinstance(message, v1.TransactionUpdateLight)
        assert message.update.tables[0].updates == (UPDATE,)

    def test_a_part_packed_in_no_known_way(self) -> None:
        with pytest.raises(DecodeError) as caught:
            v1.decode_server(light(packed(b"", 3)))
        assert caught.value.reason == "unknown tag 3 of compression, there are 3"

    def test_a_damaged_part_is_found_where_it_starts(self) -> None:
        with pytest.raises(DecodeError) as caught:
            v1.decode_server(light(packed(b"nonsense", 2)))
        assert caught.value.offset == len(light(b""))
        assert caught.value.path == "TransactionUpdateLight.update.tables[0].updates[0]"
        assert caught.value.reason.startswith("the body is no gzip data")

    def test_a_part_with_something_behind_it(self) -> None:
        with pytest.raises(DecodeError) as caught:
            v1.decode_server(light(packed(gzip.compress(body_of(UPDATE) + b"x"), 2)))
        assert caught.value.reason == "1 bytes left over"

    def test_all_parts_together_may_unpack_to_so_much(self) -> None:
        part = packed(gzip.compress(body_of(UPDATE)), 2)
        size = len(body_of(UPDATE))
        v1.decode_server(light(part + part, 2), limit=2 * size)
        with pytest.raises(DecodeError) as caught:
            v1.decode_server(light(part + part, 2), limit=2 * size - 1)
        assert caught.value.reason == f"the body unpacks to more than the limit of {size - 1} bytes"


class TestJson:
    """Messages as text."""

    @pytest.mark.parametrize(
        "text",
        [
            '{"SubscribeMulti":{"query_strings":["a"],"request_id":1,"query_id":{"id":7}}}',
            '{"SubscribeMulti":[["a"],1,[7]]}',
            '{"4":{"query_strings":["a"],"query_id":{"id":7},"request_id":1}}',
            '[4, [["a"], 1, {"id": 7}]]',
        ],
    )
    def test_reading_takes_any_spelling(self, text: str) -> None:
        assert v1_json.decode_client(text) == v1.SubscribeMulti(("a",), 1, 7)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{", "not JSON: Expecting property name enclosed in double quotes at character 1"),
            ("3", "expected a client message, as an object with the name of one"),
            ('{"Nope":1}', "unknown client message 'Nope'"),
            ('{"8":1}', "unknown client message '8'"),
            ('{"Unsubscribe":{"request_id":1}}', "Unsubscribe: missing field 'query_id'"),
            ('{"Unsubscribe":{"request_id":1,"query_id":{"id":1},"x":0}}', "Unsubscribe: unknown field 'x'"),
            ('{"Unsubscribe":[1]}', "Unsubscribe: expected 2 fields, got 1"),
            ('{"Unsubscribe":1}', "Unsubscribe: expected an object, got int"),
            (
                '{"Unsubscribe":{"request_id":-1,"query_id":{"id":1}}}',
                "Unsubscribe.request_id: int -1 is out of range for U32",
            ),
            ('{"Unsubscribe":{"request_id":1,"query_id":1}}', "Unsubscribe.query_id: expected an object, got int"),
            (
                '{"Subscribe":{"query_strings":["a",1],"request_id":1}}',
                "Subscribe.query_strings[1]: expected String, got int 1",
            ),
            (
                '{"Subscribe":{"query_strings":"a","request_id":1}}',
                "Subscribe.query_strings: expected an array, got str",
            ),
            (
                '{"CallReducer":{"reducer":"a","args":"[]","request_id":1,"flags":2}}',
                "CallReducer.flags: unknown flags 2, there are 2",
            ),
        ],
    )
    def test_what_is_wrong_and_where(self, text: str, expected: str) -> None:
        with pytest.raises(DecodeError) as caught:
            v1_json.decode_client(text)
        assert str(caught.value) == expected

    def test_absent_values_may_be_null(self) -> None:
        text = '{"SubscriptionError":[0, null, {"some": 3}, {"none": {}}, "gone"]}'
        assert v1_json.decode_server(text) == v1.SubscriptionError(0, None, 3, None, "gone")

    def test_nothing_is_nothing(self) -> None:
        with pytest.raises(DecodeError) as caught:
            v1_json.decode_server('{"SubscriptionError":[0, {"none": 1}, null, null, "gone"]}')
        assert str(caught.value) == "SubscriptionError.request_id: expected nothing, as [] or {}"

    def test_writing_says_where(self) -> None:
        table = v1.TableUpdate(1, "t", 0, (v1.QueryUpdate((), ("a", 3)),))  # type: ignore[arg-type]
        with pytest.raises(EncodeError) as caught:
            v1_json.encode_server(v1.TransactionUpdateLight(0, v1.DatabaseUpdate((table,))))
        assert str(caught.value) == (
            "TransactionUpdateLight.update.tables[0].updates[0].inserts[1]: expected String, got int 3"
        )


def test_a_client_does_not_know_what_it_never_asks_for() -> None:
    data = b"\0" + v1.encode_server(v1.InitialSubscription(v1.DatabaseUpdate(), 1, TimeDuration(0)))
    with pytest.raises(RemoteProtocolError) as caught:
        V1.for_client().read_server_frame(data)
    assert str(caught.value) == "InitialSubscription: this answers what a client here never says"
