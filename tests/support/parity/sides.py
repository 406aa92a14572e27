"""The two servers as the parity machine sees them: clients over the first protocol, and requests over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import RELEASE_1_2
from pytest_inner_universe.sats import ConnectionId
from pytest_inner_universe.server.embedded import EmbeddedServer
from pytest_inner_universe.server.handle import DatabaseHandle
from pytest_inner_universe.server.remote import RemoteServer
from pytest_inner_universe.server.tokens import Credentials, TokenAuthority
from pytest_inner_universe.wire import v1, v1_json
from pytest_inner_universe.wire.frames import unpack

ANSWER_SECONDS = 120.0
"""Also a machine with much else to do answers within these."""
POLL_SECONDS = 0.002
BARRIER = 1_000_000_000
"""Request ids from here on belong to the machine itself."""
EVERYBODY = ("owner", "alice", "bob", "carol")
BSATN, JSON = "v1.bsatn.spacetimedb", "v1.json.spacetimedb"

Said = v1.ServerMessage | str
"""A message, or in words of the machine's own what happened instead."""


class SharedAuthority(TokenAuthority):
    """Knows the people of a real server, so that they are the same people on both sides."""

    def __init__(self, server: RemoteServer) -> None:
        self._server = server

    def check(self, token: str) -> Credentials:
        for name in EVERYBODY:
            known = self._server.credentials(None if name == "owner" else name)
            if known.token == token:
                return Credentials(known.identity, token, b"{}")
        return super().check(token)


def embedded_twin(server: RemoteServer, module: Module) -> EmbeddedServer:
    """An embedded server whose owner, and whose people, are those of a real one."""
    twin = EmbeddedServer(module, release=RELEASE_1_2)
    twin.owner = server.credentials(None).identity
    twin.authority = SharedAuthority(server)
    return twin


