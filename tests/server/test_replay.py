"""Every recorded scenario of real servers, played against the embedded server over its socket, answer by answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.frames import decode, has_order, in_any_order, masked, without_caller
from support.recordings import frame_of, recording
from support.replay import LAST_WORDS, Closed, Frame, Heard, Player, RecordedAuthority

from pytest_inner_universe.engine.clock import ManualClock
from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import RELEASES
from pytest_inner_universe.engine.scheduling import advance
from pytest_inner_universe.sats import Identity
from pytest_inner_universe.server.front import Front
from pytest_inner_universe.server.registry import Registry
from pytest_inner_universe.wire import messages, v1, v1_json, v2
from pytest_inner_universe.wire.errors import CompressionUnavailable
from pytest_inner_universe.wire.frames import Compression

BROTLI_IS_INSTALLED = find_spec("brotli") is not None
MODULES = Path(__file__).parents[2] / "fixtures" / "modules"

RECORDINGS = {
    "1.2.0": ("every_type_1_4.wasm", ("v1.json", "v1.bsatn")),
    "2.8.3": ("every_type_2_8.wasm", ("v1.json", "v1.bsatn", "v2.bsatn", "v3.bsatn")),
    "2.8.3-module-1.4": ("every_type_1_4.wasm", ("v2.bsatn",)),
}
"""Folders of recordings: the module that was published, and the versions of the protocol that were spoken."""

OWNERS = {
    "1.2.0": "c200eeccec0c7c924a9f5dff1f32397988039cf0aa314e67fcf8539ddf0de59e",
    "2.8.3": "c200370b9bb62d85d392cccb278fa7020288368d128f7f8052e6f40616531da0",
    "2.8.3-module-1.4": "c2002dffc00d734f97cb620e11fab97cd57ad534c41a9db1638634791b982729",
}
"""Who published; the modules write it into a row."""

REASON_TOO_LONG = {("garbage", "v1.json")}
"""Where the reason of a server's close does not fit into a close frame, so that clients see a broken one."""


SCENARIOS = [
    pytest.param(folder, protocol, scenario, id=f"{folder}-{protocol}-{scenario}")
    for folder, (_, protocols) in RECORDINGS.items()
    for protocol in protocols
    for scenario in dict.fromkeys(event["scenario"] for event in recording(folder, protocol))
]


@cache
def load(file: str) -> Module:
    return Module.load_file(MODULES / file)


@cache
def events_of(folder: str, protocol: str, scenario: str) -> list[dict[str, Any]]:
    return [event for event in recording(folder, protocol) if event["scenario"] == scenario]


def last_query(protocol: str) -> Frame:
    """Return a frame that asks for a table that nobody has."""
    if protocol.startswith("v1."):
        message = v1.OneOffQuery(b"", LAST_WORDS)
        return v1_json.encode_client(message) if "json" in protocol else v1.encode_client(message)
    return v2.encode_client(messages.OneOffQuery(1 << 31, LAST_WORDS))


def connection_ids(protocol: str, events: list[dict[str, Any]]) -> dict[str, str]:
    """Return the ids of connections, which the first message of each tells."""
    found: dict[str, str] = {}
    for event in events:
        frame = frame_of(event)
        if event["dir"] == "s2c" and frame is not None and event["conn"] not in found:
            found[event["conn"]] = decode(protocol, frame)[0].connection_id.hex()
    return found


def published_as(events: list[dict[str, Any]]) -> tuple[str, Identity]:
    """Return name and identity of the database, as far as the recording tells them."""
    for event in events:
        if "result" in event and event["result"][1]:
            done = json.loads(event["result"][1])["Success"]
            return done["domain"], Identity.from_hex(done["database_identity"])
    return "here", Identity.derive("tests", "here")


