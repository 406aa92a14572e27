"""Plays a recorded conversation against a server: says what the clients said, and collects what the server says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import jwt
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from pytest_inner_universe.sats import Identity
from pytest_inner_universe.server.tokens import Credentials, TokenAuthority
from pytest_inner_universe.wire.frames import Compression
from support.frames import decode
from support.recordings import frame_of

Event = dict[str, Any]
Frame = bytes | str

HEAR_SECONDS = 20
LAST_WORDS = "SELECT * FROM no_table_of_the_recordings"
"""A query whose answer shows that everything said before has been answered."""


@dataclass(frozen=True)
class Closed:
    """The end of a connection."""

    code: int | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """The answer to an upgrade or to another request over HTTP."""

    note: str
    status: int
    content: Any


@dataclass(frozen=True)
class Heard:
    """One thing that the server said: as recorded, and now."""

    who: str
    recorded: Frame | Closed | Answer
    found: Frame | Closed | Answer


class RecordedAuthority(TokenAuthority):
    """Gives whoever comes without a token the identity that the recorded server gave.

    Args:
        owner: Whose databases are, and who `OWNER_TOKEN` speaks for.
    """

    OWNER_TOKEN = "owner"

    def __init__(self, owner: Identity) -> None:
        self.owner = owner
        self.recorded_token: str | None = None

    def check(self, token: str) -> Credentials:
        return Credentials(self.owner, token, b"{}") if token == self.OWNER_TOKEN else super().check(token)

    def mint(self, issuer: str = "localhost", subject: str | None = None, lifetime: int | None = None) -> Credentials:
        if subject is None and self.recorded_token is not None:
            claims = jwt.decode(self.recorded_token, options={"verify_signature": False})
            issuer, subject = claims["iss"], claims["sub"]
        return super().mint(issuer, subject, lifetime)


def in_order_of_cause(events: list[Event]) -> list[Event]:
    """Put requests over HTTP before the closes that they cause; the recording names them when they are answered."""
    ordered: list[Event] = []
    for event in events:
        at = len(ordered)
        if "result" in event:
            while at and ordered[at - 1].get("note") == "closed":
                at -= 1
        ordered.insert(at, event)
    return ordered


@dataclass
class _Client:
    socket: Any
    protocol: str
    token: str
    has_heard: bool = False


@dataclass
class Player:
    """Plays one scenario.

    Args:
        url: Address of the server.
        database: Name of the database.
        protocol: The version of the protocol that the clients speak.
        authority: The server's own.
        wasm: The module.
        connection_ids: Ids of the recorded connections, by client.
        last_query: Returns the frame that asks a query which is not in the recording.
        pass_time: Lets what is scheduled next happen.
    """

    url: str
    database: str
    protocol: str
    authority: RecordedAuthority
    wasm: bytes
    connection_ids: dict[str, str]
    last_query: Callable[[str], Frame]
    pass_time: Callable[[], object]
    heard: list[Heard] = field(default_factory=list)
    unasked: list[Frame] = field(default_factory=list)
    """What the server said and the recording does not have."""
    _clients: dict[str, _Client] = field(default_factory=dict)

    async def play(self, events: list[Event]) -> list[Heard]:
        """Play the events of a scenario and return what was heard, beside what was recorded."""
        async with ClientSession() as http:
            for event in in_order_of_cause(events):
                await self._step(http, event)
            for client in self._clients.values():
                await client.socket.close()
        return self.heard

    async def _step(self, http: ClientSession, event: Event) -> None:
        if event["dir"] == "c2s":
            client = self._clients[event["conn"]]
            client.has_heard = False
            await _say(client, frame_of(event))
        elif "result" in event:
            await self._request(http, event)
        elif event["dir"] == "http":
            await self._upgrade(http, event)
        elif event.get("note") == "closed":
            await self._end(event)
        else:
            await self._hear(event)

    async def _upgrade(self, http: ClientSession, event: Event) -> None:
        who, note = event["conn"], event["note"]
        wish = _wish(event)
        params = dict(parse_qsl(wish.query))
        if who in self.connection_ids:
            params["connection_id"] = self.connection_ids[who]
        headers = {}
        token = next(iter(self._clients.values())).token if wish.has_token else wish.token
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        protocol = wish.protocol or f"{self.protocol}.spacetimedb"
        self.authority.recorded_token = event.get("headers", {}).get("spacetime-identity-token")
        address = f"{self.url}/v1/database/{wish.database or self.database}/subscribe"
        recorded = Answer(note, event["status"], _known_headers(event.get("headers", {})))
        try:
            socket = await http.ws_connect(
                address, protocols=[protocol], headers=headers, params=params, max_msg_size=0
            )
        except WSServerHandshakeError as error:
            self.heard.append(Heard(who, recorded, Answer(note, error.status, {})))
            return
        found = {name.lower(): value for name, value in socket._response.headers.items()}  # as the recorder did
        self.heard.append(Heard(who, recorded, Answer(note, 101, _known_headers(found))))
        self._clients[who] = _Client(socket, protocol, found["spacetime-identity-token"])

    async def _request(self, http: ClientSession, event: Event) -> None:
        method, body = ("DELETE", None) if event["note"] == "delete database" else ("PUT", self.wasm)
        params = {"clear": "true"} if "clear" in event["note"] else {}
        headers = {"Authorization": f"Bearer {self.authority.OWNER_TOKEN}"}
        address = f"{self.url}/v1/database/{self.database}"
        async with http.request(method, address, params=params, data=body, headers=headers) as response:
            found = Answer(event["note"], response.status, _parsed(await response.text()))
        status, text = event["result"]
        self.heard.append(Heard("", Answer(event["note"], status, _parsed(text)), found))

    async def _hear(self, event: Event) -> None:
        client = self._clients[event["conn"]]
        if event["scenario"] == "schedules" and client.has_heard:
            # The call has been answered, so this is what it scheduled.
            await asyncio.to_thread(self.pass_time)
        recorded = frame_of(event)
        assert recorded is not None
        found = await _hear(client)
        if self.protocol == "v3.bsatn":
            found = await self._with_others(client, recorded, found)
        self.heard.append(Heard(event["conn"], recorded, found))
        client.has_heard = True

    async def _with_others(self, client: _Client, recorded: Frame, found: Frame | Closed) -> Frame | Closed:
        """Put messages into one frame that share one in the recording: chance decides which do."""
        while (
            isinstance(found, bytes)
            and recorded[0] == found[0] == Compression.NONE
            and len(decode(self.protocol, found)) < len(decode(self.protocol, recorded))
        ):
            more = await _hear(client)
            assert isinstance(more, bytes)
            found += more[1:]
        return found

    async def _end(self, event: Event) -> None:
        """Wait for the end where the server made it; make it where the client did, which the recording tells by no code."""
        who, code = event["conn"], event["close_code"]
        client = self._clients[who]
        is_own = code is None or event["scenario"] == "text-frame" and code == 1006
        if not is_own:
            self.heard.append(Heard(who, Closed(code, event["reason"]), await _hear(client)))
            return
        await _say(client, self.last_query(client.protocol))
        while not _is_last(frame := await _hear(client)):
            self.unasked.append(frame if isinstance(frame, (bytes, str)) else repr(frame))
            if isinstance(frame, Closed):
                return
        await client.socket.close()


@dataclass(frozen=True)
class _Wish:
    query: str
    has_token: bool
    token: str | None = None
    database: str | None = None
    protocol: str | None = None


def _wish(event: Event) -> _Wish:
    """Return what a client asks for. The recording does not tell everything about those that are refused."""
    query = event["note"].removeprefix("upgrade ").removeprefix("refused ")
    has_token = query.endswith(" with token")
    query = query.removesuffix(" with token")
    if event["scenario"] != "refused":
        return _Wish(query, has_token)
    return {
        "A": _Wish(query, False, database="no-such-database"),
        "B": _Wish(query, False, token="not.a.token"),
        "F": _Wish(query, False, protocol="v9.bsatn.spacetimedb"),
    }.get(event["conn"], _Wish(query, False))


def _known_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return what can be compared: who the client is, and the version that was chosen."""
    return {name: headers[name] for name in ("sec-websocket-protocol", "spacetime-identity") if name in headers}


def _parsed(text: str) -> Any:
    return json.loads(text) if text else text


async def _say(client: _Client, frame: Frame | None) -> None:
    if isinstance(frame, str):
        await client.socket.send_str(frame)
    else:
        await client.socket.send_bytes(frame or b"")


async def _hear(client: _Client) -> Frame | Closed:
    message = await client.socket.receive(HEAR_SECONDS)
    if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
        frame: Frame = message.data
        return frame
    return Closed(client.socket.close_code, message.extra or "")


def _is_last(frame: Frame | Closed) -> bool:
    name = LAST_WORDS.rpartition(" ")[2]
    return isinstance(frame, str) and name in frame or isinstance(frame, bytes) and name.encode() in frame
