"""``logs`` and ``status``."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.shells import Place, Ran, Run

from pytest_inner_universe.client import SyncHttp
from pytest_inner_universe.server.embedded_host import EmbeddedHost

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00"
STOP_SECONDS = 20


def without_moments(text: str) -> str:
    return re.sub(MOMENT, "NOW", text)


class TestLogs:
    @pytest.fixture(autouse=True)
    def _quarrel(self, typed: Place) -> None:
        with SyncHttp(typed.url, typed.token) as api, pytest.raises(Exception, match="on\x1bpurpose"):
            api.call(typed.database, "fails", ["on\x1bpurpose"])

    def test_lines(self, run: Run) -> None:
        ran = run("logs")
        assert (ran.code, ran.err) == (0, "")
        assert without_moments(ran.out) == (
            "NOW INFO  connected: connected (src/lib.rs:40)\n"
            "NOW ERROR fails: on\\x1bpurpose\n"
            "NOW INFO  disconnected: disconnected (src/lib.rs:43)\n"
        )

    def test_the_newest_of_some_level(self, run: Run) -> None:
        assert without_moments(run("logs", "-n", "2").out) == (
            "NOW ERROR fails: on\\x1bpurpose\nNOW INFO  disconnected: disconnected (src/lib.rs:43)\n"
        )
        assert without_moments(run("logs", "--level", "warn").out) == "NOW ERROR fails: on\\x1bpurpose\n"

    def test_json_lines(self, run: Run) -> None:
        line = json.loads(run("logs", "--json", "--level", "error").out)
        assert re.fullmatch(MOMENT, line.pop("timestamp"))
        assert line == {
            "level": "error",
            "message": "on\x1bpurpose",
            "function": "fails",
            "target": None,
            "filename": None,
            "line": None,
            "trace": [],
        }

    def test_on_a_terminal(self, look: Callable[..., Ran]) -> None:
        ran = look(30, "logs", "--level", "error")
        assert without_moments(ran.out) == "NOW ERROR fails: on\\x1bpurpose\n"

    def test_somebody_else(self, run: Run, typed: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("INNER_UNIVERSE_TOKEN")
        ran = run("logs")
        assert (ran.code, ran.out) == (1, "")
        first, *advice = ran.err.splitlines()
        assert first.startswith(f"inner-universe: GET /v1/database/{typed.database}/logs is not allowed (status 403): ")
        assert advice == [
            "  name the owner's token with --token-file or INNER_UNIVERSE_TOKEN,",
            "  or the folder where publish kept it with --data-dir",
        ]
        assert run("logs", "--follow").err.splitlines()[1:] == advice

    def test_options_that_make_no_sense(self, run: Run) -> None:
        for options, reason in (
            (["-n", "-1"], "argument -n/--lines: '-1' is no whole number from 0 on"),
            (["-n", "x"], "argument -n/--lines: 'x' is no whole number from 0 on"),
            (
                ["--level", "loud"],
                "argument --level: invalid choice: 'loud' (choose from 'trace', 'debug', 'info', 'warn', 'error', 'panic')",
            ),
        ):
            ran = run("logs", *options)
            assert (ran.code, ran.out) == (2, "")
            assert ran.err.replace("'", "") == (
                f"inner-universe logs: error: {reason}\n  inner-universe logs --help shows how it is used\n".replace(
                    "'", ""
                )
            )


class TestFollow:
    COMMAND = (sys.executable, "-m", "pytest_inner_universe.cli", "logs", "--follow", "--json")

    def test_what_comes_is_printed_until_ctrl_c(self, typed: Place) -> None:
        with (
            SyncHttp(typed.url, typed.token) as api,
            subprocess.Popen(self.COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        ):
            try:
                assert process.stdout is not None
                api.call(typed.database, "nothing")
                assert json.loads(process.stdout.readline())["message"] == "connected"
                assert json.loads(process.stdout.readline())["message"] == "disconnected"
                with pytest.raises(Exception, match="later"):
                    api.call(typed.database, "fails", ["later"])
                assert [json.loads(process.stdout.readline())["message"] for _ in range(2)] == ["connected", "later"]
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=STOP_SECONDS)
                assert (process.returncode, err) == (0, "")
            finally:
                process.kill()

    def test_the_end_of_the_server_is_told(self, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
        with EmbeddedHost() as server:
            monkeypatch.setenv("INNER_UNIVERSE_URL", server.url)
            assert run("publish").code == 0
            with subprocess.Popen(self.COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                process.stdout.readline()
                url = server.url
                server.stop()
                _, err = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 3
        assert err == f"inner-universe: the log of inner-universe has ended: the server at {url} closed it\n"


class TestStatus:
    def test_inner_universe(self, run: Run, place: Place) -> None:
        found = json.loads(run("status", "--json").out)
        assert re.fullmatch(MOMENT, found.pop("start_time"))
        assert found.pop("uptime_seconds") >= 0
        assert len(found.pop("owner")) == 64
        assert found == {
            "url": place.url,
            "release": "2.8.3",
            "database": place.database,
            "identity": place.identity,
            "tables": 13,
            "reducers": found["reducers"],
            "status": "Running",
            "version": "0.1.0",
            "schema_version": 1,
            "entity_count": 0,
            "relation_count": 0,
            "event_count": 2,
            "connected_clients": 1,
        }

    def test_another_module(self, run: Run, look: Callable[..., Ran], typed: Place) -> None:
        with SyncHttp(typed.url) as api:
            owner = api.info(typed.database).owner.hex()
        text = (
            f"url       {typed.url}\n"
            "release   2.8.3\n"
            f"database  {typed.database}\n"
            f"identity  {typed.identity}\n"
            f"owner     {owner}\n"
            "tables    8\n"
            "reducers  21\n"
        )
        assert run("status") == Ran(0, text)
        # Long values are not cut in two on a narrow terminal: the terminal does that, and copying them works.
        assert look(40, "status") == Ran(0, text)

    def test_a_database_that_is_not_there(self, run: Run, place: Place) -> None:
        assert run("status", "-d", "not-there") == Ran(
            1,
            "",
            "inner-universe: GET /v1/database/not-there found no such database (status 404): `not-there` not found\n",
        )

    def test_a_server_that_is_not_there(self, run: Run, tmp_path: Path) -> None:
        assert run("status", "--url", "http://127.0.0.1:1") == Ran(
            3, "", "inner-universe: no server could be reached at http://127.0.0.1:1: Connection refused\n"
        )
