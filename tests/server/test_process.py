"""Servers as processes, with programs that misbehave; real ones are in `tests/servers`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from support.sockets import connect, ends, refusing_port

from pytest_inner_universe.server.errors import BinaryUnusable, ServerGone, StartFailed
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.output import KEPT_LINES, LONGEST_LINE
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.readiness import listening_port, ping, port_in

if TYPE_CHECKING:
    from support.programs import MakeProgram


def test_it_answers_when_it_has_started_and_leaves_nothing_when_it_has_ended(
    make_program: MakeProgram, tmp_path: Path
) -> None:
    with Run(tmp_path / "runs") as run:
        server = ProcessServer(make_program(), run=run)
        assert server.start() is server
        assert server.url == f"http://127.0.0.1:{urlsplit(server.url).port}"
        assert ping(server.url) is None
        assert server.is_running
        server.stop()
        assert not server.is_running
        assert list((run.folder / "records").iterdir()) == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_starting_twice_and_stopping_twice_are_harmless(make_program: MakeProgram, run: Run) -> None:
    server = ProcessServer(make_program(), run=run)
    pid = server.start().pid
    assert server.start().pid == pid
    server.stop()
    server.stop()
    assert server.start().pid != pid
    server.stop()


def test_the_command_line_has_a_folder_and_keys_of_the_runs_own(make_program: MakeProgram, run: Run) -> None:
    with ProcessServer(make_program(), run=run) as server:
        data = run.folder / "server-1" / "data"
        expected = f"start --data-dir {data} --listen-addr 127.0.0.1:0 --jwt-pub-key-path {data}/id.pub "
        expected += f"--jwt-priv-key-path {data}/id --in-memory"
        assert (data / "arguments").read_text("utf-8").split("\n") == expected.split()
        assert server.log_file is not None
        assert server.log_file.read_text("utf-8").startswith("\x1b[33mWARN\x1b[0m starting\n")
    assert server.log_tail(5)[0] == "WARN starting"


def test_a_log_level_goes_into_the_configuration_unless_somebody_else_wrote_it(
    make_program: MakeProgram, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    for level in ("warn", "error"):
        with ProcessServer(make_program(), data_dir=data, log_level=level):
            assert (data / "config.toml").read_text("utf-8").startswith(f'[logs]\nlevel = "{level}"\n')
    (data / "config.toml").write_text("# mine\n", "utf-8")
    with ProcessServer(make_program(), data_dir=data, log_level="info"):
        assert (data / "config.toml").read_text("utf-8") == "# mine\n"


def test_every_line_is_handed_on(make_program: MakeProgram, run: Run) -> None:
    lines: list[str] = []
    with ProcessServer(make_program(), run=run, on_line=lines.append):
        pass
    assert lines[0] == "WARN starting"
    assert lines[1].startswith("DEBUG Starting SpacetimeDB listening on 127.0.0.1:")


def test_a_server_for_every_address_is_reached_on_this_machine(make_program: MakeProgram, run: Run) -> None:
    with ProcessServer(make_program(), run=run, host="0.0.0.0") as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert "--listen-addr 0.0.0.0:0" in " ".join(server.command)


def test_a_start_can_be_given_up_from_another_thread(make_program: MakeProgram, run: Run) -> None:
    server = ProcessServer(make_program("silent"), run=run, start_timeout=60, on_line=lambda _: server.give_up())
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert caught.value.reason == "it was given up before it was ready"
    assert not server.is_running


def test_a_server_that_is_not_ready_at_once_is_asked_again(make_program: MakeProgram, run: Run) -> None:
    with ProcessServer(make_program("slow"), run=run) as server:
        assert ping(server.url) is None


@pytest.mark.parametrize("version", ["1.2.0", "2.8.3"])
def test_a_server_that_does_not_say_its_port_is_found_by_its_sockets(
    version: str, make_program: MakeProgram, run: Run
) -> None:
    with ProcessServer(make_program("mute", version), run=run) as server:
        assert listening_port(server.pid) == urlsplit(server.url).port


def test_what_it_writes_never_stops_it_and_is_kept_within_bounds(make_program: MakeProgram, run: Run) -> None:
    with ProcessServer(make_program("floods"), run=run) as server:
        for _ in range(3):
            assert ping(server.url, timeout=30) is None
    lines = server.log_tail(1_000_000)
    assert len(lines) == KEPT_LINES
    assert max(map(len, lines)) <= LONGEST_LINE
    assert server.log_tail(0) == []


def test_a_server_that_dies_is_reported_with_its_last_words(make_program: MakeProgram, run: Run) -> None:
    server = ProcessServer(make_program("dies"), run=run)
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert str(caught.value) == (
        "the SpacetimeDB server did not start: it ended with code 3: No space left on device (os error 28)\n"
        f"  started: {' '.join(server.command)}\n"
        f"  the disk with {run.folder}/server-1/data is full: make room there, or name another folder\n"
        "  the last that it wrote:\n"
        "    WARN starting\n"
        "    Error: No space left on device (os error 28)"
    )
    assert not server.is_running


def test_a_server_that_never_answers_is_reported_and_ended(
    make_program: MakeProgram, run: Run, an_hour_passes: Callable[..., None]
) -> None:
    server = ProcessServer(make_program("silent"), run=run, start_timeout=60, on_line=an_hour_passes)
    with pytest.raises(StartFailed) as caught:
        server.start()
    assert caught.value.reason == "not ready within 60 s; it did not say where it listens"
    assert caught.value.log == ("WARN starting",)
    assert not server.is_running


def test_a_program_that_cannot_run_is_reported(run: Run) -> None:
    with pytest.raises(BinaryUnusable):
        ProcessServer(Path(__file__), run=run).start()


def test_a_folder_that_cannot_be_made_is_reported(make_program: MakeProgram, run: Run) -> None:
    taken = run.folder / "taken"
    taken.write_text("", "utf-8")
    with pytest.raises(StartFailed) as caught:
        ProcessServer(make_program(), run=run, data_dir=taken / "data").start()
    assert caught.value.reason == f"Not a directory: {taken}/data"


def test_a_server_that_does_not_end_when_asked_is_killed(make_program: MakeProgram, run: Run) -> None:
    server = ProcessServer(make_program("stubborn"), run=run, stop_timeout=0.2).start()
    with connect(server.url) as connection:
        server.stop()
        assert ends(connection)
    with pytest.raises(ServerGone) as caught:
        server.check_running()
    assert caught.value.reason == "it did not end within 0.2 s and was killed"


def test_a_server_that_crashed_says_so_when_it_is_used(make_program: MakeProgram, run: Run) -> None:
    with ProcessServer(make_program(), run=run) as server:
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ServerGone) as caught:
            _ = server.url
    assert str(caught.value).startswith(
        "the server process is not running: it was ended by SIGKILL\n  the last that it wrote:\n    WARN starting\n"
    )


def test_a_server_that_was_not_started_says_so() -> None:
    with pytest.raises(ServerGone) as caught:
        _ = ProcessServer("nowhere").url
    assert str(caught.value) == "the server process is not running: it was not started\n  it wrote nothing"


def test_it_starts_again_on_its_data_after_a_crash(make_program: MakeProgram, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = ProcessServer(make_program(), data_dir=data).start()
    (data / "row").write_text("kept", "utf-8")
    server.kill()
    with server:
        assert (data / "row").read_text("utf-8") == "kept"
    assert (data / "row").exists()


KILLED = """
import sys
from pathlib import Path
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.process import ProcessServer
server = ProcessServer(sys.argv[1], run=Run(Path(sys.argv[2]))).start()
print(server.url, flush=True)
sys.stdin.read()
"""


def test_a_server_ends_with_the_process_that_started_it(make_program: MakeProgram, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", KILLED, str(make_program("stubborn")), str(tmp_path / "runs")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        with connect(starter.stdout.readline().strip()) as connection:
            starter.kill()
            assert ends(connection)


def test_ctrl_c_in_a_terminal_does_not_reach_it(make_program: MakeProgram, run: Run) -> None:
    with ProcessServer(make_program(), run=run) as server:
        assert os.getpgid(server.pid) != os.getpgid(0)


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("DEBUG crates/standalone/src/start.rs:159: Starting SpacetimeDB listening on 127.0.0.1:41011    ", 41011),
        ("listening on [::1]:3000", 3000),
        ("listening on 127.0.0.1:3000 soon", None),
        ("GET http://127.0.0.1:3000", None),
    ],
)
def test_the_port_is_read_from_the_line_that_tells_it(line: str, port: int | None) -> None:
    assert port_in(line) == port


def test_a_ping_says_what_came_instead_of_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert ping(url, timeout=0.05) == "no answer within 0.05 s"
    with refusing_port() as port:
        assert ping(f"http://127.0.0.1:{port}") == "[Errno 111] Connection refused"
