"""Reads the parts of JSON text in the order in which a server does, and refuses them with its words.

What the parts have to be is the business of `server_json_words`; here are brackets, commas, texts, numbers and words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_WHOLE = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BAD_ESCAPE = re.compile(rb'(?<!\\)(?:\\\\)*\\(?:[^"\\/bfnrtu]|u(?![0-9a-fA-F]{4}))')
_STRING_END = re.compile(rb'[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*', re.DOTALL)
_WORDS = ((b"null", "null"), (b"true", "boolean `true`"), (b"false", "boolean `false`"))

LISTS = ("EOF while parsing a list", "expected `,` or `]`")
OBJECTS = ("EOF while parsing an object", "expected `,` or `}`")
"""What is said where a list or an object does not go on: at the end of the text, and elsewhere."""
PLACELESS = -1
"""Stands for a place that is known only when the end has been looked for."""
_LONGEST_NUMBER = 300
"""Digits of a number that may be one."""


class TextRefused(Exception):
    """Something does not fit.

    Args:
        reason: What.
        index: Up to where the text had been read; `PLACELESS` until that is known.
        path: In which value.
    """

    def __init__(self, reason: str, index: int, path: str) -> None:
        self.reason = reason
        self.index = index
        self.path = path


class JsonText:
    """One text, and how far it has been read.

    Args:
        data: The text.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.index = 0

    def peek(self) -> bytes:
        """Skip white space and return the next byte, none at the end."""
        while self.data[self.index : self.index + 1] in {b" ", b"\n", b"\t", b"\r"}:
            self.index += 1
        return self.data[self.index : self.index + 1]

    def early(self, reason: str, path: str) -> TextRefused:
        """Refuse the byte that comes next."""
        return TextRefused(reason, min(len(self.data), self.index + 1), path)

    def here(self, reason: str, path: str) -> TextRefused:
        """Refuse what was just read."""
        return TextRefused(reason, self.index, path)

    def enclosed(self, read: Callable[[], None], end: bytes, texts: tuple[str, str], path: str) -> None:
        """Read what stands in brackets. Who stops early still has the end looked for, and is given its place then."""
        self.index += 1
        refused: TextRefused | None = None
        try:
            read()
        except TextRefused as error:
            if error.index != PLACELESS:
                raise
            refused = error
        at_end = self.closing(end, texts, path)
        if refused is not None:
            refused.index = self.index
            raise refused
        if at_end is not None:
            raise at_end

    def closing(self, end: bytes, texts: tuple[str, str], path: str) -> TextRefused | None:
        """Read the bracket that ends a list or an object; return what is said of anything else."""
        found = self.peek()
        if found == end:
            self.index += 1
            return None
        if not found:
            return self.early(texts[0], path)
        if found == b"," and end == b"}":
            return self.early("trailing comma", path)
        if found == b",":
            self.index += 1
            return self.early("trailing comma" if self.peek() == end else "trailing characters", path)
        return self.early("trailing characters", path)

    def has_next(self, is_first: bool, end: bytes, texts: tuple[str, str], path: str) -> bool:
        """Read up to the next entry of a list or an object; return whether there is one."""
        if end == b"}":
            path = f"{path}.?" if path else "?"  # there is no name yet
        found = self.peek()
        if not found:
            raise self.early(texts[0], path)
        if found == end:
            return False
        if not is_first:
            if found != b",":
                raise self.early(texts[1], path)
            self.index += 1
            found = self.peek()
            if not found:
                raise self.early("EOF while parsing a value", path)
            if found == end:
                raise self.early("trailing comma", path)
        if end == b"}" and found != b'"':
            raise self.early("key must be a string", path)
        return True

    def colon(self, path: str) -> None:
        """Read what stands between a name and its value."""
        found = self.peek()
        if found != b":":
            raise self.early("expected `:`" if found else "EOF while parsing an object", path)
        self.index += 1

    def string(self, path: str) -> str:
        """Read a text in quotes."""
        start = self.index
        found = _STRING_END.match(self.data, start + 1)
        assert found is not None
        self.index = found.end()
        following = self.data[self.index : self.index + 1]
        if following != b'"':
            if not following or following == b"\\":
                self.index = len(self.data)
                raise self.here("EOF while parsing a string", path)
            self.index += 1
            raise self.here("control character (\\u0000-\\u001F) found while parsing a string", path)
        self.index += 1
        wrong = _BAD_ESCAPE.search(self.data, start, self.index)
        if wrong is not None:
            self.index = wrong.end()
            raise self.here("invalid escape", path)
        text: str = json.loads(self.data[start : self.index])
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self.here("lone leading surrogate in hex escape", path)
        return text

    def number(self, path: str, is_whole: bool = False) -> int | float:
        """Read a number; of one that has to be whole, a fraction stays for whoever reads on."""
        found = (_WHOLE if is_whole else _NUMBER).match(self.data, self.index)
        if found is None:
            if self.index + 1 == len(self.data):
                raise self.early("EOF while parsing a value", path)
            self.index += 2
            raise self.here("invalid number", path)
        self.index = found.end()
        following = self.data[self.index : self.index + 1]
        text = found.group()
        if text in {b"0", b"-0"} and following.isdigit():
            raise self.early("invalid number", path)
        if following == b"." and not is_whole and text.lstrip(b"-").isdigit():
            self.index += 1
            raise self.early("invalid number" if self.index < len(self.data) else "EOF while parsing a value", path)
        if len(text) > _LONGEST_NUMBER:
            raise self.here("number out of range", path)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)

    def word(self, path: str) -> str:
        """Read null, true or false, and return what a server calls it."""
        word, name = next(entry for entry in _WORDS if entry[0][0] == self.data[self.index])
        for byte in word:
            if self.index == len(self.data):
                raise self.here("EOF while parsing a value", path)
            self.index += 1
            if self.data[self.index - 1] != byte:
                raise self.here("expected ident", path)
        return name
