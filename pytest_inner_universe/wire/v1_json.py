"""The first WebSocket protocol in JSON, ``v1.json.spacetimedb``: one text frame per message, never packed.

A message is SATS-JSON in the static spelling. What it carries, arguments and rows, is text within the text; `v1_rows` reads
and writes that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, cast

from ..sats import types as t
from ..sats.errors import EncodeError, JsonError
from ..sats.json_read import json_reader
from ..sats.sats_json import json_codec, parse
from ..sats.types import AlgebraicType
from .v1 import ClientMessage, ServerMessage
from .v1_description import describe

SUBPROTOCOL: Final = "v1.json.spacetimedb"


@dataclass(frozen=True)
class _JsonForm:
    """One kind of field: what turns JSON at a path into a value, and back."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any]


def _at(path: str, name: str) -> str:
    return f"{path}{'' if name.startswith('[') or not path else '.'}{name}"


def _plain(type_: AlgebraicType) -> _JsonForm:
    return _JsonForm(json_reader(type_), json_codec(type_).encode)


def _product_of_one(field: str, form: _JsonForm) -> _JsonForm:
    def read(value: Any, path: str) -> Any:
        return form.read(_fields(value, (field,), path)[0], _at(path, field))

    return _JsonForm(read, lambda value: {field: form.write(value)})


def _fields(value: Any, names: tuple[str, ...], path: str) -> Sequence[Any]:
    """Return the fields of an object with exactly these names, or of an array."""
    if isinstance(value, dict):
        for name in value:
            if name not in names:
                raise JsonError(f"unknown field {name!r}", path)
        for name in names:
            if name not in value:
                raise JsonError(f"missing field {name!r}", path)
        return [value[name] for name in names]
    if not isinstance(value, list):
        raise JsonError(f"expected an object, got {type(value).__name__}", path)
    if len(value) != len(names):
        raise JsonError(f"expected {len(names)} fields, got {len(value)}", path)
    return value


def _flags(count: int) -> _JsonForm:
    number = _plain(t.U8)

    def read(value: Any, path: str) -> int:
        found: int = number.read(value, path)
        if found >= count:
            raise JsonError(f"unknown flags {found}, there are {count}", path)
        return found

    def write(value: Any) -> Any:
        if not isinstance(value, int) or not 0 <= value < count:
            raise EncodeError(f"expected one of {', '.join(map(str, range(count)))}, got {value!r}")
        return value

    return _JsonForm(read, write)


def _array(element: _JsonForm) -> _JsonForm:
    def read(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise JsonError(f"expected an array, got {type(value).__name__}", path)
        return tuple([element.read(part, f"{path}[{i}]") for i, part in enumerate(value)])

    def write(value: Any) -> list[Any]:
        if not isinstance(value, (tuple, list)):
            raise EncodeError(f"expected a tuple, got {value!r:.80}")
        return [_write(element, part, f"[{i}]") for i, part in enumerate(value)]

    return _JsonForm(read, write)


def _option(some: _JsonForm) -> _JsonForm:
    names = ("some", "none")

    def read(value: Any, path: str) -> Any:
        if value is None:
            return None
        name, payload = _variant(value, names, "option", path)
        return some.read(payload, path) if name == "some" else _nothing(payload, path)

    return _JsonForm(read, lambda value: {"none": []} if value is None else {"some": some.write(value)})


def _nothing(value: Any, path: str) -> None:
    if value not in ([], {}):
        raise JsonError("expected nothing, as [] or {}", path)


def _variant(value: Any, names: tuple[str, ...], what: str, path: str) -> tuple[str, Any]:
    """Return name and payload of a sum, given as an object with one name or number, or as an array of both."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, payload),) = value.items()
        if name in names:
            return name, payload
        tag = int(name) if name.isascii() and name.isdigit() and len(name) <= 3 else -1
    elif isinstance(value, list) and len(value) == 2 and type(value[0]) is int:
        (tag, payload), name = value, str(value[0])
    else:
        raise JsonError(f"expected a {what}, as an object with the name of one", path)
    if not 0 <= tag < len(names):
        raise JsonError(f"unknown {what} {name!r}", path)
    return names[tag], payload


def _record(cls: type, **fields: _JsonForm) -> _JsonForm:
    names = tuple(fields)

    def read(value: Any, path: str) -> Any:
        parts = _fields(value, names, path)
        return cls(*[form.read(part, _at(path, name)) for (name, form), part in zip(fields.items(), parts)])

    def write(value: Any) -> Any:
        if type(value) is not cls:
            raise EncodeError(f"expected {cls.__name__}, got {value!r:.80}")
        # A product without fields is written as an array.
        return {name: _write(form, getattr(value, name), name) for name, form in fields.items()} or []

    return _JsonForm(read, write)


def _wrapped(cls: type, field: str, form: _JsonForm) -> _JsonForm:
    return _JsonForm(lambda value, path: cls(form.read(value, path)), lambda value: form.write(getattr(value, field)))


def _choice(what: str, *options: tuple[type, _JsonForm]) -> _JsonForm:
    forms = {cls.__name__: form for cls, form in options}
    by_class = dict(options)
    names = tuple(forms)

    def read(value: Any, path: str) -> Any:
        name, payload = _variant(value, names, what, path)
        return forms[name].read(payload, _at(path, name))

    def write(value: Any) -> Any:
        form = by_class.get(type(value))
        if form is None:
            raise EncodeError(f"expected a {what}, got {value!r:.80}")
        name = type(value).__name__
        return {name: _write(form, value, name)}

    return _JsonForm(read, write)


def _write(form: _JsonForm, value: Any, name: str) -> Any:
    try:
        return form.write(value)
    except EncodeError as error:
        raise EncodeError(error.reason, _at(name, error.path) if error.path else name) from None


_U32, _STRING = _plain(t.U32), _plain(t.STRING)

_KINDS = SimpleNamespace(
    u32=_U32,
    u64=_plain(t.U64),
    string=_STRING,
    blob=_plain(t.BYTES),
    identity=_plain(t.IDENTITY),
    connection_id=_plain(t.CONNECTION_ID),
    timestamp=_plain(t.TIMESTAMP),
    duration=_plain(t.TIME_DURATION),
    energy=_product_of_one("quanta", _plain(t.U128)),
    query_id=_product_of_one("id", _U32),
    single=_STRING,
    rows=_array(_STRING),
    flags=_flags,
    array=_array,
    option=_option,
    record=_record,
    wrapped=_wrapped,
    choice=_choice,
    packed=lambda form: form,
)

_CLIENT, _SERVER = describe(cast("Any", _KINDS))


def encode_client(message: ClientMessage) -> str:
    """Write a message of a client.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return _dump(_CLIENT.write(message))


def decode_client(text: str) -> ClientMessage:
    """Read a message of a client.

    Raises:
        JsonError: The text is no message.
    """
    message: ClientMessage = _CLIENT.read(parse(text), "")
    return message


def encode_server(message: ServerMessage) -> str:
    """Write a message of a server.

    Raises:
        EncodeError: A field does not fit its type.
    """
    return _dump(_SERVER.write(message))


def decode_server(text: str) -> ServerMessage:
    """Read a message of a server.

    Raises:
        JsonError: The text is no message.
    """
    message: ServerMessage = _SERVER.read(parse(text), "")
    return message


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
