"""Which types a wasm file's imported and exported functions have, read without wasmtime.

Asked for the kind of a value that its interface for other languages does not know, wasmtime ends the process. So whoever asks
it for the types of functions has to know before that all of them are plain.
"""

from __future__ import annotations

from collections.abc import Iterator

from .binary import after_value_type, leb, sections

_TYPES, _IMPORTS, _FUNCTIONS, _EXPORTS = 1, 2, 3, 7
_FUNCTION = 0
_FUNCTION_TYPE = 0x60
_PLAIN = frozenset({0x7F, 0x7E, 0x7D, 0x7C, 0x70, 0x6F})  # i32, i64, f32, f64, funcref, externref
_LIMITS_WITH_MAXIMUM = 1


def strange_functions(data: bytes) -> tuple[set[tuple[str, str]], set[str]]:
    """Return what cannot be asked for: functions with values of other kinds than the plain ones.

    Args:
        data: A valid module.

    Returns:
        Module and name of those that are imported, and the names of those that are exported.

    Raises:
        ValueError: It declares types that are not functions, so nothing can be told.
    """
    found = dict(sections(data))
    plain = _plain_types(data, found.get(_TYPES))
    imports: set[tuple[str, str]] = set()
    kinds: list[bool] = []
    for module, name, kind in _imported(data, found.get(_IMPORTS)):
        if kind is not None:
            kinds.append(plain[kind])
            imports |= {(module, name)} if not plain[kind] else set()
    kinds += [plain[kind] for kind in _numbers(data, found.get(_FUNCTIONS))]
    return imports, {name for name, number in _exported(data, found.get(_EXPORTS)) if not kinds[number]}


def _plain_types(data: bytes, at: int | None) -> list[bool]:
    """Return for each type whether it is a function of plain values only. Raises `ValueError` if one is no function."""
    plain: list[bool] = []
    if at is None:
        return plain
    count, at = leb(data, at)
    for _ in range(count):
        if data[at] != _FUNCTION_TYPE:
            raise ValueError
        at += 1
        is_plain = True
        for _ in ("parameters", "results"):
            values, at = leb(data, at)
            for _ in range(values):
                is_plain &= data[at] in _PLAIN
                at = after_value_type(data, at)
        plain.append(is_plain)
    return plain


def _imported(data: bytes, at: int | None) -> Iterator[tuple[str, str, int | None]]:
    """Yield module, name and, for a function, the number of its type."""
    if at is None:
        return
    count, at = leb(data, at)
    for _ in range(count):
        module, at = _name(data, at)
        name, at = _name(data, at)
        kind = data[at]
        at += 1
        number = None
        if kind == _FUNCTION:
            number, at = leb(data, at)
        elif kind == 1:  # a table
            at = _after_limits(data, after_value_type(data, at))
        elif kind == 2:  # a memory
            at = _after_limits(data, at)
        elif kind == 3:  # a global
            at = after_value_type(data, at) + 1
        else:  # a tag
            at = leb(data, at + 1)[1]
        yield module, name, number


def _after_limits(data: bytes, at: int) -> int:
    flags = data[at]
    _, at = leb(data, at + 1)
    return leb(data, at)[1] if flags & _LIMITS_WITH_MAXIMUM else at


def _numbers(data: bytes, at: int | None) -> Iterator[int]:
    if at is None:
        return
    count, at = leb(data, at)
    for _ in range(count):
        number, at = leb(data, at)
        yield number


def _exported(data: bytes, at: int | None) -> Iterator[tuple[str, int]]:
    """Yield name and number of each exported function."""
    if at is None:
        return
    count, at = leb(data, at)
    for _ in range(count):
        name, at = _name(data, at)
        kind = data[at]
        number, at = leb(data, at + 1)
        if kind == _FUNCTION:
            yield name, number


def _name(data: bytes, at: int) -> tuple[str, int]:
    size, at = leb(data, at)
    return data[at : at + size].decode(), at + size
