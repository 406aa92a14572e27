"""How often a client is sent what several of its query sets have in common; apart from the messages, which take time to load."""

from __future__ import annotations

from enum import Enum


class Counting(Enum):
    """How often a client gets the rows of a query that several of its sets have."""

    PER_SET = "once for each set"
    PER_CLIENT = "once for all sets of this kind"
    PER_CLIENT_SHOWN = "once for all sets of this kind, but each begins by showing them"
