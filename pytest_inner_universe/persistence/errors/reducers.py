"""What came of calls."""

from __future__ import annotations

from .base import PersistenceError


class BatchError(PersistenceError):
    """One item of a batch failed, and so nothing of the batch was written.

    Args:
        position: Which item, counted from 0.
        id: Its id.
        reason: What was wrong with it.
    """

    def __init__(self, position: int, id: str, reason: PersistenceError) -> None:
        self.position = position
        self.id = id
        self.reason = reason
        super().__init__(position, id, reason)

    def __str__(self) -> str:
        return f"item {self.position} ({self.id}) failed and nothing of the batch was written: {self.reason}"


class ReducerError(PersistenceError):
    """A reducer failed with a text that is not known here.

    Args:
        reducer: Name of the reducer.
        message: What the module said.
    """

    def __init__(self, reducer: str, message: str) -> None:
        self.reducer = reducer
        self.message = message
        super().__init__(reducer, message)

    def __str__(self) -> str:
        return f"{self.reducer} failed: {self.message}"


class ReducerCrashedError(ReducerError):
    """A reducer panicked or was stopped; its transaction left nothing behind."""


class NERVPersistenceError(PersistenceError):
    """A failure seen through one of the NERV adapters; the cause is chained."""
