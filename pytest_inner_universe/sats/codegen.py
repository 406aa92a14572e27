"""The text of one generated function, and the objects that it refers to."""

from __future__ import annotations

import struct
from typing import Any

INLINE_DEPTH = 8
"""How many types are written into each other before the next one becomes a function of its own."""


class Source:
    """Collects lines and makes a function of them.

    Args:
        signature: Name and parameters, ``read(data, p, size)``.
        names: Objects under fixed names.
    """

    def __init__(self, signature: str, **names: Any) -> None:
        self.lines = [f"def {signature}:"]
        self.names: dict[str, Any] = names
        self.pending: list[tuple[str, str]] = []
        self.indent = 1
        self.level = 0
        self._signature = signature
        self._count = 0

    def new(self) -> str:
        """Return the name of a new local variable."""
        self._count += 1
        return f"v{self._count}"

    def bind(self, value: Any) -> str:
        """Return a name under which the function finds an object."""
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def add(self, *lines: str) -> None:
        """Append lines at the present indentation."""
        self.lines.extend("    " * self.indent + line for line in lines)

    def take_pending(self) -> tuple[struct.Struct, list[str]] | None:
        """Return one struct for the fields of fixed width collected so far, and what stands in them."""
        if not self.pending:
            return None
        layout = struct.Struct("<" + "".join(format_ for format_, _ in self.pending))
        operands = [operand for _, operand in self.pending]
        self.pending.clear()
        return layout, operands

    def function(self) -> Any:
        """Compile the lines and return the function."""
        name = self._signature.partition("(")[0]
        exec(compile("\n".join(self.lines), f"<generated {name}>", "exec"), self.names)  # noqa: S102 - built from our own parts
        return self.names[name]


class ReadingSource(Source):
    """A function ``read(data, p, size) -> (value, p)``; the expressions for fields of fixed width are valid after `flush`."""

    def __init__(self) -> None:
        super().__init__("read(data, p, size)", BOOLS=(False, True))

    def fixed(self, format_: str) -> str:
        """Read a field of fixed width together with its neighbours; return an expression for it."""
        name = self.new()
        self.pending.append((format_, name))
        return name

    def flush(self) -> None:
        """Read the fields of fixed width collected so far."""
        taken = self.take_pending()
        if taken is not None:
            layout, targets = taken
            self.add(f"{', '.join(targets)}, = {self.bind(layout.unpack_from)}(data, p); p += {layout.size}")

    def piece(self, wrap: str) -> str:
        """Read a length and as many bytes; return an expression for what ``wrap`` makes of them."""
        length, out = self.fixed("I"), self.new()
        self.flush()
        self.add(f"q = p; p += {length}", "if p > size: raise IndexError", f"{out} = {wrap.format('data[q:p]')}")
        return out


class WritingSource(Source):
    """A function ``write(value, out)``."""

    def __init__(self, **names: Any) -> None:
        super().__init__("write(value, out)", **names)

    def flush(self) -> None:
        """Write the fields of fixed width collected so far."""
        taken = self.take_pending()
        if taken is not None:
            layout, operands = taken
            self.add(f"out += {self.bind(layout.pack)}({', '.join(operands)})")

    def sized(self, name: str) -> None:
        """Write the length of a variable's bytes, and the bytes."""
        self.pending.append(("I", f"len({name})"))
        self.flush()
        self.add(f"out += {name}")
