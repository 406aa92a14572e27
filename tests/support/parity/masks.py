"""What the two sides say, in a form that can be compared: what has to differ is named, the rest stays as it is.

Everybody's identities and connection ids are the same on both sides. What differs by nature is the database's own identity
and name, the hash of its program, strangers, moments, ids that modules draw at random, tokens, energy and durations.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import Any

from pytest_inner_universe.engine.store import Datastore
from pytest_inner_universe.sats import ConnectionId, DecodeError, Identity, Timestamp, Variant
from pytest_inner_universe.wire import v1
from pytest_inner_universe.wire.rows import RowList
from pytest_inner_universe.wire.v1_rows import text_to_value

from .known import Known
from .sides import Answer, Said, Side

NOT_COMPARED = {
    "token",
    "energy_quanta_used",
    "total_host_execution_duration",
    "total_host_execution_duration_micros",
    "total_duration_micros",
}
_OF_THE_HOST = re.compile(
    r'"(filename|target)":"(spacetimedb|__spacetimedb__)"|"filename":"external","message":"External attempt '
)
"""Lines of the log that the server writes itself, about itself and about calls that it refuses."""
_OF_INIT = re.compile(r'"message":"initializ(ing|ed) inner-universe')
"""Lines that `init` wrote: the log of a universe starts when it is copied from what was published."""
_VISIT = re.compile(r"\b(?!0{20})[0-9a-f]{32}\b")
_FRAMES = re.compile(r'"trace":\[.*?\]')
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_MOMENT = re.compile(r"\b1[789]\d{14}\b")
_RFC = re.compile(r"\b20(2[5-9]|3\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?")
FIRST_OF_NOW = 1_700_000_000_000_000
"""Moments after this one were made by the run; what the examples use themselves is older."""


class Masks:
    """Masks of one side in one example.

    Args:
        side: The side.
        datastore: Tells what rows are made of.
        known: Names the known differences.
    """

    def __init__(self, side: Side, datastore: Datastore, known: Known) -> None:
        self._side = side
        self._datastore = datastore
        self._known = known
        self._moments: dict[int, str] = {}

    def of(self, step: int, heard: dict[int, list[Said]], answer: Answer | None) -> dict[str, list[Any]]:
        """Return everything that was said in one step, by listener and in order."""
        for messages in heard.values():
            for message in messages:
                if isinstance(message, v1.TransactionUpdate):
                    self._side.meet(message.caller_connection_id)
        result: dict[str, list[Any]] = {}
        if answer is not None:
            result["answer"] = [self._answer(answer)]
        for slot, messages in sorted(heard.items()):
            result[f"client {slot}"] = [self._plain(message) for message in messages]
        named: dict[str, list[Any]] = self._named(step, result)
        return named

    # Moments are named in their order, by the step in which they were first heard of

    def _named(self, step: int, value: Any) -> Any:
        # A step may be looked at again when more of it has been heard.
        own = f"<moment {step}."
        self._moments = {micros: name for micros, name in self._moments.items() if not name.startswith(own)}
        new = sorted(set(_moments_in(value)) - set(self._moments))
        for number, micros in enumerate(new):
            self._moments[micros] = f"<moment {step}.{number}>"
        return _replaced(value, self._moments)

    # Parts

    def _answer(self, answer: Answer) -> Any:
        try:
            content = answer.text if answer.text.startswith('{"level"') else json.loads(answer.text)
            if isinstance(content, str):
                content = self._text(content)
        except ValueError:
            content = self._text(answer.text)
        else:
            content = self._json(content)
        if isinstance(content, str) and content.startswith('{"level"'):
            content = _FRAMES.sub('"trace":[]', content)
            content = [
                line for line in content.splitlines() if not _OF_THE_HOST.search(line) and not _OF_INIT.search(line)
            ]
        return {
            "status": answer.status,
            "type": answer.headers.get("content-type"),
            "content": content,
            "headers": sorted(name for name in answer.headers if name.startswith("spacetime-")),
        }

    def _json(self, value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) >= {"schema", "rows"}:
                rows = [self._json(row) for row in value["rows"]]
                value = {**value, "rows": sorted(rows, key=_order)}
            return {name: self._json_field(name, part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._json(part) for part in value]
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            if FIRST_OF_NOW < value < 2**52:
                return _Moment(value)
            if value >= 2**100 and f"{value:032x}" in self._side.visits:
                return "<visit>"
        return _number(value)

    def _json_field(self, name: str, value: Any) -> Any:
        return "<not compared>" if name in NOT_COMPARED else self._json(value)

    def _plain(self, value: Any, table: str = "") -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, RowList):
            return self._rows(table, value)
        if isinstance(value, tuple) and table and all(isinstance(part, str) for part in value):
            # Whether a row comes as an object or as an array depends on where a query's plan has found it.
            row_type = self._datastore.table(table).definition.row_type
            return self._rows(table, RowList([text_to_value(row_type, part) for part in value]))
        if isinstance(value, v1.ReducerCallInfo):
            return self._call(value)
        if isinstance(value, (v1.DatabaseUpdate, v1.TableUpdate, v1.OneOffTable, v1.SubscribeRows)):
            return self._update(value)
        if dataclasses.is_dataclass(value) and type(value).__module__.startswith("pytest_inner_universe.wire"):
            fields = {
                one.name: "<not compared>" if one.name in NOT_COMPARED else self._plain(getattr(value, one.name), table)
                for one in dataclasses.fields(value)
            }
            return {"": type(value).__name__, **fields}
        if isinstance(value, (list, tuple)):
            return [self._plain(part, table) for part in value]
        if isinstance(value, dict):
            return {name: self._plain(part) for name, part in value.items()}
        if isinstance(value, Variant):
            return {value.name: self._plain(value.value)}
        if isinstance(value, Timestamp):
            return _Moment(value.micros) if value.micros > FIRST_OF_NOW else value
        if isinstance(value, Identity):
            return self._text(value.hex())
        if isinstance(value, ConnectionId):
            return "<visit>" if value.hex() in self._side.visits else value.hex()
        return _number(value)

    def _update(self, value: Any) -> Any:
        if isinstance(value, v1.DatabaseUpdate):
            # Neither the order of tables nor that of queries in them means anything.
            return {"": "DatabaseUpdate", "tables": sorted((self._update(part) for part in value.tables), key=_order)}
        name = value.table_name
        if isinstance(value, v1.OneOffTable):
            return {"": "OneOffTable", "table": name, "rows": self._plain(value.rows, name)}
        if isinstance(value, v1.SubscribeRows):
            head = {"": "SubscribeRows", "table": name, "table_id": value.table_id}
            return {**head, "table_rows": self._update(value.table_rows)}
        updates = sorted((self._plain(part, name) for part in value.updates), key=_order)
        head = {"": "TableUpdate", "table": name, "table_id": value.table_id, "num_rows": value.num_rows}
        return {**head, "updates": updates}

    def _rows(self, table: str, rows: RowList) -> Any:
        codec = self._datastore.table(table).definition.row_codec
        return sorted((self._row(codec.decode(row)) for row in rows), key=_order)

    def _row(self, row: dict[str, Any]) -> Any:
        # System tables hold identities and connection ids as plain numbers.
        row = {
            name: _ID_COLUMNS[name](value) if name in _ID_COLUMNS and isinstance(value, int) else value
            for name, value in row.items()
        }
        if isinstance(connection := row.get("connection_id"), ConnectionId):
            self._side.meet(connection)
        return {name: self._plain(value) for name, value in row.items()}

    def _call(self, call: v1.ReducerCallInfo) -> Any:
        args: Any = call.args
        reducer = self._datastore.definition.reducers.get(call.reducer_name)
        if isinstance(args, str):
            args = self._json(json.loads(args or "[]"))
        elif reducer is not None and args:
            with contextlib.suppress(DecodeError):
                args = self._plain(list(reducer.decode_args(args).values()))
        return {
            "": "ReducerCallInfo",
            "name": call.reducer_name,
            "id": self._known.number_of_reducer(call.reducer_id, call.reducer_name),
            "args": args,
            "request_id": call.request_id,
        }

    def _text(self, text: str) -> str:
        side = self._side
        text = text.replace(side.handle.identity.hex(), "<database>").replace(side.handle.name, "<name>")
        text = text.replace(side.program, "<program>")
        for number, stranger in enumerate(side.strangers):
            text = text.replace(stranger, f"<stranger {number}>")
        text = _VISIT.sub("<visit>", text)
        text = _MOMENT.sub("<moment>", _RFC.sub("<moment>", _UUID.sub("<uuid>", text)))
        return self._known.text(text)


_ID_COLUMNS: dict[str, Callable[[int], Any]] = {
    "identity": lambda number: Identity(number.to_bytes(32, "little")),
    "database_identity": lambda number: Identity(number.to_bytes(32, "little")),
    "owner_identity": lambda number: Identity(number.to_bytes(32, "little")),
    "program_hash": lambda number: "<program>",
    "connection_id": lambda number: ConnectionId(number.to_bytes(16, "little")),
}


class _Moment(int):
    """A moment that has no name yet."""

    def __repr__(self) -> str:
        return "moment"


def _order(value: Any) -> tuple[str, list[int]]:
    return repr(value), _moments_in(value)


def _moments_in(value: Any) -> list[int]:
    if isinstance(value, _Moment):
        return [int(value)]
    if isinstance(value, dict):
        return [found for part in value.values() for found in _moments_in(part)]
    if isinstance(value, list):
        return [found for part in value for found in _moments_in(part)]
    return []


def _replaced(value: Any, names: dict[int, str]) -> Any:
    if isinstance(value, _Moment):
        return names[int(value)]
    if isinstance(value, dict):
        return {name: _replaced(part, names) for name, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, names) for part in value]
    return value


def _number(value: Any) -> Any:
    # Not a number is not even equal to itself.
    return "nan" if isinstance(value, float) and math.isnan(value) else value
