"""Asynchronous fixtures: they live in the test's loop, whatever mode, marker or ini file says which that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

OTHER_MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"
SCOPES = ("function", "class", "module", "package", "session")
HELPERS = """
async def use(universe, client):
    entity = await client.create_entity("Person", {"name": "Ada"})
    assert (await client.get_entity(entity))["metadata"]["name"] == "Ada"
    assert universe.count("entity") == 1

async def connect(universe, universe_connect):
    async with universe_connect() as connection:
        await connection.call("publish_event", "e1", "PING", None, "{}")
        assert "e1" in [row["event_id"] for row in universe.rows("event_log")]
"""
AUTO = ("-o", "asyncio_mode=auto")


@pytest.fixture(autouse=True)
def helpers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(helpers=HELPERS)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_the_client_lives_in_the_loop_of_the_marker(pytester: pytest.Pytester, run: Run, scope: str, mode: str) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        from helpers import use
        pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

        class TestIt:
            async def test_first(self, universe, universe_client):
                await use(universe, universe_client)

            async def test_second(self, universe, universe_client):
                await use(universe, universe_client)
        """
    )
    run("-o", f"asyncio_mode={mode}").assert_outcomes(passed=2)


@pytest.mark.parametrize("scope", SCOPES)
def test_the_client_lives_in_the_loop_of_the_ini_file(pytester: pytest.Pytester, run: Run, scope: str) -> None:
    pytester.makepyfile(
        """
        from helpers import use

        async def test_it(universe, universe_client):
            await use(universe, universe_client)
        """
    )
    run(*AUTO, "-o", f"asyncio_default_test_loop_scope={scope}").assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["strict", "auto"])
@pytest.mark.parametrize("scope", SCOPES)
def test_connections_are_made_in_any_loop(pytester: pytest.Pytester, run: Run, mode: str, scope: str) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        from helpers import connect

        @pytest.mark.asyncio(loop_scope="{scope}")
        async def test_it(universe, universe_connect):
            await connect(universe, universe_connect)
        """
    )
    run("-o", f"asyncio_mode={mode}").assert_outcomes(passed=1)


def test_connections_are_made_under_anyio(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest
        from helpers import connect
        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def test_it(universe, universe_connect):
            await connect(universe, universe_connect)
        """
    )
    run(plugins=("inner_universe", "asyncio", "anyio")).assert_outcomes(passed=1)


def test_a_fixture_of_the_user_shares_the_loop_of_its_test(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest, pytest_asyncio

        @pytest_asyncio.fixture(loop_scope="module")
        async def ada(universe_client):
            return await universe_client.create_entity("Person", {"name": "Ada"})

        @pytest.mark.asyncio(loop_scope="module")
        async def test_it(universe_client, ada):
            assert (await universe_client.get_entity(ada))["id"] == ada
        """
    )
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(("own", "shown"), [("", "function"), ('(loop_scope="class")', "class")])
def test_a_fixture_in_another_loop_is_told_both_scopes(
    pytester: pytest.Pytester, run: Run, own: str, shown: str
) -> None:
    pytester.makepyfile(
        test_mixed=f"""
        import pytest, pytest_asyncio

        @pytest_asyncio.fixture{own}
        async def ada(universe_client):
            return await universe_client.create_entity("Person", {{"name": "Ada"}})

        @pytest.mark.asyncio(loop_scope="module")
        async def test_it(ada):
            pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    assert failure_text(result) == [
        (
            "the fixture 'universe_client' cannot serve the fixture 'ada' of test_mixed.py::test_it: it lives in the test's "
            f"loop (scope 'module'), the other fixture in a loop of scope '{shown}'"
        ),
        (
            "  write @pytest_asyncio.fixture(loop_scope='module') for 'ada', or mark the test with "
            f"@pytest.mark.asyncio(loop_scope='{shown}')"
        ),
    ]


def test_an_anyio_test_is_told_what_to_take_instead(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_anyio="""
        import pytest

        @pytest.mark.anyio
        async def test_it(universe_client): pass
        """
    )
    result = run("-k", "asyncio", plugins=("inner_universe", "asyncio", "anyio"))
    result.assert_outcomes(errors=1)
    assert failure_text(result) == [
        (
            "the fixture 'universe_client' cannot serve test_anyio.py::test_it[asyncio]: it runs in loops of pytest-asyncio, "
            "the test in one of anyio"
        ),
        (
            "  mark the test with @pytest.mark.asyncio, or take the fixture 'universe_connect' and write 'async with "
            "universe_connect() as connection:' in the test (on asyncio)"
        ),
    ]


def test_a_test_without_a_marker_is_told_that_nobody_runs_it(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_plain="async def test_it(universe_client): pass")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            (
                "the fixture 'universe_client' cannot serve test_plain.py::test_it: the test is asynchronous, and in "
                "pytest-asyncio's strict mode nobody runs it without a marker"
            ),
            '  mark the test with @pytest.mark.asyncio, or set asyncio_mode = "auto" in the ini file',
            "==*",
        ],
        consecutive=True,
    )


