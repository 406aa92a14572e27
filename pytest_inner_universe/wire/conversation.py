"""The rules of a conversation: which message may be said when. Both sessions keep one of these, and it does no I/O.

Theory
------

A conversation has three phases. It is new until the server has introduced the client to itself with
`InitialConnection`; then it is connected until one side closes it. The table `_NEXT` lists what may happen in which
phase; whatever is not in it is an error.

While connected, a client makes requests, and every request gets exactly one answer with the same request id. The table
`_ANSWERS` says which message answers which request. Two messages come unasked: `TransactionUpdate`, and a
`SubscriptionError` without request id.

A query set starts with `Subscribe`, is live from `SubscribeApplied` on, and ends with the answer to `Unsubscribe` or
with a `SubscriptionError`. Updates may name live sets only, and a set that is ending is still live.

A server lets two mistakes of its clients pass, because they have an ordinary answer: a `Subscribe` with the id of a set
that exists already, and an `Unsubscribe` of one that does not, are both answered by a `SubscriptionError`. It also never
looks at whether a request id is free. A client that makes these mistakes itself is told so at once.

Errors: in here only `LocalProtocolError` is raised, no matter who spoke. A session that applies these rules to what it
*received* turns it into `RemoteProtocolError`, so that the blame is decided in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from .errors import LocalProtocolError
from .messages import (
    CallProcedure,
    CallReducer,
    ClientMessage,
    InitialConnection,
    OneOffQuery,
    OneOffQueryResult,
    ProcedureResult,
    ReducerResult,
    ServerMessage,
    Subscribe,
    SubscribeApplied,
    SubscribeBatch,
    SubscribeBatchApplied,
    SubscriptionError,
    TransactionUpdate,
    Unsubscribe,
    UnsubscribeApplied,
)


class Phase(Enum):
    """How far a conversation is."""

    NEW = "new"
    CONNECTED = "connected"
    CLOSED = "closed"


class _Happening(Enum):
    INTRODUCTION = "introduction"
    REQUEST = "request"
    ANSWER = "answer"
    CLOSE = "close"


_NEXT: Final = {
    (Phase.NEW, _Happening.INTRODUCTION): Phase.CONNECTED,
    (Phase.NEW, _Happening.CLOSE): Phase.CLOSED,
    (Phase.CONNECTED, _Happening.REQUEST): Phase.CONNECTED,
    (Phase.CONNECTED, _Happening.ANSWER): Phase.CONNECTED,
    (Phase.CONNECTED, _Happening.CLOSE): Phase.CLOSED,
    (Phase.CLOSED, _Happening.CLOSE): Phase.CLOSED,
}

_OUT_OF_PHASE: Final = {
    Phase.NEW: "the first message of a conversation is InitialConnection",
    Phase.CONNECTED: "the conversation has begun already",
    Phase.CLOSED: "the conversation is closed",
}

_ANSWERS: Final[dict[type, tuple[type, ...]]] = {
    SubscribeApplied: (Subscribe,),
    UnsubscribeApplied: (Unsubscribe,),
    SubscriptionError: (Subscribe, Unsubscribe),
    OneOffQueryResult: (OneOffQuery,),
    ReducerResult: (CallReducer,),
    ProcedureResult: (CallProcedure,),
    SubscribeBatchApplied: (SubscribeBatch,),
}


class _SetState(Enum):
    STARTING = "starting"
    LIVE = "live"
    ENDING = "ending"


@dataclass(slots=True)
class _Request:
    message: ClientMessage
    # Sets that this request started; without those whose id was taken.
    started: tuple[int, ...] = ()


class Conversation:
    """What was said so far, as far as it matters for what may be said next.

    Args:
        is_server: Whether this is the record of a server, which lets the mistakes pass that it answers.
    """

    def __init__(self, is_server: bool) -> None:
        self._is_server = is_server
        self.phase = Phase.NEW
        self._requests: dict[int, list[_Request]] = {}
        self._sets: dict[int, _SetState] = {}

    @property
    def unanswered(self) -> tuple[ClientMessage, ...]:
        """Requests without an answer yet, in their order."""
        return tuple(request.message for requests in self._requests.values() for request in requests)

    @property
    def live_query_sets(self) -> frozenset[int]:
        """Ids of the query sets that updates may name."""
        return frozenset(key for key, state in self._sets.items() if state is not _SetState.STARTING)

    def close(self) -> None:
        """Record that one side closed the connection."""
        self._advance(_Happening.CLOSE, "a close")

    def client_says(self, message: ClientMessage) -> None:
        """Record a message of the client.

        Raises:
            LocalProtocolError: It is out of place.
        """
        name = type(message).__name__
        self._advance(_Happening.REQUEST, name)
        if not self._is_server and message.request_id in self._requests:
            raise LocalProtocolError(f"{name}: request id {message.request_id} still waits for its answer")
        request = _Request(message)
        if type(message) is Subscribe:
            request.started = self._start(name, (message.query_set_id,))
        elif type(message) is SubscribeBatch:
            request.started = self._start(name, tuple(one.query_set_id for one in message.sets))
        elif type(message) is Unsubscribe:
            self._end(message)
        self._requests.setdefault(message.request_id, []).append(request)

    def _start(self, name: str, ids: tuple[int, ...]) -> tuple[int, ...]:
        free = tuple(key for key in dict.fromkeys(ids) if key not in self._sets)
        if len(free) != len(ids) and not self._is_server:
            taken = next(key for i, key in enumerate(ids) if key in self._sets or key in ids[:i])
            raise LocalProtocolError(f"{name}: query set {taken} is in use")
        self._sets.update(dict.fromkeys(free, _SetState.STARTING))
        return free

    def _end(self, message: Unsubscribe) -> None:
        state = self._sets.get(message.query_set_id)
        if state is None or state is _SetState.ENDING:
            if self._is_server:
                return
            reason = "does not exist" if state is None else "is ending already"
            raise LocalProtocolError(f"Unsubscribe: query set {message.query_set_id} {reason}")
        if state is _SetState.LIVE:
            self._sets[message.query_set_id] = _SetState.ENDING

    def server_says(self, message: ServerMessage) -> None:
        """Record a message of the server.

        Raises:
            LocalProtocolError: It is out of place.
        """
        name = type(message).__name__
        if type(message) is InitialConnection:
            self._advance(_Happening.INTRODUCTION, name)
            return
        self._advance(_Happening.ANSWER, name)
        if type(message) is TransactionUpdate:
            self._check_update(message, name)
        elif type(message) is SubscriptionError and message.request_id is None:
            if self._sets.pop(message.query_set_id, None) is None:
                raise LocalProtocolError(f"{name}: query set {message.query_set_id} does not exist")
        else:
            self._answer(message, name)

    def _answer(self, message: ServerMessage, name: str) -> None:
        request_id: int = message.request_id  # type: ignore[union-attr, assignment]
        waiting = self._requests.get(request_id, [])
        asked_by = _ANSWERS[type(message)]
        request = None
        for one in waiting:
            if type(one.message) in asked_by:
                request = one
                break
        if request is None:
            if not waiting:
                raise LocalProtocolError(f"{name}: no request {request_id} waits for an answer")
            asked = type(waiting[0].message).__name__
            raise LocalProtocolError(f"{name}: request {request_id} is a {asked}, which this does not answer")
        self._check_query_set(request, message, name)
        if type(message) is ReducerResult:
            update = getattr(message.result, "transaction_update", None)
            if update is not None:
                self._check_update(update, name)
        waiting.remove(request)
        if not waiting:
            del self._requests[request_id]

    def _check_query_set(self, request: _Request, message: ServerMessage, name: str) -> None:
        if isinstance(message, (SubscribeApplied, UnsubscribeApplied, SubscriptionError)):
            asked: int = request.message.query_set_id  # type: ignore[union-attr]
            if message.query_set_id != asked:
                raise LocalProtocolError(
                    f"{name}: request {message.request_id} is about query set {asked}, not {message.query_set_id}"
                )
            if type(message) is SubscribeApplied:
                if asked not in request.started:
                    raise LocalProtocolError(f"{name}: query set {asked} is in use")
                for replaced in request.message.replaced:  # type: ignore[union-attr]
                    self._sets.pop(replaced, None)
                self._go_live(asked)
            elif (
                type(message) is UnsubscribeApplied or type(request.message) is Unsubscribe or asked in request.started
            ):
                self._sets.pop(asked, None)
        elif type(message) is SubscribeBatchApplied and type(request.message) is SubscribeBatch:
            ids = tuple(result.query_set_id for result in message.results)
            if ids != tuple(one.query_set_id for one in request.message.sets):
                raise LocalProtocolError(f"{name}: the results of request {message.request_id} do not match its sets")
            for result in message.results:
                if result.query_set_id in request.started:
                    if isinstance(result.outcome, str):
                        self._sets.pop(result.query_set_id, None)
                    else:
                        self._go_live(result.query_set_id)

    def _go_live(self, query_set_id: int) -> None:
        if self._sets.get(query_set_id) is _SetState.STARTING:
            self._sets[query_set_id] = _SetState.LIVE

    def _check_update(self, update: TransactionUpdate, name: str) -> None:
        for query_set in update.query_sets:
            if self._sets.get(query_set.query_set_id, _SetState.STARTING) is _SetState.STARTING:
                raise LocalProtocolError(f"{name}: query set {query_set.query_set_id} is not live")

    def _advance(self, happening: _Happening, what: str) -> None:
        if (
            self.phase is Phase.CONNECTED
            and happening is not _Happening.INTRODUCTION
            and happening is not _Happening.CLOSE
        ):
            return  # what almost always is asked
        following = _NEXT.get((self.phase, happening))
        if following is None:
            raise LocalProtocolError(f"{what}: {_OUT_OF_PHASE[self.phase]}")
        self.phase = following
