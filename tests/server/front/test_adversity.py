"""The client on the embedded server's socket, with something between them that harms what they say."""

from __future__ import annotations

import pytest
from support.adversity import LEAST_FRAMES, Place, harm_every_frame, hold_every_frame
from support.fault_proxy import CUTS, DAMAGES, Harm, Way

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.front import Front

pytestmark = pytest.mark.asyncio
PROTOCOLS = ("v2.bsatn.spacetimedb", "v1.bsatn.spacetimedb", "v3.bsatn.spacetimedb", "v1.json.spacetimedb")


@pytest.fixture
def place(front: Front, published: str, module: Module) -> Place:
    assert front.url is not None
    return Place(front.url, published, module.definition)


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
@pytest.mark.parametrize("harm", [*CUTS, *DAMAGES], ids=lambda harm: harm.name)
@pytest.mark.parametrize("protocol", PROTOCOLS[:2])
async def test_every_frame_may_be_harmed(place: Place, protocol: str, harm: Harm, way: Way) -> None:
    assert await harm_every_frame(place, protocol, harm, way) >= LEAST_FRAMES


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
@pytest.mark.parametrize("harm", [Harm.CUT_AFTER, Harm.GARBLE], ids=lambda harm: harm.name)
@pytest.mark.parametrize("protocol", PROTOCOLS[2:])
async def test_the_other_protocols_bear_the_same(place: Place, protocol: str, harm: Harm, way: Way) -> None:
    assert await harm_every_frame(place, protocol, harm, way) >= LEAST_FRAMES


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_late_frame_changes_nothing_for_anybody(place: Place, protocol: str, way: Way) -> None:
    assert await hold_every_frame(place, protocol, way) >= LEAST_FRAMES


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name)
async def test_whoever_waits_can_give_up_at_any_time(place: Place, way: Way) -> None:
    assert await hold_every_frame(place, PROTOCOLS[0], way, cancels=True) >= LEAST_FRAMES
