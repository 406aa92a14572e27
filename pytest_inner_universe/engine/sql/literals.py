"""Literals, which have no type of their own: the column they are compared with decides how they are read.

A value has two forms here. Filters compare *comparable* values: integers for all integers and for identities,
connection ids, timestamps and UUIDs; UTF-8 bytes for strings, whose order is that of the characters; bytes, floats.
Indexes are searched by BSATN.
"""

from __future__ import annotations

import re
import struct
from datetime import date
from decimal import Decimal

from ...sats.types import BOOL, BYTES, F32, F64, INTEGERS, STRING, AlgebraicType, Primitive, special

Comparable = int | float | bytes | bool

_NUMBER = re.compile(r"([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d+))?", re.ASCII)
_MOST_DIGITS = 100
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_UUID = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?"
)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAYS_IN_400_YEARS = 146_097
_SPECIAL_WIDTHS = {"identity": 32, "connection_id": 16, "uuid": 16, "timestamp": 8}


def is_comparable(type_: AlgebraicType) -> bool:
    """Tell whether values of a type may stand in a condition."""
    return type_ in INTEGERS or type_ in (BOOL, F32, F64, STRING, BYTES) or special(type_) in _SPECIAL_WIDTHS


def width_of(type_: AlgebraicType) -> tuple[int, bool] | None:
    """Return width in bytes and signedness of a type that is compared as an integer."""
    kind = special(type_)
    if kind in _SPECIAL_WIDTHS:
        return _SPECIAL_WIDTHS[kind], kind == "timestamp"
    if isinstance(type_, Primitive) and type_ in INTEGERS:
        return int(type_.kind[1:]) // 8, type_.kind[0] == "I"
    return None


def read_literal(text: str, type_: AlgebraicType) -> Comparable:
    """Read the text of a literal, whatever its spelling in the query, as a value of a type.

    Raises:
        ValueError: It is none.
    """
    kind = special(type_)
    if type_ in INTEGERS:
        return _integer(text, type_)
    if type_ == F64:
        return _float(text)
    if type_ == F32:
        return single(_float(text))
    if type_ == STRING:
        return text.encode()
    if type_ == BYTES:
        return _hex(text)
    if kind in ("identity", "connection_id"):
        data = _hex(text)
        if len(data) != _SPECIAL_WIDTHS[kind]:
            raise ValueError(f"{len(data)} bytes")
        return int.from_bytes(data, "big")
    if kind == "timestamp":
        return _timestamp(text)
    if kind == "uuid":
        found = _UUID.fullmatch(text)
        if found is None or text.startswith("{") != text.endswith("}"):
            raise ValueError("no UUID")
        return int("".join(found.groups()), 16)
    raise ValueError("no literals")


def to_bsatn(value: Comparable, type_: AlgebraicType) -> bytes:
    """Return the BSATN of a comparable value."""
    width = width_of(type_)
    if width is not None:
        return int(value).to_bytes(width[0], "little", signed=width[1])
    if isinstance(value, bytes):
        return len(value).to_bytes(4, "little") + value
    if type_ == BOOL:
        return b"\1" if value else b"\0"
    return struct.pack("<f" if type_ == F32 else "<d", value)


def single(value: float) -> float:
    """Round to single precision."""
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return rounded


def _integer(text: str, type_: AlgebraicType) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError("no number")
    sign, whole, fraction, bare, exponent = found.groups()
    digits = ((whole or "") + (fraction or "") + (bare or "")).lstrip("0")
    # No integer column holds a number of more than 78 digits; longer ones must not be multiplied out.
    if not digits:
        return 0
    places = int(exponent or 0) - len(fraction or "") - len(bare or "")
    if len(digits) + places > _MOST_DIGITS or len(exponent or "") > 9:
        raise ValueError("out of range")
    if places < 0:
        cut = digits[places:] if -places <= len(digits) else digits + "x"
        if cut.strip("0"):
            raise ValueError("no integer")
        number = int(digits[:places] or "0")
    else:
        number = int(digits) * 10**places
    number = -number if sign == "-" else number
    width, signed = width_of(type_) or (0, False)
    bits = 8 * width
    if not (-(1 << bits - 1) <= number < 1 << bits - 1 if signed else 0 <= number < 1 << bits):
        raise ValueError("out of range")
    return number


def _float(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("no number")
    return float(Decimal(text))


def _hex(text: str) -> bytes:
    digits = text.removeprefix("0x")
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", digits):
        raise ValueError("no hexadecimal digits")
    return bytes.fromhex(digits)


def _timestamp(text: str) -> int:
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("no RFC 3339 timestamp")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, zone_hour, zone_minute = found.groups()[6:]
    if hour > 23 or minute > 59 or second > 60 or int(zone_hour or 0) > 23 or int(zone_minute or 0) > 59:
        raise ValueError("no such time")
    # Python's calendar starts in year 1, the server's in year 0; both repeat every 400 years.
    days = date(year or 400, month, day).toordinal() - _EPOCH_DAY - (0 if year else _DAYS_IN_400_YEARS)
    zone = (int(zone_hour or 0) * 60 + int(zone_minute or 0)) * (-60 if sign == "-" else 60)
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - zone
    return seconds * 1_000_000 + int((fraction or "0")[:6].ljust(6, "0"))
