"""What a failed test shows of the module's side, and what it leaves behind when asked to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

OTHER_MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "every_type_1_4.wasm"
PANIC = """
def test_it(universe):
    universe.call("add_person", "Ada", 1, 36)
    universe.actor("bob").call("nothing")
    universe.call("panics")
"""


def sections(result: pytest.RunResult) -> dict[str, str]:
    """The sections about universes, by title."""
    found = re.findall(r"^-+ (universe[^\n]*?) -+\n(.*?)(?=^[-=]{5})", result.stdout.str(), re.MULTILINE | re.DOTALL)
    return {title: text.rstrip("\n") for title, text in found}


@pytest.fixture
def panic(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PANIC)
    pytester.makeini(f"[pytest]\nuniverse_module = {OTHER_MODULE}")


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "worker"])
def test_a_panic_shows_its_text_and_place_the_log_and_the_calls(
    panic: None, run_apart: Run, workers: tuple[str, ...]
) -> None:
    result = run_apart(*workers)
    result.assert_outcomes(failed=1)
    shown = sections(result)
    assert list(shown) == ["universe: panic", "universe: module log", "universe: last reducer calls"]
    assert re.fullmatch(r"on purpose\nat src/lib\.rs:\d+", shown["universe: panic"])
    log = shown["universe: module log"].splitlines()
    assert log[0].startswith("INFO  connected: connected (src/lib.rs:")
    assert log[-1].startswith("PANIC panics: on purpose (src/lib.rs:")
    assert shown["universe: last reducer calls"].splitlines()[:2] == [
        "owner: add_person('Ada', 1, 36) -> committed",
        "bob: nothing() -> committed",
    ]
    assert shown["universe: last reducer calls"].splitlines()[2].startswith("owner: panics() -> crashed: ")


def test_a_passing_test_shows_nothing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_it(universe): universe.call('publish_event', 'e', 'PING', None, '{}')")
    assert sections(run("-rA")) == {}


def test_a_failing_test_without_a_universe_shows_nothing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_it(): assert False")
    assert sections(run()) == {}


def test_long_sections_say_how_much_is_missing(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        def test_it(universe):
            for number in range(5):
                universe.call("publish_event", f"e{number}", "PING", None, "{}")
            assert False
        """
    )
    calls = sections(run("--universe-report=2"))["universe: last reducer calls"]
    assert calls.splitlines() == [
        "(3 earlier lines not shown; --universe-report=5 shows all)",
        "owner: publish_event('e3', 'PING', None, '{}') -> committed",
        "owner: publish_event('e4', 'PING', None, '{}') -> committed",
    ]
    assert sections(run("--universe-report=0")) == {}


def test_several_universes_are_told_apart(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        from pytest_inner_universe.testing.fixtures import universe_fixture

        other = universe_fixture("other", scope="module")

        def test_it(universe, other):
            universe.call("publish_event", "e1", "PING", None, "{}")
            other.call("publish_event", "e2", "PONG", None, "{}")
            assert False
        """
    )
    shown = sections(run())
    titles = [title for title in shown if title.endswith("last reducer calls")]
    assert len(titles) == 2
    texts = {shown[title] for title in titles}
    assert texts == {
        "owner: publish_event('e1', 'PING', None, '{}') -> committed",
        "owner: publish_event('e2', 'PONG', None, '{}') -> committed",
    }


def test_a_failure_in_setup_is_reported_as_well(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def filled(universe):
            universe.call("publish_event", "e1", "PING", None, "{}")
            raise LookupError

        def test_it(filled): pass
        """
    )
    assert "universe: last reducer calls" in sections(run())


def test_an_error_of_ours_shows_the_test_s_line_alone(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_call(universe):
            universe.call("publish_evnt", "e1")

        @pytest.mark.asyncio
        async def test_client(universe_connect):
            async with universe_connect() as connection:
                await connection.call("publish_evnt", "e1")
        """
    )
    result = run()
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert text.count("UnknownReducer: ") == 2
    assert "pytest_inner_universe/" not in text
    assert "connection.py" not in text
    assert "universe.py" not in text


def test_an_error_of_ours_is_told_once(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.asyncio
        async def test_relation(universe_client):
            await universe_client.create_relation("ada", "charles", "KNOWS", {})
        """
    )
    result = run()
    result.assert_outcomes(failed=1)
    assert "EntityNotFoundError: entity not found: ada" in result.stdout.str()
    assert "ReducerFailed: " not in result.stdout.str()
    assert "direct cause" not in result.stdout.str()
    assert "ReducerFailed: reducer 'create_relation' failed: Entity not found: ada" in run("-vv").stdout.str()


def test_a_cause_of_the_user_s_is_shown(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        def careless(row):
            raise KeyError("nmae")

        @pytest.mark.asyncio
        async def test_callback(universe_connect):
            async with universe_connect() as connection:
                await connection.subscribe("SELECT * FROM system_info", on_insert=careless, replay=True)
                await connection.drained()
                raise connection.callback_errors[0]
        """
    )
    result = run()
    assert "KeyError: 'nmae'" in result.stdout.str()
    assert 'raise KeyError("nmae")' in result.stdout.str()


def test_other_errors_show_every_frame(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_it(universe): universe.count(['entity'])")
    result = run()
    result.assert_outcomes(failed=1)
    assert "TypeError" in result.stdout.str()
    assert "universe.py" in result.stdout.str()


@pytest.mark.parametrize(
    ("keep", "kept"), [("never", []), ("failed", ["test_bad"]), ("always", ["test_bad", "test_good"])]
)
def test_states_are_kept_as_asked(
    pytester: pytest.Pytester, clean_environment: pytest.MonkeyPatch, keep: str, kept: list[str]
) -> None:
    clean_environment.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        test_kept="""
        def test_good(universe):
            universe.call("publish_event", "e1", "PING", None, "{}")

        def test_bad(universe):
            universe.call("publish_event", "e1", "PING", None, "{}")
            assert False
        """
    )
    result = pytester.runpytest_inprocess("-pinner_universe", "-pno:faulthandler", f"--universe-keep={keep}")
    result.assert_outcomes(passed=1, failed=1)
    folders = sorted(pytester.path.glob(".pytest_cache/d/inner-universe/*/*"))
    assert [folder.parent.name.removeprefix("test_kept.py-") for folder in folders] == kept
    for folder in folders:
        rows = json.loads((folder / "rows.json").read_text())["event_log"]
        assert "PING" in [row["event_type"] for row in rows]
        assert (folder / "calls.txt").read_text() == "owner: publish_event('e1', 'PING', None, '{}') -> committed\n"
        assert (folder / "log.txt").exists()
        about = json.loads((folder / "about.json").read_text())
        assert about["test"] == f"test_kept.py::{folder.parent.name.removeprefix('test_kept.py-')}"
    if keep == "failed":
        assert sections(result)["universe: kept"] == str(folders[0])
