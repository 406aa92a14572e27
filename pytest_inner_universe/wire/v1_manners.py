"""In what releases of the server differ that speak the first protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class V1Manners:
    """How a release speaks the first protocol.

    Args:
        keeps_request_ids: Whether the answer to a call that failed while it ran names the request.
        names_failed_sets: Whether a taken query id, and queries that a legacy `Subscribe` cannot have, are answered by a
            `SubscriptionError`; otherwise it is a failed transaction of no reducer.
        has_procedures: Whether clients can call procedures; otherwise the message is none.
        sends_empty_updates: Whether the rows of a single query are one update even if there are none.
        measures_rows: Whether rows that happen to have the same size are sent with that size; otherwise those of tables
            whose rows cannot have another, where a state is shown.
        complains_as_before_2: Whether what is said of arguments that do not fit is in the words of servers before 2.0.
    """

    keeps_request_ids: bool = True
    names_failed_sets: bool = True
    has_procedures: bool = True
    sends_empty_updates: bool = False
    measures_rows: bool = True
    complains_as_before_2: bool = False


NEWEST: Final = V1Manners()
OLDEST: Final = V1Manners(
    keeps_request_ids=False,
    names_failed_sets=False,
    has_procedures=False,
    sends_empty_updates=True,
    measures_rows=False,
    complains_as_before_2=True,
)
"""Those of 1.2."""
