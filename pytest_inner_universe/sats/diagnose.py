"""The slow walk that finds words for an input or a value that a compiled codec refused."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import accept, writers
from .errors import DecodeError, EncodeError
from .layout import EMPTY_LIMIT, grows_from_nothing, minimum_width
from .types import (
    BOOL,
    STRING,
    U8,
    AlgebraicType,
    Array,
    Primitive,
    Product,
    Sum,
    field_names,
    may_be_none,
    special,
    variant_names,
)
from .values import Some


def explain_decode(type_: AlgebraicType, data: bytes, offset: int) -> DecodeError:
    """Return the error that says where the bytes stop being a value of the type."""
    try:
        _walk(type_, data, offset, "")
    except DecodeError as error:
        return error
    return DecodeError(f"not a value of {short(type_)}", offset)


def _need(data: bytes, offset: int, width: int, path: str, what: str) -> int:
    left = len(data) - offset
    if width > left:
        raise DecodeError(f"{what} needs {width} bytes, {max(left, 0)} are left", offset, path)
    return offset + width


def _walk(type_: AlgebraicType, data: bytes, p: int, path: str) -> int:
    if type(type_) is Primitive:
        if type_ == STRING:
            start = _need(data, p, 4, path, "length of String")
            end = _need(data, start, int.from_bytes(data[p:start], "little"), path, "String")
            try:
                str(data[start:end], "utf-8")
            except UnicodeDecodeError as error:
                raise DecodeError("String is not UTF-8", start + error.start, path) from None
            return end
        end = _need(data, p, minimum_width(type_), path, type_.kind)
        if type_ == BOOL and data[p] > 1:
            raise DecodeError(f"Bool must be 0 or 1, found {data[p]}", p, path)
        return end
    if type(type_) is Product:
        for i, element in enumerate(type_.elements):
            p = _walk(element.type, data, p, _join(path, element.name if element.name is not None else str(i)))
        return p
    if type(type_) is Array:
        start = _need(data, p, 4, path, "length of array")
        count, width = int.from_bytes(data[p:start], "little"), minimum_width(type_.element)
        if count > EMPTY_LIMIT and grows_from_nothing(type_):
            raise DecodeError(f"array of {count} elements that may be empty, {EMPTY_LIMIT} are the most", p, path)
        if count * width > len(data) - start:
            raise DecodeError(
                f"array of {count} elements needs {count * width} bytes, {len(data) - start} are left", p, path
            )
        if type_.element == U8:
            return start + count
        p = start
        for i in range(count):
            p = _walk(type_.element, data, p, f"{path}[{i}]")
        return p
    assert type(type_) is Sum
    start = _need(data, p, 1, path, "tag")
    if data[p] >= len(type_.variants):
        raise DecodeError(f"unknown tag {data[p]}, {short(type_)} has {len(type_.variants)} variants", p, path)
    variant = type_.variants[data[p]]
    kind = special(type_)
    return _walk(variant.type, data, start, path if kind == "option" else _join(path, variant_names(type_)[data[p]]))


def explain_encode(type_: AlgebraicType, value: Any) -> EncodeError:
    """Return the error that says which part of the value does not fit the type."""
    try:
        _check(type_, value, "")
    except EncodeError as error:
        return error
    return EncodeError(f"expected {short(type_)}, got {show(value)}")


def _check(type_: AlgebraicType, value: Any, path: str) -> None:
    kind = special(type_)
    if type(type_) is Product and kind is None:
        _check_product(type_, value, path)
    elif type(type_) is Array and type_.element != U8:
        if not isinstance(value, (list, tuple)):
            raise _misfit(type_, value, path)
        if len(value) > EMPTY_LIMIT and grows_from_nothing(type_):
            raise EncodeError(f"{len(value)} elements that may be empty, {EMPTY_LIMIT} are the most", path)
        for i, item in enumerate(value):
            _check(type_.element, item, f"{path}[{i}]")
    elif type(type_) is Sum:
        _check_sum(type_, kind, value, path)
    else:
        _attempt(type_, value, path)


def _attempt(type_: AlgebraicType, value: Any, path: str) -> None:
    try:
        writers.writer(type_)(value, bytearray())
    except accept.FAILURES as error:
        is_number = type(type_) is Primitive and isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and isinstance(error, (struct.error, OverflowError)):
            raise EncodeError(f"{_number(value)} is out of range for {type_}", path) from None
        if isinstance(error, UnicodeEncodeError):
            raise EncodeError(f"text with a lone surrogate cannot be stored: {show(value)}", path) from None
        if isinstance(value, datetime) and value.tzinfo is None and special(type_) == "timestamp":
            raise EncodeError(f"a datetime without time zone is not a point in time: {show(value)}", path) from None
        raise _misfit(type_, value, path) from None


def _check_product(type_: Product, value: Any, path: str) -> None:
    names = field_names(type_)
    if names is not None and isinstance(value, Mapping):
        missing = [name for name in names if name not in value]
        unknown = [str(key) for key in value if key not in names]
        if missing or unknown:
            found = (("missing", missing), ("unknown", unknown), ("needed", names))
            parts = [f"{word} {', '.join(some)}" for word, some in found if some]
            raise EncodeError(f"the fields do not match: {'; '.join(parts)}", path)
        values = [value[name] for name in names]
    elif isinstance(value, (list, tuple)):
        if len(value) != len(type_.elements):
            raise EncodeError(f"expected {len(type_.elements)} fields of {short(type_)}, got {len(value)}", path)
        values = list(value)
    elif not type_.elements:
        _attempt(type_, value, path)
        return
    else:
        raise _misfit(type_, value, path)
    for i, (element, part) in enumerate(zip(type_.elements, values)):
        _check(element.type, part, _join(path, element.name if element.name is not None else str(i)))


def _check_sum(type_: Sum, kind: str | None, value: Any, path: str) -> None:
    if kind == "option":
        inner = type_.variants[0].type
        if value is None:
            return
        if may_be_none(inner) and type(value) is not Some:
            raise EncodeError(f"a value of {short(type_)} has to be None or Some(...), got {show(value)}", path)
        _check(inner, value.value if type(value) is Some else value, path)
        return
    names = variant_names(type_)
    try:
        tag, payload = accept.finder(type_, kind)(value)
    except KeyError as error:
        raise EncodeError(f"no variant {error.args[0]!r}, there are {', '.join(names)}", path) from None
    except accept.FAILURES:
        raise _misfit(type_, value, path) from None
    if kind == "schedule_at":
        try:
            _check(type_.variants[tag].type, payload, path)
        except EncodeError:
            raise _misfit(type_, value, path) from None
        return
    _check(type_.variants[tag].type, payload, _join(path, names[tag]))


def _misfit(type_: AlgebraicType, value: Any, path: str) -> EncodeError:
    return EncodeError(f"expected {short(type_)}, got {show(value)}", path)


def show(value: Any) -> str:
    """Return a short text of a value and its type, for messages."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # numbers of thousands of digits, values that contain themselves
        text = "that cannot be shown"
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _number(value: float) -> str:
    if isinstance(value, int) and value.bit_length() > 300:
        return f"a number of {value.bit_length()} bits"
    return str(value)


def short(type_: AlgebraicType) -> str:
    """Return the text of a type, cut where it gets too long for a message."""
    text = str(type_)
    return text if len(text) <= 80 else text[:77] + "..."


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
