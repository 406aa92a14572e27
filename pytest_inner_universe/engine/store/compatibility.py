"""Which changes of a column's type leave the rows that are there as they are.

A server keeps rows in a layout of its own, and an enum may only get more variants while its place in that layout stays
the same. BSATN would allow more; the embedded engine refuses what a server refuses.
"""

from __future__ import annotations

from ...sats.layout import minimum_width
from ...sats.types import STRING, AlgebraicType, Array, Product, Sum

_REFERENCE = (4, 2)
"""Size and alignment of what stands in a row for a text or an array."""


def memory_layout(type_: AlgebraicType) -> tuple[int, int]:
    """Return size and alignment of a type in the memory of a server."""
    if type(type_) is Array or type_ == STRING:
        return _REFERENCE
    if type(type_) is Product:
        size, alignment = 0, 1
        for element in type_.elements:
            inner_size, inner_alignment = memory_layout(element.type)
            size = _aligned(size, inner_alignment) + inner_size
            alignment = max(alignment, inner_alignment)
        return _aligned(size, alignment), alignment
    if type(type_) is Sum:
        inner = [memory_layout(variant.type) for variant in type_.variants]
        alignment = max([1, *(each for _, each in inner)])
        size = max([0, *(each for each, _ in inner)])
        return _aligned(_aligned(1, alignment) + size, alignment), alignment
    width = minimum_width(type_)
    return width, width


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def is_upgrade(old: AlgebraicType, new: AlgebraicType) -> bool:
    """Tell whether a column may change its type from one to the other: some enum in it got more variants at the end."""
    if old == new:
        return True
    if type(old) is Array and type(new) is Array:
        return is_upgrade(old.element, new.element)
    if type(old) is Product and type(new) is Product:
        pairs = list(zip(old.elements, new.elements))
        return len(old.elements) == len(new.elements) and all(
            a.name == b.name and is_upgrade(a.type, b.type) for a, b in pairs
        )
    if type(old) is Sum and type(new) is Sum:
        variants = list(zip(old.variants, new.variants))
        return (
            len(old.variants) <= len(new.variants)
            and all(a.name == b.name and is_upgrade(a.type, b.type) for a, b in variants)
            and memory_layout(old) == memory_layout(new)
        )
    return False
