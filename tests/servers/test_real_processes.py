"""Real servers as processes: their data, their keys, their end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.on_disk import wait_until_written
from support.sockets import connect, ends, unused_port

from pytest_inner_universe.client.errors import NoSuchDatabase
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.server.binary import find_binary
from pytest_inner_universe.server.errors import ServerGone, StartFailed
from pytest_inner_universe.server.external import ExternalServer
from pytest_inner_universe.server.leftovers import Run, sweep
from pytest_inner_universe.server.process import ProcessServer
from pytest_inner_universe.server.readiness import ping
from pytest_inner_universe.testing.universe import Universe


def test_nothing_is_written_into_the_home(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = find_binary()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with ProcessServer(binary, run=run) as server:
        assert ping(server.url) is None
        assert {"id", "id.pub"} <= {path.name for path in (run.folder / "server-1" / "data").iterdir()}
    assert list(home.iterdir()) == []


def test_two_servers_do_not_meet(run: Run, module: Module) -> None:
    with ProcessServer(run=run) as one, ProcessServer(run=run) as other:
        assert one.url != other.url
        database = one.database("game", module)
        with pytest.raises(NoSuchDatabase):
            other.run(other.api().info(database.name))


def test_a_taken_port_is_named(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartFailed) as caught:
            ProcessServer(run=run, port=port).start()
    assert caught.value.reason == f"it ended with code 1: Address already in use (os error {98})"
    assert caught.value.hint == f"port {port} is taken: end what listens there, or use port 0 to get a free one"


def test_a_port_can_be_chosen(run: Run) -> None:
    port = unused_port()
    with ProcessServer(run=run, port=port) as server:
        assert server.url == f"http://127.0.0.1:{port}"


def test_keys_that_are_none_are_reported_in_the_servers_words(run: Run, tmp_path: Path) -> None:
    for name in ("id", "id.pub"):
        (tmp_path / name).write_text("no key", "utf-8")
    with pytest.raises(StartFailed) as caught:
        ProcessServer(run=run, data_dir=tmp_path).start()
    assert caught.value.reason == "it ended with code 1: InvalidKeyFormat"


@pytest.mark.parametrize("level", ["error", "debug"])
def test_it_starts_with_every_level_of_log(level: str, run: Run) -> None:
    said = threading.Event()

    def hear(line: str) -> None:
        if "listening on" in line:
            said.set()

    with ProcessServer(run=run, log_level=level, on_line=hear) as server:
        # It may answer before this process has read what it said.
        assert said.wait(30)
        assert any("listening on" in line for line in server.log_tail(100))


def test_a_database_on_disk_outlives_a_crash_of_its_server(run: Run, module: Module, tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = ProcessServer(run=run, data_dir=data, in_memory=False).start()
    universe = Universe(server.database("game", module))
    alice = universe.actor("alice").identity
    universe.call("add_person", "Ada", 1, 36)
    old = server.url
    wait_until_written(server, data, module, "Ada")
    server.kill()
    with pytest.raises(ServerGone) as caught:
        universe.call("nothing")
    assert caught.value.reason == "it was killed"
    with server:
        assert server.url != old
        assert [row["name"] for row in universe.rows("person")] == ["Ada"]
        universe.call("add_person", "Grace", 1, 40)
        assert universe.count("person") == 2
        assert universe.actor("alice").identity == alice
        universe.close()


def test_a_crash_is_reported_to_whoever_uses_a_database(run: Run, module: Module) -> None:
    with ProcessServer(run=run) as server:
        universe = Universe(server.database("game", module))
        pid = server.pid
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ServerGone) as caught:
            universe.call("nothing")
        assert caught.value.reason == "it was ended by SIGKILL"
        universe.close()


def test_who_attaches_to_a_server_does_not_stop_it(run: Run, module: Module) -> None:
    with ProcessServer(run=run) as server:
        with ExternalServer(server.url) as attached:
            assert attached.backend == "external"
            kept, closed = attached.database("kept", module), attached.database("closed", module)
            closed.close()
        assert ping(server.url) is None
        assert server.run(server.api().info(kept.name)).identity == kept.identity
        with pytest.raises(NoSuchDatabase):
            server.run(server.api().info(closed.name))


STARTER = """
import os, signal, sys
from pathlib import Path
from pytest_inner_universe.server.leftovers import Run
from pytest_inner_universe.server.process import ProcessServer
server = ProcessServer(run=Run(Path(sys.argv[1]))).start()
if sys.argv[2] == "unguarded":
    os.kill(server._guard._helper.pid, signal.SIGKILL)
print(server.url, server.pid, flush=True)
sys.stdin.read()
"""


def killed_starter(root: Path, guarded: str) -> tuple[socket.socket, int]:
    """Kill a process that has started a server; return a connection to that server, and its number."""
    arguments = [sys.executable, "-c", STARTER, str(root), guarded]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        url, pid = starter.stdout.readline().split()
        connection = connect(url)
        starter.kill()
    return connection, int(pid)


def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    connection, _ = killed_starter(tmp_path, "guarded")
    with connection:
        assert ends(connection)
    assert len(sweep(tmp_path).runs) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_even_the_guard_could_not_end_is_swept_by_the_next_run(tmp_path: Path) -> None:
    connection, pid = killed_starter(tmp_path, "unguarded")
    with connection:
        with Run(tmp_path) as other:
            swept = sweep(tmp_path)
            assert (swept.processes, other.id in swept.runs) == ([pid], False)
        assert ends(connection)
    assert list(tmp_path.iterdir()) == []
