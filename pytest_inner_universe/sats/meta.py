"""Types as values: reading and writing algebraic types.

Source: the tag of a type is its position in SpacetimeDB's list of kinds.
"""

from __future__ import annotations

from .cursor import Cursor
from .errors import DecodeError
from .types import MAX_DEPTH, AlgebraicType, Array, Element, Primitive, Product, Ref, Sum, SumVariant

PRIMITIVE_NAMES = "String Bool I8 U8 I16 U16 I32 U32 I64 U64 I128 U128 I256 U256 F32 F64".split()
_FIRST_PRIMITIVE = 4
_BY_TAG = [Primitive(kind) for kind in PRIMITIVE_NAMES]
_TAGS = {primitive: tag for tag, primitive in enumerate(_BY_TAG, _FIRST_PRIMITIVE)}


def read_type(cursor: Cursor, depth: int = 0) -> AlgebraicType:
    """Read one type.

    Raises:
        DecodeError: The bytes are no type, or one that nests too deep.
    """
    tag = cursor.tag(_FIRST_PRIMITIVE + len(PRIMITIVE_NAMES), "type")
    if tag >= _FIRST_PRIMITIVE:
        return _BY_TAG[tag - _FIRST_PRIMITIVE]
    if tag == 0:
        return Ref(cursor.unsigned(4, "type reference"))
    if depth == MAX_DEPTH:
        raise DecodeError(f"type nests deeper than {MAX_DEPTH} levels", cursor.offset - 1)
    if tag == 1:
        return Sum(tuple(SumVariant(*part) for part in _read_parts(cursor, depth + 1)))
    if tag == 2:
        return Product(tuple(Element(*part) for part in _read_parts(cursor, depth + 1)))
    return Array(read_type(cursor, depth + 1))


def _read_parts(cursor: Cursor, depth: int) -> list[tuple[str | None, AlgebraicType]]:
    return cursor.array(lambda: (cursor.option(cursor.string), read_type(cursor, depth)))


def read_product(cursor: Cursor) -> Product:
    """Read a product type that stands without a tag, as parameters do."""
    return Product(tuple(Element(*part) for part in _read_parts(cursor, 1)))


def write_type(type_: AlgebraicType, out: bytearray) -> None:
    """Append one type in the form that `read_type` reads."""
    if type(type_) is Primitive:
        out.append(_TAGS[type_])
    elif type(type_) is Ref:
        out += b"\x00" + type_.index.to_bytes(4, "little")
    elif type(type_) is Array:
        out.append(3)
        write_type(type_.element, out)
    else:
        parts = type_.variants if type(type_) is Sum else type_.elements  # type: ignore[union-attr]
        out.append(1 if type(type_) is Sum else 2)
        out += len(parts).to_bytes(4, "little")
        for part in parts:
            if part.name is None:
                out.append(1)
            else:
                name = part.name.encode()
                out += b"\x00" + len(name).to_bytes(4, "little") + name
            write_type(part.type, out)


def type_bytes(type_: AlgebraicType) -> bytes:
    """Return the BSATN of a type, as system tables hold it."""
    out = bytearray()
    write_type(type_, out)
    return bytes(out)
