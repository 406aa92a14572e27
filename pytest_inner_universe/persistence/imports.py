"""What only the owner of a database can do with whole tables: read them at one moment, empty them, and write rows as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from .operations import Operations
from .schema import TableSchema
from .sql import select

if TYPE_CHECKING:
    from ..client.subscription import FrozenRows


class ImportOperations(Operations):
    """Reading and writing whole tables; what archives stand on."""

    async def read_tables(self, tables: Iterable[TableSchema]) -> dict[str, FrozenRows]:
        """Return all rows of some tables as they are at one and the same moment.

        They are kept as the server sent them, and decoded one by one while somebody goes through them.

        Args:
            tables: The tables; those that are private can only be read by the owner.

        Raises:
            PersistenceError: The server refuses one of them.
        """
        connection = self._connected("read_tables")
        names = []
        try:
            async with AsyncExitStack() as ends:
                subscriptions = {}
                for table in tables:
                    names.append(table.name)
                    subscription = subscriptions[table.name] = await connection.subscribe(select(table))
                    ends.push_async_callback(subscription.unsubscribe)
                # Nothing is awaited in here: all of them are in step with the same transaction.
                return {name: subscription.frozen(name) for name, subscription in subscriptions.items()}
        except Exception as error:
            raise self._translated(f"read_tables({', '.join(names)})", error) from error

    async def import_rows(self, reducer: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as they are, with ids and times, in one transaction; for the owner. No events are written.

        A row that is there already is left alone when it is the same. Configuration replaces what is there.

        Args:
            reducer: Which rows, as ``import_entities``.
            rows: The rows, in the form of the wire.

        Raises:
            AuthorizationError: The caller is not the owner.
            BatchError: A row is there already with other content.
        """
        await self._call(reducer, rows)

    async def clear_for_import(self) -> None:
        """Take all data, events and configuration out of the database; for the owner. Grants stay."""
        await self._call("clear_for_import")
