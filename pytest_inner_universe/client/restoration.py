"""Bringing subscriptions over to another connection.

While the connection was gone, rows came, changed and went, and nobody said so. The new connection tells what there is now, set
by set, and what happens in between. Only when the last set is there, all of them are compared with what was known, so that
whoever listens hears of one transaction that did it all: nothing twice, nothing missing, and an update as an update.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..wire.messages import ServerMessage, SubscribeApplied, SubscriptionError, TransactionUpdate
from .changes import Bag, Delta, apply, deltas_of
from .subscription import Subscription, counts_of


class Restoration:
    """What a new connection has said so far.

    Args:
        subscriptions: The subscriptions that are brought over.
    """

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self.subscriptions = {one.query_set_id: one for one in subscriptions}
        self.refused: dict[int, str] = {}
        """The server's words about sets that it does not bring back."""

        self._waiting = set(self.subscriptions)
        self._bags: dict[int, dict[str, Bag]] = {}
        self._events: dict[int, dict[str, dict[bytes, None]]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether all sets are there."""
        return not self._waiting

    def take(self, message: ServerMessage) -> None:
        """Take a message.

        Raises:
            RemoteProtocolError: Rows are taken away that are not there.
        """
        if isinstance(message, SubscribeApplied):
            self._bags[message.query_set_id] = counts_of(message.rows)
            self._waiting.discard(message.query_set_id)
        elif isinstance(message, SubscriptionError):
            self._bags.pop(message.query_set_id, None)
            self.refused[message.query_set_id] = message.error
            self._waiting.discard(message.query_set_id)
        elif isinstance(message, TransactionUpdate):
            for part in message.query_sets:
                bags = self._bags[part.query_set_id]
                for table, delta in deltas_of(part).items():
                    apply(table, bags.setdefault(table, {}), delta.counts)
                    if delta.events:
                        events = self._events.setdefault(part.query_set_id, {})
                        events.setdefault(table, {}).update(delta.events)

    def shares(self) -> list[tuple[Subscription, dict[str, Delta]]]:
        """Return what became of each set meanwhile."""
        return [
            (subscription, self._difference(number, subscription))
            for number, subscription in self.subscriptions.items()
            if number in self._bags and subscription.is_active
        ]

    def _difference(self, number: int, subscription: Subscription) -> dict[str, Delta]:
        before, after, events = subscription.bags, self._bags[number], self._events.get(number, {})
        deltas: dict[str, Delta] = {}
        for table in dict.fromkeys((*before, *after, *events)):
            delta = Delta()
            known, now = before.get(table, {}), after.get(table, {})
            delta.counts.update((row, -count) for row, count in known.items() if row not in now)
            for row, count in now.items():
                change = count - known.get(row, 0)
                if change:
                    delta.counts[row] = change
            delta.events.update(events.get(table, {}))
            if delta.counts or delta.events:
                deltas[table] = delta
        return deltas
