"""A client's side of the first protocol: the JSON encoding."""

from __future__ import annotations

import pytest
from support.first_protocol import ROW
from support.first_protocol_client import Client, update

from pytest_inner_universe.sats import DecodeError, EncodeError
from pytest_inner_universe.wire import (
    CallReducer,
    PersistentTableRows,
    RowList,
    SingleTableRows,
    v1,
)
from pytest_inner_universe.wire.versions import V1, V1_JSON


class TestText:
    """The JSON encoding."""

    PAGE, DELTA = '{"id":1,"name":"Ann","team":1,"age":30}', '[1,"Ann",1,30]'

    def test_rows_in_both_spellings_are_the_same_rows(self) -> None:
        client = Client(V1_JSON)
        (applied,) = client.subscribe(rows=(self.PAGE,))
        assert applied.rows.tables == (SingleTableRows("person", RowList([ROW])),)
        (gone,) = client.hear(v1.TransactionUpdateLight(0, update(deletes=(self.DELTA,))))
        assert gone.query_sets[0].tables[0].rows == (PersistentTableRows(deletes=RowList([ROW])),)

    def test_arguments_become_text(self) -> None:
        asked = Client(V1_JSON).ask(CallReducer(1, 0, "add_person", ROW[8:]))
        assert asked == v1.CallReducer("add_person", '["Ann",1,30]', 1)

    @pytest.mark.parametrize(
        ("reducer", "args", "text"),
        [
            ("nope", b"x", "the module has no function 'nope', whose arguments could be written as text"),
            ("add_person", b"", "no arguments of add_person: "),
        ],
    )
    def test_arguments_that_cannot_become_text(self, reducer: str, args: bytes, text: str) -> None:
        client = Client(V1_JSON)
        client.session.send(CallReducer(1, 0, reducer, args))
        with pytest.raises(EncodeError) as caught:
            client.session.data_to_send()
        assert str(caught.value).partition("add_person: ")[1] == text.partition("add_person: ")[1]
        assert text in str(caught.value)

    def test_a_call_of_the_unknown_without_arguments_is_the_server_s_business(self) -> None:
        assert Client(V1_JSON).ask(CallReducer(1, 0, "nope", b"")) == v1.CallReducer("nope", "[]", 1)

    @pytest.mark.parametrize(
        ("table", "row", "text"),
        [
            ("person", "[1]", "expected 4 fields, got 1 (row 0 of table 'person')"),
            ("person", "{", None),
            ("nope", "[1]", "rows of the table 'nope', which the module does not have"),
        ],
    )
    def test_rows_that_are_none(self, table: str, row: str, text: str | None) -> None:
        client = Client(V1_JSON)
        change = v1.TableUpdate(1, table, 1, (v1.QueryUpdate((), (row,)),))
        with pytest.raises(DecodeError) as caught:
            client.hear(v1.TransactionUpdateLight(0, v1.DatabaseUpdate((change,))))
        assert text is None or str(caught.value) == text

    def test_frames_of_the_other_kind_are_refused(self) -> None:
        with pytest.raises(DecodeError) as caught:
            Client(V1_JSON).session.receive_data(b"{}")
        assert caught.value.reason == "a binary frame, where servers send text"
        with pytest.raises(DecodeError) as caught:
            Client(V1).session.receive_data("{}")
        assert caught.value.reason == "a text frame, where servers send binary ones"
