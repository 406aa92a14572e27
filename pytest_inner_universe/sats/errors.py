"""Errors of the type system.

The tree::

    SatsError (ValueError)
    ├── DecodeError        bytes do not have the form that the type asks for
    │   └── JsonError      JSON does not have it
    ├── EncodeError        a Python value does not fit the type
    ├── DefinitionError    a module definition contradicts itself
    └── ArgumentError      arguments do not fit a reducer's parameters
"""

from __future__ import annotations


class SatsError(ValueError):
    """Base of every error that concerns types and values."""


class DecodeError(SatsError):
    """Input does not decode at the expected type.

    Args:
        reason: What was wrong, in a few words.
        offset: Position of the first offending byte, counted from the start of the input.
        path: Where in the value, as ``rows[2].name``; empty for the value itself.
    """

    def __init__(self, reason: str, offset: int = 0, path: str = "") -> None:
        self.reason = reason
        self.offset = offset
        self.path = path
        super().__init__(reason, offset, path)

    def __str__(self) -> str:
        where = f" in {self.path}" if self.path else ""
        return f"{self.reason} at byte {self.offset}{where}"


class JsonError(DecodeError):
    """JSON does not stand for a value of the expected type.

    Args:
        reason: What was wrong, in a few words.
        path: Where in the value, as ``rows[2].name``; empty for the value itself.
        position: For a text that is no JSON at all, the character at which that shows; it is the offset, too.
    """

    def __init__(self, reason: str, path: str = "", position: int | None = None) -> None:
        super().__init__(reason, position or 0, path)
        self.position = position
        self.args = (reason, path, position)

    def __str__(self) -> str:
        if self.position is not None:
            return f"{self.reason} at character {self.position}"
        return f"{self.path}: {self.reason}" if self.path else self.reason


class EncodeError(SatsError):
    """A Python value does not fit the type that it is written as.

    Args:
        reason: What was expected and what was found.
        path: Where in the value, as ``metadata.tags[1]``; empty for the value itself.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        self.reason = reason
        self.path = path
        super().__init__(reason, path)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class DefinitionError(SatsError):
    """A module definition is not usable.

    Args:
        reason: What contradicts what.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ArgumentError(SatsError):
    """Arguments do not fit the parameters of a reducer or a procedure.

    Args:
        function: Its name.
        signature: Its signature as text.
        reason: What does not fit.
    """

    def __init__(self, function: str, signature: str, reason: str) -> None:
        self.function = function
        self.signature = signature
        self.reason = reason
        super().__init__(function, signature, reason)

    def __str__(self) -> str:
        return f"cannot call {self.function}: {self.reason}\n  the module declares {self.signature}"
