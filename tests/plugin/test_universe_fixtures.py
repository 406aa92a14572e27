"""The synchronous fixtures: clean universes, chosen modules, seeds and names, with and without workers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

PAIR = """
ADA = {"name": "Ada", "description": None, "tags": [], "properties": "{}"}

def test_first(universe):
    assert universe.count("entity") == 0
    universe.call("create_entity", "ada", "Person", ADA)
    assert [row["id"] for row in universe.rows("entity")] == ["ada"]

def test_second(universe):
    assert universe.count("entity") == 0
    universe.call("create_entity", "ada", "Mathematician", ADA)
"""
OTHER_MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"


@pytest.fixture
def other_module(pytester: pytest.Pytester) -> Path:
    """A module that is not Inner Universe, in the folder of the inner run."""
    return Path(shutil.copy(OTHER_MODULE, pytester.path / "other.wasm"))


@pytest.mark.parametrize("reset", ["fresh", "reuse"])
def test_every_test_starts_clean(pytester: pytest.Pytester, run: Run, reset: str) -> None:
    pytester.makepyfile(PAIR)
    run(f"--universe-reset={reset}").assert_outcomes(passed=2)


def test_never_resetting_keeps_the_rows(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(PAIR)
    run("--universe-reset=never").assert_outcomes(passed=1, failed=1)


def test_workers_have_universes_of_their_own(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(universe, number, worker_id):
            assert universe.name.startswith(f"universe-{worker_id}-")
            assert universe.count("event_log") == 1  # what init wrote
            universe.call("publish_event", "e1", "PING", None, "{}")
        """
    )
    run("-n2", plugins=("inner_universe", "asyncio", "xdist")).assert_outcomes(passed=8)


MODULE_TEST = """
def test_it(universe, universe_module):
    assert "person" in universe.schema.tables
    assert "person" in universe_module.definition.tables
"""


@pytest.mark.parametrize("source", ["command line", "environment", "ini", "fixture"])
def test_any_module_can_be_chosen(
    pytester: pytest.Pytester, run: Run, clean_environment: pytest.MonkeyPatch, other_module: Path, source: str
) -> None:
    pytester.makepyfile(MODULE_TEST)
    arguments = []
    if source == "command line":
        arguments = ["--universe-module=other.wasm"]
    elif source == "environment":
        clean_environment.setenv("INNER_UNIVERSE_MODULE", "other.wasm")
    elif source == "ini":
        pytester.makeini("[pytest]\nuniverse_module = other.wasm")
    else:
        pytester.makeconftest(
            """
            import pytest

            @pytest.fixture(scope="session")
            def universe_module_path(pytestconfig):
                return pytestconfig.rootpath / "other.wasm"
            """
        )
    run(*arguments).assert_outcomes(passed=1)


def test_the_marker_chooses_module_and_seed_of_one_test(
    pytester: pytest.Pytester, run: Run, other_module: Path
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.universe(module="other.wasm", seed=4)
        def test_marked(universe):
            assert "person" in universe.schema.tables
            assert universe.seed == 4

        @pytest.mark.universe(seed=0)
        def test_seed_alone(universe):
            assert "entity" in universe.schema.tables
            assert universe.seed == 0

        def test_plain(universe):
            assert universe.seed == 9
        """
    )
    run("--universe-seed=9").assert_outcomes(passed=3)


def test_a_folder_can_have_a_module_of_its_own(pytester: pytest.Pytester, run: Run, other_module: Path) -> None:
    for name, table, path in (("ours", "entity", None), ("theirs", "person", other_module)):
        folder = pytester.mkdir(name)
        (folder / f"test_{name}.py").write_text(f"def test_it(universe): assert {table!r} in universe.schema.tables\n")
        if path is not None:
            (folder / "conftest.py").write_text(
                f"import pytest\n@pytest.fixture(scope='session')\ndef universe_module_path(): return {str(path)!r}\n"
            )
    run().assert_outcomes(passed=2)


def test_a_factory_wins_over_everything(pytester: pytest.Pytester, run: Run, other_module: Path) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_inner_universe.testing.fixtures import universe_fixture

        shop = universe_fixture("shop", module="other.wasm", seed=0, scope="module")

        @pytest.mark.universe(seed=5)
        def test_it(universe, shop):
            assert "person" in shop.schema.tables
            assert "entity" in universe.schema.tables
            assert (shop.seed, universe.seed) == (0, 5)
            assert shop.name.startswith("universe-shop-")
            shop.call("add_person", "Ada", 1, 36)

        def test_the_module_shares_it(shop):
            assert shop.count("person") == 1
        """
    )
    run("--universe-seed=9").assert_outcomes(passed=2)


def test_seed_and_name_can_be_overridden(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def universe_name(request):
            return request.node.name.replace("_", "-")

        @pytest.fixture
        def universe_seed():
            return 11

        def test_it(universe, universe_faker):
            assert universe.name.startswith("test-it-")
            assert (universe.seed, universe_faker.seed) == (11, 11)
        """
    )
    run().assert_outcomes(passed=1)


def test_the_configuration_fixture_points_into_a_folder_that_goes_away(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import os

        def test_it(spacetime_config, universe_module_path):
            spacetime_config.validate()
            assert spacetime_config.address == "127.0.0.1"
            assert spacetime_config.log_level == "info"
            assert spacetime_config.module_path == str(universe_module_path)
            os.mkdir(spacetime_config.db_path)
            print(f"<{os.path.dirname(spacetime_config.db_path)}>")
        """
    )
    result = run("-s")
    result.assert_outcomes(passed=1)
    folder = result.stdout.str().partition("<")[2].partition(">")[0]
    assert folder
    assert not pytester.path.joinpath(folder).exists()


def test_doubles_need_no_server(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.asyncio
        async def test_it(mock_inner_universe, universe_simulator):
            seen = []
            await mock_inner_universe.subscribe_event_log_changes(lambda kind, row: seen.append(row))
            rows = await universe_simulator.play_events(mock_inner_universe, 3)
            assert seen == rows
            load = await universe_simulator.play_on(mock_inner_universe, 10)
            assert load.count == 10
        """
    )
    run().assert_outcomes(passed=1)


NO_ADDRESS = (
    "the backend 'external' needs the address of a server.\n"
    "Give it with --universe-url, the ini value universe_url or INNER_UNIVERSE_URL, as http://127.0.0.1:3000."
)


def test_a_missing_backend_fails_the_tests_that_need_it(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_it(universe): pass\ndef test_other(universe): pass\ndef test_none(): pass")
    result = run("--universe-backend=external")
    result.assert_outcomes(errors=2, passed=1)
    assert NO_ADDRESS in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_missing_backend_can_be_skipped_or_replaced(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_it(universe): assert universe.backend == 'embedded'")
    skipped = run("--universe-backend=external", "--universe-missing=skip", "-rs")
    skipped.assert_outcomes(skipped=1)
    assert "the backend 'external' needs the address of a server." in skipped.stdout.str()
    replaced = run("--universe-backend=external", "--universe-missing=embedded", "-Wdefault")
    replaced.assert_outcomes(passed=1)
    assert "tests run on the embedded engine: the backend 'external' needs" in replaced.stdout.str()


def test_a_closed_universe_says_so(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        held = []

        def test_first(universe):
            held.append(universe)

        def test_second():
            held[0].count("entity")
        """
    )
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    assert "UniverseClosed: the universe 'universe-1' is closed." in result.stdout.str()
