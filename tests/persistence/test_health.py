"""The health endpoint."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from pytest_inner_universe.persistence import HealthEndpoint, InnerUniverseClient, PrometheusMetrics

pytestmark = pytest.mark.asyncio


async def get(url: str) -> tuple[int, Any]:
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def get_text(url: str) -> tuple[int, str, str]:
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_it_is_up_while_the_database_answers(live: InnerUniverseClient) -> None:
    info = await live.get_system_info()
    async with HealthEndpoint(live) as endpoint:
        assert await get(endpoint.url) == (
            200,
            {"status": "Running", "version": info["module_version"], "schema_version": info["schema_version"]},
        )


async def test_it_counts_where_asked(live: InnerUniverseClient) -> None:
    await live.create_entity("Person", {"name": "Ada"})
    async with HealthEndpoint(live) as endpoint:
        status, document = await get(endpoint.url.replace("/health", "/status"))
    assert status == 200
    assert (document["status"], document["entity_count"], document["relation_count"]) == ("Running", 1, 0)
    assert document["version"] == (await live.get_system_status()).version
    assert document["process_uptime_seconds"] is None


async def test_it_is_down_without_a_connection(live: InnerUniverseClient) -> None:
    async with HealthEndpoint(live) as endpoint:
        await live.disconnect()
        assert await get(endpoint.url) == (
            503,
            {"status": "Down", "error": "get_system_info: not connected; await connect() first"},
        )
        await live.connect_or_raise()
        assert (await get(endpoint.url))[0] == 200


async def test_it_is_down_while_the_database_does_not_answer(
    live: InnerUniverseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(live, "get_system_info", never)
    async with HealthEndpoint(live, timeout=0.01) as endpoint:
        assert await get(endpoint.url) == (503, {"status": "Down", "error": "no answer within 0.01 s"})


async def test_it_shows_figures_to_prometheus(live: InnerUniverseClient) -> None:
    metrics = PrometheusMetrics(CollectorRegistry())
    metrics.increment("events.published", {"event_type": "TICK"})
    async with HealthEndpoint(live, metrics) as endpoint:
        status, kind, text = await get_text(endpoint.url.replace("/health", "/metrics"))
    assert (status, kind) == (200, "text/plain")
    assert 'events_published_total{event_type="TICK"} 1.0' in text.splitlines()


async def test_without_figures_there_is_no_page_of_them(live: InnerUniverseClient) -> None:
    async with HealthEndpoint(live) as endpoint:
        assert (await get_text(endpoint.url.replace("/health", "/metrics")))[0] == 404


async def test_a_taken_port_leaves_nothing_behind(live: InnerUniverseClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = HealthEndpoint(live, port=listener.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            await endpoint.start()
    with pytest.raises(RuntimeError, match=r"^the health endpoint is not running; await start\(\) first$"):
        _ = endpoint.url
    await endpoint.close()


async def test_starting_and_ending_twice_is_harmless(live: InnerUniverseClient) -> None:
    endpoint = await HealthEndpoint(live).start()
    url = endpoint.url
    assert (await endpoint.start()).url == url
    await endpoint.close()
    await endpoint.close()
