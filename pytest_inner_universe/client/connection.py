"""A connection to a database: calls, queries, subscriptions, and the rows that they keep at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ..sats.bsatn import codec
from ..sats.values import ConnectionId, Identity
from ..wire.messages import (
    CallProcedure,
    CallReducer,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    ProcedureInternalError,
    ProcedureResult,
    ReducerErr,
    ReducerInternalError,
    ReducerResult,
)
from .cache import Row, Tables
from .dialogue import INTRODUCTION, Dialogue
from .errors import (
    CallbackFailed,
    ConnectionLost,
    ConnectionRejected,
    Ending,
    ProcedureCrashed,
    QueryFailed,
    ReducerCrashed,
    ReducerFailed,
    SubscriptionFailed,
    UnknownProcedure,
    UnknownReducer,
)
from .subscription import Subscription

if TYPE_CHECKING:
    from ..sats.definition import ModuleDef
    from .callbacks import Cancel
    from .keeper import Keeper
    from .link import Transport
    from .reconnect import Reconnect

Outcome = TypeVar("Outcome")
"""What a condition of `Connection.wait_for` returns."""


class Connection:
    """An open connection, on the event loop that opened it; made by `Connection.open`.

    Example:
        >>> async with await Connection.open(transport, definition) as connection:  # doctest: +SKIP
        ...     await connection.subscribe("SELECT * FROM person")
        ...     await connection.call("add_person", "Ada", team=1, age=36)
        ...     assert connection.tables["person"].rows()[0]["name"] == "Ada"
    """

    def __init__(self, definition: ModuleDef, timeout: float | None, close_timeout: float) -> None:
        self.definition = definition
        """What the module declares; calls are written and rows are read by it."""

        self._dialogue = Dialogue(definition, timeout)
        self._close_timeout = close_timeout
        self._is_closing = False
        self._closed = asyncio.Event()

    # Opening and closing

    @classmethod
    async def open(
        cls,
        transport: Transport,
        definition: ModuleDef,
        *,
        timeout: float | None = None,
        close_timeout: float = 5.0,
        reconnect: Reconnect | None = None,
    ) -> Connection:
        """Connect to a database, and return when the server has said who this client is.

        Args:
            transport: The way to the server.
            definition: What the module declares.
            timeout: The most seconds that a call, a query or a subscription waits for its answer, and connecting for the
                first message of the server; None for as long as it takes.
            close_timeout: The most seconds that closing waits for asynchronous callbacks that still run.
            reconnect: How to come back when the connection is lost later; None for not at all. Subscriptions are brought over, and
                their callbacks hear what changed meanwhile. Requests wait until it is there again.

        Raises:
            ConnectionRejected: The server turned the client away.
            RequestTimeout: The server said nothing in time.
        """
        connection = cls(definition, timeout, close_timeout)
        dialogue = connection._dialogue
        if reconnect is not None:
            from .keeper import Keeper

            dialogue.keeper = Keeper(dialogue, transport, reconnect)
        introduction = dialogue.requests.expect(INTRODUCTION, "the server's first message")
        try:
            dialogue.link = await transport.open(dialogue)
            await dialogue.requests.answer(introduction)
        except ConnectionLost as error:
            await connection.close()
            raise ConnectionRejected(error.reason, error.code) from error.__cause__
        except BaseException:
            await connection.close()
            raise
        finally:
            dialogue.requests.forget(INTRODUCTION)
        return connection

    @property
    def is_open(self) -> bool:
        """Whether calls can be made; while the connection is made anew, they wait."""
        return self._dialogue.ending is None

    @property
    def is_reconnecting(self) -> bool:
        """Whether the connection was lost and is being made anew."""
        return self._dialogue.ending is None and self._dialogue.is_coming_back

    @property
    def identity(self) -> Identity:
        """Who this client is."""
        return self._introduction.identity

    @property
    def connection_id(self) -> ConnectionId:
        """Which of the identity's connections this is."""
        return self._introduction.connection_id

    @property
    def token(self) -> str:
        """With it the same identity can connect again."""
        return self._introduction.token

    @property
    def tables(self) -> Tables:
        """The rows that the subscriptions cover, by table: ``connection.tables["person"].rows()``."""
        return self._dialogue.tables

    @property
    def _introduction(self) -> InitialConnection:
        assert self._dialogue.introduction is not None
        return self._dialogue.introduction

    async def close(self) -> None:
        """Close the connection: asynchronous callbacks come to their end, whatever still waits for an answer fails.

        The rows in `tables` stay as they are. A second time does nothing.

        Raises:
            WrongLoop: The connection belongs to another event loop.
        """
        self._dialogue.check_loop()
        if self._is_closing:
            with self._dialogue.callbacks.exempt():
                await self._closed.wait()
            return
        self._is_closing = True
        try:
            await self._dialogue.callbacks.drained(self._close_timeout, is_closing=True)
        finally:
            self._dialogue.lose(Ending("client"))
            try:
                await self._dialogue.close_link()
                await self._dialogue.callbacks.stop()
            finally:
                self._closed.set()

    async def wait_closed(self) -> None:
        """Wait until the connection is not open any more, whoever closed it.

        Raises:
            WrongLoop: The connection belongs to another event loop.
        """
        self._dialogue.check_loop()
        await self._dialogue.ended.wait()

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        condition = "open" if self.is_open else "closed"
        waiting = len(self._dialogue.requests)
        return f"<Connection {condition}, {len(self.subscriptions)} subscriptions, {waiting} waiting>"

    # Asking

    async def call(self, reducer: str, /, *args: Any, retry: bool = False, **kwargs: Any) -> None:
        """Call a reducer, and return when it has committed and its changes are in the cache.

        Args:
            reducer: Its name.
            *args: Arguments by position.
            retry: Whether to call again if the connection is lost before the answer came, and made anew. The reducer may run twice
                then, so do it only where that does the same as once, for instance because rows have ids that the caller gives.
            **kwargs: Arguments by name; one that is called ``retry`` can only be given by position.

        Raises:
            OutcomeUnknown: The connection ended before the answer came.
            UnknownReducer: The module has none of this name.
            ArgumentError: The arguments do not fit it.
            ReducerFailed: It returned an error.
            ReducerCrashed: It panicked, or the server would not run it.
            NotConnected: The connection is not open.
            RequestTimeout: The server did not answer in time.
            WrongLoop: The connection belongs to another event loop.
        """
        self._dialogue.check()
        declared = self.definition.reducers.get(reducer)
        if declared is None:
            raise UnknownReducer.of(self.definition, reducer)
        data = declared.encode_args(*args, **kwargs)
        message = CallReducer(self._dialogue.requests.new_id(), 0, reducer, data)
        what = f"the answer to the call of {reducer!r}"
        answer: ReducerResult = await self._dialogue.ask(message, what, repeats=retry)
        if isinstance(answer.result, ReducerErr):
            raise ReducerFailed(reducer, answer.result.text)
        if isinstance(answer.result, ReducerInternalError):
            raise ReducerCrashed(reducer, answer.result.message)

    async def call_procedure(self, procedure: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure of a 2.x module, and return its value; what it committed is in the cache by then.

        A procedure that is lost on the way is never called again: it is no transaction, and may have done half of its work.

        Args:
            procedure: Its name.
            *args: Arguments by position.
            **kwargs: Arguments by name.

        Returns:
            The value of its return type; ``()`` where it returns nothing.

        Raises:
            OutcomeUnknown: The connection ended before the answer came.
            UnknownProcedure: The module has none of this name.
            ArgumentError: The arguments do not fit it.
            ProcedureCrashed: It panicked, or the server would not run it.
            NotConnected: The connection is not open.
            RequestTimeout: The server did not answer in time.
            WrongLoop: The connection belongs to another event loop.

        Example:
            >>> await connection.call_procedure("add", 2, right=3)  # doctest: +SKIP
            5
        """
        self._dialogue.check()
        declared = self.definition.procedures.get(procedure)
        if declared is None:
            raise UnknownProcedure.of(self.definition, procedure)
        data = declared.encode_args(*args, **kwargs)
        message = CallProcedure(self._dialogue.requests.new_id(), 0, procedure, data)
        what = f"the answer to the call of {procedure!r}"
        answer: ProcedureResult = await self._dialogue.ask(message, what, repeats=False)
        if isinstance(answer.status, ProcedureInternalError):
            raise ProcedureCrashed(procedure, answer.status.message)
        return codec(declared.return_type).decode(answer.status.value)

    async def query(self, sql: str) -> list[Row]:
        """Return the rows of one query, as they are now.

        Args:
            sql: A query of the kind that can be subscribed to.

        Raises:
            QueryFailed: The server refused the query.
            UnknownTable: The rows are of a table that the module does not declare.
            NotConnected: The connection is not open; `ConnectionLost` if it ended before the answer came.
            RequestTimeout: The server did not answer in time.
            WrongLoop: The connection belongs to another event loop.
        """
        self._dialogue.check()
        message = OneOffQuery(self._dialogue.requests.new_id(), _text(sql))
        answer: OneOffQueryResult = await self._dialogue.ask(message, f"the answer to the query {sql!r}")
        if isinstance(answer.result, str):
            raise QueryFailed(sql, answer.result)
        return [self.tables[part.table].decode(row) for part in answer.result.tables for row in part.rows]

    async def subscribe(
        self,
        *queries: str,
        on_insert: Callable[[Row], Any] | None = None,
        on_update: Callable[[Row, Row], Any] | None = None,
        on_delete: Callable[[Row], Any] | None = None,
        on_error: Callable[[SubscriptionFailed], Any] | None = None,
        replay: bool = False,
    ) -> Subscription:
        """Keep the rows of queries in the cache, and return when the first ones are there.

        The callbacks hear of changes in the rows of these queries; those of `TableCache` hear of changes in all rows of
        a table, whichever queries cover them, and run first.

        Args:
            *queries: One or more queries.
            on_insert: Called with each row that comes.
            on_update: Called with the old and the new form of each row that changes but keeps its primary key.
            on_delete: Called with each row that goes.
            on_error: Called if the server gives the subscription up later.
            replay: Whether the first rows are given to ``on_insert`` as well.

        Raises:
            TypeError: There is no query, one is no text, or a callback cannot be called.
            SubscriptionFailed: The server refused a query.
            UnknownTable: The rows are of a table that the module does not declare.
            NotConnected: The connection is not open; `ConnectionLost` if it ended before the answer came.
            RequestTimeout: The server did not answer in time.
            WrongLoop: The connection belongs to another event loop.
        """
        self._dialogue.check()
        if not queries:
            raise TypeError("subscribe takes at least one query")
        texts = tuple(_text(query) for query in queries)
        subscription = self._dialogue.new_query_set(texts, replay)
        listeners = subscription.listeners
        for group, callback in (
            (listeners.inserts, on_insert),
            (listeners.updates, on_update),
            (listeners.deletes, on_delete),
            (subscription.errors, on_error),
        ):
            if callback is not None:
                group.add(callback)
        await self._dialogue.subscribe(subscription)
        return subscription

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The subscriptions that were made and not ended, also after the end of the connection."""
        return tuple(one for one in self._dialogue.subscriptions.values() if not one.is_mute)

    # Coming back

    def on_lost(self, callback: Callable[[str], Any]) -> Cancel:
        """Call a function with the reason whenever the connection is lost and about to be made anew.

        Returns:
            A function that ends this.

        Raises:
            TypeError: The connection was opened without ``reconnect``.
        """
        return self._keeper.losses.add(callback)

    def on_restored(self, callback: Callable[[], Any]) -> Cancel:
        """Call a function whenever a lost connection has been made anew and all subscriptions are there again; see `on_lost`."""
        return self._keeper.returns.add(callback)

    @property
    def _keeper(self) -> Keeper:
        if self._dialogue.keeper is None:
            raise TypeError("the connection was opened without `reconnect`, so it does not come back")
        return self._dialogue.keeper

    # Waiting

    async def wait_for(self, condition: Callable[[], Outcome], timeout: float | None = None) -> Outcome:
        """Wait until a condition is true; it is looked at now and after every change of the cache.

        Args:
            condition: A function without arguments; what it raises is raised here.
            timeout: The most seconds to wait; None for as long as it takes.

        Returns:
            What the condition returned when it was true.

        Raises:
            WaitTimeout: The time was over first.
            NotConnected: The connection is not open; `ConnectionLost` if it ended first.
            WrongLoop: The connection belongs to another event loop.

        Example:
            >>> await connection.wait_for(lambda: connection.tables["person"].count == 3, timeout=1)  # doctest: +SKIP
        """
        self._dialogue.check()
        return await self._dialogue.conditions.wait(condition, timeout)

    async def drained(self) -> None:
        """Wait until no asynchronous callback runs any more.

        Raises:
            WrongLoop: The connection belongs to another event loop.
        """
        self._dialogue.check_loop()
        await self._dialogue.callbacks.drained()

    @property
    def callback_errors(self) -> tuple[CallbackFailed, ...]:
        """What callbacks raised, the latest hundred; it was also logged and given to the loop's exception handler."""
        return tuple(self._dialogue.callbacks.errors)


def _text(query: str) -> str:
    if not isinstance(query, str):
        raise TypeError(f"a query is a text, got {query!r}")
    return query
