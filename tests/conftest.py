"""What holds for the whole suite."""

from __future__ import annotations

import gc
import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are made and run says how busy the machine is, nothing about the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run of CI, so that a change is judged by what it changed; a failure says how to repeat it.
settings.register_profile("ci", settings.get_profile("suite"), derandomize=True, print_blob=True)
# `--hypothesis-profile=quick` while a test is being written, `thorough` before a release; `examples` follows them.
settings.register_profile("quick", settings.get_profile("suite"), max_examples=10)
settings.register_profile("thorough", settings.get_profile("suite"), max_examples=2_000)
settings.load_profile("ci" if os.environ.get("CI") else "suite")


def pytest_configure() -> None:
    # Programs that a shell starts in the background ignore Ctrl-C, and so does what they start; tests send it to theirs.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


OLD = pytest.version_tuple < (9,)
"""Whether this is the environment with the oldest of everything."""
STATUS = pytest.StashKey[int]()


def pytest_collection_finish() -> None:
    # Each run of pytest inside a test collects garbage five times at its end; all that was loaded by then is none.
    if OLD:
        gc.collect()
        gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    # On Python 3.10 with the oldest libraries the interpreter was seen to crash while it took itself apart, after all tests
    # had passed and everything was closed. How a run ends is tried by tests in processes of their own.
    if OLD and STATUS in config.stash and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[STATUS])


@pytest.fixture(autouse=True)
def _same_output_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run of pytest inside a test print what a user's terminal shows: on CI, pytest no longer shortens lines."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
