"""Work that blocks, done in a thread, and finished whatever becomes of the task that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def finished(work: Callable[[], Result], when_cancelled: Callable[[], object] | None = None) -> Result:
    """Do something in a thread and return its result. A cancellation waits for its end, and comes through then.

    Args:
        work: What to do.
        when_cancelled: Called once at a cancellation, so that the work can be made to end early.

    Raises:
        CancelledError: The task was cancelled; the work has ended nevertheless.
    """
    # No task: the end of an event loop cancels all of them.
    running = asyncio.get_running_loop().run_in_executor(None, work)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError as error:
            if cancelled is None and when_cancelled is not None:
                when_cancelled()
            cancelled = error
    if cancelled is not None:
        running.exception()  # looked at, so that nobody is told of an error that was never asked for
        raise cancelled
    return running.result()