@pytest.mark.parametrize("fixture", ["universe_client", "spacetime_controller", "persistence_manager"])
def test_another_module_is_told_in_a_few_lines(pytester: pytest.Pytester, run: Run, fixture: str) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.asyncio
        async def test_it({fixture}): pass
        """
    )
    result = run(f"--universe-module={OTHER_MODULE}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            (
                "the module of 'universe-1' is not Inner Universe, whose client needs entity, relation, event_log, "
                "state_version, delta_record."
            ),
            "  its tables: every_type, once, person, secret, seen, team, tick",
            "  for clients of any module, take the fixture 'universe_connect' (without pytest: Universe.connect)",
            "==*",
        ],
        consecutive=True,
    )


def test_without_pytest_asyncio_the_fixture_says_what_to_do(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(test_plain="def test_it(universe_client): pass")
    result = run(plugins=("inner_universe",))
    result.assert_outcomes(errors=1)
    assert failure_text(result) == [
        (
            "the fixture 'universe_client' cannot serve test_plain.py::test_it: it is asynchronous and pytest-asyncio is not "
            "active in this run"
        ),
        (
            "  install pytest-asyncio and let it load (with plugin autoloading switched off: -p asyncio), or take the fixture "
            "'universe_connect' and write 'async with universe_connect() as connection:' in a runner of your own"
        ),
    ]


def test_a_synchronous_call_inside_an_async_test_is_seen_by_the_client(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.asyncio
        async def test_it(universe, universe_client):
            seen = []
            await universe_client.subscribe_event_log_changes(lambda kind, row: seen.append(row["event_id"]))
            universe.call("publish_event", "e1", "PING", None, "{}")
            await universe_client.get_event("e1")
            assert seen[-1] == "e1"
        """
    )
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["function", "module"])
def test_controller_and_manager_share_the_test_s_loop(pytester: pytest.Pytester, run: Run, scope: str) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

        async def test_manager(universe, universe_client, persistence_manager):
            assert persistence_manager.is_initialized()
            assert persistence_manager.client is universe_client
            entity = await persistence_manager.create_entity("Person", {{"name": "Ada"}})
            assert (await universe_client.get_entity(entity))["metadata"]["name"] == "Ada"
            await persistence_manager.commit_version({{"n": 1}}, "first")
            assert universe.count("state_version") == 1

        async def test_controller(universe, spacetime_controller):
            client = await spacetime_controller.start_server_mode()
            assert client is spacetime_controller.client
            await client.create_entity("Person", {{"name": "Ada"}})
            assert universe.count("entity") == 1
            assert await spacetime_controller.stop() == {{"status": "stopped"}}
        """
    )
    run().assert_outcomes(passed=2)


def failure_text(result: pytest.RunResult) -> list[str]:
    """The lines between the title of the first failure and what follows it."""
    lines = result.stdout.lines
    title = next(position for position, line in enumerate(lines) if line.startswith("_") and " ERROR " in line)
    rest = lines[title + 1 :]
    return rest[: next(position for position, line in enumerate(rest) if line.startswith(("=", "-", "_")))]
