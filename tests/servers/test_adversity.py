"""The client on a real server, with something between them that harms what they say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.adversity import LEAST_FRAMES, Place, harm_every_frame, hold_every_frame
from support.fault_proxy import CUTS, DAMAGES, Harm, Way

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.process import ProcessServer

pytestmark = pytest.mark.asyncio
PROTOCOLS = ("v1.bsatn.spacetimedb", "v1.json.spacetimedb")  # what every release speaks


@pytest.fixture(scope="module")
def process() -> Iterator[ProcessServer]:
    with ProcessServer() as server:
        yield server


@pytest.fixture
def place(process: ProcessServer, module: Module) -> Iterator[Place]:
    database = process.database("adversity", module)
    yield Place(process.url, database.name, module.definition)
    database.close()


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
@pytest.mark.parametrize("harm", [*CUTS, *DAMAGES], ids=lambda harm: harm.name)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_frame_may_be_harmed(place: Place, protocol: str, harm: Harm, way: Way) -> None:
    assert await harm_every_frame(place, protocol, harm, way) >= LEAST_FRAMES


@pytest.mark.parametrize("cancels", [False, True], ids=["late", "given up"])
@pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_frame_may_be_late(place: Place, protocol: str, way: Way, cancels: bool) -> None:
    assert await hold_every_frame(place, protocol, way, cancels=cancels) >= LEAST_FRAMES
