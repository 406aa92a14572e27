"""Who a process is, so that a number that the system has given away anew is never taken for the old process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class ProcessRecord:
    """What is noted of a process that was started.

    Args:
        pid: Its number.
        started: When it started, in the system's own words.
        marker: A text of its command line that no other process has, such as the path of its own folder.
    """

    pid: int
    started: str
    marker: str

    def runs(self) -> bool:
        """Whether this very process is still there: number, start and command line fit."""
        return started_at(self.pid) == self.started and self.marker in (command_line(self.pid) or "")


def record(pid: int, marker: str) -> ProcessRecord | None:
    """Note who a process is; None where the system does not tell."""
    started = started_at(pid)
    return None if started is None else ProcessRecord(pid, started, marker)


def started_at(pid: int) -> str | None:
    """Return when a process started, None if there is none or the system does not tell."""
    if sys.platform == "linux":
        try:
            # The name in brackets may hold anything; the fields behind it are numbers, the 20th of them is the start.
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else fields[19]
    return _ask_ps(pid, "lstart")


def command_line(pid: int) -> str | None:
    """Return the command line of a process, None if there is none or the system does not tell."""
    if sys.platform == "linux":
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return None
        return os.fsdecode(raw.replace(b"\0", b" ")) or None
    return _ask_ps(pid, "command")


def end(process: ProcessRecord, deadline: float = 5.0) -> bool:
    """Kill a recorded process, if it is still itself; return whether it is gone.

    Args:
        process: The process, which need not be a child of this one.
        deadline: Seconds to wait for its end.
    """
    if not process.runs():
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    limit = time.monotonic() + deadline
    while process.runs():
        if time.monotonic() > limit:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def end_child(process: subprocess.Popen[bytes], ask_with: int | None, timeout: float) -> str:
    """End a process of our own, and return how it ended, in words.

    Args:
        process: The process.
        ask_with: The signal that asks it to end; None to kill it at once.
        timeout: Seconds that it has to end when asked, before it is killed.
    """
    if process.poll() is not None:
        return ending(process.returncode)
    if ask_with is not None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(ask_with)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
            return "it was stopped"
    process.kill()
    process.wait()
    return "it was killed" if ask_with is None else f"it did not end within {timeout:g} s and was killed"


def ending(code: int | None) -> str:
    """Return how a process ended, in words, from what it returned."""
    if code is None:
        return "it runs"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with code {code}"


def _ask_ps(pid: int, field: str) -> str | None:
    ps = shutil.which("ps")
    if ps is None:
        return None
    answer = subprocess.run(  # noqa: S603  # a fixed command and a number
        [ps, "-ww", "-o", f"{field}=", "-p", str(pid)],
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return answer.stdout.decode("utf-8", "replace").strip() or None
