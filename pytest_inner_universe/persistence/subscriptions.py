"""Subscriptions to changes of the tables."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any

from .delivery import SETTLE_SECONDS, Delivery
from .errors import CorruptDataError, PersistenceError, ValidationError
from .operations import Operations, translate
from .schema import ENTITY, EVENT_LOG, RELATION, STATE_VERSION, TableSchema
from .sql import select
from .types import DELETED, INSERTED, UPDATED, Row

ChangeCallback = Callable[..., Any]
"""Called with change type and row, and the row before when asked for; plain or async."""

_Change = tuple[str, dict[str, Any], "dict[str, Any] | None"]


class ChangeSubscription:
    """A subscription to one table, as `subscribe_entity_changes` and its siblings return it.

    Args:
        table: The table.
        decode: Turns rows of the wire into those for users.
        deliver: Calls the callback.
        with_before: Whether the callback wants the row before an update.
        forget: Called once when the subscription ends.
    """

    def __init__(
        self,
        table: TableSchema,
        decode: Callable[[TableSchema, dict[str, Any]], Row],
        deliver: Delivery,
        with_before: bool,
        forget: Callable[[ChangeSubscription], None],
    ) -> None:
        self.table = table.name
        self.is_active = False
        self._schema = table
        self._decode = decode
        self._deliver = deliver
        self._with_before = with_before
        self._forget = forget
        self._logger = logging.getLogger("inner_universe")
        self._subscription: Any = None
        # Changes kept back until the rows that were there can be told in order; None when there is nothing to wait for.
        self._early: list[_Change] | None = None

    def __repr__(self) -> str:
        return f"<ChangeSubscription {self.table} {'active' if self.is_active else 'ended'}>"

    async def unsubscribe(self) -> None:
        """End the subscription and wait until what has arrived is delivered; without effect the second time.

        Raises:
            ConnectionError: The connection broke meanwhile; the subscription is over all the same.
        """
        if not self.is_active:
            return
        self.is_active = False
        self._forget(self)
        try:
            await self._subscription.unsubscribe()
        except Exception as error:
            raise translate("unsubscribe", error) from error
        finally:
            await self.settle()

    async def settle(self) -> None:
        """Wait until an async callback has taken everything that has arrived."""
        await self._deliver.settle(SETTLE_SECONDS)

    async def _begin(self, subscribe: Callable[..., Any], replay: bool) -> None:
        self._early = [] if replay else None
        self._subscription = await subscribe(
            select(self._schema),
            on_insert=self._inserted,
            on_update=self._updated,
            on_delete=self._deleted,
            on_error=self._failed,
            replay=replay,
        )
        self.is_active = True
        early, self._early = self._early or [], None
        for change in self._in_order(early):
            self._tell(*change)

    def _in_order(self, early: list[_Change]) -> list[_Change]:
        """Sort the rows that were there: they come in no order, and changes that came before we woke up come after them."""
        time, key = self._schema.time_column, self._schema.primary_key
        there = list(itertools.takewhile(lambda change: change[0] == INSERTED, early))
        there.sort(key=lambda change: (change[1][time].micros, change[1][key]))
        return there + early[len(there) :]

    def _inserted(self, row: dict[str, Any]) -> None:
        self._change(INSERTED, row, None)

    def _updated(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._change(UPDATED, after, before)

    def _deleted(self, row: dict[str, Any]) -> None:
        self._change(DELETED, row, row)

    def _failed(self, error: Exception) -> None:
        self._logger.error("subscription to %s was given up: %s", self.table, error)
        self.is_active = False
        self._forget(self)

    def _change(self, kind: str, row: dict[str, Any], before: dict[str, Any] | None) -> None:
        if self._early is not None:
            self._early.append((kind, row, before))
        else:
            self._tell(kind, row, before)

    def _tell(self, kind: str, row: dict[str, Any], before: dict[str, Any] | None) -> None:
        try:
            decoded = self._decode(self._schema, row)
            earlier = None if before is None or not self._with_before else self._decode(self._schema, before)
        except CorruptDataError as error:
            self._logger.error("a change was not told: %s", error)  # noqa: TRY400 (the text says it all)
            return
        self._deliver(kind, decoded, *([earlier] if self._with_before else []))


class ChangeSubscriptions(Operations):
    """Watching the tables.

    A callback gets the change type (``INSERTED``, ``UPDATED``, ``DELETED``) and the row: the new one, or for DELETED the
    one that was there. It runs on the client's event loop, for one change after the other; what it raises is logged.
    An async callback is awaited, and later changes wait for it.
    """

    async def subscribe_entity_changes(
        self, callback: ChangeCallback, *, replay: bool = False, with_before: bool = False
    ) -> ChangeSubscription:
        """Watch entities.

        Args:
            callback: Called with change type and row.
            replay: Whether to report the rows that exist already as INSERTED first.
            with_before: Whether to call with a third argument, the row before the change; None for INSERTED.

        Returns:
            A token; ``await token.unsubscribe()`` ends the subscription, and so does `disconnect`.
        """
        return await self._watch(ENTITY, callback, replay, with_before)

    async def subscribe_relation_changes(
        self, callback: ChangeCallback, *, replay: bool = False, with_before: bool = False
    ) -> ChangeSubscription:
        """Watch relations; see `subscribe_entity_changes`."""
        return await self._watch(RELATION, callback, replay, with_before)

    async def subscribe_state_version_changes(
        self, callback: ChangeCallback, *, replay: bool = False, with_before: bool = False
    ) -> ChangeSubscription:
        """Watch state versions; see `subscribe_entity_changes`."""
        return await self._watch(STATE_VERSION, callback, replay, with_before)

    async def subscribe_event_log_changes(
        self, callback: ChangeCallback, *, replay: bool = False, with_before: bool = False
    ) -> ChangeSubscription:
        """Watch the event log; see `subscribe_entity_changes`."""
        return await self._watch(EVENT_LOG, callback, replay, with_before)

    async def _watch(
        self, table: TableSchema, callback: ChangeCallback, replay: bool, with_before: bool
    ) -> ChangeSubscription:
        operation = f"subscribe_{table.name}_changes"
        connection = self._connected(operation)
        if not callable(callback):
            raise ValidationError(f"{operation}: the callback must be callable, got {callback!r}")
        deliver = Delivery(callback, self.logger, f"callback for changes of {table.name}")
        token = ChangeSubscription(table, self._decoded, deliver, with_before, self._forget)
        try:
            await token._begin(connection.subscribe, replay)
        except Exception as error:
            raise self._translated(operation, error) from error
        self.subscriptions.append(token)
        self.logger.debug("%s: subscribed", operation)
        return token

    def _forget(self, token: ChangeSubscription) -> None:
        if token in self.subscriptions:
            self.subscriptions.remove(token)

    async def _unsubscribe_all(self) -> None:
        for token in list(self.subscriptions):
            try:
                await token.unsubscribe()
            except PersistenceError as error:
                self.logger.debug("unsubscribing from %s: %s", token.table, error)
