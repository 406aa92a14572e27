"""Projectors: one generated function per table that checks a row and cuts the keys of its indexes out of it.

A projector does not decode. It walks over the bytes once: columns of fixed width cost nothing but the slices that some
index wants, columns of other widths cost the reading of their lengths, and what a row must not contain (a Bool other than
0 and 1, an unknown tag, a String that is no UTF-8, bytes after the last column) is refused on the way. A failure leaves as
an ordinary exception, see `FAILURES`; the caller finds the words with the codec of the row.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from ...sats.codegen import Source
from ...sats.layout import EMPTY_LIMIT, grows_from_nothing, minimum_width
from ...sats.types import BOOL, STRING, AlgebraicType, Array, Primitive, Product, Sum

Projector = Callable[[bytes], "tuple[bytes, ...]"]
Locator = Callable[[bytes], "tuple[int, ...]"]
Skipper = Callable[[bytes, int, int], int]

FAILURES = (struct.error, IndexError, ValueError)
"""What a generated function raises for bytes that are not what they should be."""


def fixed_width(type_: AlgebraicType) -> int | None:
    """Return how many bytes every value of a type takes, None if that depends on the value."""
    if type(type_) is Product:
        widths = [fixed_width(element.type) for element in type_.elements]
        return None if None in widths else sum(width for width in widths if width is not None)
    if type(type_) is Sum:
        widths = [fixed_width(variant.type) for variant in type_.variants]
        return 1 + widths[0] if widths and widths[0] is not None and len(set(widths)) == 1 else None
    if type(type_) is Array or type_ == STRING:
        return None
    return minimum_width(type_)


def _is_plain(type_: AlgebraicType) -> bool:
    """Tell whether any bytes of the right length are a value."""
    if type(type_) is Product:
        return all(_is_plain(element.type) for element in type_.elements)
    return type(type_) is Primitive and type_ not in (BOOL, STRING)


class _Walk(Source):
    """Writes a function that walks over one value after the other.

    The place in the data is an offset from a variable that holds the end of the last value of unknown width, so that
    everything before the first such value has constant offsets.

    Args:
        signature: Of the function; ``row`` is the data and ``size`` their length.
        start: The variable that says where to begin; none for the beginning of the data.
    """

    def __init__(self, signature: str, start: str = "") -> None:
        super().__init__(signature, length=struct.Struct("<I").unpack_from)
        self.base = start
        self.offset = 0

    def here(self) -> str:
        if not self.base:
            return str(self.offset)
        return f"{self.base} + {self.offset}" if self.offset else self.base

    def _move(self, expression: str) -> None:
        """Go on at a place that only the data tell."""
        self.base, self.offset = self.new(), 0
        self.add(f"{self.base} = {expression}")

    def value(self, type_: AlgebraicType) -> None:
        if type(type_) is Product:
            for element in type_.elements:
                self.value(element.type)
        elif type(type_) is Sum:
            self._sum(type_)
        elif type(type_) is Array:
            self._array(type_)
        elif type_ == STRING:
            start = self._counted(1)
            self.add(f"row[{start}:{self.base}].decode()")
        else:
            if type_ == BOOL:
                self.add(f"if row[{self.here()}] > 1: raise IndexError")
            self.offset += minimum_width(type_)

    def _counted(self, width: int) -> str:
        """Walk over a count and that many pieces; return where the pieces begin."""
        count = f"length(row, {self.here()})[0]"
        self.offset += 4
        start = self.here()
        self._move(f"{start} + {count}" + (f" * {width}" if width > 1 else ""))
        self.add(f"if {self.base} > size: raise IndexError")
        return start

    def _array(self, type_: Array) -> None:
        width = fixed_width(type_.element)
        if width and _is_plain(type_.element):
            self._counted(width)
            return
        count = self.new()
        self.add(f"{count}, = length(row, {self.here()})")
        self.offset += 4
        if grows_from_nothing(type_):
            self.add(f"if {count} > {EMPTY_LIMIT}: raise IndexError")
        self._move(self.here())
        least = minimum_width(type_.element)
        if least:
            skip = self.bind(skipper(type_.element))
            self.add(f"if {count} * {least} > size - {self.base}: raise IndexError")
            self.add(f"for _ in range({count}): {self.base} = {skip}(row, {self.base}, size)")

    def _sum(self, type_: Sum) -> None:
        tag = f"row[{self.here()}]"
        width = fixed_width(type_)
        if width is not None and all(_is_plain(variant.type) for variant in type_.variants):
            self.add(f"if {tag} >= {len(type_.variants)}: raise IndexError")
            self.offset += width
            return
        skips = self.bind(tuple(skipper(variant.type) for variant in type_.variants))
        self.offset += 1
        self._move(f"{skips}[{tag}](row, {self.here()}, size)")

    def columns(self, types: Sequence[AlgebraicType]) -> list[tuple[str, str]]:
        """Walk over a whole row; return where each column begins and ends."""
        self.add("size = len(row)")
        spans = []
        for type_ in types:
            start = self.here()
            self.value(type_)
            spans.append((start, self.here()))
        self.add(f"if size != {self.here()}: raise IndexError")
        return spans


_skippers: dict[AlgebraicType, Skipper] = {}


def skipper(type_: AlgebraicType) -> Skipper:
    """Return a function ``(data, start, size) -> end`` that walks over one value and checks it.

    It may walk beyond ``size`` by values of fixed width; whoever calls it compares the end with the size.
    """
    found = _skippers.get(type_)
    if found is None:
        walk = _Walk("skip(row, p, size)", "p")
        walk.value(type_)
        walk.add(f"return {walk.here()}")
        found = _skippers[type_] = walk.function()
    return found


def projector(types: Sequence[AlgebraicType], keys: Sequence[Sequence[int]]) -> Projector:
    """Generate the function that checks a row and returns its keys.

    Args:
        types: Types of the columns.
        keys: For each key the positions of its columns.

    Returns:
        A function of the bytes of a row that returns the BSATN of each key, or raises one of `FAILURES`.

    Example:
        >>> from pytest_inner_universe.sats import STRING, U16, U32
        >>> keys = projector([U32, STRING, U16], [[0], [2, 1]])(bytes.fromhex("05000000 01000000 61 0700"))
        >>> [key.hex() for key in keys]
        ['05000000', '07000100000061']
    """
    walk = _Walk("project(row)")
    spans = walk.columns(types)
    walk.add("return (" + "".join(_slices(key, spans) + ", " for key in keys) + ")")
    return walk.function()  # type: ignore[no-any-return]


def _slices(columns: Sequence[int], spans: list[tuple[str, str]]) -> str:
    """Return the expression that cuts out some columns; neighbours are cut out together."""
    runs: list[list[str]] = []
    previous = None
    for column in columns:
        start, end = spans[column]
        if previous is not None and column == previous + 1:
            runs[-1][1] = end
        else:
            runs.append([start, end])
        previous = column
    return " + ".join(f"row[{start}:{end}]" for start, end in runs)


def locator(types: Sequence[AlgebraicType], wanted: Sequence[int]) -> Locator:
    """Generate the function that returns at which offsets of a row, which has been checked, some of its columns begin."""
    walk = _Walk("locate(row)")
    starts = [start for start, _ in walk.columns(types)]
    if all(starts[column].isdigit() for column in wanted):
        offsets = tuple(int(starts[column]) for column in wanted)
        return lambda row: offsets  # noqa: ARG005 - they do not depend on it
    walk.add("return (" + "".join(starts[column] + ", " for column in wanted) + ")")
    return walk.function()  # type: ignore[no-any-return]


def is_exactly(type_: AlgebraicType, data: bytes) -> bool:
    """Tell whether bytes are one value of a type and nothing else."""
    try:
        return skipper(type_)(data, 0, len(data)) == len(data)
    except FAILURES:
        return False
