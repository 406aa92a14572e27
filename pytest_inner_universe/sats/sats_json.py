"""SATS-JSON, the textual form of values, compiled once per type.

There are two spellings. The *static* one, of messages and arguments, names fields and variants; the *dynamic* one, of rows in
SQL answers, writes products as arrays and sums as ``[tag, payload]``. Reading accepts both, because servers do.

Source: SpacetimeDB's notes on SATS-JSON: 256-bit numbers and identities as ``0x`` texts, bytes as hexadecimal text, floats
that are no number as null, 64- and 128-bit numbers bare.
"""

from __future__ import annotations

from typing import Any

from .bsatn import codec
from .errors import JsonError
from .json_read import json_reader
from .json_write import json_writer
from .types import AlgebraicType


class JsonCodec:
    """Converts the values of one resolved type to and from what `json` handles.

    Args:
        type: The type; it must not contain references.

    Example:
        >>> from pytest_inner_universe.sats import U32, option, product
        >>> from pytest_inner_universe.sats.sats_json import json_codec
        >>> point = json_codec(product(x=U32, y=option(U32)))
        >>> point.dumps({"x": 1, "y": None})
        '{"x":1,"y":{"none":[]}}'
        >>> point.dumps({"x": 1, "y": None}, dynamic=True)
        '[1,[1,[]]]'
        >>> point.loads('{"x": 1, "y": null}')
        {'x': 1, 'y': None}
    """

    __slots__ = ("_binary", "_dynamic", "_read", "_static", "type")

    def __init__(self, type: AlgebraicType) -> None:
        self.type = type
        self._binary = codec(type)
        self._static = json_writer(type, False)
        self._dynamic = json_writer(type, True)
        self._read = json_reader(type)

    def encode(self, value: Any, dynamic: bool = False) -> Any:
        """Return the JSON form of a value.

        Raises:
            EncodeError: The value does not fit the type.
        """
        # The way through the binary form checks the value and brings it into the one shape that writers expect.
        checked = self._binary.decode(self._binary.encode(value))
        return (self._dynamic if dynamic else self._static)(checked)

    def decode(self, value: Any) -> Any:
        """Return the Python value of a JSON form, in either spelling; null for a float is not a number.

        Raises:
            JsonError: It is no value of the type; the path says where.
        """
        return self._read(value, "")

    def dumps(self, value: Any, dynamic: bool = False) -> str:
        """Return the JSON text of a value, without spaces.

        Raises:
            EncodeError: The value does not fit the type.
        """
        import json

        return json.dumps(self.encode(value, dynamic), separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    def loads(self, text: str | bytes) -> Any:
        """Return the value that a JSON text stands for.

        Raises:
            JsonError: The text is no JSON, has an object key twice, or is no value of the type.
        """
        return self._read(parse(text), "")


def parse(text: str | bytes) -> Any:
    """Parse JSON and refuse what servers refuse: a key given twice, numbers that are none, hostile nesting.

    Raises:
        JsonError: The text is not such JSON.
    """
    import json

    try:
        if isinstance(text, bytes):
            text = text.decode()  # json would take UTF-16 and UTF-32 as well, and a mark before the text
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON: {error.msg}", position=error.pos) from None
    except UnicodeDecodeError as error:
        raise JsonError("not JSON: the text is not UTF-8", position=error.start) from None
    except RecursionError:
        raise JsonError("not JSON that can be read: it nests too deep") from None
    except ValueError:
        raise JsonError("not JSON that can be read: a number has too many digits") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise JsonError(f"duplicate field {next(name for name in names if names.count(name) > 1)!r}")
    return found


def _no_constant(name: str) -> Any:
    raise JsonError(f"not JSON: {name} is no number")


_codecs: dict[AlgebraicType, JsonCodec] = {}


def json_codec(type: AlgebraicType) -> JsonCodec:
    """Return the JSON codec of a resolved type; equal types share one.

    Raises:
        TypeError: The type contains a reference, or nests absurdly deep.
    """
    found = _codecs.get(type)
    if found is None:
        found = _codecs[type] = JsonCodec(type)
    return found


__all__ = ["JsonCodec", "json_codec", "parse"]
