"""A real server as a process of this machine."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import commands, processes
from .binary import Binary, find_binary
from .errors import ServerGone, StartFailed
from .guard import Guard
from .leftovers import Run, begin
from .output import Output
from .readiness import LOOPBACK, POLL_SECONDS, host_in_url, listening_port, port_in, reachable, wait_until_ready
from .remedies import remedy_for
from .remote import RemoteServer

if TYPE_CHECKING:
    from types import TracebackType

START_SECONDS = 30.0
STOP_SECONDS = 5.0
_WRITES_BEHIND_SECONDS = 1.0
"""A release 1.x confirms a change up to half a second before it writes it, and does not catch up when it is ended."""
_OUTPUT_SECONDS = 5.0
_SEARCHED_LINES = 200
_CAUSE = "error:"


class ProcessServer(RemoteServer):
    """Starts a server program, with data and keys in a folder of its own, and ends it again.

    Args:
        binary: The program; looked for unless given, see `find_binary`.
        run: The run that it belongs to; one of its own unless given.
        data_dir: Folder for its data, which is kept; one that is removed at the end unless given.
        in_memory: Whether rows are kept in memory only.
        port: Port to listen on; 0 has the system pick a free one.
        host: Address to listen on; only this machine unless given.
        log_level: What the server logs of itself: ``error``, ``warn``, ``info``, ``debug``, ``trace``; its own choice unless
            given. A ``config.toml`` in ``data_dir`` that somebody else wrote has the last word.
        on_line: Called in a thread with every line that it writes.
        start_timeout: Seconds that it has to come up.
        stop_timeout: Seconds that it has to end when asked, before it is killed.

    Example:
        >>> with ProcessServer() as server:  # doctest: +SKIP
        ...     server.url
        'http://127.0.0.1:41011'
    """

    backend = "process"

    def __init__(
        self,
        binary: Binary | str | os.PathLike[str] | None = None,
        *,
        run: Run | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        in_memory: bool = True,
        port: int = 0,
        host: str = LOOPBACK,
        log_level: str | None = None,
        on_line: Callable[[str], None] | None = None,
        start_timeout: float = START_SECONDS,
        stop_timeout: float = STOP_SECONDS,
    ) -> None:
        super().__init__()
        self._given = binary
        self._run = run
        self._own_run: Run | None = None
        self._data_dir = None if data_dir is None else Path(data_dir).absolute()
        self._used_dir = Path()
        self._in_memory = in_memory
        self._asked_port = port
        self._host = host
        self._log_level = log_level
        self._on_line = on_line
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._stop_signal: int = signal.SIGTERM
        self._output: Output | None = None
        self._guard: Guard | None = None
        self._note: Path | None = None
        self._port: int | None = None
        self._said = threading.Event()
        self._given_up = threading.Event()
        self._end = "it was not started"

    def start(self) -> ProcessServer:
        """Start it and wait until it answers.

        Raises:
            BinaryMissing: There is no program.
            BinaryUnusable: The program cannot be run.
            StartFailed: It ended, or did not answer in time; the text has the last lines of its log.
        """
        if self.is_running:
            return self
        self.stop()
        self.binary = self._given if isinstance(self._given, Binary) else find_binary(self._given)
        run = self._run
        if run is None:
            run = self._own_run = begin()
        self.join(run.id)
        try:
            self._launch(run, self.binary)
            failure = wait_until_ready(self._address, self._is_over, self._start_timeout)
            if failure is not None:
                raise self._start_failure(failure)
        except BaseException:
            self.stop()
            raise
        self._url = self._address()
        return self

    def give_up(self) -> None:
        """Have a start that another thread waits for fail at once, and every later one; for who must not wait for it."""
        self._given_up.set()

    def _is_over(self) -> bool:
        return self._given_up.is_set() or not self.is_running

    def _launch(self, run: Run, binary: Binary) -> None:
        if self._data_dir is None:
            self.forget_people()  # its keys are made anew with its folder
        folder = run.new_folder("server")
        data_dir = self._used_dir = self._data_dir or folder / "data"
        # 1.x ends the same way for both signals; 2.x takes its time to end cleanly for the interrupt only.
        self._stop_signal = signal.SIGINT if binary.version[0] >= 2 and sys.platform != "win32" else signal.SIGTERM
        self.command = commands.start(
            binary,
            data_dir,
            f"{host_in_url(self._host)}:{self._asked_port}",
            key_dir=data_dir,
            in_memory=self._in_memory,
        )
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            if self._log_level is not None:
                commands.configure(data_dir, self._log_level)
            self._process = subprocess.Popen(  # noqa: S603  # the user's own server
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "NO_COLOR": "1"},
                # Ctrl-C reaches all processes of a terminal; the tests that end by it still need the server.
                start_new_session=True,
            )
        except OSError as error:
            reason = f"{error.strerror or error}: {error.filename or data_dir}"
            raise StartFailed(self._shown, reason, None, remedy_for(reason, data_dir, self._asked_port)) from error
        assert self._process.stdout is not None
        self._port = None
        self._said.clear()
        self.log_file = folder / "server.log"
        self._output = Output(self._process.stdout, self.log_file, self._hear)
        self._guard = Guard(self._process.pid, str(data_dir))
        record = processes.record(self._process.pid, str(data_dir))
        self._note = run.note(record) if record is not None else None

    def _hear(self, line: str) -> None:
        if self._port is None and (port := port_in(line)) is not None:
            self._port = port
            self._said.set()
        if self._on_line is not None:
            self._on_line(line)

    def _address(self) -> str | None:
        assert self._process is not None
        # The server speaks of its port when it listens; waiting here is the pause between two looks.
        self._said.wait(POLL_SECONDS)
        port = self._port or listening_port(self._process.pid)
        return None if port is None else f"http://{host_in_url(reachable(self._host))}:{port}"

    def _start_failure(self, missing: str) -> StartFailed:
        assert self._process is not None
        if self._given_up.is_set():
            return StartFailed(self._shown, "it was given up before it was ready", self.log_tail(10))
        if self.is_running:
            reason = f"not ready within {self._start_timeout:g} s; {missing}"
            return StartFailed(self._shown, reason, self.log_tail(10))
        assert self._output is not None
        self._output.finish(_OUTPUT_SECONDS)
        log = self.log_tail(_SEARCHED_LINES)
        reason = processes.ending(self._process.returncode)
        causes = [number for number, line in enumerate(log) if line.lower().startswith(_CAUSE)]
        if causes:
            # What follows is a trace of calls, if anything, and says nothing to a user.
            log = log[: causes[-1] + 1]
            reason += f": {log[-1][len(_CAUSE) :].strip()}"
        hint = remedy_for(reason, self._used_dir, self._asked_port)
        return StartFailed(self._shown, reason, log, hint)

    @property
    def _shown(self) -> str:
        return shlex.join(self.command)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Number of the process.

        Raises:
            ServerGone: It is not running.
        """
        self.check_running()
        assert self._process is not None
        return self._process.pid

    def check_running(self) -> None:
        """Raise `ServerGone` if it is not running."""
        if not self.is_running:
            reason = self._end if self._process is None else processes.ending(self._process.returncode)
            raise ServerGone("process", reason, self.log_tail(10))

    def log_tail(self, count: int) -> list[str]:
        """Return the last lines that the server wrote of itself, without colours."""
        return self._output.tail(count) if self._output is not None else []

    def kill(self) -> None:
        """End it at once, as a crash would; what it kept on disk stays for another `start`."""
        self._finish(ask=False)

    def stop(self) -> None:
        """Ask it to end, kill it when it does not, and remove its folder; does nothing the second time."""
        self._finish(ask=True)
        if self._own_run is not None:
            self._own_run.close()
            self._own_run = None

    def _finish(self, *, ask: bool) -> None:
        self.close_clients()
        process, self._process = self._process, None
        if process is None:
            return
        if ask and not self._in_memory and self.binary.version[0] == 1 and self._url is not None:
            time.sleep(_WRITES_BEHIND_SECONDS)
        try:
            self._end = processes.end_child(process, self._stop_signal if ask else None, self._stop_timeout)
        finally:
            if self._output is not None:
                self._output.finish(_OUTPUT_SECONDS)
            if self._guard is not None:
                self._guard.close()
            if self._note is not None and process.returncode is not None:
                self._note.unlink(missing_ok=True)
            self._url = None

    def __enter__(self) -> ProcessServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
