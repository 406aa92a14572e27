"""What a text says about why a request failed.

The first protocol reports all failures alike. The later ones tell the module's own error from a call that crashed or was
refused, and the first treats a refused call differently without saying that it is one. The texts are those of servers.
"""

from __future__ import annotations

from typing import Final

OUT_OF_ENERGY: Final = "reducer ran out of energy"

_CRASHES: Final = frozenset(
    {
        "The instance encountered a fatal error.",
        "The Wasm instance encountered a fatal error.",  # 1.2.0
        OUT_OF_ENERGY,
    }
)
PROCEDURE_CRASHED: Final = "The module instance encountered a fatal error: "
"""What the text of a procedure that did not come to its end begins with, whichever way it is called."""

_REFUSALS: Final = ("no such reducer", "invalid arguments for reducer ", "can't directly call special ")


def is_crash(text: str) -> bool:
    """Return whether a text says that the reducer did not come to its end."""
    return text in _CRASHES


def is_crash_of_procedure(text: str) -> bool:
    """Return whether a text says that the procedure did not come to its end."""
    return text.startswith(PROCEDURE_CRASHED)


def is_refusal(text: str) -> bool:
    """Return whether a text says that the call was not even begun."""
    return text.startswith(_REFUSALS)


def is_taken_set(text: str) -> bool:
    """Return whether a text says that the id of a query set is in use."""
    return text.startswith("Subscription with id ")
