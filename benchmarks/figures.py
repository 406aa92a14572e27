"""A measured figure, and how figures are shown."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Missing(Exception):
    """A group needs something that this machine does not have; the text says in one line what, and how to get it."""


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        value: the median, in the unit.
        unit: of value and limit.
        limit: what is to be reached; None where nothing was promised.
        samples: how many measurements the median is of.
        note: what it was compared with, and other numbers of the same measurement.
        at_least: whether more is better; otherwise the limit is the most.
    """

    name: str
    value: float
    unit: str
    limit: float | None
    samples: int
    note: str = ""
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """Value over limit, or limit over value where more is better: 1 or less is met."""
        if self.limit is None:
            return None
        return self.limit / self.value if self.at_least else self.value / self.limit

    @property
    def is_met(self) -> bool:
        """Whether the limit is kept."""
        return self.ratio is None or self.ratio <= 1


def each(action: Callable[[], object], count: int, before: Callable[[], object] | None = None) -> list[float]:
    """Seconds of each of several runs of an action, after one that is not counted.

    Args:
        action: what is measured.
        count: how often.
        before: what is done before each run, and not measured.
    """
    taken = []
    for _ in range(count + 1):
        if before is not None:
            before()
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return taken[1:]


def batches(action: Callable[[], object], size: int, count: int) -> list[float]:
    """Seconds of one action, taken over batches, because one is too short for the clock."""

    def batch() -> None:
        for _ in range(size):
            action()

    return [seconds / size for seconds in each(batch, count)]


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def table(figures: Sequence[Figure]) -> str:
    """The figures as text."""
    rows = [("figure", "median", "to reach", "ratio", "", "note")]
    rows += [
        (
            figure.name,
            _amount(figure.value, figure.unit),
            "-" if figure.limit is None else f"{figure.limit:g} {figure.unit}",
            "-" if figure.ratio is None else f"{figure.ratio:.2f}",
            "-" if figure.ratio is None else "met" if figure.is_met else "MISSED",
            figure.note,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )


def _amount(value: float, unit: str) -> str:
    return f"{value:.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


def document(figures: Sequence[Figure]) -> dict[str, Any]:
    """The figures and the machine, ready for JSON."""
    return {
        "machine": machine(),
        "figures": [
            {**asdict(figure), "ratio": figure.ratio and round(figure.ratio, 3), "met": figure.is_met}
            for figure in figures
        ],
    }


def machine() -> dict[str, Any]:
    """What the figures depend on besides the project."""
    packages = {}
    for name in ("pytest-inner-universe", "pytest", "pytest-asyncio", "wasmtime"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        **packages,
    }
