"""What a client makes of messages, in its simplest form."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pytest_inner_universe.wire import (
    PersistentTableRows,
    SubscribeApplied,
    TransactionUpdate,
    UnsubscribeApplied,
)

Row = bytes
Bags = dict[tuple[int, str], Counter[Row]]


class Cache:
    """What a client of the second protocol makes of messages: a bag of rows per set and table."""

    def __init__(self) -> None:
        self.bags: Bags = {}

    def take(self, message: Any) -> None:
        if isinstance(message, SubscribeApplied):
            for entry in message.rows.tables:
                self.bags.setdefault((message.query_set_id, entry.table), Counter()).update(entry.rows.rows)
        elif isinstance(message, UnsubscribeApplied):
            self.bags = {key: bag for key, bag in self.bags.items() if key[0] != message.query_set_id}
        else:
            assert isinstance(message, TransactionUpdate)
            for part in message.query_sets:
                for table in part.tables:
                    bag = self.bags.setdefault((part.query_set_id, table.table_name), Counter())
                    for rows in table.rows:
                        assert isinstance(rows, PersistentTableRows)
                        bag.update(rows.inserts.rows)
                        bag.subtract(rows.deletes.rows)
                    assert all(count >= 0 for count in bag.values())

    def visible(self, table: str) -> set[Row]:
        return {row for (_, name), bag in self.bags.items() if name == table for row in +bag}

    def of_set(self, number: int) -> dict[str, Counter[Row]]:
        return {table: +bag for (owner, table), bag in self.bags.items() if owner == number and +bag}