@dataclass
class Answer:
    """An answer over HTTP."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Client:
    """One connection of one client."""

    socket: Any
    protocol: str
    is_open: bool = True
    said: list[Said] = field(default_factory=list)

    async def send(self, message: v1.ClientMessage | bytes | str) -> None:
        if not isinstance(message, bytes | str):
            message = v1_json.encode_client(message) if self.protocol == JSON else v1.encode_client(message)
        if isinstance(message, str):
            await self.socket.send_str(message)
        else:
            await self.socket.send_bytes(message)

    async def hear(self) -> Said:
        """Take the next message, or the end of the connection."""
        try:
            frame = await self.socket.receive(ANSWER_SECONDS)
        except asyncio.TimeoutError:
            self.is_open = False
            return f"silence of {ANSWER_SECONDS:g} seconds"
        if frame.type is WSMsgType.TEXT:
            return v1_json.decode_server(frame.data)
        if frame.type is WSMsgType.BINARY:
            return v1.decode_server(unpack(frame.data))
        self.is_open = False
        code = self.socket.close_code
        return f"closed {code} {frame.extra or ''}".rstrip()


class Side:
    """One server with a database of the example's own.

    Args:
        name: What reports call it.
        handle: The database.
        http: Sends the requests.
        tokens: Of everybody, by name.
        barrier: A reducer that changes nothing, and its arguments as BSATN and as JSON.
    """

    def __init__(
        self,
        name: str,
        handle: DatabaseHandle,
        http: ClientSession,
        tokens: dict[str, str],
        barrier: tuple[str, bytes, str],
    ) -> None:
        self.name = name
        self.handle = handle
        self.clients: dict[int, Client] = {}
        self.strangers: list[str] = []
        """Identities that the server made up for those who came without a token, oldest first."""
        self.visits: set[str] = set()
        """Ids of connections that the server made up for the time of a request."""
        self.program = ""
        """Hash of the module, as this side computes it."""
        self._http = http
        self._tokens = tokens
        self._barrier = barrier
        self._barriers = 0

    async def learn(self) -> None:
        """Ask for what differs between the sides for the whole example."""
        answer = await self.request("owner", "GET", "")
        self.program = json.loads(answer.text)["initial_program"].removeprefix("0x")

    # Clients

    async def connect(self, slot: int, who: str, protocol: str, number: int, light: bool) -> None:
        """Let somebody come in; the first message, or the refusal, is heard with the others."""
        address = f"{self.handle.url}/v1/database/{self.handle.name}/subscribe"
        params = {"compression": "None", "connection_id": f"{number:032x}", "light": "true" if light else "false"}
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        try:
            socket = await self._http.ws_connect(
                address, protocols=[protocol], headers=headers, params=params, max_msg_size=0, autoping=True
            )
        except WSServerHandshakeError as error:
            raise AssertionError(f"{self.name}: the upgrade was refused with {error.status}") from error
        client = self.clients[slot] = Client(socket, protocol)
        client.said.append(await client.hear())

    async def disconnect(self, slot: int) -> None:
        """Let a client go, and wait until the server has noticed."""
        client = self.clients.pop(slot)
        client.is_open = False
        await client.socket.close()
        await self.until("st_client", len(self.open_slots))

    async def count(self, table: str) -> int:
        """Return how many rows a table has."""
        answer = await self.sql("owner", f"SELECT COUNT(*) AS n FROM {table}")
        return int(json.loads(answer.text)[0]["rows"][0][0])

    async def until(self, table: str, count: int) -> None:
        """Wait until a table has so many rows."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while (found := await self.count(table)) != count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: {table} has {found} rows for {ANSWER_SECONDS:g} s, not {count}")
            await asyncio.sleep(POLL_SECONDS)

    def meet(self, connection: ConnectionId) -> None:
        """Take note of a caller's connection."""
        number = int.from_bytes(connection.to_bytes(), "little")
        if number > BARRIER:
            self.visits.add(connection.hex())

    @property
    def open_slots(self) -> list[int]:
        return [slot for slot, client in self.clients.items() if client.is_open]

    async def settle(self, acting: int | None) -> dict[int, list[Said]]:
        """Wait until every client has heard everything that is on its way, and return it.

        Args:
            acting: Who has just said something. What the others hear of it is on its way once it has its answer.
        """
        if acting is not None:
            await self.heard_by(acting)
        heard = await self._see_off()
        await asyncio.gather(*(self.heard_by(slot) for slot in self.clients if slot != acting))
        heard |= await self._see_off()
        for slot, client in self.clients.items():
            heard[slot], client.said = client.said, []
        return heard

    async def _see_off(self) -> dict[int, list[Said]]:
        """Wait until the server has noticed that clients whose connection ended are gone, and return what they heard."""
        gone = {slot: client for slot, client in self.clients.items() if not client.is_open}
        for slot, client in gone.items():
            await client.socket.close()
            del self.clients[slot]
        if gone:
            await self.until("st_client", len(self.open_slots))
        return {slot: client.said for slot, client in gone.items()}

    async def heard_by(self, slot: int) -> None:
        """Wait until a client has heard the answer to all that it said."""
        client = self.clients[slot]
        if not client.is_open:
            return
        self._barriers += 1
        number = BARRIER + self._barriers
        reducer, data, text = self._barrier
        # What the server said before it went can still be heard.
        with contextlib.suppress(ConnectionError):
            await client.send(v1.CallReducer(reducer, text if client.protocol == JSON else data, number))
        while True:
            said = await client.hear()
            if isinstance(said, v1.TransactionUpdate) and said.reducer_call.request_id == number:
                return
            client.said.append(said)
            if not client.is_open:
                return

    # Requests

    async def request(
        self, who: str | None, method: str, path: str, body: str | bytes | None = None, **params: str
    ) -> Answer:
        """Ask over HTTP; the path starts below the database."""
        headers = {} if who is None else {"Authorization": f"Bearer {self._tokens.get(who, who)}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self.handle.url}/v1/database/{self.handle.name}{path}"
        async with self._http.request(method, url, data=body, headers=headers, params=params) as response:
            text = await response.text()
            found = {name.lower(): value for name, value in response.headers.items()}
        if who is None and "spacetime-identity" in found:
            self.strangers.append(found["spacetime-identity"])
        return Answer(response.status, text, found)

    async def sql(self, who: str | None, text: str) -> Answer:
        """Run a statement over HTTP."""
        return await self.request(who, "POST", "/sql", text)

    async def close(self) -> None:
        """End the clients and the database."""
        for client in self.clients.values():
            await client.socket.close()
        self.clients.clear()
        await asyncio.to_thread(self.handle.close)
