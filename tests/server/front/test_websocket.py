"""Conversations over a WebSocket: what is said, in which order, and how they end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from server.front.peer import Peer, call

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats import ConnectionId
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.server.tokens import Credentials
from pytest_inner_universe.wire import messages
from pytest_inner_universe.wire.rows import RowList

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("published")]

EVERY_VERSION = ["v3.bsatn.spacetimedb", "v2.bsatn.spacetimedb", "v1.bsatn.spacetimedb", "v1.json.spacetimedb"]
NO_CHANGES = messages.ReducerOk(b"", messages.TransactionUpdate(()))


def person(number: int, name: str, team: int = 1, age: int = 30) -> bytes:
    return number.to_bytes(8, "little") + len(name).to_bytes(4, "little") + name.encode() + bytes([team, 0, 0, 0, age])


def inserted(query_set: int, table: str, *rows: bytes) -> messages.TransactionUpdate:
    changes = messages.PersistentTableRows(RowList(rows), RowList())
    return messages.TransactionUpdate((messages.QuerySetUpdate(query_set, (messages.TableUpdate(table, (changes,)),)),))


def result_of(message: messages.ServerMessage) -> messages.ReducerOutcome:
    assert isinstance(message, messages.ReducerResult)
    return message.result


@pytest.mark.parametrize("protocol", EVERY_VERSION)
async def test_every_version_connects_subscribes_calls_and_sees(front: Front, module: Module, protocol: str) -> None:
    definition = module.definition
    async with (
        Peer(front.url, protocol=protocol, definition=definition) as caller,
        Peer(front.url, protocol=protocol, definition=definition) as watcher,
    ):
        for peer in (caller, watcher):
            assert peer.socket.protocol == protocol
            applied = await peer.ask(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
            assert applied == messages.SubscribeApplied(1, 5, messages.QueryRows(()))
        update = inserted(5, "person", person(1, "Ada"))
        answer = await caller.ask(call(module, 2, "add_person", "Ada", 1, 30))
        assert result_of(answer) == messages.ReducerOk(b"", update)
        assert await watcher.hear() == update


async def test_an_unknown_client_is_introduced_to_itself(front: Front, registry: Registry) -> None:
    async with Peer(front.url) as peer:
        token = peer.hello.token
        assert registry.authority.check(token).identity == peer.hello.identity
        sent = peer.socket._response.headers
        assert (sent["spacetime-identity"], sent["spacetime-identity-token"]) == (peer.hello.identity.hex(), token)
        assert "Sec-WebSocket-Extensions" not in sent


async def test_a_token_in_header_or_address_is_echoed(front: Front, owner: Credentials) -> None:
    async with Peer(front.url, token=owner.token) as by_header, Peer(front.url, token="") as nobody:
        assert (by_header.hello.identity, by_header.hello.token) == (owner.identity, owner.token)
        assert nobody.hello.identity != owner.identity
    peer = Peer(front.url)
    peer.params["token"] = owner.token
    async with peer as by_address:
        assert (by_address.hello.identity, by_address.hello.token) == (owner.identity, owner.token)


async def test_a_client_may_choose_its_connection_id(front: Front) -> None:
    async with Peer(front.url, connection_id="0" * 31 + "f") as peer:
        assert peer.hello.connection_id == ConnectionId.from_int(15)


async def test_a_connection_takes_the_place_of_one_with_its_id(
    front: Front, owner: Credentials, module: Module
) -> None:
    async with (
        Peer(front.url, token=owner.token, connection_id="a" * 32) as old,
        Peer(front.url, token=owner.token, connection_id="a" * 32) as new,
    ):
        assert await old.ending() == (1008, "the connection id is in use by a newer connection")
        assert result_of(await new.ask(call(module, 1, "nothing"))) == NO_CHANGES


async def test_answers_come_in_the_order_of_the_calls(front: Front, module: Module) -> None:
    async with Peer(front.url) as peer:
        await peer.say(*(call(module, number, "nothing") for number in range(2000)))
        answers = [await peer.hear() for _ in range(2000)]
    assert [answer.request_id for answer in answers if isinstance(answer, messages.ReducerResult)] == [*range(2000)]


async def test_an_answer_does_not_wait_for_what_is_done_after_it(
    front: Front, registry: Registry, module: Module
) -> None:
    worker = registry.find("here").worker
    begun, before, after = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        before.wait()

    async with Peer(front.url) as peer, Peer(front.url) as watcher:
        await watcher.ask(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
        try:
            worker.give(hold)
            await asyncio.to_thread(begun.wait)  # else it is this job that waits, and not yet the call
            await peer.say(call(module, 2, "add_person", "Ada", 1, 30))
            while not worker.is_behind:  # noqa: ASYNC110  # a queue that nobody tells of
                await asyncio.sleep(0)
            worker.give(after.wait)
            before.set()
            assert result_of(await peer.hear()) == NO_CHANGES
            assert await watcher.hear() == inserted(5, "person", person(1, "Ada"))
        finally:
            before.set()
            after.set()


async def test_errors_have_the_words_of_a_server(front: Front, module: Module) -> None:
    async with Peer(front.url) as peer:
        outcomes = [
            result_of(await peer.ask(call(module, number, reducer, *args)))
            for number, (reducer, *args) in enumerate([("fails", "my text ✗"), ("panics",), ("nowhere",), ("init",)])
        ]
    assert outcomes == [
        messages.ReducerErr.of("my text ✗"),
        messages.ReducerInternalError("The instance encountered a fatal error."),
        messages.ReducerInternalError("no such reducer"),
        messages.ReducerInternalError("can't directly call special Init lifecycle reducer"),
    ]


@pytest.mark.parametrize(("compression", "tag"), [("None", 0), ("Gzip", 2)])
async def test_large_frames_are_packed_as_the_client_asked(
    front: Front, module: Module, compression: str, tag: int
) -> None:
    async with Peer(front.url, compression=compression) as peer:
        await peer.ask(messages.Subscribe(1, 5, ("SELECT * FROM seen",)))
        await peer.say(call(module, 2, "many", 60))
        frame = await peer.hear_raw()
        assert frame[0] == tag
        (answer,) = peer.session.receive_data(frame)
        assert isinstance(result_of(answer), messages.ReducerOk)


async def test_what_others_do_in_the_process_is_heard(front: Front, registry: Registry) -> None:
    database = registry.find("here").database
    async with Peer(front.url) as peer:
        await peer.ask(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
        database.sql("INSERT INTO person (id, name, team, age) VALUES (0, 'Eve', 5, 20)")
        assert await peer.hear() == inserted(5, "person", person(1, "Eve", 5, 20))


async def test_a_closed_door_drops_the_connection_without_a_word(front: Front, module: Module) -> None:
    async with Peer(front.url) as inside:
        await inside.ask(call(module, 1, "close_door"))
        late = Peer(front.url)
        late.socket = await late.http.ws_connect(late.url, protocols=[late.protocol], params=late.params)
        assert await late.ending() == (1006, "")
        await late.http.close()


async def test_a_client_that_leaves_is_forgotten(front: Front, registry: Registry) -> None:
    async with Peer(front.url) as watcher:
        await watcher.ask(messages.Subscribe(1, 5, ("SELECT * FROM st_client",)))
        async with Peer(front.url) as peer:
            row = peer.hello.identity.to_bytes() + peer.hello.connection_id.to_bytes()
            assert await watcher.hear() == inserted(5, "st_client", row)
        gone = messages.PersistentTableRows(RowList(), RowList([row]))
        table = messages.TableUpdate("st_client", (gone,))
        assert await watcher.hear() == messages.TransactionUpdate((messages.QuerySetUpdate(5, (table,)),))
        assert [client.identity for client in registry.find("here").database.clients.values()] == [
            watcher.hello.identity
        ]


async def test_the_end_of_a_database_is_told(front: Front, registry: Registry, owner: Credentials) -> None:
    async with Peer(front.url) as peer:
        registry.delete("here", owner.identity)
        assert await peer.ending() == (1001, "module exited")


async def test_the_end_of_the_front_is_told(serve: Callable[..., Front]) -> None:
    front = serve()
    async with Peer(front.url) as peer:
        front.stop()
        assert await peer.ending() == (1001, "module exited")


async def test_a_database_that_is_served_no_longer_lets_its_clients_go(front: Front, registry: Registry) -> None:
    database = registry.find("here").database
    async with Peer(front.url) as peer:
        registry.remove(database)
        assert await peer.ending() == (1001, "module exited")
    assert not database.closed
    database.close()


async def test_the_first_protocol_tells_who_called(front: Front, module: Module) -> None:
    definition = module.definition
    async with Peer(front.url, protocol="v1.json.spacetimedb", definition=definition) as watcher:
        await watcher.ask(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
        async with Peer(front.url) as caller:
            await caller.ask(call(module, 77, "add_person", "Ada", 1, 30))
            frame = await watcher.hear_raw()
    for part in (f'"0x{caller.hello.identity.hex()}"', '"reducer_name":"add_person"', '"request_id":77', "Ada"):
        assert part in str(frame)


async def test_with_light_it_does_not(front: Front, module: Module) -> None:
    definition = module.definition
    async with Peer(front.url, protocol="v1.json.spacetimedb", definition=definition, light="true") as watcher:
        await watcher.ask(messages.Subscribe(1, 5, ("SELECT * FROM person",)))
        async with Peer(front.url) as caller:
            await caller.ask(call(module, 77, "add_person", "Ada", 1, 30))
            frame = await watcher.hear_raw()
    assert str(frame).startswith('{"TransactionUpdateLight":')
