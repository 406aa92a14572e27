"""What the answers of real servers mean for tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..engine.logs import LogRecord
from ..sats import Err, Ok, Some, Variant

if TYPE_CHECKING:
    from ..client.http_models import LogLine

_HOST_TARGET = "__spacetimedb__"
_HOST_FILE = "spacetimedb"
"""How lines that the server itself puts into a module's log are marked: from 2.0 on, and before."""


def has_nan(value: object) -> bool:
    """Return whether there is a float in a value that is no number."""
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, dict):
        return any(map(has_nan, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_nan, value))
    return isinstance(value, (Variant, Some, Ok, Err)) and has_nan(value.value)


def is_the_hosts(line: LogLine) -> bool:
    """Return whether a line of a module's log is the server's own."""
    return line.target == _HOST_TARGET or (line.target is None and line.filename == _HOST_FILE)


def reasons_of(text: str) -> tuple[str, ...]:
    """Return why an update was rejected, each reason by itself; servers put a headline over them."""
    lines = [line.strip() for line in text.splitlines()]
    reasons = tuple(line for line in lines if line and not line.endswith(":"))
    return reasons or (text,)


def record_of(line: LogLine) -> LogRecord:
    """Return a line of a log as tests see it."""
    return LogRecord(line.level, line.message, line.timestamp, line.function, line.target, line.filename, line.line)
