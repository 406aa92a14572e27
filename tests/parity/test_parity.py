"""Random operations on the embedded server and on a real one: nobody can tell which is which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from support.parity import every_type, inner_universe
from support.parity.machine import Arena, machine_of
from support.parity.sides import embedded_twin
from support.parity.tally import Stopwatch, Tally

from pytest_inner_universe.client.loop_thread import LoopThread
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.remote import RemoteServer

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
STEPS = 60
EXAMPLES = 100
SUBJECTS = {
    "every_type": ("every_type_1_4.wasm", every_type.subject),
    "inner_universe": ("inner_universe_module.wasm", inner_universe.subject),
}


@pytest.fixture(params=SUBJECTS)
def arena(request: pytest.FixtureRequest, real: RemoteServer, tally: Tally) -> Iterator[Arena]:
    file, subject_of = SUBJECTS[request.param]
    module = Module.load_file(MODULES / file)
    embedded = embedded_twin(real, module)
    loop = LoopThread()

    async def session() -> ClientSession:
        return ClientSession(cookie_jar=DummyCookieJar())

    http = loop.run(session())
    yield Arena(subject_of(module), real, embedded, loop, http, tally)
    loop.run(http.close())
    embedded.close()
    loop.close()


@pytest.mark.timeout(0)
def test_same_operations_have_the_same_effects(
    arena: Arena, tally: Tally, first_seed: int, pytestconfig: pytest.Config
) -> None:
    phases = [Phase.generate, *([Phase.shrink] if pytestconfig.getoption("--parity-shrink") else [])]
    machine = machine_of(arena)
    until = tally.operations + tally.wanted // len(SUBJECTS)
    number = first_seed
    with Stopwatch(tally):
        while (left := until - tally.operations) > 0:
            tally.seeds.append(number)
            run_state_machine_as_test(
                seed(number)(machine),
                settings=settings(
                    max_examples=max(2, min(EXAMPLES, left // STEPS)),
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=phases,
                    report_multiple_bugs=False,
                    verbosity=Verbosity.quiet,
                    suppress_health_check=list(HealthCheck),
                    print_blob=False,
                ),
            )
            number += 1
