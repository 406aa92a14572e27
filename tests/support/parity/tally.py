"""How many operations a run has compared, and with what result."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts over all examples of a run.

    Args:
        wanted: How many operations the run is to compare.
    """

    wanted: int
    kinds: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    differences: int = 0
    seeds: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def operations(self) -> int:
        return self.kinds.total()

    def lines(self) -> list[str]:
        """Return what the terminal shows at the end of the run."""
        pace = self.seconds * 1000 / max(1, self.operations)
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.kinds.most_common())
        known = ", ".join(f"{name} {count}" for name, count in self.known.most_common()) or "none"
        return [
            f"operations: {self.operations} of {self.wanted} ({pace:.1f} s per 1,000)",
            f"seeds: {', '.join(map(str, self.seeds))} (--parity-seed repeats the examples from one on)",
            f"by kind: {kinds}",
            f"known differences met: {known}",
            f"unexplained differences: {self.differences}",
        ]


class Stopwatch:
    """Adds the time of a block to a tally."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __enter__(self) -> None:
        self._start = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._tally.seconds += time.monotonic() - self._start
