"""What a command prints: JSON for scripts, plain text where nobody looks, tables of `rich` on a terminal.

Plain text has no escape codes and is never wrapped. `rich` comes with the extra ``cli``; without it, terminals get plain text.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from ..persistence.archive.progress import Progress

_NARROWEST = 12
"""Characters that a column should have, where it has as many; a table that cannot give them is printed row by row."""
_GAP, _WIDER_GAP = 2, 3
"""Spaces between columns, in plain text and in tables of `rich`."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What could move a cursor, end a line or turn text around."""


class Output:
    """Prints on the standard output.

    Args:
        as_json: Whether a script reads it.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    @cached_property
    def _console(self) -> Console | None:
        return None if self.as_json else _console_on(sys.stdout)

    def json(self, value: Any) -> None:
        """Print a value as one line of JSON."""
        _write(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def line(self, text: str, style: str = "") -> None:
        """Print text, each of its lines as it is.

        Args:
            text: The text; what is not printable in it is spelled out.
            style: What it looks like on a terminal, in words of `rich`.
        """
        shown = "\n".join(printable(line) for line in text.split("\n"))
        if self._console is None or not style:
            _write(shown)
        else:
            self._console.print(shown, style=style, soft_wrap=True)

    def facts(self, facts: Mapping[str, object]) -> None:
        """Print what is known, a name and a value a line; as one object for scripts."""
        if self.as_json:
            self.json(dict(facts))
            return
        self._pairs({name.replace("_", " "): cell(value) for name, value in facts.items()})

    def _pairs(self, pairs: Mapping[str, str]) -> None:
        width = max(map(len, pairs), default=0)
        if self._console is None:
            _write("\n".join(f"{name:{width}}  {value}".rstrip() for name, value in pairs.items()))
            return
        from rich.text import Text

        for name, value in pairs.items():
            # Not folded: what is copied from a terminal has no line ends in it then.
            shown = Text.assemble((f"{name:{width + _GAP}}", "bold"), value)
            self._console.print(shown, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print rows below the names of their columns.

        Args:
            columns: The names.
            rows: The values, as many in each row; numbers stand at the right.
        """
        texts = [[cell(value) for value in row] for row in rows]
        widths = [max([len(name), *(len(row[i]) for row in texts)]) for i, name in enumerate(columns)]
        right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(columns))]
        if self._console is None:
            _write("\n".join(_plain([list(columns), ["-" * width for width in widths], *texts], widths, right)))
        elif sum(min(width, _NARROWEST) + _WIDER_GAP for width in widths) - _WIDER_GAP > self._console.width:
            for number, row in enumerate(texts, 1):
                self._console.rule(f"row {number}", align="left")
                self._pairs(dict(zip(columns, row)))
        else:
            self._rich_table(self._console, columns, texts, right)

    def _rich_table(
        self, console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]
    ) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name, is_number in zip(columns, right):
            table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
        console.print("1 row" if len(rows) == 1 else f"{len(rows)} rows", style="dim")

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show on a terminal that something goes on; nothing is printed elsewhere."""
        console = None if self.as_json else _console_on(sys.stderr)
        if console is None:
            yield
            return
        with console.status(text):
            yield

    @contextmanager
    def progress(self) -> Iterator[Callable[[Progress], None] | None]:
        """Give what shows on a terminal how far an archive is; None elsewhere."""
        console = None if self.as_json else _console_on(sys.stderr)
        if console is None:
            yield None
            return
        from rich import progress

        with progress.Progress(console=console, transient=True) as bars:
            known: dict[tuple[str, str], progress.TaskID] = {}

            def tell(step: Progress) -> None:
                key = (step.phase, step.table)
                if key not in known:
                    known[key] = bars.add_task(f"{step.phase} {step.table}")
                bars.update(known[key], completed=step.done, total=step.total or None)

            yield tell


def cell(value: object) -> str:
    """Return how a value is written in one line.

    Args:
        value: As the client gives it: text, number, None, identity, moment, bytes, list or dict of such.
    """
    if isinstance(value, str):
        return printable(value)
    if value is None or isinstance(value, (bool, list, tuple, dict)):
        return printable(json.dumps(value, ensure_ascii=False, default=cell))
    return f"0x{value.hex()}" if isinstance(value, bytes) else printable(str(value))


def printable(text: str) -> str:
    """Return a text with everything spelled out that a terminal would obey rather than show."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def _plain(lines: Sequence[Sequence[str]], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    for line in lines:
        shown = (
            f"{text:>{width}}" if is_right else f"{text:{width}}" for text, width, is_right in zip(line, widths, right)
        )
        yield (" " * _GAP).join(shown).rstrip()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _console_on(stream: TextIO) -> Console | None:
    if not stream.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, markup=False, highlight=False, emoji=False)


def _write(text: str) -> None:
    stream = sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
