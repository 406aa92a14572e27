"""The command line against a real server that it runs itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "pytest_inner_universe.cli")
MODULE = Path(__file__).parents[2] / "fixtures" / "modules" / "inner_universe_module.wasm"
METADATA = '{"name": {"some": "Ada"}, "description": null, "tags": [], "properties": "{}"}'
SECONDS = 30


def test_from_serving_to_a_cold_copy(tmp_path: Path) -> None:
    environment = {**os.environ, "INNER_UNIVERSE_DB_PATH": "db", "INNER_UNIVERSE_DATABASE": "universe"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    serve = [*COMMAND, "serve", "--backend", "process", "--module", str(MODULE), "--database", "universe", "--json"]
    with subprocess.Popen(serve, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            environment["INNER_UNIVERSE_URL"] = json.loads(server.stdout.readline())["url"]
            follow = [*COMMAND, "logs", "--follow", "--json"]
            with subprocess.Popen(
                follow, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as following:
                assert following.stdout is not None
                first = json.loads(following.stdout.readline())
                assert first["level"] in {"info", "debug"}
                assert run("call", "create_entity", '"ada"', '"Person"', METADATA) == ""
                # The call's own connection is in the log.
                while "identity connected" not in json.loads(following.stdout.readline())["message"]:
                    pass
                following.send_signal(signal.SIGINT)
                assert following.communicate(timeout=SECONDS)[1] == ""
                assert following.returncode == 0
            assert run("sql", "SELECT id FROM entity") == "id\n---\nada\n"
            assert json.loads(run("status", "--json"))["entity_count"] == 1
            assert json.loads(run("export", "kept", "--json"))["tables"]["entity"] == 1
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(SECONDS)
    assert server.returncode == 0
    copied = json.loads(run("backup", "kept.tar.gz", "--json"))
    assert copied["files"] > 0
    assert json.loads(run("restore", "kept.tar.gz", "--check", "--json")) == copied
