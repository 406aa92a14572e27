"""Every test on two backends: what is compared, what is masked, and what a difference looks like.

The part of the real server is played by the embedded one behind its socket front, which tests reach over the network only.
"""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.embedded_host import EmbeddedHost
from pytest_inner_universe.server.remote import RemoteServer
from pytest_inner_universe.testing.modules import bundled_module_path
from pytest_inner_universe.testing.parity import witness
from pytest_inner_universe.testing.universe import Universe

Run = Callable[..., pytest.RunResult]

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
HEAD = """
import pytest
import uuid
import time
from pathlib import Path
from pytest_inner_universe import universe_fixture

PERSON = {"name": None, "description": None, "tags": [], "properties": "{}"}

def unseen(universe, *args):
    '''Publish an event in a way that nobody takes note of.'''
    data = universe.schema.reducers["publish_event"].encode_args(*args)
    universe.handle.call(None, "publish_event", data)

def note(*words):
    with open("noted", "a") as file:
        print(*words, file=file)
"""
REMEDY = [
    "What differs on purpose stands in docs/fidelity.md. A difference that is expected leaves the test out:",
    '  @pytest.mark.universe(parity=False, reason="...")',
]


@pytest.fixture(scope="module", autouse=True)
def used_before() -> None:
    """Use once what inner runs use: what a run in this process loads first is forgotten again at its end."""
    importlib.import_module("pytest_inner_universe.testing.parity.plugin")
    with EmbeddedHost() as host:
        server = RemoteServer(host.url)
        universe = Universe(server.database("before", Module.load_file(bundled_module_path())))
        universe.call("publish_event", "e1", "PING", None, "{}")
        asyncio.run(connect(universe))
        universe.close()
        server.stop()


async def connect(universe: Universe) -> None:
    async with universe.connect() as connection:
        await connection.query("SELECT * FROM entity")