@pytest.fixture
def play() -> Iterator[Callable[[str, str, str], list[Heard]]]:
    """Play a scenario on a new server, and return what was heard."""
    ends: list[Callable[[], object]] = []

    def play(folder: str, protocol: str, scenario: str) -> list[Heard]:
        events = events_of(folder, protocol, scenario)
        name, identity = published_as(events)
        owner, release = Identity.from_hex(OWNERS[folder]), RELEASES[folder[:3]]
        registry = Registry(RecordedAuthority(owner), release)
        front = Front(registry)
        module = load(RECORDINGS[folder][0])
        database = Database.publish(module, name, owner, identity, ManualClock(), release=release)
        registry.enter(database, name, is_live=False)
        ends.extend((database.close, registry.close, front.stop))

        def pass_time() -> None:
            timer = database.scheduler.next()
            assert timer is not None, "nothing is scheduled"
            advance(database, timer.due - database.clock.now())

        player = Player(
            url=front.start(),
            database=name,
            protocol=protocol,
            wasm=module.data,
            connection_ids=connection_ids(protocol, events),
            last_query=last_query,
            pass_time=pass_time,
            authority=registry.authority,  # type: ignore[arg-type]
        )
        heard = asyncio.run(player.play(events))
        assert player.unasked == [], "the server says what the recording does not have"
        return heard

    yield play
    for end in reversed(ends):
        end()


def recorded_messages(folder: str, protocol: str, scenario: str, heard: Heard, place: int) -> list[Any]:
    """Return the messages in a recorded frame; what brotli hides, where it is not installed, was said without it too."""
    assert isinstance(heard.recorded, (bytes, str))
    try:
        return decode(protocol, heard.recorded)
    except CompressionUnavailable:
        assert scenario == "large-brotli"
        said = [event for event in events_of(folder, protocol, "large-none") if event["dir"] != "c2s"]
        frame = frame_of(said[place])
        assert frame is not None
        return decode(protocol, frame)


def without_time_of_schedule(message: Any) -> Any:
    """Return a message without the row that the reducer of a schedule got, which tells when it was due."""
    call = getattr(message, "reducer_call", None)
    if call is None or call.reducer_name != "fire_once":
        return message
    return replace(message, reducer_call=replace(call, args=call.args[:0]))


def known(scenario: str, message: Any) -> Any:
    """Return what of a message has to be the same now; the caller is not in what stands for frames packed with brotli."""
    if scenario == "large-brotli":
        message = without_caller(message)
    return without_time_of_schedule(masked(message))


def compare(folder: str, protocol: str, scenario: str, heard: Heard, place: int) -> None:
    if not isinstance(heard.recorded, (bytes, str)) or not isinstance(heard.found, (bytes, str)):
        if (scenario, protocol) in REASON_TOO_LONG and isinstance(heard.recorded, Closed):
            assert heard.recorded == Closed(1002, "")
            assert isinstance(heard.found, Closed)
            assert heard.found.code == 1011
        else:
            assert heard.found == heard.recorded
        return
    then, now = recorded_messages(folder, protocol, scenario, heard, place), decode(protocol, heard.found)
    before = [known(scenario, message) for message in then]
    found = [known(scenario, message) for message in now]
    assert in_any_order(found) == in_any_order(before)
    if not has_order(before):
        assert found == before
    if isinstance(heard.found, bytes) and isinstance(heard.recorded, bytes):
        if heard.recorded[0] != Compression.BROTLI or BROTLI_IS_INSTALLED:
            assert heard.found[0] == heard.recorded[0]
        if heard.recorded[0] == Compression.NONE:
            assert size(heard.found, now) == size(heard.recorded, then)


def size(frame: bytes, found: list[Any]) -> int:
    """Return how many bytes a frame has, beside texts that may differ."""
    return len(frame) - sum(len(getattr(message, "token", "")) for message in found)


@pytest.mark.parametrize(("folder", "protocol", "scenario"), SCENARIOS)
def test_the_embedded_server_says_what_a_real_one_said(
    folder: str, protocol: str, scenario: str, play: Callable[[str, str, str], list[Heard]]
) -> None:
    heard = play(folder, protocol, scenario)
    assert [one.recorded for one in heard if isinstance(one.recorded, (bytes, str))] == [
        frame_of(event) for event in events_of(folder, protocol, scenario) if is_frame(event)
    ]
    for place, one in enumerate(heard):
        compare(folder, protocol, scenario, one, place)


def is_frame(event: dict[str, Any]) -> bool:
    return event["dir"] == "s2c" and event.get("note") != "closed"
