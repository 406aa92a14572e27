"""A server's side of the first protocol, in the words of the second.

What differs, and what becomes of it:

- The rows of a query that a client has subscribed to under several ids are sent once; the database sees to that.
- The legacy `Subscribe` becomes a query set with an id that no client can choose, in place of the one before, which goes
  on where the new queries cannot be had.
- Queries of event tables, and arguments that are text and do not fit, are refused here: no database ever sees them.
- Failed calls keep their request id, refused ones lose it. With `NO_SUCCESS_NOTIFY` the caller hears of refusals only,
  and of rows like every other client. Modules with the newer definition hide from others who called what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final

from ..sats.cursor import Cursor
from ..sats.errors import DecodeError, JsonError
from ..sats.moments import TimeDuration, Timestamp
from ..sats.server_json_words import complaint_about_json
from ..sats.server_words import Complaint
from . import messages as common
from . import v1, v1_json
from .calls import NO_CALLS, CallInfo, TextArgs
from .counting import Counting
from .frames import Compression
from .schema import Schema
from .v1_answering import Answers, Requests
from .v1_codecs import V1Codec, params_of
from .v1_manners import NEWEST, V1Manners
from .v1_queries import is_of_all_tables, table_of
from .v1_rows import text_to_value

EVENT_TABLE_REFUSED: Final = (
    "Subscribing to event tables requires WebSocket v2. "
    "Please upgrade your client SDK and regenerate your module bindings."
)

_COUNTING: Final = {
    v1.SubscribeMulti: Counting.PER_CLIENT,
    v1.SubscribeSingle: Counting.PER_CLIENT_SHOWN,
}
_FIRST_INTERNAL_ID: Final = 1 << 32
"""Ids of requests and query sets from here on are not known to the client, whose numbers have 32 bits."""


class V1Server:
    """Translates one connection.

    Args:
        codec: The encoding of what is sent; frames that arrive are told apart by their kind.
        schema: The module; the JSON encoding needs it, and so does every frame of text.
        light: Whether the client wants to know what changed, but not why.
        now: Returns the time, for answers that no database gives.
        manners: How the release of the server speaks the protocol.
    """

    def __init__(
        self,
        codec: V1Codec,
        schema: Schema | None,
        light: bool,
        now: Callable[[], Timestamp],
        manners: V1Manners = NEWEST,
    ) -> None:
        self._codec = codec
        self._schema = schema
        self._has_procedures = manners.has_procedures
        self._requests = Requests()
        self._queries: dict[int, bytes] = {}
        self._legacy_sets: list[int] = []
        self._manners = manners
        self._answers = Answers(codec, schema, light, self._requests, self._queries, self._legacy_sets, now, manners)
        self._internal_ids = count(_FIRST_INTERNAL_ID)
        self._replies: list[bytes | str] = []

    def read_client_frame(self, frame: bytes | str) -> list[common.ClientMessage]:
        """Read a frame. Raises `DecodeError` if it is damaged; bytes behind the message are ignored, as by servers."""
        message: v1.ClientMessage
        message = v1_json.decode_client(frame) if isinstance(frame, str) else v1.CLIENT_FORM.read(Cursor(bytes(frame)))
        if not self._has_procedures and isinstance(message, v1.CallProcedure):
            raise DecodeError("unknown tag 0x7 for sum type ClientMessage")
        return _READERS[type(message)](self, message)

    def replies(self) -> list[bytes | str]:
        """Return the frames that answer what needs no database, since the last time."""
        frames, self._replies = self._replies, []
        return frames

    def server_frames(
        self,
        messages: Iterable[common.ServerMessage],
        compression: Compression,
        calls: Mapping[int, CallInfo] = NO_CALLS,
    ) -> list[bytes | str]:
        """Write messages.

        Args:
            messages: The messages; some have no counterpart and become no frame.
            compression: What the client asked for.
            calls: What caused a message, by its place among them.

        Raises:
            EncodeError: One cannot be said in this protocol.
        """
        translated = [self._answers.translate(message, calls.get(i)) for i, message in enumerate(messages)]
        return [self._codec.write_server(message, compression) for message in translated if message is not None]

    # Requests

    def _call(self, message: v1.CallReducer) -> list[common.ClientMessage]:
        try:
            args = self._args(message.reducer, message.args)
        except JsonError as error:
            complaint = self._complaint(message.reducer, message.args, error)
            text = complaint.full("reducer", message.reducer, self._manners.complains_as_before_2)
            self._reply(self._answers.refusal(message.reducer, text))
            return []
        self._requests.expect(message, args)
        return [common.CallReducer(message.request_id, message.flags, message.reducer, args)]

    def _call_procedure(self, message: v1.CallProcedure) -> list[common.ClientMessage]:
        try:
            args = self._args(message.procedure, message.args)
        except JsonError as error:
            complaint = self._complaint(message.procedure, message.args, error)
            status = v1.InternalError(complaint.brief("procedure", message.procedure))
            self._reply(v1.ProcedureResult(status, Timestamp(0), TimeDuration(0), message.request_id))
            return []
        self._requests.expect(message, args)
        return [common.CallProcedure(message.request_id, message.flags, message.procedure, args)]

    def _query(self, message: v1.OneOffQuery) -> list[common.ClientMessage]:
        number = next(self._internal_ids)
        self._queries[number] = message.message_id
        return [common.OneOffQuery(number, message.query_string)]

    def _subscribe(self, message: v1.SubscribeMulti | v1.SubscribeSingle) -> list[common.ClientMessage]:
        queries = message.query_strings if isinstance(message, v1.SubscribeMulti) else (message.query,)
        tables = map(table_of, queries)
        if self._schema is not None and any(name and self._schema.is_event(name) for name in tables):
            self._reply(v1.SubscriptionError(0, message.request_id, message.query_id, None, EVENT_TABLE_REFUSED))
            return []
        if isinstance(message, v1.SubscribeSingle) and (star := is_of_all_tables(message.query)):
            text = f"sql parser error: Expected identifier, found: *{star}, executing: `{message.query}`"
            self._reply(v1.SubscriptionError(0, message.request_id, message.query_id, None, text))
            return []
        self._requests.expect(message)
        counting = _COUNTING[type(message)]
        return [common.Subscribe(message.request_id, message.query_id, queries, counting=counting)]

    def _subscribe_legacy(self, message: v1.Subscribe) -> list[common.ClientMessage]:
        number, replaced = next(self._internal_ids), tuple(self._legacy_sets)
        self._legacy_sets.append(number)
        self._requests.expect(message)
        return [common.Subscribe(message.request_id, number, message.query_strings, replaced)]

    def _unsubscribe(self, message: v1.Unsubscribe | v1.UnsubscribeMulti) -> list[common.ClientMessage]:
        self._requests.expect(message)
        return [common.Unsubscribe(message.request_id, message.query_id, common.UNSUBSCRIBE_SEND_DROPPED_ROWS)]

    def _args(self, function: str, args: v1.Single) -> bytes:
        if isinstance(args, bytes):
            return args
        if self._schema is None:
            raise DecodeError("a frame of text, which cannot be read without the schema of the module")
        reducer = self._schema.reducer(function)
        if reducer is not None and reducer.lifecycle is not None:
            return b""  # it is refused before anybody looks at its arguments
        params = params_of(self._schema, function)
        return b"" if params is None else TextArgs(text_to_value(params, args), args)

    def _complaint(self, function: str, args: v1.Single, error: JsonError) -> Complaint:
        """Return what a server says of arguments that cannot be read."""
        params = None if self._schema is None else params_of(self._schema, function)
        found = None
        if params is not None and isinstance(args, str):
            found = complaint_about_json(
                function, params, args.encode("utf-8", "surrogatepass"), self._manners.complains_as_before_2
            )
        return found or Complaint(str(error), ".")

    def _reply(self, message: v1.ServerMessage) -> None:
        self._replies.append(self._codec.write_server(message, Compression.NONE))


_READERS: Final[dict[type, Callable[[V1Server, Any], list[common.ClientMessage]]]] = {
    v1.CallReducer: V1Server._call,
    v1.Subscribe: V1Server._subscribe_legacy,
    v1.OneOffQuery: V1Server._query,
    v1.SubscribeSingle: V1Server._subscribe,
    v1.SubscribeMulti: V1Server._subscribe,
    v1.Unsubscribe: V1Server._unsubscribe,
    v1.UnsubscribeMulti: V1Server._unsubscribe,
    v1.CallProcedure: V1Server._call_procedure,
}
