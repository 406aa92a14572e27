"""The two encodings of the first protocol behind one interface, with what their messages carry as bytes on this side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from ..sats.errors import DecodeError, EncodeError, JsonError
from ..sats.types import Product
from . import v1, v1_json
from .calls import TextArgs
from .errors import LocalProtocolError
from .frames import Compression, pack, unpack
from .rows import RowList, UnmeasuredRows
from .schema import Schema
from .v1_manners import V1Manners
from .v1_rows import RowTexts, text_to_value, value_to_text


class V1Codec(Protocol):
    """An encoding: frames, and the values and rows in messages, which this side always holds as BSATN."""

    @property
    def no_args(self) -> v1.Single:
        """The arguments of a call whose own are not repeated."""

    def write_client(self, message: v1.ClientMessage) -> bytes | str:
        """Return the frame of a client's message."""

    def write_server(self, message: v1.ServerMessage, compression: Compression) -> bytes | str:
        """Return the frame of a server's message."""

    def read_server(self, frame: bytes | str, limit: int) -> v1.ServerMessage:
        """Return the message in a server's frame."""

    def rows(self, table: str, rows: v1.Rows) -> RowList:
        """Return rows out of a message."""

    def page_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        """Return rows for a message that shows a state."""

    def delta_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        """Return rows for a message that shows a change."""

    def write_args(self, function: str, args: bytes) -> v1.Single:
        """Return arguments for a message."""

    def read_returned(self, procedure: str, value: v1.Single) -> bytes:
        """Return what a procedure returned, out of a message."""

    def write_returned(self, procedure: str, value: bytes) -> v1.Single:
        """Return what a procedure returned, for a message."""


class _Bsatn:
    """The binary encoding; what is carried stays as it is."""

    no_args: v1.Single = b""

    def write_client(self, message: v1.ClientMessage) -> bytes | str:
        return v1.encode_client(message)

    def write_server(self, message: v1.ServerMessage, compression: Compression) -> bytes | str:
        return pack(v1.encode_server(message), compression)

    def read_server(self, frame: bytes | str, limit: int) -> v1.ServerMessage:
        if isinstance(frame, str):
            raise DecodeError("a text frame, where servers send binary ones")
        return v1.decode_server(unpack(frame, limit), limit)

    def rows(self, table: str, rows: v1.Rows) -> RowList:
        assert isinstance(rows, RowList)
        return rows

    def page_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        return RowList(rows)

    def delta_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        return RowList(rows)

    def write_args(self, function: str, args: bytes) -> v1.Single:
        return args

    def read_returned(self, procedure: str, value: v1.Single) -> bytes:
        assert isinstance(value, bytes)
        return value

    def write_returned(self, procedure: str, value: bytes) -> v1.Single:
        return value


class _JsonTexts:
    """The JSON encoding; what is carried is text, whose types only the module knows."""

    no_args: v1.Single = "[]"

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._texts = RowTexts(schema)

    def write_client(self, message: v1.ClientMessage) -> bytes | str:
        return v1_json.encode_client(message)

    def write_server(self, message: v1.ServerMessage, compression: Compression) -> bytes | str:
        return v1_json.encode_server(message)

    def read_server(self, frame: bytes | str, limit: int) -> v1.ServerMessage:
        if not isinstance(frame, str):
            raise DecodeError("a binary frame, where servers send text")
        return v1_json.decode_server(frame)

    def rows(self, table: str, rows: v1.Rows) -> RowList:
        assert isinstance(rows, tuple)
        return self._texts.read(table, rows)

    def page_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        return self._texts.write_page(table, rows)

    def delta_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        return self._texts.write_delta(table, rows)

    def write_args(self, function: str, args: bytes) -> v1.Single:
        if isinstance(args, TextArgs):
            return args.text
        params = params_of(self._schema, function)
        if params is None:
            if args:
                raise EncodeError(f"the module has no function {function!r}, whose arguments could be written as text")
            return self.no_args
        try:
            return value_to_text(params, args)
        except DecodeError as error:
            raise EncodeError(f"no arguments of {function}: {error.reason}", error.path) from None

    def read_returned(self, procedure: str, value: v1.Single) -> bytes:
        assert isinstance(value, str)
        found = self._schema.procedure(procedure)
        if found is None:
            raise JsonError(f"a value of the procedure {procedure!r}, which the module does not have")
        return text_to_value(found.return_type, value)

    def write_returned(self, procedure: str, value: bytes) -> v1.Single:
        found = self._schema.procedure(procedure)
        if found is None:
            raise EncodeError(f"a value of the procedure {procedure!r}, which the module does not have")
        return value_to_text(found.return_type, value)


class _UnmeasuredBsatn(_Bsatn):
    """The binary encoding of 1.2, which gives rows a size only where their type has one, and not in changes."""

    def __init__(self, schema: Schema | None) -> None:
        self._schema = schema

    def page_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        is_measured = self._schema is not None and self._schema.has_fixed_rows(table)
        return RowList(rows) if is_measured else UnmeasuredRows(rows)

    def delta_rows(self, table: str, rows: Sequence[bytes]) -> v1.Rows:
        return UnmeasuredRows(rows)


BSATN: Final[V1Codec] = _Bsatn()


def binary(schema: Schema | None, manners: V1Manners) -> V1Codec:
    """Return the binary encoding as a release of the server writes it."""
    return BSATN if manners.measures_rows else _UnmeasuredBsatn(schema)


def json_texts(schema: Schema | None) -> V1Codec:
    """Return the JSON encoding for a module.

    Raises:
        LocalProtocolError: The module is not known.
    """
    if schema is None:
        raise LocalProtocolError(f"{v1_json.SUBPROTOCOL} needs the schema of the module: rows and arguments are text")
    return _JsonTexts(schema)


def params_of(schema: Schema, function: str) -> Product | None:
    """Return the parameters of a reducer or procedure, or None if the module has none of this name."""
    found = schema.reducer(function) or schema.procedure(function)
    return None if found is None else found.params
