"""How a lost connection is made anew."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class Reconnect:
    """How a connection that was lost is made anew: try, wait, try again, each time waiting longer.

    Args:
        attempts: How often to try after a loss; None for without end.
        first_delay: Seconds before the first attempt.
        factor: How much longer each wait is than the one before.
        longest_delay: The most seconds of a wait.
        jitter: Which part of a wait is left to chance, from 0 to 1, so that many clients do not come back at once.
        patience: The most seconds of an attempt, from connecting until the subscriptions are there.
        seed: What the chance starts from; None for no particular one.
        sleep: How to wait.

    Example:
        >>> list(Reconnect(attempts=5, jitter=0).delays())
        [0.1, 0.2, 0.4, 0.8, 1.6]
    """

    attempts: int | None = None
    first_delay: float = 0.1
    factor: float = 2.0
    longest_delay: float = 30.0
    jitter: float = 0.5
    patience: float = 30.0
    seed: int | None = None
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def delays(self) -> Iterator[float]:
        """Return the waits before the attempts after one loss, in seconds."""
        chance = random.Random(self.seed)
        delay = min(self.first_delay, self.longest_delay)
        for _ in count() if self.attempts is None else range(self.attempts):
            yield delay * (1 - self.jitter * chance.random())
            delay = min(delay * self.factor, self.longest_delay)
