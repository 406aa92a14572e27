from __future__ import annotations

from pathlib import Path

import pytest

from pytest_inner_universe.server import commands
from pytest_inner_universe.server.binary import Binary

SERVER_1 = Binary(Path("/bin/spacetimedb-standalone"), (1, 2, 0), "standalone", "PATH")
SERVER_2 = Binary(Path("/bin/spacetimedb-standalone"), (2, 8, 3), "standalone", "PATH")
CLI_1 = Binary(Path("/bin/spacetime"), (1, 12, 0), "cli", "PATH")
CLI_2 = Binary(Path("/bin/spacetime"), (2, 0, 1), "cli", "PATH")
URL = "http://127.0.0.1:3000"
START = "start --data-dir /d --listen-addr 127.0.0.1:0 --jwt-pub-key-path /k/id.pub --jwt-priv-key-path /k/id".split()


@pytest.mark.parametrize(
    ("binary", "expected"),
    [
        (SERVER_1, ["/bin/spacetimedb-standalone", *START]),
        (SERVER_2, ["/bin/spacetimedb-standalone", *START, "--non-interactive"]),
        (CLI_1, ["/bin/spacetime", *START]),
        (CLI_2, ["/bin/spacetime", *START]),
    ],
)
def test_start(binary: Binary, expected: list[str]) -> None:
    assert commands.start(binary, Path("/d"), "127.0.0.1:0", key_dir=Path("/k")) == expected


def test_start_in_memory() -> None:
    command = commands.start(SERVER_1, Path("/d"), "127.0.0.1:0", key_dir=Path("/k"), in_memory=True)
    assert command == ["/bin/spacetimedb-standalone", *START, "--in-memory"]


@pytest.mark.parametrize(
    ("binary", "delete_data", "expected"),
    [
        (CLI_1, False, []),
        (CLI_2, False, []),
        (CLI_1, True, ["--delete-data"]),
        (CLI_2, True, ["--delete-data", "always"]),
    ],
)
def test_publish(binary: Binary, delete_data: bool, expected: list[str]) -> None:
    command = commands.publish(binary, "name", Path("m.wasm"), URL, delete_data=delete_data)
    assert command == ["/bin/spacetime", "publish", "name", "--bin-path", "m.wasm", "--server", URL, "--yes", *expected]


@pytest.mark.parametrize(("binary", "option"), [(CLI_1, "--project-path"), (CLI_2, "--module-path")])
def test_build(binary: Binary, option: str) -> None:
    assert commands.build(binary, "module") == ["/bin/spacetime", "build", option, "module"]


def test_the_other_commands_are_the_same_in_both_lines() -> None:
    for binary in (CLI_1, CLI_2):
        assert commands.delete(binary, "name", URL) == ["/bin/spacetime", "delete", "name", "--server", URL, "--yes"]
        assert commands.call(binary, "name", "add", ["1", "-2"], URL) == (
            ["/bin/spacetime", "call", "--server", URL, "--", "name", "add", "1", "-2"]
        )
        assert commands.sql(binary, "name", "SELECT * FROM t", URL) == (
            ["/bin/spacetime", "sql", "--server", URL, "--", "name", "SELECT * FROM t"]
        )
        assert commands.logs(binary, "name", URL) == ["/bin/spacetime", "logs", "name", "--server", URL]
        assert commands.logs(binary, "name", URL, 7)[-2:] == ["--num-lines", "7"]
        assert commands.describe(binary, "name", URL) == (
            ["/bin/spacetime", "describe", "--json", "--server", URL, "--", "name"]
        )
        assert commands.login(binary, URL) == ["/bin/spacetime", "login", "--server-issued-login", URL]


def test_a_server_alone_knows_only_how_to_start() -> None:
    with pytest.raises(ValueError) as caught:
        commands.delete(SERVER_1, "name", URL)
    assert str(caught.value) == (
        "/bin/spacetimedb-standalone is a server and knows `start` only; `delete` needs the vendor's command spacetime"
    )


def test_the_log_level_stands_in_the_configuration_and_leaves_the_line_with_the_port() -> None:
    text = commands.configuration("warn")
    assert text == '[logs]\nlevel = "warn"\ndirectives = ["spacetimedb=warn", "spacetimedb_standalone=debug"]\n'