@pytest.fixture(scope="module", params=["1.2", "2.8"])
def release(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def host(release: str) -> Iterator[EmbeddedHost]:
    with EmbeddedHost(release=release) as host:
        yield host


@pytest.fixture
def newest() -> Iterator[EmbeddedHost]:
    with EmbeddedHost() as host:
        yield host


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for rows that will never agree."""
    monkeypatch.setattr(witness, "AGREED_WITHIN", 0.1)


@pytest.fixture
def compare(pytester: pytest.Pytester, run: Run) -> Run:
    """Run tests on the embedded engine and on a host."""

    def compare(host: EmbeddedHost, tests: str, *arguments: str, **options: object) -> pytest.RunResult:
        pytester.makepyfile(test_compared=HEAD + tests)
        where = ("--universe-backend=external", f"--universe-url={host.url}")
        return run("--universe-parity", *where, *arguments, **options)

    return compare


def noted(pytester: pytest.Pytester) -> list[str]:
    return (pytester.path / "noted").read_text("utf-8").splitlines()


def told(result: pytest.RunResult, test: str) -> list[str]:
    """The lines that a report has between a test's name and the next title."""
    lines = result.stdout.lines
    start = next(number for number, line in enumerate(lines) if re.fullmatch(f"_+ {re.escape(test)} _+", line))
    end = next(number for number in range(start + 1, len(lines)) if re.match(r"[_=-]{4}", lines[number]))
    return lines[start + 1 : end]


# What passes


SAME = """
def test_ids_and_moments_of_ones_own(universe):
    ids = [str(uuid.uuid4()) for _ in range(4)]
    for one in ids:
        universe.call("create_entity", one, "Person", {**PERSON, "properties": '{"at": %d}' % (time.time_ns() // 1000)})
    knows = {"description": None, "strength": 1.0, "bidirectional": False, "tags": [], "properties": "{}"}
    universe.call("create_relation", str(uuid.uuid4()), ids[2], ids[1], "KNOWS", knows)

def test_people_and_errors(universe):
    universe.actor("alice").call("publish_event", "e1", "PING", universe.actor("bob").identity.hex(), "{}")
    universe.actor("bob").sql("SELECT * FROM event_log")
    for wrong in (lambda: universe.call("publish_event", "", "PING", None, "{}"), lambda: universe.sql("SELECT *")):
        with pytest.raises(Exception):
            wrong()
    universe.reset()

@pytest.mark.asyncio
async def test_clients(universe, universe_connect):
    async with universe_connect(universe.actor("alice")) as alice, universe_connect() as somebody:
        await alice.subscribe("SELECT * FROM entity", "SELECT * FROM entity WHERE entity_type = 'Person'")
        again = await alice.subscribe("SELECT * FROM entity WHERE entity_type = 'Person'")
        await somebody.subscribe("SELECT * FROM event_log")
        await somebody.call("create_entity", "ada", "Person", PERSON)
        universe.call("create_entity", "paris", "City", PERSON)
        await again.unsubscribe()
        universe.call("delete_entity", "ada", False)
        await somebody.query("SELECT * FROM entity")
        for wrong in (alice.subscribe("SELECT * FROM nix"), alice.query("nix"), alice.call("delete_entity", "x", False)):
            with pytest.raises(Exception):
                await wrong

@pytest.mark.asyncio
async def test_clients_that_leave(universe, universe_connect):
    for number in range(3):
        async with universe_connect() as somebody:
            await somebody.call("publish_event", f"e{number}", "PING", None, "{}")
        universe.call("publish_event", f"f{number}", "PING", None, "{}")

@pytest.mark.asyncio
async def test_the_client_of_inner_universe(universe_client, persistence_manager):
    await universe_client.create_entity("Person", {"name": "Ada"})

class TestClass:
    def test_has_an_instance_for_each_side(self, universe):
        note("instance", universe.backend, hasattr(self, "used"))
        self.used = True

    @pytest.mark.asyncio
    async def test_has_one_for_coroutines_too(self, universe):
        note("coroutine", universe.backend, hasattr(self, "used"))
        self.used = True

def test_asks_late(request):
    note("late", request.getfixturevalue("universe").backend)

@pytest.mark.parametrize("number", [1, 2])
def test_parameters(universe, number):
    universe.call("publish_event", f"e{number}", "PING", None, "{}")

@pytest.mark.xfail
def test_fails_as_expected(universe):
    assert universe.count("entity")

def test_skips(universe):
    pytest.skip("on both sides")

def test_skips_on_one_side(universe):
    if universe.backend == "external":
        pytest.skip("not there")

def test_needs_none():
    note("none")
"""


def test_what_is_the_same_passes(pytester: pytest.Pytester, compare: Run, host: EmbeddedHost) -> None:
    compare(host, SAME).assert_outcomes(passed=12, skipped=1, xfailed=1)
    assert noted(pytester) == [
        *("instance embedded False", "instance external False"),
        *("coroutine embedded False", "coroutine external False"),
        *("late embedded", "late external"),
        "none",
    ]


WIDE = """
shop = universe_fixture("shop", scope="module")

@pytest.fixture(scope="module")
def stocked(shop):
    note("stocked", shop.backend)
    shop.call("publish_event", "e1", "PING", None, "{}")
    yield shop
    note("cleared", shop.backend)

@pytest.fixture(scope="module")
def apart():
    note("apart")

def test_one(stocked, apart):
    stocked.call("publish_event", "e2", "PING", None, "{}")

def test_other(stocked, apart, universe):
    stocked.call("publish_event", "e2", "PING", None, "{}")
    assert universe.count("event_log") < stocked.count("event_log")

@pytest.mark.universe(parity=False, reason="what a test leaves stays here")
def test_out(stocked):
    note("out", stocked.backend)

@pytest.mark.universe(parity=False, reason="what a test leaves stays here")
def test_out_again(stocked):
    note("out", stocked.backend)
"""


def test_universes_of_wider_scopes_are_made_for_each_run(
    pytester: pytest.Pytester, compare: Run, newest: EmbeddedHost
) -> None:
    compare(newest, WIDE).assert_outcomes(passed=4)
    assert noted(pytester) == [
        *("stocked embedded", "apart", "cleared embedded", "stocked external", "cleared external"),
        *("stocked embedded", "cleared embedded", "stocked external", "cleared external"),
        *("stocked external", "out external", "out external", "cleared external"),
    ]


def test_wider_scopes_end_where_they_do_without_the_option(
    pytester: pytest.Pytester, compare: Run, newest: EmbeddedHost
) -> None:
    tests = """
@pytest.fixture(scope="module", autouse=True)
def around(request):
    yield
    note("end", request.module.__name__)

@pytest.mark.parametrize("used", USED)
def test_it(request, used):
    if used:
        request.getfixturevalue("universe")
    note("test", request.module.__name__)
"""
    for name, used in (("test_a", "[1, 0]"), ("test_b", "[0, 1]"), ("test_c", "[0]")):
        pytester.makepyfile(**{name: HEAD + tests.replace("USED", used)})
    compare(newest, "").assert_outcomes(passed=5)
    assert noted(pytester) == [
        *("test test_a", "test test_a", "test test_a", "end test_a"),
        *("test test_b", "test test_b", "test test_b", "end test_b"),
        *("test test_c", "end test_c"),
    ]


@pytest.mark.parametrize("reset", ["reuse", "reducer", "never"])
def test_universes_that_last_do_so_on_each_side(
    pytester: pytest.Pytester, compare: Run, newest: EmbeddedHost, reset: str
) -> None:
    tests = """
def test_one(universe):
    note(universe.count("entity"))
    universe.call("create_entity", "one", "Person", PERSON)

def test_other(universe):
    note(universe.count("entity"))
    universe.call("create_entity", "other", "Person", PERSON)
"""
    compare(newest, tests, f"--universe-reset={reset}").assert_outcomes(passed=2)
    assert noted(pytester) == (["0", "0", "1", "1"] if reset == "never" else ["0"] * 4)


# What differs


TESTS_THAT_DIFFER = """
def test_rows(universe):
    unseen(universe, "e1", "PING" if universe.backend == "embedded" else "PONG", None, "{}")

def test_number_of_rows(universe):
    universe.call("publish_event", "e1", "PING", None, "{}")
    if universe.backend == "external":
        unseen(universe, "e2", "PONG", "me", "{}")

def test_relations(universe):
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for number, one in enumerate(ids):
        universe.call("create_entity", one, f"Type {number}", PERSON)
    unseen(universe, "e1", "PING", ids[universe.backend == "embedded"], "{}")

def test_calls(universe):
    universe.call("publish_event", "e1", "PING", None, "{}")
    for _ in range(2 if universe.backend == "embedded" else 1):
        with pytest.raises(Exception):
            universe.actor("alice").call("publish_event", "", "PING", None, "{}")

def test_errors(universe):
    what = ("", "PING") if universe.backend == "embedded" else ("e1", "")
    with pytest.raises(Exception):
        universe.call("delete_entity", "x", False)
    with pytest.raises(Exception):
        universe.call("publish_event", *what, None, "{}")

def test_statements(universe):
    with pytest.raises(Exception):
        universe.sql("SELECT * FROM " + ("nix" if universe.backend == "embedded" else "nux"))

@pytest.mark.asyncio
async def test_events(universe, universe_connect):
    async with universe_connect(universe.actor("alice")) as alice, universe_connect() as somebody:
        query = "SELECT * FROM event_log WHERE event_type = 'PING'"
        await alice.subscribe(query)
        await somebody.subscribe(query)
        for number in (1, 2) if universe.backend == "embedded" else (2, 1):
            unseen(universe, f"e{number}", "PING", "me", "{}")

def test_moments(universe):
    for name in ("e1", "e2") if universe.backend == "embedded" else ("e2", "e1"):
        unseen(universe, name, "PING", None, "{}")

other = universe_fixture("other")

def test_universes(universe, request):
    if universe.backend == "embedded":
        request.getfixturevalue("other")

def test_one_of_two(universe, other):
    unseen(other, "e1", "PING" if universe.backend == "embedded" else "PONG", None, "{}")

def test_closed(universe):
    if universe.backend == "embedded":
        universe.close()
"""
DIFFERING = {
    "test_rows": [
        "embedded and external differ in table 'event_log' at the end of the test, row event_id: \"e1\", source: None:",
        '  embedded: event_type: "PING"',
        '  external: event_type: "PONG"',
    ],
    "test_number_of_rows": [
        "embedded and external differ in table 'event_log' at the end of the test (3 and 4 rows):",
        "  embedded: no such row",
        '  external: {event_id: "e2", event_type: "PONG", source: "me", timestamp: <moment>, data: "{}"}',
    ],
    "test_relations": [
        'embedded and external differ in table \'event_log\' at the end of the test, row event_id: "e1", event_type: "PING":',
        '  embedded: source: "<uuid 2>"',
        '  external: source: "<uuid 1>"',
    ],
    "test_calls": [
        "embedded and external differ in call 3:",
        "  embedded: alice: publish_event('', 'PING', None, '{}') -> failed: Invalid event_id: must not be empty",
        "  external: nothing",
    ],
    "test_errors": [
        "embedded and external differ in call 2:",
        "  embedded: owner: publish_event('', 'PING', None, '{}') -> failed: Invalid event_id: must not be empty",
        "  external: owner: publish_event('e1', '', None, '{}') -> failed: Invalid event_type: must not be empty",
    ],
    "test_statements": [
        "embedded and external differ in statement 1:",
        "  embedded: owner: SELECT * FROM nix -> refused: no such table: `nix`. If the table exists, it may be marked private.",
        "  external: owner: SELECT * FROM nux -> refused: no such table: `nux`. If the table exists, it may be marked private.",
    ],
    "test_events": [
        "embedded and external differ in alice: event 2:",
        '  embedded: changes {inserted event_log: [{event_id: "e1", event_type: "PING", source: "me", timestamp: <moment>, data: "{}"}]}',
        '  external: changes {inserted event_log: [{event_id: "e2", event_type: "PING", source: "me", timestamp: <moment>, data: "{}"}]}',
    ],
    "test_moments": [
        'embedded and external differ in table \'event_log\' at the end of the test, row event_id: "e1", event_type: "PING":',
        "  embedded: timestamp: <moment 3>",
        "  external: timestamp: <moment 4>",
    ],
    "test_universes": [
        "embedded and external differ in the number of universes:",
        "  embedded: 2",
        "  external: 1",
    ],
    "test_one_of_two": [
        "embedded and external differ in table 'event_log' at the end of the test, row event_id: \"e1\", source: None of universe 2:",
        '  embedded: event_type: "PING"',
        '  external: event_type: "PONG"',
    ],
    "test_closed": [
        "embedded and external differ in the universe at the end of the test:",
        "  embedded: closed",
        "  external: open",
    ],
}


@pytest.mark.usefixtures("impatient")
def test_a_difference_fails_a_test_that_passes_on_both_sides(compare: Run, newest: EmbeddedHost) -> None:
    result = compare(newest, TESTS_THAT_DIFFER)
    result.assert_outcomes(failed=len(DIFFERING))
    for test, expected in DIFFERING.items():
        shown = told(result, test)
        assert len(shown) <= 10
        assert [line.startswith("also differing: ") for line in shown[3:-2]] in ([], [True])
        assert [shown[0], *shown[1:3], *shown[-2:]] == [*expected, *REMEDY]
        failed = f"FAILED test_compared.py::{test} - Failed: embedded and "
        assert any(line.startswith(failed) for line in result.stdout.lines)


# What fails by itself


FAILING = """
def test_on_one(universe):
    universe.call("publish_event", "e1", "PING", None, "{}")
    universe.snapshot()

def test_on_both(universe):
    universe.actor("alice").call("publish_event", "", str(uuid.uuid4()), None, "{}")

def test_in_different_ways(universe):
    universe.call("publish_event", "e1", "PING", None, "{}")
    assert universe.backend == "nowhere"

@pytest.fixture
def broken(universe):
    yield universe
    assert universe.backend == "embedded"

def test_at_its_end(broken):
    pass

def test_only_there(universe):
    assert universe.backend == "external"
"""


def test_who_fails_where_is_said_first(compare: Run, newest: EmbeddedHost) -> None:
    result = compare(newest, FAILING, "-rfE")
    result.assert_outcomes(failed=4, passed=1, errors=1)
    assert told(result, "test_on_one")[0] == "fails on external only; passes on embedded"
    assert told(result, "test_only_there")[0] == "fails on embedded only; passes on external"
    assert told(result, "ERROR at teardown of test_at_its_end")[0] == "fails on external only; passes on embedded"
    lines = result.stdout.lines
    assert "fails on embedded and on external in the same way" in lines
    different = lines.index("fails on both sides in different ways; shown is embedded.")
    assert lines[different + 1] == "external, in call: AssertionError: assert 'external' == 'nowhere'"
    summary = [line for line in lines if line.startswith(("FAILED test_", "ERROR test_"))]
    assert [line.partition(" - ")[0] for line in summary] == [
        *(f"FAILED test_compared.py::test_{name}" for name in ("on_one", "on_both", "in_different_ways", "only_there")),
        "ERROR test_compared.py::test_at_its_end",
    ]
    assert summary[0].partition(" - ")[2].startswith("on external only: ")
    assert summary[1].partition(" - ")[2].startswith("pytest_inner_universe.client.errors.")


def test_each_run_begins_anew(compare: Run, newest: EmbeddedHost) -> None:
    tests = """
def test_it(universe, record_property):
    record_property("backend", universe.backend)
    print("on", universe.backend)
    assert False
"""
    result = compare(newest, tests, "--junitxml=results.xml", "-ojunit_family=legacy")
    result.assert_outcomes(failed=1)
    assert [line for line in result.stdout.lines if line.startswith("on ")] == ["on embedded"]
    results = Path("results.xml").read_text("utf-8")
    assert results.count("<property ") == results.count("<testcase ") == 1


# Who is compared


def test_a_marker_lets_tests_out_and_the_nearest_one_decides(
    pytester: pytest.Pytester, compare: Run, newest: EmbeddedHost
) -> None:
    tests = """
pytestmark = pytest.mark.universe(parity=False, reason="for all")

def test_out(universe):
    note("out", universe.backend)

@pytest.mark.universe(seed=3)
def test_out_with_another_marker(universe):
    note("seed", universe.seed, universe.backend)

@pytest.mark.universe(parity=True)
def test_in(universe):
    note("in", universe.backend)
"""
    compare(newest, tests).assert_outcomes(passed=3)
    assert noted(pytester) == ["out external", "seed 3 external", "in embedded", "in external"]


def test_who_is_left_out_of_a_run_on_the_engine_stays_there(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.universe(parity=False, release="1.2")
        def test_it(universe):
            with pytest.raises(Exception, match="`nix` is not a valid table"):
                universe.sql("SELECT * FROM nix")

        def test_without(): pass
        """
    )
    result = run("--universe-parity", "--universe-binary=nowhere")
    result.assert_outcomes(passed=2)
    assert (
        "universe: embedded and process backends compared, the bundled Inner Universe module, seed 0"
        in result.stdout.lines
    )


def test_ids_and_selection_stay_what_they_are(pytester: pytest.Pytester, compare: Run, newest: EmbeddedHost) -> None:
    tests = """
@pytest.mark.parametrize("number", [1, 2, 3])
def test_it(universe, number):
    note(number, universe.backend)
    assert number != 2 or universe.backend == "embedded"
"""
    cached = ("-pcacheprovider", "-pinner_universe", "-pasyncio")
    result = compare(newest, tests, "-v", *cached)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["test_compared.py::test_it?1? PASSED*", "test_compared.py::test_it?2? FAILED*"])
    (pytester.path / "noted").unlink()
    compare(newest, tests, "--lf", *cached).assert_outcomes(failed=1)
    assert noted(pytester) == ["2 embedded", "2 external"]
    (pytester.path / "noted").unlink()
    compare(newest, tests, "-k", "3").assert_outcomes(passed=1, deselected=2)
    assert noted(pytester) == ["3 embedded", "3 external"]


def test_workers_run_both_sides_of_a_test(compare: Run, newest: EmbeddedHost) -> None:
    tests = """
@pytest.mark.parametrize("number", range(4))
def test_it(universe, number):
    universe.call("publish_event", f"e{number}", "PING", None, "{}")

def test_differs(universe):
    universe.call("publish_event", universe.backend, "PING", None, "{}")

def test_fails_on_one(universe):
    universe.snapshot()
"""
    result = compare(newest, tests, "-n2", plugins=("inner_universe", "asyncio", "xdist"))
    result.assert_outcomes(passed=4, failed=2)
    text = result.stdout.str()
    assert "embedded and external differ in call 1:" in text
    assert "fails on external only; passes on embedded" in text


# Releases and servers


def test_the_engine_imitates_the_release_of_the_server(
    pytester: pytest.Pytester, compare: Run, host: EmbeddedHost, release: str
) -> None:
    tests = """
other = universe_fixture("other", release="2.8")

@pytest.mark.universe(release="1.2")
def test_it(universe, other):
    for one in (universe, other):
        with pytest.raises(Exception) as error:
            one.sql("SELECT * FROM nix")
        note(str(error.value).splitlines()[0])
"""
    compare(host, tests).assert_outcomes(passed=1)
    words = {
        "1.2": "`nix` is not a valid table",
        "2.8": "no such table: `nix`. If the table exists, it may be marked private.",
    }
    assert noted(pytester) == [words[release]] * 4


def test_a_module_that_the_release_does_not_take(compare: Run) -> None:
    tests = "def test_it(universe): pass"
    with EmbeddedHost(release="1.2") as host:
        result = compare(host, tests, f"--universe-module={MODULES / 'every_type_2_8.wasm'}")
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert "cannot run on the imitated release 1.2: abi version 10.4 is not supported" in text


def test_modules_of_2_x_with_views_and_events(compare: Run, newest: EmbeddedHost) -> None:
    tests = """
def test_calls(universe):
    with pytest.raises(Exception):
        universe.call("panics")
    universe.call("add_person", "Ada", 1, 36)

@pytest.mark.asyncio
async def test_clients(universe, universe_connect):
    async with universe_connect() as somebody:
        for table in universe.schema.tables:
            if universe.schema.table(table).is_public:
                await somebody.subscribe(f"SELECT * FROM {table}")
        await somebody.call("add_person", "Ada", team=1, age=36)
        with pytest.raises(Exception):
            await somebody.call("panics")
"""
    compare(newest, tests, f"--universe-module={MODULES / 'every_type_2_8.wasm'}").assert_outcomes(passed=2)


MISSING = {
    "fail": {"errors": 2, "passed": 1},
    "skip": {"skipped": 2, "passed": 1},
    "embedded": {"passed": 3},
}


@pytest.mark.parametrize("missing", MISSING)
def test_a_server_that_is_not_to_be_had(pytester: pytest.Pytester, run: Run, missing: str) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(universe, number):
            with open("noted", "a") as file:
                print(universe.backend, file=file)

        def test_without(): pass
        """
    )
    result = run("--universe-parity", "--universe-binary=nowhere", f"--universe-missing={missing}", "-Wdefault")
    result.assert_outcomes(**MISSING[missing], warnings=result.parseoutcomes().get("warnings", 0))
    if missing == "embedded":
        assert noted(pytester) == ["embedded", "embedded"]
        assert "tests run on the embedded engine: " in result.stdout.str()
    else:
        assert not (pytester.path / "noted").exists()


def test_a_server_that_goes_away_fails_the_test_on_its_side(compare: Run, newest: EmbeddedHost) -> None:
    tests = """
def test_it(universe):
    if universe.backend == "external":
        universe.handle.server._url = "http://127.0.0.1:1"
        universe.handle.server.close_clients()
    universe.call("publish_event", "e1", "PING", None, "{}")
"""
    result = compare(newest, tests)
    result.assert_outcomes(failed=1)
    assert told(result, "test_it")[0] == "fails on external only; passes on embedded"


def test_only_the_embedded_engine_forks(compare: Run, newest: EmbeddedHost) -> None:
    result = compare(newest, "", "--universe-reset=fork")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "with the backend 'external' cannot be used" in result.stderr.str()


def test_without_the_option_there_is_nothing_of_it(pytester: pytest.Pytester, run_apart: Run) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(universe, pytestconfig):
            assert universe.witness is None
            assert not pytestconfig.pluginmanager.has_plugin("inner_universe_parity")
            assert not [name for name in sys.modules if name.startswith("pytest_inner_universe.testing.parity")]
        """
    )
    run_apart().assert_outcomes(passed=1)
