"""Forms: how each kind of field of a message is read and written.

Messages are described once, as a tuple of named forms, and everything follows from that one description.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..sats.codegen import ReadingSource, WritingSource
from ..sats.cursor import Cursor
from ..sats.errors import DecodeError, EncodeError
from ..sats.values import ConnectionId, Identity, TimeDuration, Timestamp
from .form import FastWrite, Form


def unsigned(width: int) -> Form:
    """Return the form of an unsigned number of that many bytes."""
    format_ = {2: "H", 4: "I", 8: "Q"}.get(width)

    def write(value: int, out: bytearray) -> None:
        try:
            out += value.to_bytes(width, "little")
        except (OverflowError, AttributeError, TypeError):
            raise EncodeError(f"expected a number of {width * 8} bits without sign, got {value!r}") from None

    if format_ is None:
        return Form(lambda cursor: cursor.unsigned(width), write)
    return Form(
        lambda cursor: cursor.unsigned(width),
        write,
        lambda code: code.fixed(format_),
        lambda code, name: code.pending.append((format_, name)),
    )


def flags(count: int) -> Form:
    """Return the form of one byte that has that many meanings, from 0 on."""

    def write(value: int, out: bytearray) -> None:
        if not isinstance(value, int) or not 0 <= value < count:
            raise EncodeError(f"expected one of {', '.join(map(str, range(count)))}, got {value!r}")
        out.append(value)

    def reading(code: ReadingSource) -> str:
        value = code.fixed("B")
        code.flush()
        code.add(f"if {value} >= {count}: raise IndexError")
        return value

    def writing(code: WritingSource, name: str) -> None:
        code.add(f"if not 0 <= {name} < {count}: raise ValueError")
        code.pending.append(("B", name))

    return Form(lambda cursor: cursor.tag(count, "flags"), write, reading, writing)


def _write_string(value: str, out: bytearray) -> None:
    try:
        data = value.encode()
    except (UnicodeEncodeError, AttributeError):
        raise EncodeError(f"expected text without lone surrogates, got {value!r:.80}") from None
    out += len(data).to_bytes(4, "little")
    out += data


def _writing_string(code: WritingSource, name: str) -> None:
    data = code.new()
    code.add(f"{data} = {name}.encode()")
    code.sized(data)


def _write_blob(value: bytes, out: bytearray) -> None:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise EncodeError(f"expected bytes, got {value!r:.80}")
    out += len(value).to_bytes(4, "little")
    out += value


def _writing_blob(code: WritingSource, name: str) -> None:
    code.add(f"if type({name}) is not bytes: raise TypeError")
    code.sized(name)


def _of_width(kind: type, format_: str, attribute: str) -> tuple[Any, Any]:
    """Return what generates code for a class that stands for one field of fixed width."""

    def reading(code: ReadingSource) -> str:
        return f"{code.bind(kind)}({code.fixed(format_)})"

    def writing(code: WritingSource, name: str) -> None:
        code.add(f"if type({name}) is not {code.bind(kind)}: raise TypeError")
        code.pending.append((format_, f"{name}.{attribute}"))

    return reading, writing


def _fixed(kind: type[Identity | ConnectionId]) -> Form:
    def write(value: Any, out: bytearray) -> None:
        if type(value) is not kind:
            raise EncodeError(f"expected {kind.__name__}, got {value!r:.80}")
        out += value.to_bytes()

    fast = _of_width(kind, f"{kind.WIDTH}s", "to_bytes()")
    return Form(lambda cursor: kind(cursor.take(kind.WIDTH, kind.__name__)), write, *fast)


def _micros(kind: type[Timestamp | TimeDuration]) -> Form:
    def write(value: Any, out: bytearray) -> None:
        if type(value) is not kind:
            raise EncodeError(f"expected {kind.__name__}, got {value!r:.80}")
        try:
            out += value.micros.to_bytes(8, "little", signed=True)
        except OverflowError:
            raise EncodeError(f"{value.micros} microseconds do not fit 64 bits") from None

    return Form(lambda cursor: kind(cursor.signed(8, kind.__name__)), write, *_of_width(kind, "q", "micros"))


U16_FORM = unsigned(2)
U32_FORM = unsigned(4)
STRING_FORM = Form(
    lambda cursor: cursor.string(), _write_string, lambda code: code.piece("str({}, 'utf-8')"), _writing_string
)
BLOB_FORM = Form(lambda cursor: cursor.blob(), _write_blob, lambda code: code.piece("{}"), _writing_blob)
IDENTITY_FORM = _fixed(Identity)
CONNECTION_ID_FORM = _fixed(ConnectionId)
TIMESTAMP_FORM = _micros(Timestamp)
DURATION_FORM = _micros(TimeDuration)


def array(element: Form) -> Form:
    """Return the form of a sequence of elements, each of which takes at least one byte."""
    read_element, write_element = element.read, element.write

    def read(cursor: Cursor) -> tuple[Any, ...]:
        count = cursor.unsigned(4, "length of array")
        left = len(cursor.data) - cursor.offset
        if count > left:
            raise DecodeError(f"array of {count} elements, {left} bytes are left", cursor.offset - 4)
        values: list[Any] = []
        try:
            values.extend(read_element(cursor) for _ in range(count))
        except DecodeError as error:
            raise DecodeError(error.reason, error.offset, _join(f"[{len(values)}]", error.path)) from None
        return tuple(values)

    def write(values: Sequence[Any], out: bytearray) -> None:
        if not isinstance(values, (tuple, list)):
            raise EncodeError(f"expected a tuple, got {values!r:.80}")
        out += len(values).to_bytes(4, "little")
        for i, value in enumerate(values):
            try:
                write_element(value, out)
            except EncodeError as error:
                raise EncodeError(error.reason, _join(f"[{i}]", error.path)) from None

    def reading(code: ReadingSource) -> str:
        count, out = code.fixed("I"), code.new()
        code.flush()
        code.add(f"if {count} > size - p: raise IndexError", f"{out} = []", f"for _ in range({count}):")
        code.add(f"    item, p = {code.bind(element)}.fast_read(data, p, size); {out}.append(item)")
        return f"tuple({out})"

    def writing(code: WritingSource, name: str) -> None:
        code.add(f"if type({name}) is not tuple: raise TypeError")
        code.pending.append(("I", f"len({name})"))
        code.flush()
        code.add(f"for item in {name}: {code.bind(element)}.fast_write(item, out)")

    return Form(read, write, reading, writing)


def option(some: Form) -> Form:
    """Return the form of a value that may be absent, which is None in Python."""

    def write(value: Any, out: bytearray) -> None:
        out.append(value is None)
        if value is not None:
            some.write(value, out)

    return Form(lambda cursor: cursor.option(lambda: some.read(cursor)), write)


def record(cls: type, **fields: Form) -> Form:
    """Return the form of a dataclass whose fields have these forms, in this order."""
    carefully_read = [(name, form.read) for name, form in fields.items()]
    carefully_write = [(name, form.write) for name, form in fields.items()]

    def read(cursor: Cursor) -> Any:
        values = []
        for name, read_field in carefully_read:
            try:
                values.append(read_field(cursor))
            except DecodeError as error:
                raise DecodeError(error.reason, error.offset, _join(name, error.path)) from None
        return cls(*values)

    def write(value: Any, out: bytearray) -> None:
        if type(value) is not cls:
            raise EncodeError(f"expected {cls.__name__}, got {value!r:.80}")
        for name, write_field in carefully_write:
            try:
                write_field(getattr(value, name), out)
            except EncodeError as error:
                raise EncodeError(error.reason, _join(name, error.path)) from None

    def reading(code: ReadingSource) -> str:
        values = [form.reading(code) for form in fields.values()]
        return f"{code.bind(cls)}({', '.join(values)})"

    def writing(code: WritingSource, name: str) -> None:
        code.add(f"if type({name}) is not {code.bind(cls)}: raise TypeError")
        for field, form in fields.items():
            value = code.new()
            code.add(f"{value} = {name}.{field}")
            form.writing(code, value)

    return Form(read, write, reading, writing)


class _Writers(dict[type, FastWrite]):
    """For each alternative what writes its tag and its value, generated when it is first needed."""

    def __init__(self, options: Sequence[tuple[type, Form]]) -> None:
        super().__init__()
        self._options = {cls: (form, tag) for tag, (cls, form) in enumerate(options)}

    def __missing__(self, cls: type) -> FastWrite:
        form, tag = self._options[cls]
        writer = self[cls] = form.writer_behind(tag)
        return writer


def choice(what: str, *options: tuple[type, Form]) -> Form:
    """Return the form of a sum whose alternatives are told apart by the class of the value; the tag is the position."""
    forms = tuple(form for _, form in options)
    names = [cls.__name__ for cls, _ in options]
    writers = {cls: (tag, cls.__name__, form.write) for tag, (cls, form) in enumerate(options)}
    behind = _Writers(options)

    def read(cursor: Cursor) -> Any:
        tag = cursor.tag(len(forms), what)
        try:
            return forms[tag].read(cursor)
        except DecodeError as error:
            raise DecodeError(error.reason, error.offset, _join(names[tag], error.path)) from None

    def write(value: Any, out: bytearray) -> None:
        found = writers.get(type(value))
        if found is None:
            raise EncodeError(f"expected a {what}, got {value!r:.80}")
        tag, name, write_option = found
        out.append(tag)
        try:
            write_option(value, out)
        except EncodeError as error:
            raise EncodeError(error.reason, _join(name, error.path)) from None

    def reading(code: ReadingSource) -> str:
        tag, out = code.fixed("B"), code.new()
        code.flush()
        code.add(f"{out}, p = {code.bind(forms)}[{tag}].fast_read(data, p, size)")
        return out

    def writing(code: WritingSource, name: str) -> None:
        code.flush()
        code.add(f"{code.bind(behind)}[type({name})]({name}, out)")

    return Form(read, write, reading, writing)


def _join(name: str, rest: str) -> str:
    return f"{name}{'' if rest.startswith('[') else '.'}{rest}" if rest else name
