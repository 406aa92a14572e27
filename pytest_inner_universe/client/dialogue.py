"""What a client and its server say to each other, and what it means for the cache and for those who wait.

What arrives is handled in the order of arrival, one message at a time and without waiting in between: the cache takes the
whole transaction, then callbacks run, then whoever waits for the answer is woken. A task that wakes up may find that
later transactions have been applied meanwhile, but never a part of one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from ..sats.errors import DecodeError
from ..wire.errors import ProtocolError
from ..wire.messages import (
    ClientMessage,
    InitialConnection,
    OneOffQueryResult,
    ProcedureResult,
    ReducerOk,
    ReducerResult,
    ServerMessage,
    Subscribe,
    SubscribeApplied,
    SubscriptionError,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)
from ..wire.session import ClientSession
from .cache import Tables
from .callbacks import CallbackRunner
from .changes import Delta, deltas_of
from .conditions import Conditions
from .errors import Ending, NotConnected, SubscriptionFailed, UnknownTable, WrongLoop
from .requests import Requests
from .subscription import Subscription, SubscriptionState

if TYPE_CHECKING:
    from ..sats.definition import ModuleDef
    from .keeper import Keeper
    from .link import Link

INTRODUCTION: Final = 0
"""The number of the message that comes first, without being asked for; requests have numbers from 1 on."""

logger = logging.getLogger(__name__)


class Dialogue:
    """The receiver of a connection's messages, and the way for its requests.

    Args:
        definition: What the module declares.
        timeout: The most seconds that a request waits; None for as long as it takes.
    """

    def __init__(self, definition: ModuleDef, timeout: float | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = ClientSession()
        self.tables = Tables(definition)
        self.requests = Requests(self.loop, timeout)
        self.conditions = Conditions(self.loop)
        self.callbacks = CallbackRunner(self.loop)
        self.subscriptions: dict[int, Subscription] = {}
        self.introduction: InitialConnection | None = None
        self.link: Link | None = None
        self.keeper: Keeper | None = None
        """Who makes lost connections anew, if anybody does."""

        self.ending: Ending | None = None
        """How the connection came to its end; None while it is open."""

        self.ended = asyncio.Event()
        """Set when it is over."""

        self._link_closing: asyncio.Task[None] | None = None
        self._query_set_ids = count(1)

    # Sending

    async def ask(self, message: ClientMessage, what: str, repeats: bool = True) -> Any:
        """Send a request and return its answer.

        Args:
            message: The request.
            what: The answer in words.
            repeats: Whether it may be sent again if the answer is lost.

        Raises:
            NotConnected: The connection is not open, or ended before the answer came.
            RequestTimeout: The server did not answer in time.
        """
        self.check()
        async with self.requests.slots:
            self.check()
            pending = self.requests.expect(message.request_id, what, message, repeats)
            try:
                if not self.is_coming_back:
                    self.send(message)
                    pending.is_sent = True
                return await self.requests.answer(pending)
            finally:
                self.requests.forget(message.request_id)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; see `Subscription.unsubscribe`."""
        self.check_loop()
        if subscription.state is SubscriptionState.ACTIVE and self.is_coming_back:
            self.end_subscription(subscription.query_set_id)
        elif subscription.state is SubscriptionState.ACTIVE:
            subscription.state = SubscriptionState.ENDING
            message = Unsubscribe(self.requests.new_id(), subscription.query_set_id)
            await self.ask(message, f"the answer to the end of the subscription {subscription.queries[0]!r}")
        elif subscription.state is SubscriptionState.ENDING:
            await subscription.ended()

    def check(self) -> None:
        """Raise `WrongLoop` on another event loop, `NotConnected` if the connection is not open."""
        self.check_loop()
        if self.ending is not None:
            raise NotConnected(self.ending.reason, self.ending.code, self.ending.closed_by)

    def check_loop(self) -> None:
        """Raise `WrongLoop` on another event loop."""
        running = asyncio.get_running_loop()
        if running is not self.loop:
            raise WrongLoop(_describe(self.loop), _describe(running))

    @property
    def is_coming_back(self) -> bool:
        """Whether the connection was lost and is being made anew."""
        return self.keeper is not None and self.keeper.is_coming_back

    def send(self, message: ClientMessage) -> None:
        """Send a message over the connection that there is."""
        assert self.link is not None
        self.session.send(message)
        for outgoing in self.session.messages_to_send():
            self.link.send(outgoing)

    def new_query_set(self, queries: tuple[str, ...], replay: bool) -> Subscription:
        """Return a subscription that has not been asked for yet."""
        return Subscription(self, next(self._query_set_ids), queries, replay)

    async def subscribe(self, subscription: Subscription) -> None:
        """Ask for a subscription; see `Connection.subscribe`."""
        queries = subscription.queries
        self.subscriptions[subscription.query_set_id] = subscription
        message = Subscribe(self.requests.new_id(), subscription.query_set_id, queries)
        try:
            answer = await self.ask(message, f"the answer to the subscription {queries[0]!r}")
        except BaseException:
            self._abandon(subscription)
            raise
        if isinstance(answer, SubscriptionError):
            raise SubscriptionFailed(queries, answer.error)
        if isinstance(answer, UnknownTable):
            raise answer

    def _abandon(self, subscription: Subscription) -> None:
        """Let go of a subscription that nobody waits for any more."""
        subscription.is_mute = True
        if self.ending is not None or self.is_coming_back:
            self.subscriptions.pop(subscription.query_set_id, None)
            subscription.leave()
        elif subscription.state is SubscriptionState.ACTIVE:
            subscription.end()
            self._unsubscribe(subscription)

    def _unsubscribe(self, subscription: Subscription) -> None:
        self.send(Unsubscribe(self.requests.new_id(), subscription.query_set_id))

    # Receiving

    def messages(self, messages: list[ServerMessage]) -> None:
        """Take messages; see `Receiver`."""
        for message in messages:
            if self.ending is None:
                self._receive(message)

    def closed(self, code: int | None, reason: str) -> None:
        """Take note of the end; see `Receiver`."""
        ending = Ending("server", reason, code)
        if self.keeper is None or self.introduction is None or self.ending is not None:
            self.lose(ending)
        else:
            self.keeper.lost(ending)

    def failed(self, error: Exception) -> None:
        """Take note that the server broke the protocol; see `HearsOfFailures`."""
        self._fail(error)

    def _receive(self, message: ServerMessage) -> None:
        try:
            self.session.receive(message)
            if self.keeper is None or not self.keeper.take(message):
                _HANDLERS[type(message)](self, message)
            self.conditions.check()
        except Exception as error:  # noqa: BLE001  # without the message the cache is wrong, and waiting would never end
            self._fail(error)

    def _introduced(self, message: InitialConnection) -> None:
        self.introduction = message
        self.requests.settle(INTRODUCTION, message)

    def _subscribed(self, message: SubscribeApplied) -> None:
        subscription = self.subscriptions[message.query_set_id]
        if not subscription.is_mute:
            try:
                changes = subscription.fill(message.rows)
            except UnknownTable as error:
                subscription.is_mute = True
                self.requests.settle(message.request_id, error)
            else:
                subscription.listeners.notify(self.callbacks, changes)
                self.requests.settle(message.request_id, message)
                return
        self._unsubscribe(subscription)

    def _unsubscribed(self, message: UnsubscribeApplied) -> None:
        self.end_subscription(message.query_set_id)
        self.requests.settle(message.request_id, message)

    def _subscription_failed(self, message: SubscriptionError) -> None:
        if message.request_id is not None:
            self.end_subscription(message.query_set_id)
            self.requests.settle(message.request_id, message)
        else:
            self.break_subscription(message.query_set_id, message.error)

    def break_subscription(self, query_set_id: int, text: str) -> None:
        """Take note that the server has given a subscription up."""
        subscription = self.end_subscription(query_set_id)
        if subscription is not None:
            subscription.error = SubscriptionFailed(subscription.queries, text)
            logger.warning("%s", subscription.error)
            subscription.errors.notify(self.callbacks, subscription.error)

    def end_subscription(self, query_set_id: int) -> Subscription | None:
        """Let go of a subscription and its rows."""
        subscription = self.subscriptions.pop(query_set_id, None)
        if subscription is not None:
            subscription.end()
        return subscription

    def _answered(self, message: OneOffQueryResult | ProcedureResult) -> None:
        self.requests.settle(message.request_id, message)

    def _called(self, message: ReducerResult) -> None:
        if isinstance(message.result, ReducerOk):
            self._updated(message.result.transaction_update)
        self.requests.settle(message.request_id, message)

    def _updated(self, update: TransactionUpdate) -> None:
        shares: list[tuple[Subscription, dict[str, Delta]]] = []
        for part in update.query_sets:
            subscription = self.subscriptions.get(part.query_set_id)
            if subscription is not None and not subscription.is_mute:
                shares.append((subscription, deltas_of(part)))
        if shares:
            self.apply(shares)

    def apply(self, shares: list[tuple[Subscription, dict[str, Delta]]]) -> None:
        """Apply what a transaction means for each subscription, then tell whoever listens."""
        sums: dict[str, Delta] = {}
        for _, deltas in shares:
            for name, delta in deltas.items():
                sums.setdefault(name, Delta()).add(delta)
        table_changes = [(table := self.tables[name], table.take(delta)) for name, delta in sums.items()]
        own_changes = [(subscription, subscription.take(deltas)) for subscription, deltas in shares]
        for table, changes in table_changes:
            table.listeners.notify(self.callbacks, changes)
        for subscription, changes in own_changes:
            subscription.listeners.notify(self.callbacks, changes)

    # Losing

    def _fail(self, error: Exception) -> None:
        if self.ending is not None:
            return
        if isinstance(error, (ProtocolError, DecodeError)):
            reason = f"the server broke the protocol: {error}"
        else:
            reason = f"a message of the server could not be used: {type(error).__name__}: {error}"
        logger.error("the connection is given up: %s", reason, exc_info=error)
        self.lose(Ending("client", reason), error)
        if self.link is not None:
            self._link_closing = self.loop.create_task(self.link.close())

    def lose(self, ending: Ending, cause: BaseException | None = None) -> None:
        """End the dialogue: whatever waits fails, and nothing is received any more."""
        if self.ending is not None:
            return
        self.ending = ending
        self.ended.set()
        if self.keeper is not None:
            self.keeper.give_up()
        self.session.close(ending.code, ending.reason)
        for subscription in self.subscriptions.values():
            subscription.leave()
        self.requests.fail(ending, cause)
        self.conditions.fail(ending, cause)

    async def close_link(self) -> None:
        """Close the link, if there is one and it is not closed."""
        if self.keeper is not None:
            await self.keeper.stopped()
        if self.link is not None:
            await self.link.close()
        if self._link_closing is not None:
            await self._link_closing


_HANDLERS: Final[dict[type, Callable[[Dialogue, Any], None]]] = {
    InitialConnection: Dialogue._introduced,
    SubscribeApplied: Dialogue._subscribed,
    UnsubscribeApplied: Dialogue._unsubscribed,
    SubscriptionError: Dialogue._subscription_failed,
    OneOffQueryResult: Dialogue._answered,
    ProcedureResult: Dialogue._answered,
    ReducerResult: Dialogue._called,
    TransactionUpdate: Dialogue._updated,
}


def _describe(loop: asyncio.AbstractEventLoop) -> str:
    return f"{type(loop).__name__} at {id(loop):#x}{' (closed)' if loop.is_closed() else ''}"
