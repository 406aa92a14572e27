"""The official TypeScript client, installed from its registry, against ``inner-universe serve``.

These tests need node, npm and a registry, so they only run when they are asked for by path.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.http_requests import Requests

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "fixtures" / "modules" / "every_type_1_4.wasm"
INSTALL_SECONDS = 180
SCENARIO_SECONDS = 30
STOP_SECONDS = 30


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    named = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    return None if any(path.resolve().is_relative_to(HERE) for path in named) else True


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the installed client and the scenarios."""
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("package.json", "bindings.mjs", "scenarios.mjs"):
        shutil.copy(HERE / name, folder)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=optional"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server that runs as a user would start it, and that ends cleanly on Ctrl-C."""
    command = [sys.executable, "-m", "pytest_inner_universe.cli", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            finally:
                process.kill()
    assert process.returncode == 0


@pytest.fixture
def run(client: Path, server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Run a scenario in a database of its own."""
    anybody = Requests(server)
    token = anybody("POST", "/v1/identity").json()["token"]
    name = "".join(character if character.isalnum() else "-" for character in request.node.name.lower()).strip("-")
    answer = anybody("PUT", f"/v1/database/{name.replace('--', '-')}", MODULE.read_bytes(), token)
    database = answer.json()["Success"]["database_identity"]

    def run_scenario(scenario: str) -> Any:
        result = tmp_path / "result.json"
        command = ["node", "scenarios.mjs", server, database, token, scenario, str(result)]
        done = subprocess.run(
            command, cwd=client, capture_output=True, text=True, timeout=SCENARIO_SECONDS, check=False
        )
        assert result.is_file(), done.stdout + done.stderr
        return json.loads(result.read_text())

    return run_scenario
