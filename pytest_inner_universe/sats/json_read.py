"""Readers of SATS-JSON: one closure per type, which accepts both spellings and says by path what does not fit."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID as PythonUuid

from .errors import JsonError
from .identity import ConnectionId, Identity
from .json_write import HEX_KINDS
from .layout import EMPTY_LIMIT, grows_from_nothing
from .moments import TimeDuration, Timestamp
from .types import (
    BOOL,
    F32,
    F64,
    STRING,
    U8,
    AlgebraicType,
    Array,
    Primitive,
    Product,
    Sum,
    field_names,
    special,
    variant_names,
)
from .values import Err, Ok, Some, Variant

Read = Callable[[Any, str], Any]

_HEX = re.compile(r"-?0x[0-9a-fA-F]{1,64}")
_SINGLE = struct.Struct("<f")

_WRAPS: dict[str, Callable[[Any], Any]] = {
    "identity": Identity.from_int,
    "connection_id": ConnectionId.from_int,
    "timestamp": Timestamp,
    "time_duration": TimeDuration,
    "uuid": lambda number: PythonUuid(int=number),
}


def _misfit(type_: AlgebraicType, value: Any, path: str) -> JsonError:
    from .diagnose import short, show

    return JsonError(f"expected {short(type_)}, got {show(value)}", path)


def json_reader(type_: AlgebraicType) -> Read:
    """Return what turns JSON, as `json` gives it, into a value."""
    if type(type_) is Primitive:
        if type_ in (F32, F64):
            return _float_reader(type_)
        return _text_reader if type_ == STRING else _bool_reader if type_ == BOOL else _integer_reader(type_)
    if type(type_) is Array:
        return _bytes_reader if type_.element == U8 else _array_reader(type_)
    if type(type_) is Product:
        return _product_reader(type_)
    assert type(type_) is Sum
    return _sum_reader(type_)


def _bool_reader(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _misfit(BOOL, value, path)


def _text_reader(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _misfit(STRING, value, path)
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise JsonError("text with a lone surrogate cannot be stored", path)
    return value


def _float_reader(type_: Primitive) -> Read:
    def read(value: Any, path: str) -> float:
        if value is None:  # what servers write for a float that is no number or not finite
            return math.nan
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _misfit(type_, value, path)
        try:
            number = float(value)
            if type_ == F32:
                (number,) = _SINGLE.unpack(_SINGLE.pack(number))
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise JsonError(f"number out of range for {type_}", path)
        return number

    return read


def _integer_reader(type_: Primitive) -> Read:
    bits, low, is_text = int(type_.kind[1:]), 0, type_.kind in HEX_KINDS
    if type_.kind[0] == "I":
        bits, low = bits - 1, -(1 << (bits - 1))
    high = (1 << bits) - 1

    def read(value: Any, path: str) -> int:
        number = value
        if is_text:
            if not isinstance(value, str) or not _HEX.fullmatch(value):
                raise JsonError(
                    f"{_misfit(type_, value, path).reason}; it is written as a text that starts with 0x", path
                )
            number = int(value, 16)
        if not isinstance(number, int) or isinstance(number, bool):
            raise _misfit(type_, value, path)
        if not low <= number <= high:
            from .diagnose import show

            raise JsonError(f"{show(value)} is out of range for {type_}", path)
        return number

    return read


def _bytes_reader(value: Any, path: str) -> bytes:
    try:
        if isinstance(value, str):
            data = bytes.fromhex(value)
            if 2 * len(data) == len(value):  # fromhex skips spaces
                return data
        elif isinstance(value, list) and not any(isinstance(item, bool) for item in value):
            return bytes(value)
    except (ValueError, TypeError, OverflowError):
        pass
    from .diagnose import show

    raise JsonError(f"expected Bytes, as hexadecimal digits or as numbers up to 255, got {show(value)}", path)


def _array_reader(type_: Array) -> Read:
    item = json_reader(type_.element)
    limit = EMPTY_LIMIT if grows_from_nothing(type_) else None

    def read(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _misfit(type_, value, path)
        if limit is not None and len(value) > limit:
            raise JsonError(f"{len(value)} elements that may be empty, {limit} are the most", path)
        return [item(part, f"{path}[{i}]") for i, part in enumerate(value)]

    return read


def _product_reader(type_: Product) -> Read:
    names, count = field_names(type_), len(type_.elements)
    labels = names or tuple(str(i) for i in range(count))
    readers = [json_reader(element.type) for element in type_.elements]
    wrap = _WRAPS.get(special(type_) or "")

    def read(value: Any, path: str) -> Any:
        if isinstance(value, dict) and (names or not count):
            for name in value:
                if name not in labels:
                    raise JsonError(f"unknown field {name!r}", path)
            for name in labels:
                if name not in value:
                    raise JsonError(f"missing field {name!r}", path)
            parts = [value[name] for name in labels]
        elif isinstance(value, list):
            if len(value) != count:
                raise JsonError(f"expected {count} fields, got {len(value)}", path)
            parts = value
        else:
            raise _misfit(type_, value, path)
        done = [
            read_part(part, f"{path}.{label}" if path else label)
            for label, read_part, part in zip(labels, readers, parts)
        ]
        if wrap is not None:
            return wrap(done[0])
        return dict(zip(names, done)) if names else tuple(done)

    return read


def _sum_reader(type_: Sum) -> Read:
    kind, names = special(type_), variant_names(type_)
    readers = [json_reader(variant.type) for variant in type_.variants]
    nested = kind == "option" and special(type_.variants[0].type) == "option"

    def finish(tag: int, payload: Any) -> Any:
        if kind == "option":
            return None if tag == 1 else Some(payload) if nested else payload
        if kind == "result":
            return Err(payload) if tag else Ok(payload)
        return payload if kind == "schedule_at" else Variant(names[tag], payload)

    def read(value: Any, path: str) -> Any:
        if value is None and kind == "option":
            return None
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], int) and not isinstance(value[0], bool):
            tag, payload = value
        elif isinstance(value, dict) and len(value) == 1:
            ((name, payload),) = value.items()
            if name in names:
                tag = names.index(name)
            elif name.isascii() and name.isdigit() and len(name) <= 3:
                tag = int(name)
            else:
                raise JsonError(f"unknown variant {name!r}, there are {', '.join(names)}", path)
        else:
            raise _misfit(type_, value, path)
        if not 0 <= tag < len(readers):
            raise JsonError(f"unknown tag {tag}, there are {len(readers)} variants", path)
        return finish(tag, readers[tag](payload, path if kind == "option" else f"{path}.{names[tag]}".lstrip(".")))

    return read
