"""What a run leaves behind in its process: nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

CONFTEST = """
import asyncio
import gc
import threading


def threads():
    return sorted(thread.name for thread in threading.enumerate())


def pytest_configure(config):
    config.threads_before = threads()


def pytest_unconfigure(config):
    from pytest_inner_universe.engine.wasm.instance import Instance

    gc.collect()
    open_instances = [item for item in gc.get_objects() if type(item) is Instance and not item.is_spent]
    print("before:", config.threads_before, "after:", threads(), "instances:", len(open_instances))
"""

TESTS = """
import asyncio
import threading

import pytest

from pytest_inner_universe.client.connection import Connection
from pytest_inner_universe.client.sync import SyncConnection
from pytest_inner_universe.client.websocket import WebSocketTransport


def threads():
    return {thread.name for thread in threading.enumerate()}


def test_in_memory(universe):
    universe.call("publish_event", "e", "T", None, "{}")
    assert "inner-universe-watchdog" in threads()


def test_a_client_that_is_not_closed(universe):
    async def leave():
        return await Connection.open(universe.transport(), universe.schema)

    asyncio.run(leave())


def test_over_a_socket(universe):
    with SyncConnection(WebSocketTransport(universe.url, universe.name, universe.token), universe.schema) as client:
        client.call("publish_event", "e", "T", None, "{}")
        assert "socket front" in threads()


@pytest.mark.universe(module=MODULE)
def test_another_module(universe):
    assert universe.call_procedure("add", 2, 3) == 5
    with pytest.raises(Exception):
        universe.call_procedure("explodes")
"""


def test_no_thread_and_no_instance_of_a_module_stays(
    pytester: pytest.Pytester, run_apart: Callable[..., pytest.RunResult]
) -> None:
    module = Path(__file__).parents[2] / "fixtures" / "modules" / "procedures_2_8.wasm"
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS.replace("MODULE", repr(str(module))))
    result = run_apart()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines("before: ['MainThread'] after: ['MainThread'] instances: 0")
